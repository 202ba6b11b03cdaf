//! Mails that people are sent. They are written down as jobs, in the transaction that they tell of.

use mishap_core::access::Role;
use mishap_core::signing::{Purpose, base36};
use mishap_queue::job::Job;
use mishap_storage::accounts::emails::{self, UserEmail};
use mishap_storage::{Conn, Result, jobs};
use serde_json::{Value, json};

use crate::AppState;

async fn send(conn: &mut Conn, to: &str, mail: Value) -> Result<()> {
    jobs::push(conn, Job::SendMail.name(), json!({ "to": to, "mail": mail })).await?;
    Ok(())
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

/// Sends a link that proves an address.
pub(crate) async fn confirm_address(
    conn: &mut Conn,
    state: &AppState,
    address: &UserEmail,
) -> Result<()> {
    let key = confirmation_key(state, address);
    let link = state.config.address(&format!("/profile/confirm-email/{key}/"));
    send(conn, &address.email, json!({ "ConfirmAddress": { "link": link } })).await?;
    emails::confirmation_sent(conn, address.id, state.clock.now()).await
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
    let mail = json!({ "Invitation": {
        "organization": organization,
        "inviter": inviter,
        "role": role.label(),
        "link": link,
    } });
    send(conn, to, mail).await
}

/// Sends a link to choose a new password.
pub(crate) async fn password_reset(conn: &mut Conn, to: &str, link: &str) -> Result<()> {
    send(conn, to, json!({ "PasswordReset": { "link": link } })).await
}

/// Says that no account has the address for which a new password was asked.
pub(crate) async fn unknown_account(conn: &mut Conn, to: &str, sign_up: &str) -> Result<()> {
    send(conn, to, json!({ "UnknownAccount": { "link": sign_up } })).await
}

/// Says that second factors changed.
pub(crate) async fn second_factor_changed(conn: &mut Conn, to: &str) -> Result<()> {
    send(conn, to, json!("SecondFactorChanged")).await
}

/// Says that the password was changed.
pub(crate) async fn password_changed(conn: &mut Conn, to: &str) -> Result<()> {
    send(conn, to, json!("PasswordChanged")).await
}
