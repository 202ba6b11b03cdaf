//! Who is in a team.

use actix_web::web::{Data, Json, Path};
use mishap_core::access::Role;
use mishap_core::audit::Action;
use mishap_core::id::MemberId;
use mishap_storage::members::{self, Member};
use mishap_storage::teams::{self, Team};
use mishap_storage::{Conn, audit, transaction};
use serde_json::json;

use super::{find, shown};
use crate::AppState;
use crate::access::OrgAccess;
use crate::api::members::shown as shown_members;
use crate::api::model::member::MemberResponse;
use crate::api::model::team::TeamProjectsResponse;
use crate::body::Params;
use crate::error::ApiError;
use crate::respond::{Created, Listed, PageParams};

/// `GET /api/0/teams/{organization}/{team}/members/` — the newest first; an unknown team has none.
pub(in crate::api) async fn list(
    state: Data<AppState>,
    access: OrgAccess,
    path: Path<(String, String)>,
    page: Params<PageParams>,
) -> Result<Listed<MemberResponse>, ApiError> {
    let mut conn = state.pool.get().await?;
    let Some(team) = teams::find(&mut conn, access.org(), &path.1, access.member).await? else {
        return Ok(Listed::empty());
    };
    let found = members::list_of_team(&mut conn, team.id, page.cursor, page.limit).await?;
    let items = shown_members(&mut conn, &found.items).await?;
    Ok(Listed::new(&found, items, found.whole().unwrap_or(team.members)))
}

/// `POST /api/0/organizations/{organization}/members/{member}/teams/{team}/` — puts a member into a
/// team.
pub(in crate::api) async fn add(
    state: Data<AppState>,
    access: OrgAccess,
    path: Path<(String, String, String)>,
) -> Result<Created<TeamProjectsResponse>, ApiError> {
    let mut conn = state.pool.get().await?;
    let (member, team) = to_change(&mut conn, &access, &path).await?;
    let actor = access.caller.actor();
    let target = access.target("team", team.id, team.slug.as_str());
    let details = json!({ "member": member.address() });
    transaction(&mut conn, async |conn: &mut Conn| {
        if teams::add_member(conn, &[team.id], member.id).await? {
            audit::record(conn, &actor, Action::TeamMemberAdd, &target, &details).await?;
        }
        Ok(())
    })
    .await?;
    let team = find(&mut conn, &access, &team.slug).await?;
    shown(&mut conn, &access, team).await.map(Created)
}

/// `DELETE /api/0/organizations/{organization}/members/{member}/teams/{team}/` — takes a member out of
/// a team.
pub(in crate::api) async fn remove(
    state: Data<AppState>,
    access: OrgAccess,
    path: Path<(String, String, String)>,
) -> Result<Json<TeamProjectsResponse>, ApiError> {
    let mut conn = state.pool.get().await?;
    let (member, team) = to_change(&mut conn, &access, &path).await?;
    let actor = access.caller.actor();
    let target = access.target("team", team.id, team.slug.as_str());
    let details = json!({ "member": member.address() });
    transaction(&mut conn, async |conn: &mut Conn| {
        if teams::remove_member(conn, team.id, member.id).await? {
            audit::record(conn, &actor, Action::TeamMemberRemove, &target, &details).await?;
        }
        Ok(())
    })
    .await?;
    let team = find(&mut conn, &access, &team.slug).await?;
    shown(&mut conn, &access, team).await.map(Json)
}

/// The member and the team that a path names, if the caller may bring them together or apart.
///
/// Where membership is open, members join and leave by themselves. Otherwise an admin changes the
/// teams that it is in, and a manager all of them (GlitchTip).
async fn to_change(
    conn: &mut Conn,
    access: &OrgAccess,
    path: &Path<(String, String, String)>,
) -> Result<(Member, Team), ApiError> {
    let (_organization, member, slug) = &**path;
    let member: MemberId = match member.as_str() {
        "me" => access.member,
        digits => digits.parse().map_err(|_too_large| ApiError::NotFound)?,
    };
    let team = find(conn, access, slug).await?;
    let member = members::find(conn, access.org(), member).await?.ok_or(ApiError::NotFound)?;
    let is_oneself = access.organization.open_membership && member.id == access.member;
    let least = if team.is_member { Role::Admin } else { Role::Manager };
    if !is_oneself && access.role < least {
        return Err(ApiError::Refused("Must be admin to modify teams".into()));
    }
    Ok((member, team))
}
