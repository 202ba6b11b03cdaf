//! Organizations.

use mishap_storage::organizations::Organization;
use serde::Serialize;

use super::project::ProjectTeamResponse;
use super::{AvatarResponse, Timestamp};

/// What server this is.
#[derive(Debug, Serialize)]
pub struct RootResponse {
    /// The server's version.
    pub version: &'static str,
    /// Who is signed in.
    pub user: Option<()>,
    /// The token that is used.
    pub auth: Option<()>,
}

/// An organization's state, which is always the same.
#[derive(Debug, Clone, Copy, Serialize)]
struct StatusResponse {
    id: &'static str,
    name: &'static str,
}

/// An organization.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationResponse {
    name: String,
    id: String,
    date_created: Timestamp,
    status: StatusResponse,
    avatar: AvatarResponse,
    is_early_adopter: bool,
    require2fa: bool,
    slug: String,
    is_accepting_events: bool,
    event_throttle_rate: i16,
}

impl From<&Organization> for OrganizationResponse {
    fn from(organization: &Organization) -> Self {
        let Organization {
            id,
            name,
            slug,
            created_at,
            is_accepting_events,
            event_throttle_rate,
            open_membership: _,
        } = organization;
        Self {
            name: name.clone(),
            id: id.to_string(),
            date_created: Timestamp(*created_at),
            status: StatusResponse { id: "active", name: "active" },
            avatar: AvatarResponse::default(),
            is_early_adopter: false,
            require2fa: false,
            slug: slug.clone(),
            is_accepting_events: *is_accepting_events,
            event_throttle_rate: *event_throttle_rate,
        }
    }
}

/// An organization with its projects.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationDetailResponse {
    /// The organization.
    #[serde(flatten)]
    pub organization: OrganizationResponse,
    /// Its projects.
    pub projects: Vec<ProjectTeamResponse>,
    /// Its teams.
    pub teams: Vec<()>,
    /// What the caller may do.
    pub access: Vec<&'static str>,
    /// Whether members may join teams by themselves.
    pub open_membership: bool,
}
