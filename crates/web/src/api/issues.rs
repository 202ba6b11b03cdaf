//! Issues.

use actix_web::HttpRequest;
use actix_web::web::{Data, Json, Path};
use mishap_core::id::{IssueId, OrganizationId};
use mishap_core::issue::IssueStatus;
use mishap_storage::issues::{self, IssueFilter, IssueRow};
use mishap_storage::projects;
use schemars::JsonSchema;

use super::model::issue::{IssueDetailResponse, IssueResponse};
use crate::AppState;
use crate::access::{Caller, OrgAccess};
use crate::body::Params;
use crate::error::ApiError;
use crate::fields::{Fields, Payload};
use crate::respond::{Listed, PageParams};

/// Which issues are asked for.
#[derive(Debug, JsonSchema)]
pub(super) struct IssueParams {
    #[schemars(flatten)]
    page: PageParams,
    /// `is:unresolved`, `is:resolved` or `is:ignored`; all of them if it is empty.
    #[schemars(with = "Option<String>")]
    query: Option<IssueStatus>,
}

impl Payload for IssueParams {
    fn read(fields: &mut Fields<'_>) -> Self {
        let query = fields.optional_text("query", 4096).unwrap_or_default();
        let query = query.trim();
        let status = query.strip_prefix("is:").and_then(IssueStatus::from_name);
        if status.is_none() && !query.is_empty() {
            let help = "Only is:unresolved, is:resolved and is:ignored are understood";
            fields.problem("query", "value_error", help, None);
        }
        Self { page: PageParams::read(fields), query: status }
    }
}

/// `GET /api/0/organizations/{organization}/issues/` — the newest-seen first.
pub(super) async fn list(
    state: Data<AppState>,
    access: OrgAccess,
    params: Params<IssueParams>,
) -> Result<Listed<IssueResponse>, ApiError> {
    let filter = IssueFilter { project: None, status: params.query };
    find(&state, access.org(), &filter, &params.page).await
}

/// `GET /api/0/projects/{organization}/{project}/issues/` — an unknown project has none.
pub(super) async fn list_in_project(
    state: Data<AppState>,
    access: OrgAccess,
    path: Path<(String, String)>,
    params: Params<IssueParams>,
) -> Result<Listed<IssueResponse>, ApiError> {
    let (_organization, slug) = path.into_inner();
    let mut conn = state.pool.get().await?;
    let project = projects::find(&mut conn, access.org(), &slug).await?;
    drop(conn);
    match project {
        Some(project) => {
            let filter = IssueFilter { project: Some(project.id), status: params.query };
            find(&state, access.org(), &filter, &params.page).await
        }
        None => Ok(Listed::empty()),
    }
}

async fn find(
    state: &AppState,
    organization: OrganizationId,
    filter: &IssueFilter,
    params: &PageParams,
) -> Result<Listed<IssueResponse>, ApiError> {
    let mut conn = state.pool.get().await?;
    let found = issues::list(&mut conn, organization, filter, params.cursor, params.limit).await?;
    let shown = |row: &IssueRow| IssueResponse::new(row, &state.config.public_url);
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
    access: Caller,
) -> Result<Json<IssueDetailResponse>, ApiError> {
    let issue = visible(&state, &access, &request).await?;
    Ok(Json(IssueDetailResponse {
        issue: IssueResponse::new(&issue, &state.config.public_url),
        user_report_count: 0,
    }))
}

/// The issue that the path names, if the caller may see it.
///
/// If the path names an organization too, the issue must be one of its.
pub(super) async fn visible(
    state: &AppState,
    access: &Caller,
    request: &HttpRequest,
) -> Result<IssueRow, ApiError> {
    let path = request.match_info();
    let issue: IssueId = path
        .get("issue")
        .unwrap_or_default()
        .parse()
        .map_err(|_not_a_number| ApiError::NotFound)?;
    let mut conn = state.pool.get().await?;
    let found = issues::find_for_member(&mut conn, issue, access.user()).await?;
    let belongs =
        |row: &IssueRow| path.get("organization").is_none_or(|slug| slug == row.organization_slug);
    found.filter(belongs).ok_or(ApiError::NotFound)
}
