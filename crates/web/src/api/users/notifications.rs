//! What people want to be told.

use std::collections::BTreeMap;

use actix_web::web::{Data, Json, Path};
use mishap_core::audit::Action;
use mishap_core::id::ProjectId;
use mishap_storage::accounts::{alert_choices, users};
use mishap_storage::{Conn, audit, transaction};
use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use super::{is_oneself, only_oneself};
use crate::AppState;
use crate::access::Caller;
use crate::api::model::user::NotificationsResponse;
use crate::body::Body;
use crate::error::ApiError;
use crate::fields::{Fields, Payload};
use crate::respond::NoContent;

/// `GET /api/0/users/{user}/notifications/` — what the caller wants, whoever is named (GlitchTip).
pub(in crate::api) async fn show(
    caller: Caller,
    path: Path<String>,
) -> Result<Json<NotificationsResponse>, ApiError> {
    is_oneself(&caller, &path)?;
    let subscribe_by_default = caller.account.subscribe_by_default;
    Ok(Json(NotificationsResponse { subscribe_by_default }))
}

/// What a person wants.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub(in crate::api) struct UpdateNotifications {
    /// Whether alerts of projects are wanted that nothing was said about.
    #[schemars(default)]
    subscribe_by_default: bool,
}

impl Payload for UpdateNotifications {
    fn read(fields: &mut Fields<'_>) -> Self {
        Self { subscribe_by_default: fields.boolean("subscribeByDefault", Some(true)) }
    }
}

/// `PUT /api/0/users/{user}/notifications/` — says what the caller wants, whoever is named (GlitchTip).
pub(in crate::api) async fn update(
    state: Data<AppState>,
    caller: Caller,
    path: Path<String>,
    body: Body<UpdateNotifications>,
) -> Result<Json<NotificationsResponse>, ApiError> {
    is_oneself(&caller, &path)?;
    let UpdateNotifications { subscribe_by_default } = body.0;
    let details = json!({ "subscribeByDefault": subscribe_by_default });
    let (user, actor, target) = (caller.user(), caller.actor(), caller.account_target());
    let mut conn = state.pool.get().await?;
    transaction(&mut conn, async |conn: &mut Conn| {
        users::set_subscribe_by_default(conn, user, subscribe_by_default).await?;
        audit::record(conn, &actor, Action::AccountUpdate, &target, &details).await
    })
    .await?;
    Ok(Json(NotificationsResponse { subscribe_by_default }))
}

/// `GET /api/0/users/{user}/notifications/alerts/` — what was said of projects: 1 for alerts, 0 for
/// none.
pub(in crate::api) async fn list_choices(
    state: Data<AppState>,
    caller: Caller,
    path: Path<String>,
) -> Result<Json<BTreeMap<String, u8>>, ApiError> {
    let user = only_oneself(&caller, &path)?;
    let choices = alert_choices::list(&mut *state.pool.get().await?, user).await?;
    let shown = |(project, wants): (ProjectId, bool)| (project.to_string(), u8::from(wants));
    Ok(Json(choices.into_iter().map(shown).collect()))
}

/// What is wanted of one project, by its number: 1 for alerts, 0 for none, -1 for what counts by
/// default.
#[derive(Debug, JsonSchema)]
#[schemars(transparent)]
pub(in crate::api) struct Choose(#[schemars(with = "BTreeMap<String, i8>")] Map<String, Value>);

impl Payload for Choose {
    fn read(fields: &mut Fields<'_>) -> Self {
        Self(fields.all().clone())
    }
}

impl Choose {
    /// The project, and what is wanted of it.
    fn parse(self) -> Result<(ProjectId, Option<bool>), ApiError> {
        let unusable =
            || ApiError::Unprocessable("Invalid alert format, expected one value".into());
        let mut entries = self.0.into_iter();
        let (Some((project, status)), None) = (entries.next(), entries.next()) else {
            return Err(unusable());
        };
        let project = project.parse().map_err(|_no_number| unusable())?;
        match status.as_i64() {
            Some(-1) => Ok((project, None)),
            Some(0) => Ok((project, Some(false))),
            Some(1) => Ok((project, Some(true))),
            _ => Err(ApiError::Unprocessable("Invalid status, must be -1, 0, or 1".into())),
        }
    }
}

/// `PUT /api/0/users/{user}/notifications/alerts/` — says what is wanted of one project.
pub(in crate::api) async fn choose(
    state: Data<AppState>,
    caller: Caller,
    path: Path<String>,
    body: Body<Choose>,
) -> Result<NoContent, ApiError> {
    let user = only_oneself(&caller, &path)?;
    let (project, wants_alerts) = body.0.parse()?;
    let details = json!({ "project": project, "wantsAlerts": wants_alerts });
    let (actor, target) = (caller.actor(), caller.account_target());
    let mut conn = state.pool.get().await?;
    let is_known = transaction(&mut conn, async |conn: &mut Conn| {
        let is_changed = match wants_alerts {
            Some(wants) => alert_choices::put(conn, user, project, wants).await?,
            None => alert_choices::delete(conn, user, project).await?,
        };
        if is_changed {
            audit::record(conn, &actor, Action::AccountUpdate, &target, &details).await?;
        }
        Ok(is_changed || wants_alerts.is_none())
    })
    .await?;
    if is_known { Ok(NoContent) } else { Err(ApiError::NotFound) }
}
