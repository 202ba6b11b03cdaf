//! Projects and their keys.

use std::collections::HashMap;

use actix_web::web::{Data, Json, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use mishap_storage::organizations;
use mishap_storage::projects::{self, keys};

use super::model::organization::OrganizationResponse;
use super::model::project::{
    KeyResponse, ProjectOrganizationResponse, ProjectResponse, ProjectTeamResponse,
};
use crate::AppState;
use crate::access::{Access, OrgAccess, ProjectList, ProjectRead};
use crate::error::ApiError;
use crate::respond::{Listed, PageParams};

/// `GET /api/0/projects/` — the projects of all the caller's organizations, by name.
pub(super) async fn list(
    request: HttpRequest,
    state: Data<AppState>,
    access: Access<ProjectList>,
    params: Query<PageParams>,
) -> Result<HttpResponse, ApiError> {
    let (cursor, limit) = (params.cursor()?, params.limit()?);
    let mut conn = state.pool.get().await?;
    let page = projects::list_for_member(&mut conn, access.user, cursor, limit).await?;
    let ids: Vec<_> = page.items.iter().map(|project| project.organization_id).collect();
    let owners: HashMap<_, _> = organizations::list_by_ids(&mut conn, &ids)
        .await?
        .into_iter()
        .map(|organization| (organization.id, OrganizationResponse::from(&organization)))
        .collect();
    let items: Vec<_> = page
        .items
        .iter()
        .filter_map(|project| {
            let organization = owners.get(&project.organization_id)?.clone();
            Some(ProjectOrganizationResponse { project: project.into(), organization })
        })
        .collect();
    let hits = match page.whole() {
        Some(hits) => hits,
        None => projects::count_for_member(&mut conn, access.user).await?,
    };
    let listed = Listed { items, previous: page.previous, next: page.next, hits };
    Ok(listed.respond(&request, &state.public_url))
}

/// `GET /api/0/organizations/{organization}/projects/` — an organization's projects, by name.
pub(super) async fn list_in_organization(
    request: HttpRequest,
    state: Data<AppState>,
    access: OrgAccess<ProjectList>,
    params: Query<PageParams>,
) -> Result<HttpResponse, ApiError> {
    let (cursor, limit) = (params.cursor()?, params.limit()?);
    let mut conn = state.pool.get().await?;
    let page = projects::list(&mut conn, access.org(), cursor, limit).await?;
    let items: Vec<ProjectTeamResponse> =
        page.items.iter().map(ProjectResponse::from).map(Into::into).collect();
    let hits = match page.whole() {
        Some(hits) => hits,
        None => projects::count(&mut conn, access.org()).await?,
    };
    let listed = Listed { items, previous: page.previous, next: page.next, hits };
    Ok(listed.respond(&request, &state.public_url))
}

/// `GET /api/0/projects/{organization}/{project}/` — a project.
pub(super) async fn show(
    state: Data<AppState>,
    access: OrgAccess<ProjectRead>,
    path: Path<(String, String)>,
) -> Result<Json<ProjectOrganizationResponse>, ApiError> {
    let (_organization, slug) = path.into_inner();
    let mut conn = state.pool.get().await?;
    let project = projects::find(&mut conn, access.org(), &slug).await?;
    let project = project.ok_or(ApiError::NotFound)?;
    let organization = OrganizationResponse::from(&access.organization);
    Ok(Json(ProjectOrganizationResponse { project: (&project).into(), organization }))
}

/// `GET /api/0/projects/{organization}/{project}/keys/` — a project's keys, the newest first.
///
/// An unknown project has no keys: reconcilers rely on the empty list.
pub(super) async fn list_keys(
    request: HttpRequest,
    state: Data<AppState>,
    access: OrgAccess<ProjectRead>,
    path: Path<(String, String)>,
    params: Query<PageParams>,
) -> Result<HttpResponse, ApiError> {
    let (_organization, slug) = path.into_inner();
    let (cursor, limit) = (params.cursor()?, params.limit()?);
    let mut conn = state.pool.get().await?;
    let Some(project) = projects::find(&mut conn, access.org(), &slug).await? else {
        let none = Listed::<KeyResponse> { items: vec![], previous: None, next: None, hits: 0 };
        return Ok(none.respond(&request, &state.public_url));
    };
    let page = keys::list(&mut conn, project.id, cursor, limit).await?;
    let items: Vec<_> =
        page.items.iter().map(|key| KeyResponse::new(key, &state.public_url)).collect();
    let hits = match page.whole() {
        Some(hits) => hits,
        None => keys::count(&mut conn, project.id).await?,
    };
    let listed = Listed { items, previous: page.previous, next: page.next, hits };
    Ok(listed.respond(&request, &state.public_url))
}
