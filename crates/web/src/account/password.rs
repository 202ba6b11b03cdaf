//! Passwords: hashing them without keeping requests waiting, changing and resetting them.

use std::sync::Arc;

use mishap_core::audit::Action;
use mishap_core::email::EmailAddress;
use mishap_core::id::UserId;
use mishap_core::random::Random;
use mishap_core::signing::Purpose;
use mishap_identity::password::strength::{Owner, weaknesses};
use mishap_identity::password::{self, PasswordHash, Verified};
use mishap_storage::accounts::sessions;
use mishap_storage::accounts::users::{self, User};
use mishap_storage::{Conn, transaction};
use tokio::sync::Semaphore;

use super::refusal::{Problem, Refusal};
use super::visit::{Visit, own, seconds};
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
    let email = EmailAddress::parse(email).map_err(|_invalid| Problem::invalid_email())?;
    let mut conn = state.pool.get().await?;
    if Attempt::ResetLinkFrom.is_too_often(&mut conn, state, &visit.from()).await?
        || Attempt::ResetLinkOf.is_too_often(&mut conn, state, email.as_str()).await?
    {
        return Err(Refusal::TooOften);
    }
    let user = users::find_for_sign_in(&mut conn, email.as_str()).await?;
    match user.filter(|user| user.is_active) {
        Some(user) => {
            let (config, now) = (&state.config, state.clock.now());
            let link = links::password_reset(&mut conn, config, &user, now).await?;
            mail::password_reset(&mut conn, email.as_str(), &link).await?;
            visit.note(&mut conn, &user, Action::PasswordResetLink).await
        }
        None => {
            let can_sign_up = super::sign_up::is_open(&mut conn, state).await?;
            Ok(mail::unknown_account(&mut conn, state, email.as_str(), can_sign_up).await?)
        }
    }
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

/// Chooses a new password with a link. Everybody is signed out.
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
    let user = owner_of_link(&mut conn, state, key).await?;
    drop(conn);
    set(state, visit, &user, password, "password", None).await?;
    visit.session = None;
    visit.account = None;
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
    let stored = users::password_hash(&mut conn, user.id).await?.map(PasswordHash::from_stored);
    drop(conn);
    if stored.as_ref().is_some_and(PasswordHash::is_usable) {
        let current = current.ok_or_else(|| Problem::required("current_password"))?;
        if state.passwords.verify(current, stored).await? == Verified::No {
            return Err(Problem::incorrect_current_password().into());
        }
    }
    let session = visit.session.as_ref().map(|session| session.id);
    set(state, visit, &user, password, "new_password", session).await
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
    let stored = users::password_hash(&mut conn, user.id).await?.map(PasswordHash::from_stored);
    drop(conn);
    if state.passwords.verify(password, stored).await? == Verified::No {
        return Err(Problem::incorrect_password().into());
    }
    let mut method = Visit::method(state, "password");
    method.reauthenticated = true;
    method.at = seconds(state);
    visit.data.methods.push(method);
    let mut conn = state.pool.get().await?;
    visit.remember(&mut conn, state).await
}

async fn set(
    state: &AppState,
    visit: &Visit,
    user: &User,
    password: &str,
    param: &'static str,
    keeps: Option<mishap_core::id::SessionId>,
) -> Result<(), Refusal> {
    let weak = weaknesses(password, Owner { email: &user.email, name: &user.name });
    if !weak.is_empty() {
        let problem = |weakness| Problem::weak(weakness, param);
        return Err(Refusal::Problems(weak.into_iter().map(problem).collect()));
    }
    let hash = state.passwords.hash(password, &state.random).await?;
    let mut conn = state.pool.get().await?;
    let (id, email) = (user.id, user.email.as_str());
    let (actor, target, client) = (visit.actor(user), own(user), visit.client());
    transaction(&mut conn, async |conn: &mut Conn| {
        users::set_password(conn, id, Some(hash.as_str())).await?;
        sessions::delete_others(conn, id, keeps).await?;
        mail::password_changed(conn, state, email, client.clone()).await?;
        let details = serde_json::json!({});
        mishap_storage::audit::record(conn, &actor, Action::PasswordChange, &target, &details).await
    })
    .await?;
    Ok(())
}
