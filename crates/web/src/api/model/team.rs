//! Teams. No team has a member `name`: reconcilers refuse one that has (GlitchTip).

use mishap_storage::teams::{Team, TeamSlug};
use schemars::JsonSchema;
use serde::Serialize;

use super::Timestamp;
use super::project::ProjectResponse;

/// A team.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TeamResponse {
    id: String,
    slug: String,
    date_created: Timestamp,
    is_member: bool,
    member_count: i64,
}

impl From<&Team> for TeamResponse {
    fn from(team: &Team) -> Self {
        Self {
            id: team.id.to_string(),
            slug: team.slug.clone(),
            date_created: Timestamp(team.created_at),
            is_member: team.is_member,
            member_count: team.members,
        }
    }
}

/// A team with its projects.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TeamProjectsResponse {
    /// The team.
    #[serde(flatten)]
    pub team: TeamResponse,
    /// Its projects.
    pub projects: Vec<ProjectResponse>,
}

/// A team inside a project.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TeamSlugResponse {
    id: String,
    slug: String,
}

impl From<&TeamSlug> for TeamSlugResponse {
    fn from(team: &TeamSlug) -> Self {
        Self { id: team.id.to_string(), slug: team.slug.clone() }
    }
}
