//! Making an account for oneself.

use mishap_core::audit::Action;
use mishap_core::email::EmailAddress;
use mishap_identity::password::strength::{Owner, weaknesses};
use mishap_storage::accounts::emails;
use mishap_storage::accounts::users::{self, NewUser};
use mishap_storage::{Conn, transaction};

use super::refusal::{Problem, Refusal};
use super::visit::Visit;
use crate::AppState;
use crate::mail;
use crate::throttle::Attempt;

/// Whether people may make accounts for themselves; the first account may always be made.
pub(crate) async fn is_open(conn: &mut Conn, state: &AppState) -> Result<bool, Refusal> {
    Ok(state.config.accounts.is_open || !users::exist(conn).await?)
}

/// Makes an account and signs its owner in.
pub(crate) async fn sign_up(
    state: &AppState,
    visit: &mut Visit,
    email: &str,
    password: &str,
) -> Result<(), Refusal> {
    let email = EmailAddress::parse(email).map_err(|_invalid| Problem::invalid_email())?;
    let weak = weaknesses(password, Owner { email: email.as_str(), name: "" });
    if !weak.is_empty() {
        let problem = |weakness| Problem::weak(weakness, "password");
        return Err(Refusal::Problems(weak.into_iter().map(problem).collect()));
    }
    if visit.account.is_some() {
        return Err(Refusal::Conflict);
    }
    let mut conn = state.pool.get().await?;
    if Attempt::SignUp.is_too_often(&mut conn, state, &visit.from()).await? {
        return Err(Refusal::TooOften);
    }
    if !is_open(&mut conn, state).await? {
        return Err(Refusal::Forbidden);
    }
    if emails::is_taken(&mut conn, email.as_str(), None).await? {
        return Err(Problem::email_taken().into());
    }
    drop(conn);
    let hash = state.passwords.hash(password, &state.random).await?;
    let mut conn = state.pool.get().await?;
    let new = NewUser {
        email: email.as_str(),
        name: "",
        password_hash: Some(hash.as_str()),
        is_superuser: false,
        is_staff: false,
    };
    let user = transaction(&mut conn, async |conn: &mut Conn| {
        let user = users::insert(conn, &new).await?;
        let address = emails::insert(conn, user.id, new.email, false, true).await?;
        if let Some(address) = &address {
            mail::confirm_address(conn, state, address).await?;
        }
        Ok(user)
    })
    .await?;
    visit.note(&mut conn, &user, Action::AccountCreate).await?;
    visit.sign_in(&mut conn, state, &user, vec![Visit::method(state, "signup")]).await
}
