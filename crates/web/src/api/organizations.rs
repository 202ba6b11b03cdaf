//! Organizations.

use actix_web::web::{Data, Json, Query};
use actix_web::{HttpRequest, HttpResponse};
use mishap_boot::build_info;
use mishap_storage::{organizations, projects};

use super::model::organization::{OrganizationDetailResponse, OrganizationResponse, RootResponse};
use super::model::project::ProjectResponse;
use crate::AppState;
use crate::access::{Access, OrgAccess, OrgRead};
use crate::error::ApiError;
use crate::respond::{Listed, PageParams};

/// Projects shown with an organization at most.
const MAX_PROJECTS: i64 = 1000;

/// `GET /api/0/` — what server this is.
pub(super) async fn root() -> Json<RootResponse> {
    Json(RootResponse { version: build_info::VERSION, user: None, auth: None })
}

/// `GET /api/0/organizations/` — the caller's organizations, by name.
pub(super) async fn list(
    request: HttpRequest,
    state: Data<AppState>,
    access: Access<OrgRead>,
    params: Query<PageParams>,
) -> Result<HttpResponse, ApiError> {
    let (cursor, limit) = (params.cursor()?, params.limit()?);
    let mut conn = state.pool.get().await?;
    let page = organizations::list_for_member(&mut conn, access.user, cursor, limit).await?;
    let hits = match page.whole() {
        Some(hits) => hits,
        None => organizations::count_for_member(&mut conn, access.user).await?,
    };
    let items = page.items.iter().map(OrganizationResponse::from).collect();
    let listed = Listed { items, previous: page.previous, next: page.next, hits };
    Ok(listed.respond(&request, &state.public_url))
}

/// `GET /api/0/organizations/{organization}/` — an organization with its projects.
pub(super) async fn show(
    state: Data<AppState>,
    access: OrgAccess<OrgRead>,
) -> Result<Json<OrganizationDetailResponse>, ApiError> {
    let mut conn = state.pool.get().await?;
    let page = projects::list(&mut conn, access.org(), None, MAX_PROJECTS).await?;
    Ok(Json(OrganizationDetailResponse {
        organization: OrganizationResponse::from(&access.organization),
        projects: page.items.iter().map(ProjectResponse::from).map(Into::into).collect(),
        teams: Vec::new(),
        access: access.role.access(),
        open_membership: access.organization.open_membership,
    }))
}
