//! Accepting an invitation.

use mishap_core::audit::Action;
use mishap_core::id::{MemberId, UserId};
use mishap_core::signing::Purpose;
use mishap_storage::accounts::emails;
use mishap_storage::accounts::users::User;
use mishap_storage::audit::{self, Actor, Target};
use mishap_storage::members::{self, Member};
use mishap_storage::organizations::{self, Organization};
use mishap_storage::{Conn, Error, transaction};
use serde_json::json;

use super::refusal::{Problem, Refusal};
use crate::{AppState, links};

/// An open invitation.
#[derive(Debug, Clone)]
pub(crate) struct Invited {
    pub(crate) member: Member,
    pub(crate) organization: Organization,
}

/// The link that accepts an invitation. It holds for 15 days, and for this invitation only.
pub(crate) fn link(state: &AppState, member: &Member) -> String {
    let invited = member.email.as_deref().unwrap_or_default();
    links::invitation(&state.config, member.id, invited, state.clock.now())
}

/// The link does not hold, or not any more.
fn invalid() -> Problem {
    Problem { code: "invalid_invitation", param: None, message: "Invalid invite token".to_owned() }
}

/// The open invitation that a link is about, if it still holds.
pub(crate) async fn find(
    conn: &mut Conn,
    state: &AppState,
    member: i64,
    token: &str,
) -> Result<Invited, Refusal> {
    let found = members::find_anywhere(conn, MemberId(member)).await?;
    let member = found.filter(|member| member.user.is_none()).ok_or_else(invalid)?;
    let invited = member.email.as_deref().unwrap_or_default();
    let (key, now) = (&state.config.signing_key, state.clock.now());
    if !key.verifies(token, Purpose::Invitation, member.id.0, &[invited], now) {
        return Err(invalid().into());
    }
    let ids = [member.organization];
    let organization = organizations::list_by_ids(conn, &ids).await?.pop();
    Ok(Invited { member, organization: organization.ok_or_else(invalid)? })
}

/// Whether an account belongs to the organization already.
pub(crate) async fn is_member(
    conn: &mut Conn,
    invited: &Invited,
    user: &User,
) -> Result<bool, Refusal> {
    Ok(members::find_by_user(conn, invited.organization.id, user.id).await?.is_some())
}

/// Whether an address is an account's: the one that it signs in with, or one that it proved.
pub(crate) async fn has_address(
    conn: &mut Conn,
    user: &User,
    address: &str,
) -> Result<bool, Error> {
    if user.email.to_lowercase() == address.to_lowercase() {
        return Ok(true);
    }
    let own = emails::find(conn, user.id, address).await?;
    Ok(own.is_some_and(|own| own.is_verified))
}

/// Makes an account a member, in place of the invitation; says whether it became one: it may be one
/// already, and another account may have been faster.
pub(crate) async fn join(
    conn: &mut Conn,
    member: &Member,
    user: UserId,
    actor: &Actor,
) -> Result<bool, Error> {
    let target = Target {
        kind: "member",
        id: member.id.to_string(),
        label: actor.label.clone(),
        organization: Some(member.organization),
    };
    let details = json!({ "role": member.role.name(), "invited": member.address() });
    transaction(conn, async |conn: &mut Conn| {
        let is_member = members::find_by_user(conn, member.organization, user).await?.is_some();
        if is_member || !members::attach(conn, member.id, user).await? {
            return Ok(false);
        }
        audit::record(conn, actor, Action::MemberJoin, &target, &details).await?;
        Ok(true)
    })
    .await
}

/// Accepts an invitation for an account, whose own the invited address must be.
pub(crate) async fn accept(
    conn: &mut Conn,
    invited: &Invited,
    user: &User,
    actor: &Actor,
) -> Result<(), Refusal> {
    let address = invited.member.address();
    if !has_address(conn, user, address).await? {
        let message = format!(
            "This invitation is for {address}. You are signed in as {}: sign in with the invited \
             address, or add it to your account and confirm it.",
            user.email
        );
        return Err(Problem { code: "wrong_account", param: None, message }.into());
    }
    let is_joined = join(conn, &invited.member, user.id, actor).await?;
    if is_joined { Ok(()) } else { Err(invalid().into()) }
}
