//! Projects and their keys.

use mishap_protocol::dsn::Dsn;
use mishap_storage::projects::Project;
use mishap_storage::projects::keys::ProjectKey;
use schemars::JsonSchema;
use serde::Serialize;
use url::Url;
use uuid::Uuid;

use super::organization::OrganizationResponse;
use super::team::TeamSlugResponse;
use super::{AvatarResponse, Timestamp};

/// A project.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectResponse {
    name: String,
    slug: String,
    id: String,
    avatar: AvatarResponse,
    color: &'static str,
    features: [String; 0],
    has_access: bool,
    is_bookmarked: bool,
    is_internal: bool,
    is_member: bool,
    is_public: bool,
    #[serde(rename = "scrubIPAddresses")]
    scrub_ip_addresses: bool,
    date_created: Timestamp,
    platform: Option<String>,
    first_event: Option<Timestamp>,
    event_throttle_rate: i16,
}

impl ProjectResponse {
    /// The project, as somebody sees it who is in one of its teams or not.
    pub fn new(project: &Project, is_member: bool) -> Self {
        let Project {
            id,
            organization_id: _,
            name,
            slug,
            platform,
            created_at,
            first_event_at,
            event_throttle_rate,
            scrub_ip_addresses,
        } = project;
        Self {
            name: name.clone(),
            slug: slug.clone(),
            id: id.to_string(),
            avatar: AvatarResponse::default(),
            color: "",
            features: [],
            has_access: true,
            is_bookmarked: false,
            is_internal: false,
            is_member,
            is_public: false,
            scrub_ip_addresses: *scrub_ip_addresses,
            date_created: Timestamp(*created_at),
            platform: platform.clone(),
            first_event: first_event_at.map(Timestamp),
            event_throttle_rate: *event_throttle_rate,
        }
    }
}

/// A project with its teams, in the order in which they were given it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ProjectTeamResponse {
    /// The project.
    #[serde(flatten)]
    pub project: ProjectResponse,
    /// Its teams.
    pub teams: Vec<TeamSlugResponse>,
}

/// A project with its organization.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ProjectOrganizationResponse {
    /// The project.
    #[serde(flatten)]
    pub project: ProjectResponse,
    /// The organization.
    pub organization: OrganizationResponse,
}

/// A key's own limit.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
struct RateLimitResponse {
    window: i32,
    count: i32,
}

/// The addresses that a key makes.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct DsnResponse {
    public: String,
    secret: String,
    security: String,
}

/// A project's key.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyResponse {
    name: String,
    rate_limit: Option<RateLimitResponse>,
    date_created: Timestamp,
    id: Uuid,
    dsn: DsnResponse,
    label: String,
    public: Uuid,
    #[serde(rename = "projectID")]
    project_id: i64,
    /// Whether it is on (ours).
    is_active: bool,
    /// When it stops to count (ours).
    expires_at: Option<Timestamp>,
    /// When something was last taken under it, to the minute (ours).
    last_used: Option<Timestamp>,
}

impl KeyResponse {
    /// The key, with addresses under the server's public one.
    pub fn new(key: &ProjectKey, public_url: &Url) -> Self {
        let public_key = key.public_key();
        let dsn = Dsn::new(public_url, public_key, key.project_id.0);
        let rate_limit = match (key.rate_limit_window, key.rate_limit_count) {
            (window, Some(count)) if count > 0 => {
                Some(RateLimitResponse { window: window.unwrap_or_default(), count })
            }
            _ => None,
        };
        Self {
            name: key.label.clone(),
            rate_limit,
            date_created: Timestamp(key.created_at),
            id: public_key.0,
            dsn: DsnResponse {
                public: dsn.to_string(),
                secret: dsn.to_string(),
                security: dsn.security_url(),
            },
            label: key.label.clone(),
            public: public_key.0,
            project_id: key.project_id.0,
            is_active: key.is_active,
            expires_at: key.expires_at.map(Timestamp),
            last_used: key.last_used_at.map(Timestamp),
        }
    }
}
