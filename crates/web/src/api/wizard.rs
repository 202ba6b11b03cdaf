//! sentry-wizard: a program waits for a person to agree, and then fetches what it needs to set itself
//! up.

use actix_web::HttpRequest;
use actix_web::web::{Data, Json, Path};
use chrono::TimeDelta;
use mishap_core::access::{Scope, Scopes};
use mishap_core::audit::Action;
use mishap_core::secret::ApiToken;
use mishap_core::slug::random_letters;
use mishap_storage::accounts::tokens::{self, NewToken};
use mishap_storage::projects::{self, keys};
use mishap_storage::{Conn, audit, transaction, wizards};
use schemars::JsonSchema;

use super::model::project::KeyResponse;
use super::model::token::TokenResponse;
use super::model::wizard::{WizardHashResponse, WizardProjectResponse, WizardResponse};
use super::projects::with_organizations;
use crate::access::{Caller, Via};
use crate::account::token::{details, target};
use crate::body::Body;
use crate::error::ApiError;
use crate::fields::{Fields, Payload};
use crate::throttle::Attempt;
use crate::{AppState, client};

/// How long a wizard waits, and how long what it fetches is kept.
const LIFETIME: TimeDelta = TimeDelta::seconds(600);

/// Length of a hash.
const HASH: usize = 64;

/// Projects that a wizard is shown at most.
const MAX_PROJECTS: i64 = 50;

/// Keys of all those projects that a wizard is shown at most.
const MAX_KEYS: i64 = 1000;

/// What the token that a wizard is given is called.
const LABEL: &str = "sentry-wizard";

/// `GET /api/0/wizard/` — lets a wizard wait.
pub(super) async fn begin(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<Json<WizardHashResponse>, ApiError> {
    let mut conn = state.pool.get().await?;
    let from = client::address(&request, &state.config.trusted_proxies);
    let from = from.map_or_else(String::new, |address| address.to_string());
    if Attempt::Wizard.is_too_often(&mut conn, &state, &from).await? {
        return Err(ApiError::TooMany);
    }
    let hash = random_letters(state.random.as_ref(), HASH);
    wizards::insert(&mut conn, &hash, state.clock.now() + LIFETIME).await?;
    Ok(Json(WizardHashResponse { hash }))
}

/// `GET /api/0/wizard/{hash}/` — what a wizard waited for.
pub(super) async fn fetch(
    state: Data<AppState>,
    path: Path<String>,
) -> Result<Json<WizardResponse>, ApiError> {
    let mut conn = state.pool.get().await?;
    let now = state.clock.now();
    let wizard = wizards::find(&mut conn, &path, now).await?.ok_or(ApiError::NotFound)?;
    let empty = || ApiError::BadRequest("Hash is empty, set it first".into());
    let secret = wizard.token.ok_or_else(empty)?;
    // The person may have thought better of it.
    let owner = tokens::find_owner(&mut conn, secret.hash(), now).await?;
    let (token, user) = owner.ok_or(ApiError::NotFound)?;
    let found = projects::list_for_member(&mut conn, user.id, None, MAX_PROJECTS).await?;
    let ids: Vec<_> = found.items.iter().map(|project| project.id).collect();
    let mut keys = keys::list_of_projects(&mut conn, &ids, MAX_KEYS).await?;
    let projects = with_organizations(&mut conn, user.id, &found.items).await?;
    let url = &state.config.public_url;
    let projects = ids
        .iter()
        .zip(projects)
        .map(|(id, project)| {
            let keys = keys.remove(id).unwrap_or_default();
            let keys = keys.iter().map(|key| KeyResponse::new(key, url)).collect();
            WizardProjectResponse { project, keys }
        })
        .collect();
    Ok(Json(WizardResponse { api_keys: TokenResponse::revealed(&token, &secret), projects }))
}

/// `DELETE /api/0/wizard/{hash}/` — the wizard is done.
pub(super) async fn end(state: Data<AppState>, path: Path<String>) -> Result<Json<()>, ApiError> {
    wizards::delete(&mut *state.pool.get().await?, &path).await?;
    Ok(Json(()))
}

/// Which wizard somebody agrees to.
#[derive(Debug, JsonSchema)]
pub(super) struct Agree {
    /// 64 letters and digits.
    hash: String,
}

impl Payload for Agree {
    fn read(fields: &mut Fields<'_>) -> Self {
        Self { hash: fields.text("hash", HASH..=HASH) }
    }
}

/// `POST /api/0/wizard-set-token/` — makes a token for a wizard that waits.
///
/// GlitchTip gives it a token that is there already; ours are not known any more, so each wizard gets
/// its own. A token that asks for one gets none that lives longer.
pub(super) async fn agree(
    state: Data<AppState>,
    caller: Caller,
    body: Body<Agree>,
) -> Result<Json<()>, ApiError> {
    let Agree { hash } = body.0;
    let (user, actor, now) = (caller.user(), caller.actor(), state.clock.now());
    let secret = ApiToken::generate(state.random.as_ref());
    let expires_at = match &caller.via {
        Via::Token(token) => token.expires_at,
        Via::Session(_) => None,
    };
    let scopes = Scopes::of(&[Scope::ProjectReleases]);
    let new = NewToken { user, token: &secret, label: LABEL, scopes, expires_at };
    let mut conn = state.pool.get().await?;
    let is_known = transaction(&mut conn, async |conn: &mut Conn| {
        if !wizards::set_token(conn, &hash, user, &secret, now, now + LIFETIME).await? {
            return Ok(false);
        }
        let made = tokens::insert(conn, &new).await?;
        audit::record(conn, &actor, Action::TokenCreate, &target(&made), &details(&made)).await?;
        Ok(true)
    })
    .await?;
    if is_known { Ok(Json(())) } else { Err(ApiError::BadRequest("Token not found".into())) }
}
