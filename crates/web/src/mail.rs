//! Mails that people are sent. They are written down as jobs, in the transaction that they tell of.

use chrono::TimeDelta;
use mishap_core::access::Role;
use mishap_core::signing::{Purpose, base36};
use mishap_queue::job::Job;
use mishap_storage::accounts::emails::{self, UserEmail};
use mishap_storage::{Conn, Error, Result, jobs};
use mishap_templates::mail::{Addressed, Mail, MailLink, SecondFactorChange};
use mishap_templates::paths;

use crate::AppState;

/// How long after a link that proves an address no other is sent to it (allauth).
const BETWEEN_CONFIRMATIONS: TimeDelta = TimeDelta::seconds(180);

async fn send(conn: &mut Conn, to: &str, mail: Mail) -> Result<()> {
    let payload = serde_json::to_value(Addressed { to: to.to_owned(), mail });
    let unwritable = |error: serde_json::Error| Error::Inconsistent {
        table: "jobs",
        what: format!("a mail cannot be written down: {error}"),
    };
    jobs::push(conn, Job::SendMail.name(), payload.map_err(unwritable)?).await?;
    Ok(())
}

/// A link to a page of this installation.
fn link(state: &AppState, path: &str) -> Result<MailLink> {
    whole(&state.config.address(path))
}

/// A whole address as a link.
fn whole(address: &str) -> Result<MailLink> {
    let unusable = |_invalid| Error::Inconsistent {
        table: "jobs",
        what: "the public URL makes no link".to_owned(),
    };
    MailLink::parse(address).map_err(unusable)
}

/// The key of a link that proves an address.
pub(crate) fn confirmation_key(state: &AppState, address: &UserEmail) -> String {
    let token = state.config.signing_key.sign(
        Purpose::AddressConfirmation,
        address.id.0,
        &[&address.email],
        state.clock.now(),
    );
    format!("{}-{token}", base36(address.id.0))
}

/// Sends a link that proves an address, unless one was sent a moment ago; says whether it was sent.
pub(crate) async fn confirm_address(
    conn: &mut Conn,
    state: &AppState,
    address: &UserEmail,
) -> Result<bool> {
    let now = state.clock.now();
    if !emails::send_confirmation(conn, address.id, now, now - BETWEEN_CONFIRMATIONS).await? {
        return Ok(false);
    }
    let key = confirmation_key(state, address);
    let link = link(state, &paths::confirm_address(&key))?;
    let email = address.email.clone();
    send(conn, &address.email, Mail::ConfirmAddress { email, link }).await?;
    Ok(true)
}

/// An invitation to an organization.
pub(crate) struct Invitation<'a> {
    /// The organization's name.
    pub(crate) organization: &'a str,
    /// Who invites.
    pub(crate) inviter: &'a str,
    /// What the person will be in it.
    pub(crate) role: Role,
    /// Accepts it.
    pub(crate) link: &'a str,
}

/// Sends an invitation to an organization.
pub(crate) async fn invitation(
    conn: &mut Conn,
    to: &str,
    invitation: Invitation<'_>,
) -> Result<()> {
    let Invitation { organization, inviter, role, link } = invitation;
    let mail = Mail::Invitation {
        organization: organization.to_owned(),
        inviter: Some(inviter.to_owned()),
        role: role.label().to_owned(),
        link: whole(link)?,
    };
    send(conn, to, mail).await
}

/// Sends a link to choose a new password.
pub(crate) async fn password_reset(conn: &mut Conn, to: &str, link: &str) -> Result<()> {
    let mail = Mail::PasswordReset { email: to.to_owned(), link: whole(link)? };
    send(conn, to, mail).await
}

/// Says that no account has the address for which a new password was asked.
pub(crate) async fn unknown_account(
    conn: &mut Conn,
    state: &AppState,
    to: &str,
    can_sign_up: bool,
) -> Result<()> {
    let sign_up = can_sign_up.then(|| link(state, paths::SIGN_UP)).transpose()?;
    send(conn, to, Mail::UnknownAccount { email: to.to_owned(), sign_up }).await
}

/// Says that second factors changed; `client` is the browser, in words.
pub(crate) async fn second_factor_changed(
    conn: &mut Conn,
    state: &AppState,
    to: &str,
    change: SecondFactorChange,
    client: Option<String>,
) -> Result<()> {
    let mail = Mail::SecondFactorChanged {
        email: to.to_owned(),
        change,
        at: state.clock.now(),
        client,
        security: link(state, paths::SECURITY)?,
    };
    send(conn, to, mail).await
}

/// Says that the password was changed; `client` is the browser, in words.
pub(crate) async fn password_changed(
    conn: &mut Conn,
    state: &AppState,
    to: &str,
    client: Option<String>,
) -> Result<()> {
    let mail = Mail::PasswordChanged {
        email: to.to_owned(),
        at: state.clock.now(),
        client,
        forgotten: link(state, paths::PASSWORD_FORGOTTEN)?,
    };
    send(conn, to, mail).await
}
