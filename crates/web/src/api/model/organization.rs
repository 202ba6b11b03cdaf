//! Organizations.

use mishap_storage::organizations::Organization;
use schemars::JsonSchema;
use serde::Serialize;

use super::project::ProjectTeamResponse;
use super::team::TeamResponse;
use super::token::TokenResponse;
use super::user::UserResponse;
use super::{AvatarResponse, Timestamp};

/// What server this is, and who asks.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RootResponse {
    /// The version of the API.
    pub version: &'static str,
    /// Who is known.
    pub user: Option<UserResponse>,
    /// The token that is used.
    pub auth: Option<TokenResponse>,
}

/// An organization's state, which is always the same.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
struct StatusResponse {
    id: &'static str,
    name: &'static str,
}

/// An organization.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationResponse {
    name: String,
    id: String,
    date_created: Timestamp,
    status: StatusResponse,
    avatar: AvatarResponse,
    is_early_adopter: bool,
    require2fa: bool,
    #[serde(rename = "require2FA")]
    require_2fa: bool,
    require_email_verification: bool,
    features: [String; 0],
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
            require_second_factor,
        } = organization;
        Self {
            name: name.clone(),
            id: id.to_string(),
            date_created: Timestamp(*created_at),
            status: StatusResponse { id: "active", name: "active" },
            avatar: AvatarResponse::default(),
            is_early_adopter: false,
            require2fa: *require_second_factor,
            require_2fa: *require_second_factor,
            require_email_verification: false,
            features: [],
            slug: slug.clone(),
            is_accepting_events: *is_accepting_events,
            event_throttle_rate: *event_throttle_rate,
        }
    }
}

/// An organization with its projects and teams.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationDetailResponse {
    /// The organization.
    #[serde(flatten)]
    pub organization: OrganizationResponse,
    /// Its projects.
    pub projects: Vec<ProjectTeamResponse>,
    /// Its teams.
    pub teams: Vec<TeamResponse>,
    /// What the caller may do.
    pub access: Vec<&'static str>,
    /// Whether members may join teams by themselves.
    pub open_membership: bool,
}
