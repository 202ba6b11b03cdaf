//! Environments, and which of them projects hide.

use actix_web::web::{Data, Json, Path};
use mishap_core::audit::Action;
use mishap_storage::environments::{self, Visibility};
use mishap_storage::{Conn, audit, projects, transaction};
use schemars::JsonSchema;
use serde_json::json;

use super::model::environment::{EnvironmentResponse, ProjectEnvironmentResponse};
use super::projects::find as find_project;
use crate::AppState;
use crate::access::OrgAccess;
use crate::body::{Body, Params};
use crate::error::ApiError;
use crate::fields::{Fields, Payload};
use crate::respond::{Listed, PageParams};

/// Longest name, in characters (GlitchTip).
const MAX_NAME: usize = 255;

/// Which environments are asked for.
#[derive(Debug, JsonSchema)]
pub(super) struct EnvironmentParams {
    #[schemars(flatten)]
    page: PageParams,
    /// `visible`, `hidden` or `all`; `visible` if it is missing.
    #[schemars(with = "Option<String>")]
    visibility: Visibility,
}

impl Payload for EnvironmentParams {
    fn read(fields: &mut Fields<'_>) -> Self {
        let choices = [
            ("all", Visibility::All),
            ("hidden", Visibility::Hidden),
            ("visible", Visibility::Visible),
        ];
        let visibility = fields.optional_choice("visibility", &choices);
        Self {
            page: PageParams::read(fields),
            visibility: visibility.unwrap_or(Visibility::Visible),
        }
    }
}

/// `GET /api/0/organizations/{organization}/environments/` — the newest first.
pub(super) async fn list(
    state: Data<AppState>,
    access: OrgAccess,
    params: Params<EnvironmentParams>,
) -> Result<Listed<EnvironmentResponse>, ApiError> {
    let EnvironmentParams { page, visibility } = &*params;
    let mut conn = state.pool.get().await?;
    let (organization, visibility) = (access.org(), *visibility);
    let found =
        environments::list(&mut conn, organization, visibility, page.cursor, page.limit).await?;
    let hits = match found.whole() {
        Some(hits) => hits,
        None => environments::count(&mut conn, organization, visibility).await?,
    };
    let items = found.items.iter().map(EnvironmentResponse::from).collect();
    Ok(Listed::new(&found, items, hits))
}

/// `GET /api/0/projects/{organization}/{project}/environments/` — the newest first; an unknown project
/// has none.
pub(super) async fn list_of_project(
    state: Data<AppState>,
    access: OrgAccess,
    path: Path<(String, String)>,
    params: Params<EnvironmentParams>,
) -> Result<Listed<ProjectEnvironmentResponse>, ApiError> {
    let EnvironmentParams { page, visibility } = &*params;
    let mut conn = state.pool.get().await?;
    let Some(project) = projects::find(&mut conn, access.org(), &path.1).await? else {
        return Ok(Listed::empty());
    };
    let (project, visibility) = (project.id, *visibility);
    let (cursor, limit) = (page.cursor, page.limit);
    let found =
        environments::list_of_project(&mut conn, project, visibility, cursor, limit).await?;
    let hits = match found.whole() {
        Some(hits) => hits,
        None => environments::count_of_project(&mut conn, project, visibility).await?,
    };
    let items = found.items.iter().map(ProjectEnvironmentResponse::from).collect();
    Ok(Listed::new(&found, items, hits))
}

/// Whether an environment is hidden.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub(super) struct HideEnvironment {
    /// Anything: events alone name environments.
    #[expect(dead_code, reason = "clients have to send it, and it changes nothing (GlitchTip)")]
    name: String,
    /// Whether the project hides it.
    is_hidden: bool,
}

impl Payload for HideEnvironment {
    fn read(fields: &mut Fields<'_>) -> Self {
        Self {
            name: fields.text("name", 0..=MAX_NAME),
            is_hidden: fields.boolean("isHidden", None),
        }
    }
}

/// `PUT /api/0/projects/{organization}/{project}/environments/{environment}/` — hides an environment,
/// or shows it again.
pub(super) async fn update(
    state: Data<AppState>,
    access: OrgAccess,
    path: Path<(String, String, String)>,
    body: Body<HideEnvironment>,
) -> Result<Json<ProjectEnvironmentResponse>, ApiError> {
    let HideEnvironment { is_hidden, .. } = body.0;
    let (_organization, project, name) = path.into_inner();
    let mut conn = state.pool.get().await?;
    let project = find_project(&mut conn, &access, &project).await?;
    let found = environments::find_in_project(&mut conn, access.org(), project.id, &name).await?;
    let mut environment = found.ok_or(ApiError::NotFound)?;
    let id = environment.id;
    let actor = access.caller.actor();
    let target = access.target("environment", id, environment.name.as_str());
    let details = json!({ "project": project.slug, "isHidden": [!is_hidden, is_hidden] });
    transaction(&mut conn, async |conn: &mut Conn| {
        if environments::set_hidden(conn, project.id, id, is_hidden).await? {
            audit::record(conn, &actor, Action::EnvironmentUpdate, &target, &details).await?;
        }
        Ok(())
    })
    .await?;
    environment.is_hidden = is_hidden;
    Ok(Json(ProjectEnvironmentResponse::from(&environment)))
}
