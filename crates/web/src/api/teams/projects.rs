//! The projects that teams look after.

use actix_web::web::{Data, Json, Path};
use mishap_core::audit::Action;
use mishap_storage::projects::Project;
use mishap_storage::teams::{self, Team};
use mishap_storage::{Conn, audit, projects, transaction};
use serde_json::json;

use super::find;
use crate::AppState;
use crate::access::OrgAccess;
use crate::api::model::project::ProjectTeamResponse;
use crate::api::model::team::TeamResponse;
use crate::api::projects::{find as find_project, target, with_teams};
use crate::body::Params;
use crate::error::ApiError;
use crate::respond::{Created, Listed, PageParams};

/// `GET /api/0/projects/{organization}/{project}/teams/` — the newest first; an unknown project has
/// none.
pub(in crate::api) async fn list(
    state: Data<AppState>,
    access: OrgAccess,
    path: Path<(String, String)>,
    page: Params<PageParams>,
) -> Result<Listed<TeamResponse>, ApiError> {
    let mut conn = state.pool.get().await?;
    let organization = access.org();
    let Some(Project { id, .. }) = projects::find(&mut conn, organization, &path.1).await? else {
        return Ok(Listed::empty());
    };
    let (cursor, limit) = (page.cursor, page.limit);
    let found =
        teams::list_of_project(&mut conn, organization, id, access.member, cursor, limit).await?;
    let hits = match found.whole() {
        Some(hits) => hits,
        None => teams::count_of_project(&mut conn, id).await?,
    };
    let items = found.items.iter().map(TeamResponse::from).collect();
    Ok(Listed::new(&found, items, hits))
}

/// `POST /api/0/projects/{organization}/{project}/teams/{team}/` — gives a project to a team.
pub(in crate::api) async fn add(
    state: Data<AppState>,
    access: OrgAccess,
    path: Path<(String, String, String)>,
) -> Result<Created<ProjectTeamResponse>, ApiError> {
    let mut conn = state.pool.get().await?;
    let (project, team) = named(&mut conn, &access, &path).await?;
    let actor = access.caller.actor();
    let target = target(&access, &project);
    let details = json!({ "team": team.slug });
    transaction(&mut conn, async |conn: &mut Conn| {
        if teams::add_project(conn, team.id, project.id).await? {
            audit::record(conn, &actor, Action::ProjectTeamAdd, &target, &details).await?;
        }
        Ok(())
    })
    .await?;
    shown(&mut conn, &access, project).await.map(Created)
}

/// `DELETE /api/0/projects/{organization}/{project}/teams/{team}/` — takes a project from a team.
pub(in crate::api) async fn remove(
    state: Data<AppState>,
    access: OrgAccess,
    path: Path<(String, String, String)>,
) -> Result<Json<ProjectTeamResponse>, ApiError> {
    let mut conn = state.pool.get().await?;
    let (project, team) = named(&mut conn, &access, &path).await?;
    let actor = access.caller.actor();
    let target = target(&access, &project);
    let details = json!({ "team": team.slug });
    let was_there = transaction(&mut conn, async |conn: &mut Conn| {
        let was_there = teams::remove_project(conn, team.id, project.id).await?;
        if was_there {
            audit::record(conn, &actor, Action::ProjectTeamRemove, &target, &details).await?;
        }
        Ok(was_there)
    })
    .await?;
    if !was_there {
        return Err(ApiError::NotFound);
    }
    shown(&mut conn, &access, project).await.map(Json)
}

/// The project and the team that a path names.
async fn named(
    conn: &mut Conn,
    access: &OrgAccess,
    path: &Path<(String, String, String)>,
) -> Result<(Project, Team), ApiError> {
    let (_organization, project, team) = &**path;
    Ok((find_project(conn, access, project).await?, find(conn, access, team).await?))
}

async fn shown(
    conn: &mut Conn,
    access: &OrgAccess,
    project: Project,
) -> Result<ProjectTeamResponse, ApiError> {
    let shown = with_teams(conn, access.caller.user(), &[project]).await?;
    shown.into_iter().next().ok_or(ApiError::NotFound)
}
