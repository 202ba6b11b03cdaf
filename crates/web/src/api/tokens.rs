//! API tokens. They are made and deleted in a session: no token makes others of itself.

use actix_web::web::{Data, Path};
use chrono::{DateTime, Utc};
use mishap_core::access::{Scope, Scopes};
use mishap_core::id::TokenId;
use mishap_core::secret::ApiToken;
use mishap_storage::accounts::tokens::{self, NewToken};
use schemars::JsonSchema;
use serde_json::Value;

use super::model::token::TokenResponse;
use crate::AppState;
use crate::access::Caller;
use crate::account::token::{self, MAX_LABEL};
use crate::body::{Body, Params};
use crate::error::ApiError;
use crate::fields::{Fields, Payload};
use crate::respond::{Created, Listed, NoContent, PageParams};

/// Scopes that are named at once at most; there are fewer.
const MAX_SCOPES: usize = 100;

/// `GET /api/0/api-tokens/` — the caller's tokens, the newest first, without what they are.
pub(super) async fn list(
    state: Data<AppState>,
    caller: Caller,
    page: Params<PageParams>,
) -> Result<Listed<TokenResponse>, ApiError> {
    let mut conn = state.pool.get().await?;
    let found = tokens::list(&mut conn, caller.user(), page.cursor, page.limit).await?;
    let hits = match found.whole() {
        Some(hits) => hits,
        None => tokens::count(&mut conn, caller.user()).await?,
    };
    let items = found.items.iter().map(TokenResponse::hidden).collect();
    Ok(Listed::new(&found, items, hits))
}

/// A token to be made.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub(super) struct CreateToken {
    /// What its owner calls it; at most 255 characters.
    label: Option<String>,
    /// What it may do: names of scopes, or the sum of their bits.
    #[schemars(with = "Vec<String>")]
    scopes: WantedScopes,
    /// When it stops to count; never if it is left out.
    expires_at: Option<DateTime<Utc>>,
}

/// Scopes as clients say them.
#[derive(Debug)]
enum WantedScopes {
    Names(Vec<String>),
    Bits(i64),
}

impl WantedScopes {
    fn read(fields: &mut Fields<'_>) -> Self {
        match fields.any("scopes") {
            Some(Value::Number(_)) => Self::Bits(fields.integer("scopes", i64::MIN..=i64::MAX)),
            Some(Value::Null) => {
                fields.problem("scopes", "list_type", "Input should be a valid list", None);
                Self::Names(Vec::new())
            }
            Some(_) => Self::Names(fields.texts("scopes", MAX_SCOPES, MAX_LABEL)),
            None => {
                fields.problem("scopes", "missing", "Field required", None);
                Self::Names(Vec::new())
            }
        }
    }

    /// The scopes, if all of them are known.
    fn known(&self) -> Option<Scopes> {
        match self {
            Self::Names(names) => {
                let scopes: Option<Vec<_>> =
                    names.iter().map(|name| Scope::from_name(name)).collect();
                scopes.map(|scopes| Scopes::of(&scopes))
            }
            Self::Bits(bits) => {
                let scopes = Scopes::from_bits(*bits);
                (scopes.bits() == *bits).then_some(scopes)
            }
        }
    }
}

impl Payload for CreateToken {
    fn read(fields: &mut Fields<'_>) -> Self {
        Self {
            label: fields.optional_text("label", MAX_LABEL),
            scopes: WantedScopes::read(fields),
            expires_at: fields.optional_time("expiresAt"),
        }
    }
}

/// `POST /api/0/api-tokens/` — makes a token; the answer alone tells what it is.
pub(super) async fn create(
    state: Data<AppState>,
    caller: Caller,
    body: Body<CreateToken>,
) -> Result<Created<TokenResponse>, ApiError> {
    let CreateToken { label, scopes, expires_at } = body.0;
    let invalid = || ApiError::Rejected("scopes", "Invalid scope".into());
    let scopes = scopes.known().ok_or_else(invalid)?;
    if expires_at.is_some_and(|end| end <= state.clock.now()) {
        return Err(ApiError::Unprocessable("expiresAt must be in the future".into()));
    }
    let secret = ApiToken::generate(state.random.as_ref());
    let label = label.unwrap_or_default();
    let new = NewToken { user: caller.user(), token: &secret, label: &label, scopes, expires_at };
    let mut conn = state.pool.get().await?;
    let made = token::make(&mut conn, &caller.actor(), &new).await?;
    Ok(Created(TokenResponse::revealed(&made, &secret)))
}

/// `DELETE /api/0/api-tokens/{token}/` — deletes a token.
pub(super) async fn delete(
    state: Data<AppState>,
    caller: Caller,
    path: Path<String>,
) -> Result<NoContent, ApiError> {
    let unreadable = |_| {
        let text = "Input should be a valid integer, unable to parse string as an integer";
        ApiError::path("token_id", "int_parsing", text)
    };
    let id: TokenId = path.parse().map_err(unreadable)?;
    let mut conn = state.pool.get().await?;
    let gone = token::delete(&mut conn, &caller.actor(), caller.user(), id).await?;
    gone.map(|_token| NoContent).ok_or(ApiError::NotFound)
}
