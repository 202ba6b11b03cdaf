//! Members of organizations, and invitations.

use std::collections::HashMap;

use actix_web::web::{Data, Json, Path};
use mishap_core::access::Role;
use mishap_core::audit::Action;
use mishap_core::email::EmailAddress;
use mishap_core::id::{MemberId, UserId};
use mishap_storage::accounts::identities::{self, Identity};
use mishap_storage::members::{self, Member};
use mishap_storage::{Conn, audit, transaction};
use schemars::JsonSchema;
use serde_json::json;

use super::model::member::{MemberDetailResponse, MemberResponse};
use crate::AppState;
use crate::access::OrgAccess;
use crate::body::{Body, Params};
use crate::error::ApiError;
use crate::fields::{Fields, Payload};
use crate::respond::{Created, Listed, NoContent, PageParams};

mod invite;

/// Roles by their names, as clients choose them.
const ROLES: &[(&str, Role)] = &[
    ("viewer", Role::Viewer),
    ("member", Role::Member),
    ("admin", Role::Admin),
    ("manager", Role::Manager),
    ("owner", Role::Owner),
];

/// Teams of an invitation at most.
const MAX_TEAMS: usize = 1000;

/// `GET /api/0/organizations/{organization}/members/` — the newest first.
pub(super) async fn list(
    state: Data<AppState>,
    access: OrgAccess,
    page: Params<PageParams>,
) -> Result<Listed<MemberResponse>, ApiError> {
    let mut conn = state.pool.get().await?;
    let found = members::list(&mut conn, access.org(), page.cursor, page.limit).await?;
    let hits = match found.whole() {
        Some(hits) => hits,
        None => members::count(&mut conn, access.org()).await?,
    };
    let items = shown(&mut conn, &found.items).await?;
    Ok(Listed::new(&found, items, hits))
}

/// `GET /api/0/organizations/{organization}/members/{member}/` — a member.
pub(super) async fn show(
    state: Data<AppState>,
    access: OrgAccess,
    path: Path<(String, i64)>,
) -> Result<Json<MemberDetailResponse>, ApiError> {
    let mut conn = state.pool.get().await?;
    let member = find(&mut conn, &access, &path).await?;
    detail(&mut conn, &member).await.map(Json)
}

/// Who is invited, and as what.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub(super) struct InviteMember {
    /// The address that is invited.
    #[schemars(with = "String", email)]
    email: Option<EmailAddress>,
    /// The role in the organization.
    #[schemars(with = "String", extend("enum" = ["viewer", "member", "admin", "manager", "owner"]))]
    org_role: Option<Role>,
    /// Teams to come into; unknown ones are ignored.
    #[schemars(default, length(max = 1000))]
    team_roles: Vec<TeamRole>,
    /// Whether a mail is sent.
    #[schemars(default = "unless_refused")]
    send_invite: bool,
    /// Whether an open invitation is sent again.
    #[schemars(default = "unless_refused")]
    reinvite: bool,
}

/// What is done unless a client wants it otherwise.
fn unless_refused() -> bool {
    true
}

/// A team, by its slug.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "camelCase")]
struct TeamRole {
    #[schemars(length(min = 1, max = 50))]
    team_slug: String,
}

impl Payload for TeamRole {
    fn read(fields: &mut Fields<'_>) -> Self {
        Self { team_slug: fields.text("teamSlug", 1..=50) }
    }
}

impl Payload for InviteMember {
    fn read(fields: &mut Fields<'_>) -> Self {
        Self {
            email: fields.email("email"),
            org_role: fields.choice("orgRole", ROLES),
            team_roles: fields.list("teamRoles", MAX_TEAMS),
            send_invite: fields.boolean("sendInvite", Some(true)),
            reinvite: fields.boolean("reinvite", Some(true)),
        }
    }
}

/// `POST /api/0/organizations/{organization}/members/` — invites somebody.
pub(super) async fn create(
    state: Data<AppState>,
    access: OrgAccess,
    body: Body<InviteMember>,
) -> Result<Created<MemberResponse>, ApiError> {
    let InviteMember {
        email: Some(email),
        org_role: Some(role),
        team_roles,
        send_invite,
        reinvite,
    } = body.0
    else {
        return Err(ApiError::BadRequest("email and orgRole are required".into()));
    };
    may_grant(&access, role)?;
    let teams = team_roles.into_iter().map(|team| team.team_slug).collect();
    let wanted = invite::Invitation { email, role, teams, send: send_invite, again: reinvite };
    let member = invite::invite(&state, &access, &wanted).await?;
    let mut conn = state.pool.get().await?;
    let shown = shown(&mut conn, &[member]).await?;
    shown.into_iter().next().map(Created).ok_or(ApiError::NotFound)
}

/// What a member is to be.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub(super) struct UpdateMember {
    /// The role in the organization.
    #[schemars(with = "String", extend("enum" = ["viewer", "member", "admin", "manager", "owner"]))]
    org_role: Option<Role>,
}

impl Payload for UpdateMember {
    fn read(fields: &mut Fields<'_>) -> Self {
        Self { org_role: fields.choice("orgRole", ROLES) }
    }
}

/// `PUT /api/0/organizations/{organization}/members/{member}/` — gives a member another role.
pub(super) async fn update(
    state: Data<AppState>,
    access: OrgAccess,
    path: Path<(String, i64)>,
    body: Body<UpdateMember>,
) -> Result<Json<MemberDetailResponse>, ApiError> {
    let role = body.0.org_role.ok_or(ApiError::NotFound)?;
    let mut conn = state.pool.get().await?;
    let member = find(&mut conn, &access, &path).await?;
    may_grant(&access, role)?;
    if member.role > access.role {
        return Err(ApiError::Refused("Forbidden".into()));
    }
    let actor = access.caller.actor();
    let target = access.target("member", member.id, member.address());
    let details = json!({ "role": [member.role.name(), role.name()] });
    let (organization, id, was) = (access.org(), member.id, member.role);
    let is_person = member.user.is_some();
    let is_changed = transaction(&mut conn, async |conn: &mut Conn| {
        let loses_owner = is_person && was == Role::Owner && role < Role::Owner;
        if loses_owner && members::lock_owners(conn, organization).await? <= 1 {
            return Ok(false);
        }
        members::set_role(conn, id, role).await?;
        audit::record(conn, &actor, Action::MemberUpdate, &target, &details).await?;
        Ok(true)
    })
    .await?;
    if !is_changed {
        let text = "Organization must have at least one owner";
        return Err(ApiError::Unprocessable(text.into()));
    }
    detail(&mut conn, &Member { role, ..member }).await.map(Json)
}

/// `DELETE /api/0/organizations/{organization}/members/{member}/` — removes a member, or withdraws an
/// invitation. Members may remove themselves.
pub(super) async fn delete(
    state: Data<AppState>,
    access: OrgAccess,
    path: Path<(String, i64)>,
) -> Result<NoContent, ApiError> {
    let mut conn = state.pool.get().await?;
    let member = find(&mut conn, &access, &path).await?;
    let is_oneself = member.id == access.member;
    let may = is_oneself || (access.role >= Role::Manager && member.role <= access.role);
    if !may {
        return Err(ApiError::Refused("Forbidden".into()));
    }
    let actor = access.caller.actor();
    let target = access.target("member", member.id, member.address());
    let (organization, id, role) = (access.org(), member.id, member.role);
    let (is_person, is_primary) = (member.user.is_some(), member.is_primary_owner);
    let is_gone = transaction(&mut conn, async |conn: &mut Conn| {
        let is_owner = is_person && role == Role::Owner;
        let is_last = is_owner && members::lock_owners(conn, organization).await? <= 1;
        if is_last || is_primary {
            return Ok(false);
        }
        members::delete(conn, id).await?;
        audit::record(conn, &actor, Action::MemberRemove, &target, &json!({})).await?;
        Ok(true)
    })
    .await?;
    if !is_gone {
        let text = "User is organization owner. Transfer ownership first.";
        return Err(ApiError::BadRequest(text.into()));
    }
    Ok(NoContent)
}

/// `POST /api/0/organizations/{organization}/members/{member}/set_owner/` — makes a member the owner who
/// can only leave by handing ownership on.
pub(super) async fn set_owner(
    state: Data<AppState>,
    access: OrgAccess,
    path: Path<(String, i64)>,
) -> Result<Json<MemberDetailResponse>, ApiError> {
    let mut conn = state.pool.get().await?;
    let (organization, id) = (access.org(), MemberId(path.1));
    let may = access.role == Role::Owner
        || members::find(&mut conn, organization, access.member)
            .await?
            .is_some_and(|caller| caller.is_primary_owner);
    if !may {
        return Err(ApiError::Refused("Only owner may set organization owner.".into()));
    }
    let member = find(&mut conn, &access, &path).await?;
    if member.user.is_none() {
        return Err(ApiError::BadRequest("The invitation is still open".into()));
    }
    let actor = access.caller.actor();
    let target = access.target("member", member.id, member.address());
    transaction(&mut conn, async |conn: &mut Conn| {
        if members::make_primary_owner(conn, organization, id).await? {
            audit::record(conn, &actor, Action::OwnershipTransfer, &target, &json!({})).await?;
        }
        Ok(())
    })
    .await?;
    let member = find(&mut conn, &access, &path).await?;
    detail(&mut conn, &member).await.map(Json)
}

/// Nobody gives a role that is greater than their own.
fn may_grant(access: &OrgAccess, role: Role) -> Result<(), ApiError> {
    if role > access.role {
        return Err(ApiError::Refused("Nobody may give a role above their own".into()));
    }
    Ok(())
}

/// The member that the path names.
async fn find(
    conn: &mut Conn,
    access: &OrgAccess,
    path: &Path<(String, i64)>,
) -> Result<Member, ApiError> {
    let found = members::find(conn, access.org(), MemberId(path.1)).await?;
    found.ok_or(ApiError::NotFound)
}

async fn detail(conn: &mut Conn, member: &Member) -> Result<MemberDetailResponse, ApiError> {
    let mut teams = members::teams_of(conn, &[member.id]).await?;
    let identities = identities_of(conn, std::slice::from_ref(member)).await?;
    Ok(MemberDetailResponse {
        member: MemberResponse::new(member, &identities),
        teams: teams.remove(&member.id).unwrap_or_default(),
    })
}

/// Members as they are shown.
pub(super) async fn shown(
    conn: &mut Conn,
    members: &[Member],
) -> Result<Vec<MemberResponse>, ApiError> {
    let identities = identities_of(conn, members).await?;
    Ok(members.iter().map(|member| MemberResponse::new(member, &identities)).collect())
}

async fn identities_of(
    conn: &mut Conn,
    members: &[Member],
) -> Result<HashMap<UserId, Vec<Identity>>, ApiError> {
    let users: Vec<_> =
        members.iter().filter_map(|member| Some(member.user.as_ref()?.id)).collect();
    Ok(identities::list_of_users(conn, &users).await?)
}
