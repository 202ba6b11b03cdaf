//! The addresses of an account.

use actix_web::web::{Data, Json, Path};
use mishap_core::audit::Action;
use mishap_core::email::EmailAddress;
use mishap_core::id::UserId;
use mishap_storage::accounts::emails::{self, MAX_EMAILS, UserEmail};
use mishap_storage::{Conn, PooledConn, audit, transaction};
use schemars::JsonSchema;
use serde_json::json;

use super::{is_oneself, only_oneself};
use crate::AppState;
use crate::access::Caller;
use crate::api::model::user::EmailResponse;
use crate::body::Body;
use crate::error::ApiError;
use crate::fields::{Fields, Payload};
use crate::mail;
use crate::respond::{Created, NoContent};
use crate::throttle::Attempt;

/// `GET /api/0/users/{user}/emails/` — the oldest first.
pub(in crate::api) async fn list(
    state: Data<AppState>,
    caller: Caller,
    path: Path<String>,
) -> Result<Json<Vec<EmailResponse>>, ApiError> {
    let user = only_oneself(&caller, &path)?;
    let found = emails::list(&mut *state.pool.get().await?, user).await?;
    Ok(Json(found.iter().map(Into::into).collect()))
}

/// An address.
#[derive(Debug, JsonSchema)]
pub(in crate::api) struct Address {
    /// The address.
    #[schemars(with = "String")]
    email: Option<EmailAddress>,
}

impl Payload for Address {
    fn read(fields: &mut Fields<'_>) -> Self {
        Self { email: fields.email("email") }
    }
}

impl Address {
    fn email(self) -> Result<EmailAddress, ApiError> {
        self.email.ok_or_else(|| ApiError::BadRequest("email is required".into()))
    }
}

/// `POST /api/0/users/{user}/emails/` — adds an address, and sends a link that proves it.
pub(in crate::api) async fn add(
    state: Data<AppState>,
    caller: Caller,
    path: Path<String>,
    body: Body<Address>,
) -> Result<Created<EmailResponse>, ApiError> {
    let user = only_oneself(&caller, &path)?;
    let email = body.0.email()?;
    let email = email.as_str();
    let mut conn = throttled(&state, user).await?;
    let count = emails::list(&mut conn, user).await?.len();
    if count >= usize::try_from(MAX_EMAILS).unwrap_or(usize::MAX) {
        let text = format!("An account has {MAX_EMAILS} addresses at most");
        return Err(ApiError::BadRequest(text.into()));
    }
    let (actor, target) = (caller.actor(), caller.account_target());
    let (shared, details) = (state.as_ref(), json!({ "added": email }));
    let added = transaction(&mut conn, async |conn: &mut Conn| {
        if emails::is_taken(conn, email, Some(user)).await? {
            return Ok(None);
        }
        let Some(added) = emails::insert(conn, user, email, false, false).await? else {
            return Ok(None);
        };
        mail::confirm_address(conn, shared, &added).await?;
        audit::record(conn, &actor, Action::AddressChange, &target, &details).await?;
        Ok(Some(added))
    })
    .await?;
    let added = added.ok_or_else(|| ApiError::BadRequest("Email already exists".into()))?;
    Ok(Created((&added).into()))
}

/// `PUT /api/0/users/{user}/emails/` — makes a proven address the one that mail goes to, and that the
/// account signs in with.
pub(in crate::api) async fn make_primary(
    state: Data<AppState>,
    caller: Caller,
    path: Path<String>,
    body: Body<Address>,
) -> Result<Json<EmailResponse>, ApiError> {
    let user = only_oneself(&caller, &path)?;
    let email = body.0.email()?;
    let mut conn = state.pool.get().await?;
    let address = find(&mut conn, user, &email).await?;
    if !address.is_verified {
        return Err(ApiError::NotFound);
    }
    let (actor, target) = (caller.actor(), caller.account_target());
    let details = json!({ "primary": address.email });
    let is_made = transaction(&mut conn, async |conn: &mut Conn| {
        if emails::is_taken(conn, &address.email, Some(user)).await? {
            return Ok(false);
        }
        emails::make_primary(conn, &address).await?;
        audit::record(conn, &actor, Action::AddressChange, &target, &details).await?;
        Ok(true)
    })
    .await?;
    if !is_made {
        let text = "Another account signs in with this address";
        return Err(ApiError::Conflict(text.into()));
    }
    Ok(Json((&UserEmail { is_primary: true, ..address }).into()))
}

/// `DELETE /api/0/users/{user}/emails/` — removes an address that is not the primary one.
pub(in crate::api) async fn remove(
    state: Data<AppState>,
    caller: Caller,
    path: Path<String>,
    body: Body<Address>,
) -> Result<NoContent, ApiError> {
    let user = only_oneself(&caller, &path)?;
    let email = body.0.email()?;
    let email = email.as_str();
    let (actor, target) = (caller.actor(), caller.account_target());
    let details = json!({ "removed": email });
    let mut conn = state.pool.get().await?;
    let is_gone = transaction(&mut conn, async |conn: &mut Conn| {
        let is_gone = emails::delete(conn, user, email).await?;
        if is_gone {
            audit::record(conn, &actor, Action::AddressChange, &target, &details).await?;
        }
        Ok(is_gone)
    })
    .await?;
    if is_gone { Ok(NoContent) } else { Err(ApiError::NotFound) }
}

/// `POST /api/0/users/{user}/emails/confirm/` — sends another link that proves an address of the
/// caller's, whoever is named (GlitchTip). One that is proven already needs none.
pub(in crate::api) async fn confirm(
    state: Data<AppState>,
    caller: Caller,
    path: Path<String>,
    body: Body<Address>,
) -> Result<NoContent, ApiError> {
    is_oneself(&caller, &path)?;
    let email = body.0.email()?;
    let mut conn = throttled(&state, caller.user()).await?;
    let address = find(&mut conn, caller.user(), &email).await?;
    if address.is_verified {
        return Ok(NoContent);
    }
    let shared = state.as_ref();
    let is_sent = transaction(&mut conn, async |conn: &mut Conn| {
        mail::confirm_address(conn, shared, &address).await
    })
    .await?;
    if is_sent { Ok(NoContent) } else { Err(ApiError::TooMany) }
}

async fn find(conn: &mut Conn, user: UserId, email: &EmailAddress) -> Result<UserEmail, ApiError> {
    emails::find(conn, user, email.as_str()).await?.ok_or(ApiError::NotFound)
}

/// A connection, unless the account asked for too many mails.
async fn throttled(state: &AppState, user: UserId) -> Result<PooledConn, ApiError> {
    let mut conn = state.pool.get().await?;
    let subject = user.to_string();
    let is_too_often = Attempt::AddressChange.is_too_often(&mut conn, state, &subject).await?;
    if is_too_often { Err(ApiError::TooMany) } else { Ok(conn) }
}
