//! What is done to a member.

use actix_web::HttpResponse;
use mishap_core::access::Role;
use mishap_core::audit::Action;
use mishap_storage::{Conn, audit, members, transaction};
use serde_json::json;

use super::{named_member, path_of, path_of_member, role_of, target};
use crate::account::Refusal;
use crate::admin::Administrator;
use crate::admin::administrator::{impossible, missing};
use crate::admin::done::{Done, What};
use crate::pages::Form;

/// Why the last owner stays.
const LAST_OWNER: &str = "This is the last owner. Give the role to somebody else first, so that the organization has one.";

/// `POST /admin/organizations/{organization}/members/{member}/role/` — `role`.
pub(in crate::admin) async fn change_role(admin: Administrator, form: Form) -> HttpResponse {
    let done = set_role(&admin, form.text("role")).await;
    admin.follow(done)
}

async fn set_role(admin: &Administrator, role: &str) -> Result<(String, Done), Refusal> {
    let role = role_of(role).ok_or_else(|| impossible("There is no such role."))?;
    let mut conn = admin.conn().await?;
    let (_organization, member) = named_member(&mut conn, admin).await?;
    let (actor, target) = (admin.actor(), target(&member));
    let details = json!({ "role": [member.role.name(), role.name()] });
    let (organization, id) = (member.organization, member.id);
    let is_owner = member.user.is_some() && member.role == Role::Owner;
    let is_changed = transaction(&mut conn, async |conn: &mut Conn| {
        let loses_owner = is_owner && role < Role::Owner;
        if loses_owner && members::lock_owners(conn, organization).await? <= 1 {
            return Ok(false);
        }
        members::set_role(conn, id, role).await?;
        audit::record(conn, &actor, Action::MemberUpdate, &target, &details).await?;
        Ok(true)
    })
    .await?;
    if !is_changed {
        return Err(impossible(LAST_OWNER));
    }
    Ok((path_of_member(&member), What::RoleChanged.into()))
}

/// `POST /admin/organizations/{organization}/members/{member}/owner/` — makes a member the owner who can
/// only leave by handing ownership on.
pub(in crate::admin) async fn make_primary_owner(
    admin: Administrator,
    _form: Form,
) -> HttpResponse {
    let done = hand_over(&admin).await;
    admin.follow(done)
}

async fn hand_over(admin: &Administrator) -> Result<(String, Done), Refusal> {
    let mut conn = admin.conn().await?;
    let (_organization, member) = named_member(&mut conn, admin).await?;
    if member.user.is_none() || member.role != Role::Owner {
        return Err(impossible("Only an owner can be the primary one. Change the role first."));
    }
    let (actor, target) = (admin.actor(), target(&member));
    let (organization, id) = (member.organization, member.id);
    transaction(&mut conn, async |conn: &mut Conn| {
        members::make_primary_owner(conn, organization, id).await?;
        audit::record(conn, &actor, Action::OwnershipTransfer, &target, &json!({})).await
    })
    .await?;
    Ok((path_of_member(&member), What::OwnerChanged.into()))
}

/// `POST /admin/organizations/{organization}/members/{member}/remove/` — removes a member, or withdraws
/// an invitation.
pub(in crate::admin) async fn remove(admin: Administrator, _form: Form) -> HttpResponse {
    let done = take_out(&admin).await;
    admin.follow(done)
}

async fn take_out(admin: &Administrator) -> Result<(String, Done), Refusal> {
    let mut conn = admin.conn().await?;
    let (_organization, member) = named_member(&mut conn, admin).await?;
    let (actor, target) = (admin.actor(), target(&member));
    let (organization, id) = (member.organization, member.id);
    let is_person = member.user.is_some();
    let is_gone = transaction(&mut conn, async |conn: &mut Conn| {
        let Some(now) = members::find(conn, organization, id).await? else {
            return Ok(None);
        };
        let is_owner = now.user.is_some() && now.role == Role::Owner;
        let is_last = is_owner && members::lock_owners(conn, organization).await? <= 1;
        if is_last || now.is_primary_owner {
            return Ok(Some(false));
        }
        members::delete(conn, id).await?;
        audit::record(conn, &actor, Action::MemberRemove, &target, &json!({})).await?;
        Ok(Some(true))
    })
    .await?
    .ok_or_else(missing)?;
    if !is_gone {
        let why = "This owner can only leave after somebody else became the primary owner.";
        return Err(impossible(why));
    }
    let what = if is_person { What::MemberRemoved } else { What::InvitationWithdrawn };
    Ok((format!("{}members/", path_of(organization)), what.into()))
}
