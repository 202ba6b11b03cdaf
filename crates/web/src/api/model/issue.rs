//! Issues.

use mishap_core::issue::{IssueStatus, IssueType, short_name};
use mishap_protocol::event::Level;
use mishap_storage::issues::IssueRow;
use schemars::JsonSchema;
use serde::Serialize;
use url::Url;

use super::Timestamp;

/// What an issue shows of its project.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct IssueProjectResponse {
    id: String,
    platform: Option<String>,
    slug: String,
    name: String,
}

/// Counts by the hour, which have an endpoint of their own.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
struct StatsResponse {
    #[serde(rename = "24h")]
    day: [[i64; 2]; 0],
}

/// Details of the status, which there are none.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
struct StatusDetailsResponse {}

/// An issue.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssueResponse {
    id: String,
    count: String,
    #[serde(rename = "type")]
    issue_type: &'static str,
    level: &'static str,
    status: &'static str,
    project: IssueProjectResponse,
    short_id: String,
    num_comments: i64,
    stats: StatsResponse,
    share_id: Option<String>,
    logger: Option<String>,
    permalink: String,
    status_details: StatusDetailsResponse,
    subscription_details: Option<String>,
    user_count: i64,
    matching_event_id: Option<String>,
    first_seen: Timestamp,
    last_seen: Timestamp,
    title: String,
    metadata: serde_json::Value,
    culprit: String,
}

/// The level that a stored code stands for, by name.
pub(super) fn level_name(code: i16) -> &'static str {
    let level = Level::ALL.into_iter().find(|level| *level as i16 == code);
    level.unwrap_or(Level::Error).name()
}

impl IssueResponse {
    /// The issue, with links under the server's public address.
    pub fn new(row: &IssueRow, public_url: &Url) -> Self {
        let base = public_url.as_str().trim_end_matches('/');
        Self {
            id: row.id.to_string(),
            count: row.events.to_string(),
            issue_type: IssueType::from_code(row.issue_type).unwrap_or(IssueType::Default).name(),
            level: level_name(row.level),
            status: IssueStatus::from_code(row.status).unwrap_or(IssueStatus::Unresolved).name(),
            project: IssueProjectResponse {
                id: row.project_id.to_string(),
                platform: row.project_platform.clone(),
                slug: row.project_slug.clone(),
                name: row.project_name.clone(),
            },
            short_id: short_name(&row.project_slug, row.number),
            num_comments: 0,
            stats: StatsResponse { day: [] },
            share_id: None,
            logger: None,
            permalink: format!("{base}/{}/issues/{}", row.organization_slug, row.id),
            status_details: StatusDetailsResponse {},
            subscription_details: None,
            user_count: row.people,
            matching_event_id: None,
            first_seen: Timestamp(row.first_seen),
            last_seen: Timestamp(row.last_seen),
            title: row.title.clone(),
            metadata: row.metadata.clone(),
            culprit: row.culprit.clone(),
        }
    }
}

/// An issue by itself.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssueDetailResponse {
    /// The issue.
    #[serde(flatten)]
    pub issue: IssueResponse,
    /// Comments that users sent.
    pub user_report_count: i64,
}
