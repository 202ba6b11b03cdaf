//! Projects and their keys.

use std::collections::HashMap;

use actix_web::web::{Data, Json, Path};
use mishap_core::id::UserId;
use mishap_storage::projects::{self, Project, keys};
use mishap_storage::{Conn, organizations, teams};

use super::model::organization::OrganizationResponse;
use super::model::project::{
    KeyResponse, ProjectOrganizationResponse, ProjectResponse, ProjectTeamResponse,
};
use crate::AppState;
use crate::access::{Caller, OrgAccess};
use crate::body::Params;
use crate::error::ApiError;
use crate::respond::{Listed, PageParams};

/// `GET /api/0/projects/` — the projects of all the caller's organizations, by name.
pub(super) async fn list(
    state: Data<AppState>,
    caller: Caller,
    page: Params<PageParams>,
) -> Result<Listed<ProjectOrganizationResponse>, ApiError> {
    let mut conn = state.pool.get().await?;
    let user = caller.user();
    let found = projects::list_for_member(&mut conn, user, page.cursor, page.limit).await?;
    let organizations: Vec<_> = found.items.iter().map(|row| row.organization_id).collect();
    let owners: HashMap<_, _> = organizations::list_by_ids(&mut conn, &organizations)
        .await?
        .into_iter()
        .map(|organization| (organization.id, OrganizationResponse::from(&organization)))
        .collect();
    let shown = shown(&mut conn, user, &found.items).await?;
    let items = found
        .items
        .iter()
        .zip(shown)
        .filter_map(|(row, project)| {
            let organization = owners.get(&row.organization_id)?.clone();
            Some(ProjectOrganizationResponse { project, organization })
        })
        .collect();
    let hits = match found.whole() {
        Some(hits) => hits,
        None => projects::count_for_member(&mut conn, user).await?,
    };
    Ok(Listed::new(&found, items, hits))
}

/// `GET /api/0/organizations/{organization}/projects/` — an organization's projects, by name.
pub(super) async fn list_in_organization(
    state: Data<AppState>,
    access: OrgAccess,
    page: Params<PageParams>,
) -> Result<Listed<ProjectTeamResponse>, ApiError> {
    let mut conn = state.pool.get().await?;
    let found = projects::list(&mut conn, access.org(), page.cursor, page.limit).await?;
    let items = with_teams(&mut conn, access.caller.user(), &found.items).await?;
    let hits = match found.whole() {
        Some(hits) => hits,
        None => projects::count(&mut conn, access.org()).await?,
    };
    Ok(Listed::new(&found, items, hits))
}

/// `GET /api/0/projects/{organization}/{project}/` — a project.
pub(super) async fn show(
    state: Data<AppState>,
    access: OrgAccess,
    path: Path<(String, String)>,
) -> Result<Json<ProjectOrganizationResponse>, ApiError> {
    let mut conn = state.pool.get().await?;
    let project = find(&mut conn, &access, &path.1).await?;
    let shown = shown(&mut conn, access.caller.user(), &[project]).await?;
    let project = shown.into_iter().next().ok_or(ApiError::NotFound)?;
    let organization = OrganizationResponse::from(&access.organization);
    Ok(Json(ProjectOrganizationResponse { project, organization }))
}

/// `GET /api/0/projects/{organization}/{project}/keys/` — a project's keys, the newest first.
///
/// An unknown project has no keys: reconcilers rely on the empty list.
pub(super) async fn list_keys(
    state: Data<AppState>,
    access: OrgAccess,
    path: Path<(String, String)>,
    page: Params<PageParams>,
) -> Result<Listed<KeyResponse>, ApiError> {
    let (_organization, slug) = path.into_inner();
    let mut conn = state.pool.get().await?;
    let Some(project) = projects::find(&mut conn, access.org(), &slug).await? else {
        return Ok(Listed::empty());
    };
    let found = keys::list(&mut conn, project.id, page.cursor, page.limit).await?;
    let shown = |key| KeyResponse::new(key, &state.config.public_url);
    let items = found.items.iter().map(shown).collect();
    let hits = match found.whole() {
        Some(hits) => hits,
        None => keys::count(&mut conn, project.id).await?,
    };
    Ok(Listed::new(&found, items, hits))
}

/// The project that a path names.
pub(super) async fn find(
    conn: &mut Conn,
    access: &OrgAccess,
    slug: &str,
) -> Result<Project, ApiError> {
    projects::find(conn, access.org(), slug).await?.ok_or(ApiError::NotFound)
}

/// Projects as an account sees them.
pub(super) async fn shown(
    conn: &mut Conn,
    viewer: UserId,
    rows: &[Project],
) -> Result<Vec<ProjectResponse>, ApiError> {
    let ids: Vec<_> = rows.iter().map(|project| project.id).collect();
    let own = teams::own_projects(conn, viewer, &ids).await?;
    let shown = |project: &Project| ProjectResponse::new(project, own.contains(&project.id));
    Ok(rows.iter().map(shown).collect())
}

/// Projects with their teams, as an account sees them.
pub(super) async fn with_teams(
    conn: &mut Conn,
    viewer: UserId,
    rows: &[Project],
) -> Result<Vec<ProjectTeamResponse>, ApiError> {
    let ids: Vec<_> = rows.iter().map(|project| project.id).collect();
    let mut teams = teams::of_projects(conn, &ids).await?;
    let shown = shown(conn, viewer, rows).await?;
    let teams_of = |project: &Project| teams.remove(&project.id).unwrap_or_default();
    let teams: Vec<_> = rows.iter().map(teams_of).collect();
    let with = |(project, teams): (_, Vec<teams::TeamSlug>)| ProjectTeamResponse {
        project,
        teams: teams.iter().map(Into::into).collect(),
    };
    Ok(shown.into_iter().zip(teams).map(with).collect())
}
