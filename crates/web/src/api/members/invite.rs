//! Inviting somebody to an organization, in the order of GlitchTip's checks.

use std::time::Duration;

use mishap_core::access::Role;
use mishap_core::audit::Action;
use mishap_core::email::EmailAddress;
use mishap_core::id::UserId;
use mishap_storage::accounts::users::NewUser;
use mishap_storage::accounts::{emails, users};
use mishap_storage::audit::{Actor, Target};
use mishap_storage::members::{self, Member};
use mishap_storage::{Conn, Result, attempts, audit, teams, transaction};
use serde_json::json;

use crate::AppState;
use crate::access::OrgAccess;
use crate::account::invitation;
use crate::error::ApiError;
use crate::mail;
use crate::throttle::Attempt;

/// Who is invited, and as what.
pub(super) struct Invitation {
    pub(super) email: EmailAddress,
    pub(super) role: Role,
    /// Slugs of teams; unknown ones are ignored.
    pub(super) teams: Vec<String>,
    /// Whether a mail is sent.
    pub(super) send: bool,
    /// Whether an open invitation is sent again.
    pub(super) again: bool,
}

/// Invites somebody; where the operator wants it so, the account is made and a member at once.
pub(super) async fn invite(
    state: &AppState,
    access: &OrgAccess,
    wanted: &Invitation,
) -> Result<Member, ApiError> {
    let rules = &state.config.accounts;
    let mut conn = state.pool.get().await?;
    let email = wanted.email.as_str();
    if rules.invites_need_verified_address {
        let own = emails::list(&mut conn, access.caller.user()).await?;
        if !own.iter().any(|address| address.is_verified) {
            return Err(ApiError::Refused("User must have a verified email address".into()));
        }
    }
    let account = users::find_by_email(&mut conn, email).await?;
    if account.is_none() && !rules.is_open && !rules.attaches_invited {
        return Err(ApiError::Refused("Only existing users may be invited".into()));
    }
    let known = members::find_by_email(&mut conn, access.org(), email).await?;
    if known.as_ref().is_some_and(|member| member.user.is_some()) {
        return Err(ApiError::Conflict(format!("The user {email} is already a member").into()));
    }
    if !rules.attaches_invited {
        throttle(&mut conn, state, access).await?;
    }
    if known.is_some() && !wanted.again {
        return Err(ApiError::Conflict(format!("The user {email} is already invited").into()));
    }
    let member = write(&mut conn, state, access, wanted).await?;
    // Somebody was faster, and the person is a member by now.
    let conflict = || ApiError::Conflict(format!("The user {email} is already a member").into());
    member.ok_or_else(conflict)
}

async fn throttle(conn: &mut Conn, state: &AppState, access: &OrgAccess) -> Result<(), ApiError> {
    let rules = &state.config.accounts;
    let window = Duration::from_secs(rules.invitation_window_seconds);
    let subject = access.caller.user().0.to_le_bytes();
    let kind = Attempt::Invitation.code();
    let count = attempts::count(conn, kind, &subject, window, state.clock.now()).await?;
    if count > rules.max_invitations { Err(ApiError::TooMany) } else { Ok(()) }
}

/// Writes an invitation down with all that follows from it; nothing if the person is a member.
async fn write(
    conn: &mut Conn,
    state: &AppState,
    access: &OrgAccess,
    wanted: &Invitation,
) -> Result<Option<Member>, ApiError> {
    let (organization, inviter) = (access.org(), access.caller.user());
    let actor = access.caller.actor();
    let attaches = state.config.accounts.attaches_invited;
    let email = wanted.email.as_str();
    let details = json!({ "role": wanted.role.name(), "teams": wanted.teams });
    let member = transaction(conn, async |conn: &mut Conn| {
        let member = match members::find_by_email(conn, organization, email).await? {
            Some(member) if member.user.is_some() => return Ok(None),
            Some(member) => member,
            None => members::invite(conn, organization, email, wanted.role, inviter).await?,
        };
        let teams = teams::find_by_slugs(conn, organization, &wanted.teams).await?;
        if !teams.is_empty() {
            teams::add_member(conn, &teams, member.id).await?;
        }
        if attaches {
            let user = account(conn, &actor, email).await?;
            members::attach(conn, member.id, user).await?;
        } else if wanted.send {
            let invitation = mail::Invitation {
                organization: &access.organization.name,
                inviter: &actor.label,
                role: member.role,
                link: &invitation::link(state, &member),
            };
            mail::invitation(conn, email, invitation).await?;
        }
        let target = access.target("member", member.id, email);
        audit::record(conn, &actor, Action::MemberInvite, &target, &details).await?;
        members::find(conn, organization, member.id).await
    });
    Ok(member.await?)
}

/// The account with this address, made without a password if there is none.
async fn account(conn: &mut Conn, actor: &Actor, email: &str) -> Result<UserId> {
    if let Some(user) = users::find_by_email(conn, email).await? {
        return Ok(user.id);
    }
    let new =
        NewUser { email, name: "", password_hash: None, is_superuser: false, is_staff: false };
    let user = users::insert(conn, &new).await?;
    emails::insert(conn, user.id, email, true, true).await?;
    let target =
        Target { kind: "account", id: user.id.to_string(), label: user.email, organization: None };
    audit::record(conn, actor, Action::AccountCreate, &target, &json!({})).await?;
    Ok(user.id)
}
