//! Accepting an invitation.

use mishap_core::audit::Action;
use mishap_core::id::MemberId;
use mishap_core::signing::Purpose;
use mishap_storage::accounts::emails;
use mishap_storage::accounts::users::User;
use mishap_storage::audit::{self, Actor, Target};
use mishap_storage::members::{self, Member};
use mishap_storage::organizations::{self, Organization};
use mishap_storage::{Conn, transaction};
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

/// The open invitation that a link is about, if it still holds.
pub(crate) async fn find(
    conn: &mut Conn,
    state: &AppState,
    member: i64,
    token: &str,
) -> Result<Invited, Refusal> {
    let invalid = || Problem {
        code: "invalid_invitation",
        param: None,
        message: "Invalid invite token".to_owned(),
    };
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

/// Whether the invited address is an account's own: the one it signs in with, or one that it added.
pub(crate) async fn is_for(
    conn: &mut Conn,
    invited: &Invited,
    user: &User,
) -> Result<bool, Refusal> {
    let address = invited.member.address();
    Ok(user.email.eq_ignore_ascii_case(address)
        || emails::find(conn, user.id, address).await?.is_some())
}

/// Makes an account a member, in place of the invitation.
///
/// The invited address must be the account's own. Whoever holds the link received the mail, or was handed it by somebody who may invite, so the
/// address counts as proven by it.
pub(crate) async fn accept(
    conn: &mut Conn,
    invited: &Invited,
    user: &User,
    actor: &Actor,
) -> Result<(), Refusal> {
    if is_member(conn, invited, user).await? {
        return Err(Refusal::Conflict);
    }
    if !is_for(conn, invited, user).await? {
        let address = invited.member.address();
        let message = format!(
            "This invitation is for {address}. You are signed in as {}: sign in with the invited \
             address, or add it to your account first.",
            user.email
        );
        return Err(Problem { code: "wrong_account", param: None, message }.into());
    }
    let (member, organization, id) = (invited.member.id, invited.organization.id, user.id);
    let target = Target {
        kind: "member",
        id: member.to_string(),
        label: user.email.clone(),
        organization: Some(organization),
    };
    transaction(conn, async |conn: &mut Conn| {
        if members::attach(conn, member, id).await? {
            audit::record(conn, actor, Action::MemberJoin, &target, &json!({})).await?;
        }
        Ok(())
    })
    .await?;
    Ok(())
}
