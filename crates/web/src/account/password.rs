//! Passwords: hashing them without keeping requests waiting, changing and resetting them.

use std::sync::Arc;

use mishap_core::audit::Action;
use mishap_core::id::{SessionId, UserId};
use mishap_core::random::Random;
use mishap_core::signing::Purpose;
use mishap_identity::password::strength::Owner;
use mishap_identity::password::{self, PasswordHash, Verified};
use mishap_storage::accounts::users::{self, User};
use mishap_storage::accounts::{emails, sessions};
use mishap_storage::{Conn, transaction};
use tokio::sync::Semaphore;

use super::guess;
use super::refusal::{Problem, Refusal};
use super::typed::{self, both, required};
use super::visit::Visit;
use crate::AppState;
use crate::error::ApiError;
use crate::throttle::Attempt;
use crate::{links, mail};

/// Passwords hashed at the same time: each takes 19 MiB and 30 ms of a core, imported ones a second.
const AT_ONCE: usize = 1;

/// Hashes and verifies passwords on threads of their own, a few at a time.
pub struct Passwords(Semaphore);

impl Default for Passwords {
    fn default() -> Self {
        Self(Semaphore::new(AT_ONCE))
    }
}

impl Passwords {
    /// Hashes a password.
    pub(crate) async fn hash(
        &self,
        password: &str,
        random: &Arc<dyn Random>,
    ) -> Result<PasswordHash, ApiError> {
        let (password, random) = (password.to_owned(), Arc::clone(random));
        let hash = self.work(move || password::hash(&password, random.as_ref())).await?;
        hash.map_err(|error| ApiError::Internal(error.into()))
    }

    /// Verifies a password; `None` for an unknown account takes as long.
    pub(crate) async fn verify(
        &self,
        password: &str,
        stored: Option<PasswordHash>,
    ) -> Result<Verified, ApiError> {
        let password = password.to_owned();
        self.work(move || password::verify(&password, stored.as_ref())).await
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let failed = |error: anyhow::Error| ApiError::Internal(error);
        let permit = self.0.acquire().await.map_err(|error| failed(error.into()))?;
        let done = actix_web::web::block(work).await.map_err(|error| failed(error.into()));
        drop(permit);
        done
    }
}

/// Sends a link to choose a new password; an address that nobody has is told so by mail, so that
/// nobody else learns of it.
pub(crate) async fn request_reset(
    state: &AppState,
    visit: &Visit,
    email: &str,
) -> Result<(), Refusal> {
    let mut conn = state.pool.get().await?;
    if Attempt::ResetLinkFrom.is_too_often(&mut conn, state, &visit.from()).await? {
        return Err(Refusal::TooOften);
    }
    let email = typed::email(email).map_err(Refusal::Problems)?;
    let user = users::find_for_sign_in(&mut conn, email.as_str()).await?;
    let whose = guess::at_password(user.as_ref(), email.as_str());
    if Attempt::ResetLinkOf.is_too_often(&mut conn, state, &whose).await? {
        return Err(Refusal::TooOften);
    }
    let Some(user) = user.filter(|user| user.is_active) else {
        let can_sign_up = super::sign_up::is_open(&mut conn, state).await?;
        let unknown = mail::unknown_account(&mut conn, state, email.as_str(), can_sign_up);
        return Ok(unknown.await?);
    };
    // Two spellings that the database takes for one need not be one to whoever delivers the mail.
    let known = emails::find(&mut conn, user.id, email.as_str()).await?;
    let to = known.map_or_else(|| user.email.clone(), |known| known.email);
    let (config, now) = (&state.config, state.clock.now());
    let link = links::password_reset(&mut conn, config, &user, now).await?;
    let (to, link, user) = (to.as_str(), link.as_str(), &user);
    transaction(&mut conn, async |conn: &mut Conn| {
        mail::password_reset(conn, to, link).await?;
        visit.record(conn, user, Action::PasswordResetLink).await
    })
    .await?;
    Ok(())
}

/// Whose link it is, if it still holds.
pub(crate) async fn owner_of_link(
    conn: &mut Conn,
    state: &AppState,
    key: &str,
) -> Result<User, Refusal> {
    let invalid = Problem::invalid_reset_link;
    let (user, token) = key.split_once('-').ok_or_else(invalid)?;
    let user = i64::from_str_radix(user, 36).map_err(|_unreadable| invalid())?;
    let user = users::find(conn, UserId(user)).await?.filter(|user| user.is_active);
    let user = user.ok_or_else(invalid)?;
    let hash = users::password_hash(conn, user.id).await?;
    let [hash, last_login] = links::password_reset_is_bound_to(hash.as_deref(), &user);
    let (key, now) = (&state.config.signing_key, state.clock.now());
    let holds = key.verifies(token, Purpose::PasswordReset, user.id.0, &[&hash, &last_login], now);
    if holds { Ok(user) } else { Err(invalid().into()) }
}

/// Chooses a new password with a link. Everybody who is signed in to the account is signed out.
pub(crate) async fn reset(
    state: &AppState,
    visit: &mut Visit,
    key: &str,
    password: &str,
) -> Result<(), Refusal> {
    let mut conn = state.pool.get().await?;
    if Attempt::Reset.is_too_often(&mut conn, state, &visit.from()).await? {
        return Err(Refusal::TooOften);
    }
    let (key, password) = both(required(key, "key"), required(password, "password"))?;
    let user = owner_of_link(&mut conn, state, key).await?;
    let stored = users::password_hash(&mut conn, user.id).await?;
    drop(conn);
    let owner = Owner { email: &user.email, name: &user.name };
    let password = typed::new_password(password, "password", owner).map_err(Refusal::Problems)?;
    if !replace(state, visit, &user, stored.as_deref(), password, None).await? {
        return Err(Problem::invalid_reset_link().into());
    }
    if visit.account.as_ref().is_some_and(|account| account.id == user.id) {
        visit.forget(state);
    }
    Ok(())
}

/// Changes the password of whoever is signed in; other sessions end.
pub(crate) async fn change(
    state: &AppState,
    visit: &mut Visit,
    current: Option<&str>,
    password: &str,
) -> Result<(), Refusal> {
    let user = visit.signed_in()?.clone();
    let mut conn = state.pool.get().await?;
    let subject = user.id.to_string();
    if Attempt::PasswordChange.is_too_often(&mut conn, state, &subject).await? {
        return Err(Refusal::TooOften);
    }
    let stored = users::password_hash(&mut conn, user.id).await?;
    drop(conn);
    let hash = stored.clone().map(PasswordHash::from_stored);
    let current = match hash.as_ref().is_some_and(PasswordHash::is_usable) {
        false => Ok(()),
        true => match required(current.unwrap_or_default(), "current_password") {
            Err(missing) => Err(missing),
            Ok(current) => match state.passwords.verify(current, hash).await? {
                Verified::No => Err(vec![Problem::incorrect_current_password()]),
                Verified::Yes { .. } => Ok(()),
            },
        },
    };
    let owner = Owner { email: &user.email, name: &user.name };
    let ((), password) = both(current, typed::new_password(password, "new_password", owner))?;
    let session = visit.session.as_ref().map(|session| session.id);
    if !replace(state, visit, &user, stored.as_deref(), password, session).await? {
        return Err(Problem::incorrect_current_password().into());
    }
    Ok(())
}

/// Proves once more who is signed in.
pub(crate) async fn reauthenticate(
    state: &AppState,
    visit: &mut Visit,
    password: &str,
) -> Result<(), Refusal> {
    let user = visit.signed_in()?.clone();
    let mut conn = state.pool.get().await?;
    let subject = user.id.to_string();
    if Attempt::Reauthentication.is_too_often(&mut conn, state, &subject).await? {
        return Err(Refusal::TooOften);
    }
    let password = required(password, "password").map_err(Refusal::Problems)?;
    let stored = users::password_hash(&mut conn, user.id).await?.map(PasswordHash::from_stored);
    drop(conn);
    if state.passwords.verify(password, stored).await? == Verified::No {
        return Err(Problem::incorrect_password().into());
    }
    let mut method = Visit::method(state, "password");
    method.reauthenticated = true;
    visit.prove(method);
    let mut conn = state.pool.get().await?;
    visit.remember(&mut conn, state).await
}

/// Puts a password in place of `old`, unless somebody else was faster; ends all sessions but one.
async fn replace(
    state: &AppState,
    visit: &Visit,
    user: &User,
    old: Option<&str>,
    password: &str,
    keeps: Option<SessionId>,
) -> Result<bool, Refusal> {
    let hash = state.passwords.hash(password, &state.random).await?;
    let mut conn = state.pool.get().await?;
    let replaced = transaction(&mut conn, async |conn: &mut Conn| {
        if !users::replace_password(conn, user.id, old, hash.as_str()).await? {
            return Ok(false);
        }
        sessions::delete_others(conn, user.id, keeps).await?;
        mail::password_changed(conn, state, &user.email, visit.client()).await?;
        visit.record(conn, user, Action::PasswordChange).await?;
        Ok(true)
    })
    .await?;
    Ok(replaced)
}
