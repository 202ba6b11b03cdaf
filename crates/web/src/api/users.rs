//! Accounts, as their owners see them. Nobody sees another's.

pub(super) mod emails;
pub(super) mod notifications;
pub(super) mod recovery_codes;

use actix_web::web::{Data, Json, Path};
use mishap_core::audit::Action;
use mishap_core::id::UserId;
use mishap_core::signing::hmac_sha256;
use mishap_storage::accounts::users::User;
use mishap_storage::accounts::{identities, users};
use mishap_storage::{Conn, audit, members, transaction};
use schemars::JsonSchema;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::model::user::{Preferences, UserDetailResponse, UserResponse};
use crate::AppState;
use crate::access::Caller;
use crate::body::{Body, Params};
use crate::error::ApiError;
use crate::fields::{Fields, Payload};
use crate::respond::{Listed, NoContent, PageParams};

/// Longest name, in characters (GlitchTip).
const MAX_NAME: usize = 255;

/// `GET /api/0/users/` — the caller alone.
pub(super) async fn list(
    state: Data<AppState>,
    caller: Caller,
    _page: Params<PageParams>,
) -> Result<Listed<UserResponse>, ApiError> {
    let items = vec![shown(&state, &caller.account).await?];
    Ok(Listed { items, previous: None, next: None, hits: 1 })
}

/// `GET /api/0/users/{user}/` — the caller, whoever is named (GlitchTip).
pub(super) async fn show(
    state: Data<AppState>,
    caller: Caller,
    path: Path<String>,
) -> Result<Json<UserDetailResponse>, ApiError> {
    is_oneself(&caller, &path)?;
    let user = shown(&state, &caller.account).await?;
    let instance = &state.config.instance;
    let key =
        instance.chatwoot_website_token.as_ref().and(instance.chatwoot_identity_token.as_ref());
    let number = caller.user().to_string();
    let sign = |key: &secrecy::SecretString| {
        hmac_sha256(key.expose_secret().as_bytes(), number.as_bytes())
    };
    Ok(Json(UserDetailResponse { user, chatwoot_identifier_hash: key.map(sign) }))
}

/// What a person prefers, and is called.
#[derive(Debug, JsonSchema)]
pub(super) struct UpdateUser {
    /// All preferences: one that is left out is none any more.
    #[schemars(with = "Preferences")]
    options: Option<Preferences>,
    /// At most 255 characters; stays if it is left out.
    name: Option<String>,
}

impl Payload for UpdateUser {
    fn read(fields: &mut Fields<'_>) -> Self {
        Self { options: fields.object("options"), name: fields.optional_text("name", MAX_NAME) }
    }
}

/// `PUT /api/0/users/{user}/` — changes what the caller prefers, and is called.
pub(super) async fn update(
    state: Data<AppState>,
    caller: Caller,
    path: Path<String>,
    body: Body<UpdateUser>,
) -> Result<Json<UserResponse>, ApiError> {
    let user = only_oneself(&caller, &path)?;
    let UpdateUser { options, name } = body.0;
    let options = json!(options.unwrap_or_default());
    let details = json!({ "options": options, "name": name });
    let (actor, target) = (caller.actor(), caller.account_target());
    let mut conn = state.pool.get().await?;
    let changed = transaction(&mut conn, async |conn: &mut Conn| {
        audit::record(conn, &actor, Action::AccountUpdate, &target, &details).await?;
        users::update(conn, user, &options, name.as_deref()).await
    })
    .await?;
    shown(&state, &changed).await.map(Json)
}

/// `DELETE /api/0/users/{user}/` — deletes the caller's account.
pub(super) async fn delete(
    state: Data<AppState>,
    caller: Caller,
    path: Path<String>,
) -> Result<NoContent, ApiError> {
    let user = only_oneself(&caller, &path)?;
    let (actor, target) = (caller.actor(), caller.account_target());
    let mut conn = state.pool.get().await?;
    let is_gone = transaction(&mut conn, async |conn: &mut Conn| {
        if members::is_needed(conn, user).await? {
            return Ok(false);
        }
        users::delete(conn, user).await?;
        audit::record(conn, &actor, Action::AccountDelete, &target, &json!({})).await?;
        Ok(true)
    })
    .await?;
    if !is_gone {
        let text = "User is organization owner. Delete organization or transfer ownership first.";
        return Err(ApiError::BadRequest(text.into()));
    }
    Ok(NoContent)
}

/// An account as it is shown.
pub(super) async fn shown(state: &AppState, user: &User) -> Result<UserResponse, ApiError> {
    let mut conn = state.pool.get().await?;
    let identities = identities::list_of_users(&mut conn, &[user.id]).await?;
    let own = identities.get(&user.id).map(Vec::as_slice).unwrap_or_default();
    Ok(UserResponse::new(user, own))
}

/// Whether a path names the caller: with `me`, or with the account's number.
fn is_oneself(caller: &Caller, named: &str) -> Result<bool, ApiError> {
    if named == "me" {
        return Ok(true);
    }
    let unreadable = |_| {
        let text = "Input should be 'me' or a valid integer";
        ApiError::path("user_id", "int_parsing", text)
    };
    let number: UserId = named.parse().map_err(unreadable)?;
    Ok(number == caller.user())
}

/// The caller, whom alone the path may name.
fn only_oneself(caller: &Caller, named: &str) -> Result<UserId, ApiError> {
    if is_oneself(caller, named)? { Ok(caller.user()) } else { Err(ApiError::NotFound) }
}
