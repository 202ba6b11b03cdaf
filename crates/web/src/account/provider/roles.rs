//! What people are in organizations because their provider says so.
//!
//! A rule that holds makes somebody a member, or gives the member its role, at each sign-in. One that
//! holds no more takes that back: the role from before comes back, and whoever was no member before
//! is none any more. What was arranged by hand in organizations that no rule ever gave stays. Whoever
//! owns an organization by hand stays its owner, and so does the primary one: no provider can leave
//! an organization without an owner.

use std::collections::BTreeMap;

use mishap_core::access::Role;
use mishap_core::audit::Action;
use mishap_core::id::{IdentityId, MemberId};
use mishap_storage::accounts::identity_roles::{self, Place};
use mishap_storage::accounts::users::User;
use mishap_storage::audit::{self, Actor, Target};
use mishap_storage::{Conn, Result, members};
use serde_json::json;

/// What is to be done in an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    /// The person becomes a member.
    Join(Role),
    /// The member gets a role; before, it had another, which is noted unless one was.
    Give { member: MemberId, role: Role, noted: Option<Role> },
    /// The member gets back the role from before.
    Restore(MemberId, Role),
    /// The member goes.
    Leave(MemberId),
    /// There is nothing left to take back.
    Forget,
}

/// What is to be done where somebody should have a role, or none, by their provider's word.
fn change(place: &Place, wanted: Option<Role>) -> Option<Change> {
    match (wanted, place.member) {
        (Some(role), None) => Some(Change::Join(role)),
        (Some(role), Some(member)) => {
            let is_owner_by_hand = member.role == Role::Owner && !place.is_given;
            let stays = member.role == role || member.is_primary_owner || is_owner_by_hand;
            let noted = (!place.is_given).then_some(member.role);
            (!stays).then_some(Change::Give { member: member.id, role, noted })
        }
        (None, _) if !place.is_given => None,
        (None, None) => Some(Change::Forget),
        (None, Some(member)) if member.is_primary_owner => None,
        (None, Some(member)) => Some(match place.role_before {
            Some(role) => Change::Restore(member.id, role),
            None => Change::Leave(member.id),
        }),
    }
}

/// Makes an account what its provider says it is in organizations: roles by the slugs of those. To be
/// called in a transaction.
pub(super) async fn apply(
    conn: &mut Conn,
    identity: IdentityId,
    user: &User,
    wanted: &BTreeMap<String, String>,
    actor: &Actor,
) -> Result<()> {
    let slugs: Vec<&str> = wanted.keys().map(String::as_str).collect();
    let places = identity_roles::places(conn, identity, user.id, &slugs).await?;
    for slug in slugs {
        if !places.iter().any(|place| place.slug == slug) {
            tracing::warn!(organization = slug, "a sign-in provider's rule names no organization");
        }
    }
    for place in &places {
        let role = wanted.get(&place.slug).and_then(|role| Role::from_name(role));
        if let Some(change) = change(place, role) {
            carry_out(conn, identity, user, place, change).await?;
            record(conn, user, place, change, actor).await?;
        }
    }
    Ok(())
}

async fn carry_out(
    conn: &mut Conn,
    identity: IdentityId,
    user: &User,
    place: &Place,
    change: Change,
) -> Result<()> {
    let organization = place.organization;
    match change {
        Change::Join(role) => {
            members::put(conn, organization, user.id, role).await?;
            identity_roles::note(conn, identity, organization, None).await
        }
        Change::Give { member, role, noted } => {
            members::set_role(conn, member, role).await?;
            match noted {
                Some(before) => {
                    identity_roles::note(conn, identity, organization, Some(before)).await
                }
                None => Ok(()),
            }
        }
        Change::Restore(member, role) => {
            members::set_role(conn, member, role).await?;
            identity_roles::forget(conn, identity, organization).await
        }
        Change::Leave(member) => {
            members::delete(conn, member).await?;
            identity_roles::forget(conn, identity, organization).await
        }
        Change::Forget => identity_roles::forget(conn, identity, organization).await,
    }
}

async fn record(
    conn: &mut Conn,
    user: &User,
    place: &Place,
    change: Change,
    actor: &Actor,
) -> Result<()> {
    let was = place.member.map(|member| member.role.name());
    let (action, role) = match change {
        Change::Join(role) => (Action::MemberJoin, Some(role)),
        Change::Give { role, .. } | Change::Restore(_, role) => (Action::MemberUpdate, Some(role)),
        Change::Leave(_) => (Action::MemberRemove, None),
        Change::Forget => return Ok(()),
    };
    let target = Target {
        kind: "member",
        id: user.id.to_string(),
        label: user.email.clone(),
        organization: Some(place.organization),
    };
    let details = json!({ "role": [was, role.map(Role::name)], "by": "sign-in provider" });
    audit::record(conn, actor, action, &target, &details).await
}

#[cfg(test)]
mod tests {
    use mishap_core::id::OrganizationId;
    use mishap_storage::accounts::identity_roles::Placed;

    use super::*;

    const MEMBER: MemberId = MemberId(7);

    /// What somebody is, whether it is the primary owner, and what the provider noted: nothing, that
    /// there was no member, or a role from before.
    fn place(role: Option<Role>, is_primary: bool, noted: Option<Option<Role>>) -> Place {
        let placed = |role| Placed { id: MEMBER, role, is_primary_owner: is_primary };
        Place {
            organization: OrganizationId(1),
            slug: "shop".to_owned(),
            member: role.map(placed),
            is_given: noted.is_some(),
            role_before: noted.flatten(),
        }
    }

    fn give(role: Role, noted: Option<Role>) -> Option<Change> {
        Some(Change::Give { member: MEMBER, role, noted })
    }

    #[test]
    fn what_a_provider_gives_it_can_take_back_and_nothing_else() {
        use Role::{Admin, Manager, Member, Owner};
        let by_hand = None;
        for (before, wanted, expected) in [
            // Strangers, and those who are by hand what the rule says.
            (place(None, false, by_hand), Some(Member), Some(Change::Join(Member))),
            (place(None, false, by_hand), None, None),
            (place(Some(Member), false, by_hand), Some(Member), None),
            (place(Some(Member), false, by_hand), None, None),
            // Another role is given, and comes back.
            (place(Some(Member), false, by_hand), Some(Admin), give(Admin, Some(Member))),
            (place(Some(Manager), false, by_hand), Some(Admin), give(Admin, Some(Manager))),
            (place(Some(Admin), false, Some(Some(Member))), Some(Manager), give(Manager, None)),
            (
                place(Some(Admin), false, Some(Some(Member))),
                None,
                Some(Change::Restore(MEMBER, Member)),
            ),
            // Whoever came in by the rule goes with it, and comes again.
            (place(Some(Member), false, Some(None)), Some(Member), None),
            (place(Some(Manager), false, Some(None)), Some(Member), give(Member, None)),
            (place(Some(Manager), false, Some(None)), None, Some(Change::Leave(MEMBER))),
            (place(None, false, Some(None)), None, Some(Change::Forget)),
            (place(None, false, Some(Some(Member))), Some(Admin), Some(Change::Join(Admin))),
            // Owners.
            (place(Some(Owner), true, by_hand), Some(Member), None),
            (place(Some(Owner), false, by_hand), Some(Member), None),
            (place(Some(Owner), true, Some(None)), None, None),
            (place(Some(Owner), true, Some(None)), Some(Member), None),
            (place(Some(Owner), false, Some(None)), Some(Member), give(Member, None)),
            (place(Some(Owner), false, Some(None)), None, Some(Change::Leave(MEMBER))),
        ] {
            assert_eq!(change(&before, wanted), expected, "{before:?} {wanted:?}");
        }
    }
}
