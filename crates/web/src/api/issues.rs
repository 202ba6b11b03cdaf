//! Issues.

use actix_web::web::{Data, Json, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use mishap_core::id::{IssueId, OrganizationId};
use mishap_core::issue::IssueStatus;
use mishap_storage::issues::{self, IssueFilter, IssueRow};
use mishap_storage::projects;
use serde::Deserialize;

use super::model::issue::{IssueDetailResponse, IssueResponse};
use crate::AppState;
use crate::access::{Access, EventRead, OrgAccess};
use crate::error::ApiError;
use crate::respond::{Listed, PageParams};

/// Which issues are asked for.
#[derive(Debug, Deserialize)]
pub(super) struct IssueParams {
    #[serde(flatten)]
    page: PageParams,
    query: Option<String>,
}

impl IssueParams {
    /// Where the issues are to stand; everything else of a query comes with the query language.
    fn status(&self) -> Result<Option<IssueStatus>, ApiError> {
        let query = self.query.as_deref().unwrap_or_default().trim();
        if query.is_empty() {
            return Ok(None);
        }
        let status = query.strip_prefix("is:").and_then(IssueStatus::from_name);
        status.map(Some).ok_or_else(|| {
            let help = "Only is:unresolved, is:resolved and is:ignored are understood";
            ApiError::query("query", "value_error", help)
        })
    }
}

/// `GET /api/0/organizations/{organization}/issues/` — the newest-seen first.
pub(super) async fn list(
    request: HttpRequest,
    state: Data<AppState>,
    access: OrgAccess<EventRead>,
    params: Query<IssueParams>,
) -> Result<HttpResponse, ApiError> {
    let filter = IssueFilter { project: None, status: params.status()? };
    let listed = find(&state, access.org(), &filter, &params.page).await?;
    Ok(listed.respond(&request, &state.public_url))
}

/// `GET /api/0/projects/{organization}/{project}/issues/` — an unknown project has none.
pub(super) async fn list_in_project(
    request: HttpRequest,
    state: Data<AppState>,
    access: OrgAccess<EventRead>,
    path: Path<(String, String)>,
    params: Query<IssueParams>,
) -> Result<HttpResponse, ApiError> {
    let (_organization, slug) = path.into_inner();
    let status = params.status()?;
    let mut conn = state.pool.get().await?;
    let project = projects::find(&mut conn, access.org(), &slug).await?;
    drop(conn);
    let listed = match project {
        Some(project) => {
            let filter = IssueFilter { project: Some(project.id), status };
            find(&state, access.org(), &filter, &params.page).await?
        }
        None => Listed { items: vec![], previous: None, next: None, hits: 0 },
    };
    Ok(listed.respond(&request, &state.public_url))
}

async fn find(
    state: &AppState,
    organization: OrganizationId,
    filter: &IssueFilter,
    params: &PageParams,
) -> Result<Listed<IssueResponse>, ApiError> {
    let (cursor, limit) = (params.cursor()?, params.limit()?);
    let mut conn = state.pool.get().await?;
    let found = issues::list(&mut conn, organization, filter, cursor, limit).await?;
    let shown = |row: &IssueRow| IssueResponse::new(row, &state.public_url);
    Ok(Listed {
        items: found.page.items.iter().map(shown).collect(),
        previous: found.page.previous,
        next: found.page.next,
        hits: found.hits,
    })
}

/// `GET /api/0/issues/{issue}/` — an issue.
pub(super) async fn show(
    request: HttpRequest,
    state: Data<AppState>,
    access: Access<EventRead>,
) -> Result<Json<IssueDetailResponse>, ApiError> {
    let issue = visible(&state, &access, &request).await?;
    Ok(Json(IssueDetailResponse {
        issue: IssueResponse::new(&issue, &state.public_url),
        user_report_count: 0,
    }))
}

/// The issue that the path names, if the caller may see it.
///
/// If the path names an organization too, the issue must be one of its.
pub(super) async fn visible(
    state: &AppState,
    access: &Access<EventRead>,
    request: &HttpRequest,
) -> Result<IssueRow, ApiError> {
    let path = request.match_info();
    let issue: IssueId = path
        .get("issue")
        .unwrap_or_default()
        .parse()
        .map_err(|_not_a_number| ApiError::NotFound)?;
    let mut conn = state.pool.get().await?;
    let found = issues::find_for_member(&mut conn, issue, access.user).await?;
    let belongs =
        |row: &IssueRow| path.get("organization").is_none_or(|slug| slug == row.organization_slug);
    found.filter(belongs).ok_or(ApiError::NotFound)
}
