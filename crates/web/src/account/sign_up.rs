//! Making an account for oneself.

use mishap_core::audit::Action;
use mishap_identity::password::strength::Owner;
use mishap_storage::accounts::emails;
use mishap_storage::accounts::users::{self, NewUser};
use mishap_storage::{Conn, transaction};

use super::refusal::{Problem, Refusal, taken_meanwhile};
use super::typed::{self, both};
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
    let mut conn = state.pool.get().await?;
    if Attempt::SignUp.is_too_often(&mut conn, state, &visit.from()).await? {
        return Err(Refusal::TooOften);
    }
    let owner = Owner { email, name: "" };
    let (email, password) =
        both(typed::email(email), typed::new_password(password, "password", owner))?;
    if visit.account.is_some() {
        return Err(Refusal::Conflict);
    }
    // Who has an account is only told where everybody may have one.
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
    let shared = &*visit;
    let made = transaction(&mut conn, async |conn: &mut Conn| {
        let user = users::insert(conn, &new).await?;
        let address = emails::insert(conn, user.id, new.email, false, true).await?;
        if let Some(address) = &address {
            mail::confirm_address(conn, state, address).await?;
        }
        shared.record(conn, &user, Action::AccountCreate).await?;
        Ok(user)
    });
    let user = made.await.map_err(|error| taken_meanwhile(error, Problem::email_taken()))?;
    visit.sign_in(&mut conn, state, &user, vec![Visit::method(state, "signup")]).await
}
