//! The first account of an installation, and the first organization.
//!
//! A link for it is in the log of web until somebody used it, so that nobody claims an installation
//! who cannot read what its server prints.

use mishap_core::access::Role;
use mishap_core::audit::Action;
use mishap_core::signing::Purpose;
use mishap_core::slug;
use mishap_identity::password::strength::Owner;
use mishap_storage::accounts::emails;
use mishap_storage::accounts::users::{self, NewUser};
use mishap_storage::{Conn, members, organizations, transaction};

use super::refusal::Refusal;
use super::typed::{self, both};
use super::visit::Visit;
use crate::AppState;
use crate::config::AppConfig;

/// The address of the page for the first account.
pub(crate) fn link(config: &AppConfig, now: chrono::DateTime<chrono::Utc>) -> String {
    let key = config.signing_key.sign(Purpose::FirstRun, 0, &[], now);
    config.address(&format!("{}?key={key}", mishap_templates::paths::FIRST_RUN))
}

/// Refuses whoever has no good key, or comes too late.
pub(crate) async fn check(state: &AppState, key: &str) -> Result<(), Refusal> {
    let now = state.clock.now();
    if !state.config.signing_key.verifies(key, Purpose::FirstRun, 0, &[], now) {
        return Err(Refusal::Forbidden);
    }
    if users::exist(&mut *state.pool.get().await?).await? {
        return Err(Refusal::Conflict);
    }
    Ok(())
}

/// What is to be made.
pub(crate) struct First<'a> {
    /// From the link.
    pub(crate) key: &'a str,
    pub(crate) email: &'a str,
    pub(crate) password: &'a str,
    /// What the organization is called.
    pub(crate) organization: &'a str,
}

/// Makes the administrator's account and the first organization, and signs in.
pub(crate) async fn make(
    state: &AppState,
    visit: &mut Visit,
    wanted: &First<'_>,
) -> Result<(), Refusal> {
    check(state, wanted.key).await?;
    let owner = Owner { email: wanted.email, name: "" };
    let password = typed::new_password(wanted.password, "password", owner);
    let ((email, password), name) =
        both(both(typed::email(wanted.email), password), typed::organization(wanted.organization))?;
    let hash = state.passwords.hash(password, &state.random).await?;
    let slugs = slug::of_organization(name, state.random.as_ref());
    let new = NewUser {
        email: email.as_str(),
        name: "",
        password_hash: Some(hash.as_str()),
        is_superuser: true,
        is_staff: true,
    };
    let mut conn = state.pool.get().await?;
    let shared = &*visit;
    let made = transaction(&mut conn, async |conn: &mut Conn| {
        users::lock(conn).await?;
        if users::exist(conn).await? {
            return Ok(None);
        }
        let user = users::insert(conn, &new).await?;
        // Whoever can read the server's log need not prove an address to it.
        emails::insert(conn, user.id, new.email, true, true).await?;
        let organization = organizations::insert(conn, name, &slugs).await?;
        members::put(conn, organization.id, user.id, Role::Owner).await?;
        shared.record(conn, &user, Action::AccountCreate).await?;
        Ok(Some(user))
    });
    let user = made.await?.ok_or(Refusal::Conflict)?;
    visit.sign_in(&mut conn, state, &user, vec![Visit::method(state, "signup")]).await
}
