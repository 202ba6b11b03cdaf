//! Members of organizations.

use std::collections::HashMap;

use mishap_core::id::UserId;
use mishap_storage::accounts::identities::Identity;
use mishap_storage::members::Member;
use schemars::JsonSchema;
use serde::Serialize;

use super::Timestamp;
use super::organization::OrganizationResponse;
use super::user::UserResponse;

/// A member, or an open invitation.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberResponse {
    id: String,
    role: &'static str,
    role_name: &'static str,
    date_created: Timestamp,
    email: String,
    user: Option<UserResponse>,
    pending: bool,
    is_owner: bool,
}

impl MemberResponse {
    /// The member, with who people are at providers.
    pub fn new(member: &Member, identities: &HashMap<UserId, Vec<Identity>>) -> Self {
        let identities_of = |user| identities.get(&user).map(Vec::as_slice).unwrap_or_default();
        let user = member.user.as_ref();
        Self {
            id: member.id.to_string(),
            role: member.role.name(),
            role_name: member.role.label(),
            date_created: Timestamp(member.created_at),
            email: member.address().to_owned(),
            user: user.map(|user| UserResponse::new(user, identities_of(user.id))),
            pending: user.is_none(),
            is_owner: member.is_primary_owner,
        }
    }
}

/// A member with the teams it is in.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MemberDetailResponse {
    /// The member.
    #[serde(flatten)]
    pub member: MemberResponse,
    /// The slugs of the teams.
    pub teams: Vec<String>,
}

/// An invitation, and whether it was accepted just now.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InvitationResponse {
    /// Whether it was.
    pub accept_invite: bool,
    /// Who is invited, to what.
    pub org_user: InvitedMemberResponse,
}

/// A member with its organization.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct InvitedMemberResponse {
    /// The member.
    #[serde(flatten)]
    pub member: MemberResponse,
    /// The organization.
    pub organization: OrganizationResponse,
}
