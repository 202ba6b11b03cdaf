//! Keys of projects.

use actix_web::web::{Data, Json, Path};
use chrono::{DateTime, TimeDelta, Utc};
use mishap_core::audit::Action;
use mishap_protocol::dsn::PublicKey;
use mishap_storage::audit::Target;
use mishap_storage::projects::keys::{KeyChange, ProjectKey};
use mishap_storage::projects::{self, Project, keys};
use mishap_storage::{Conn, audit, transaction};
use schemars::JsonSchema;
use serde_json::{Value, json};
use uuid::Uuid;

use super::find as find_project;
use crate::AppState;
use crate::access::OrgAccess;
use crate::api::model::project::KeyResponse;
use crate::body::{Body, Params};
use crate::error::ApiError;
use crate::fields::{Fields, Payload};
use crate::respond::{Created, Listed, NoContent, PageParams};

/// Longest name of a key, in characters (GlitchTip).
const MAX_NAME: usize = 64;

/// Largest parts of a limit (GlitchTip).
const MAX_LIMIT: i64 = 32_767;

/// How long a key that is replaced may go on counting at most, in seconds: 90 days.
const MAX_OVERLAP: i64 = 90 * 24 * 60 * 60;

/// `GET /api/0/projects/{organization}/{project}/keys/` — a project's keys, the newest first.
///
/// An unknown project has no keys: reconcilers rely on the empty list.
pub(in crate::api) async fn list(
    state: Data<AppState>,
    access: OrgAccess,
    path: Path<(String, String)>,
    page: Params<PageParams>,
) -> Result<Listed<KeyResponse>, ApiError> {
    let mut conn = state.pool.get().await?;
    let Some(project) = projects::find(&mut conn, access.org(), &path.1).await? else {
        return Ok(Listed::empty());
    };
    let found = keys::list(&mut conn, project.id, page.cursor, page.limit).await?;
    let items = found.items.iter().map(|key| shown(&state, key)).collect();
    let hits = match found.whole() {
        Some(hits) => hits,
        None => keys::count(&mut conn, project.id).await?,
    };
    Ok(Listed::new(&found, items, hits))
}

/// What a key is to be; what is left out stays, or is what it usually is.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub(in crate::api) struct KeySettings {
    /// Up to 64 characters.
    name: Option<String>,
    /// How much may be sent; null for as much as one wants.
    #[schemars(with = "Option<RateLimit>")]
    rate_limit: Option<Option<RateLimit>>,
    /// Whether it is on.
    is_active: Option<bool>,
    /// When it stops to count; null for never.
    #[schemars(with = "Option<String>")]
    expires_at: Option<Option<DateTime<Utc>>>,
}

/// How much may be sent under a key.
#[derive(Debug, Clone, Copy, JsonSchema)]
struct RateLimit {
    /// Seconds, 0 to 32,767.
    window: i32,
    /// Items in a window, 0 to 32,767; 0 for as many as one wants.
    count: i32,
}

impl Payload for RateLimit {
    fn read(fields: &mut Fields<'_>) -> Self {
        let mut part =
            |name| i32::try_from(fields.integer(name, 0..=MAX_LIMIT)).unwrap_or_default();
        Self { window: part("window"), count: part("count") }
    }
}

impl Payload for KeySettings {
    fn read(fields: &mut Fields<'_>) -> Self {
        let (has_limit, has_end) = (fields.has("rateLimit"), fields.has("expiresAt"));
        let (rate_limit, end) =
            (fields.optional_object("rateLimit"), fields.optional_time("expiresAt"));
        Self {
            name: fields.optional_text("name", MAX_NAME),
            rate_limit: has_limit.then_some(rate_limit),
            is_active: fields.optional_boolean("isActive"),
            expires_at: has_end.then_some(end),
        }
    }
}

impl KeySettings {
    fn change(&self) -> KeyChange<'_> {
        let limit = |part: fn(RateLimit) -> i32| self.rate_limit.map(|limit| limit.map(part));
        KeyChange {
            label: self.name.as_deref(),
            is_active: self.is_active,
            rate_limit_count: limit(|limit| limit.count),
            rate_limit_window: limit(|limit| limit.window),
            expires_at: self.expires_at,
        }
    }
}

/// `POST /api/0/projects/{organization}/{project}/keys/` — makes a key.
pub(in crate::api) async fn create(
    state: Data<AppState>,
    access: OrgAccess,
    path: Path<(String, String)>,
    body: Body<KeySettings>,
) -> Result<Created<KeyResponse>, ApiError> {
    let mut conn = state.pool.get().await?;
    let project = find_project(&mut conn, &access, &path.1).await?;
    let (change, actor) = (body.0.change(), access.caller.actor());
    let public_key = PublicKey(state.random.uuid());
    let made = transaction(&mut conn, async |conn: &mut Conn| {
        let key = keys::insert(conn, project.id, public_key, "").await?;
        let Some(key) = keys::update(conn, key.id, &change).await? else {
            return Ok(None);
        };
        let target = target(&access, &project, &key);
        audit::record(conn, &actor, Action::KeyCreate, &target, &json!({})).await?;
        Ok(Some(key))
    })
    .await?;
    let key = made.ok_or(ApiError::NotFound)?;
    Ok(Created(shown(&state, &key)))
}

/// `GET /api/0/projects/{organization}/{project}/keys/{key}/` — a key.
pub(in crate::api) async fn show(
    state: Data<AppState>,
    access: OrgAccess,
    path: Path<(String, String, String)>,
) -> Result<Json<KeyResponse>, ApiError> {
    let mut conn = state.pool.get().await?;
    let (_project, key) = named(&mut conn, &access, &path).await?;
    Ok(Json(shown(&state, &key)))
}

/// `PUT /api/0/projects/{organization}/{project}/keys/{key}/` — changes what was sent of a key.
pub(in crate::api) async fn update(
    state: Data<AppState>,
    access: OrgAccess,
    path: Path<(String, String, String)>,
    body: Body<KeySettings>,
) -> Result<Json<KeyResponse>, ApiError> {
    let mut conn = state.pool.get().await?;
    let (project, before) = named(&mut conn, &access, &path).await?;
    let (change, actor) = (body.0.change(), access.caller.actor());
    let changed = transaction(&mut conn, async |conn: &mut Conn| {
        let Some(after) = keys::update(conn, before.id, &change).await? else {
            return Ok(None);
        };
        let (target, details) = (target(&access, &project, &after), differences(&before, &after));
        audit::record(conn, &actor, Action::KeyUpdate, &target, &details).await?;
        Ok(Some(after))
    })
    .await?;
    let key = changed.ok_or(ApiError::NotFound)?;
    Ok(Json(shown(&state, &key)))
}

/// `DELETE /api/0/projects/{organization}/{project}/keys/{key}/` — deletes a key, be it the last.
pub(in crate::api) async fn delete(
    state: Data<AppState>,
    access: OrgAccess,
    path: Path<(String, String, String)>,
) -> Result<NoContent, ApiError> {
    let mut conn = state.pool.get().await?;
    let (project, key) = named(&mut conn, &access, &path).await?;
    let (actor, target) = (access.caller.actor(), target(&access, &project, &key));
    transaction(&mut conn, async |conn: &mut Conn| {
        if keys::delete(conn, key.id).await? {
            audit::record(conn, &actor, Action::KeyDelete, &target, &json!({})).await?;
        }
        Ok(())
    })
    .await?;
    Ok(NoContent)
}

/// How a key is replaced.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub(in crate::api) struct RotateKey {
    /// Seconds for which the old key goes on counting, 90 days at most.
    overlap_seconds: i64,
}

impl Payload for RotateKey {
    fn read(fields: &mut Fields<'_>) -> Self {
        Self { overlap_seconds: fields.integer("overlapSeconds", 0..=MAX_OVERLAP) }
    }
}

/// `POST /api/0/projects/{organization}/{project}/keys/{key}/rotate/` — makes a key like this one, which
/// ends when everybody had time to change to the new one (ours).
pub(in crate::api) async fn rotate(
    state: Data<AppState>,
    access: OrgAccess,
    path: Path<(String, String, String)>,
    body: Body<RotateKey>,
) -> Result<Created<KeyResponse>, ApiError> {
    let RotateKey { overlap_seconds } = body.0;
    let mut conn = state.pool.get().await?;
    let (project, old) = named(&mut conn, &access, &path).await?;
    let until = state.clock.now() + TimeDelta::seconds(overlap_seconds);
    let (actor, public_key) = (access.caller.actor(), PublicKey(state.random.uuid()));
    let details = json!({ "replaces": old.id, "overlapSeconds": overlap_seconds });
    let made = transaction(&mut conn, async |conn: &mut Conn| {
        let Some(key) = keys::replace(conn, old.id, public_key, until).await? else {
            return Ok(None);
        };
        let target = target(&access, &project, &key);
        audit::record(conn, &actor, Action::KeyRotate, &target, &details).await?;
        Ok(Some(key))
    })
    .await?;
    let key = made.ok_or(ApiError::NotFound)?;
    Ok(Created(shown(&state, &key)))
}

/// The project and the key that a path names.
async fn named(
    conn: &mut Conn,
    access: &OrgAccess,
    path: &Path<(String, String, String)>,
) -> Result<(Project, ProjectKey), ApiError> {
    let (_organization, project, key) = &**path;
    let key: Uuid = key.parse().map_err(|_misplaced_dashes| ApiError::NotFound)?;
    let project = find_project(conn, access, project).await?;
    let key = keys::find_in_project(conn, project.id, PublicKey(key)).await?;
    Ok((project, key.ok_or(ApiError::NotFound)?))
}

fn shown(state: &AppState, key: &ProjectKey) -> KeyResponse {
    KeyResponse::new(key, &state.config.public_url)
}

/// How the audit log tells of a key: it may have no name of its own.
fn target(access: &OrgAccess, project: &Project, key: &ProjectKey) -> Target {
    access.target("key", key.id, format!("{}/{}", project.slug, key.label))
}

/// What is different in a key, for the audit log: before and after.
fn differences(before: &ProjectKey, after: &ProjectKey) -> Value {
    let told = |key: &ProjectKey| {
        [
            ("name", json!(key.label)),
            ("rateLimitCount", json!(key.rate_limit_count)),
            ("rateLimitWindow", json!(key.rate_limit_window)),
            ("isActive", json!(key.is_active)),
            ("expiresAt", json!(key.expires_at)),
        ]
    };
    let both = told(before).into_iter().zip(told(after));
    let changed = both.filter(|(before, after)| before != after);
    changed.map(|((name, before), (_, after))| (name.to_owned(), json!([before, after]))).collect()
}
