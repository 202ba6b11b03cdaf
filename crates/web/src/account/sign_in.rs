//! Signing in with a password.

use mishap_core::audit::Action;
use mishap_core::email::EmailAddress;
use mishap_identity::password::{PasswordHash, Verified};
use mishap_storage::Conn;
use mishap_storage::accounts::authenticators::{self, Authenticator, Kind};
use mishap_storage::accounts::users::{self, User};

use super::refusal::{Problem, Refusal};
use super::visit::{Visit, seconds};
use crate::AppState;
use crate::session::{Pending, SessionData};
use crate::throttle::Attempt;

/// How far somebody came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Signed in.
    Done,
    /// A second factor is waited for.
    NeedsSecondFactor,
}

/// Signs somebody in who knows the password, or begins to wait for a second factor.
///
/// An account that is switched off is refused as if nobody were signed in; the password was right, so
/// this tells no stranger anything.
pub(crate) async fn with_password(
    state: &AppState,
    visit: &mut Visit,
    email: &str,
    password: &str,
) -> Result<Progress, Refusal> {
    let email = EmailAddress::parse(email).map_err(|_invalid| Problem::invalid_email())?;
    if visit.account.is_some() {
        return Err(Refusal::Conflict);
    }
    let mut conn = state.pool.get().await?;
    if Attempt::SignIn.is_too_often(&mut conn, state, &visit.from()).await? {
        return Err(Refusal::TooOften);
    }
    refuse_guesses(&mut conn, state, visit, email.as_str()).await?;
    let user = users::find_for_sign_in(&mut conn, email.as_str()).await?;
    let stored = match &user {
        Some(user) => users::password_hash(&mut conn, user.id).await?,
        None => None,
    };
    let stored = stored.map(PasswordHash::from_stored);
    // The connection is not kept while the password is hashed.
    drop(conn);
    let verified = state.passwords.verify(password, stored).await?;
    let mut conn = state.pool.get().await?;
    let (Some(user), Verified::Yes { needs_rehash }) = (user, verified) else {
        note_failure(&mut conn, state, visit, email.as_str()).await?;
        return Err(Problem::wrong_password().into());
    };
    Attempt::FailureOf.forget(&mut conn, email.as_str()).await?;
    if !user.is_active {
        return Err(Refusal::SignedOut);
    }
    if needs_rehash {
        let hash = state.passwords.hash(password, &state.random).await?;
        users::set_password(&mut conn, user.id, Some(hash.as_str())).await?;
    }
    let mut method = Visit::method(state, "password");
    method.email = Some(user.email.clone());
    proceed(&mut conn, state, visit, &user, vec![method]).await
}

/// Signs somebody in whose first step is done, or begins to wait for the second factor.
pub(crate) async fn proceed(
    conn: &mut Conn,
    state: &AppState,
    visit: &mut Visit,
    user: &User,
    methods: Vec<crate::session::Method>,
) -> Result<Progress, Refusal> {
    let factors = authenticators::list(conn, user.id).await?;
    if !factors.iter().any(is_second_factor) {
        visit.sign_in(conn, state, user, methods).await?;
        return Ok(Progress::Done);
    }
    let pending = Some(Pending { user: user.id, at: seconds(state), methods });
    visit.begin(conn, state, SessionData { pending, ..SessionData::default() }).await?;
    Ok(Progress::NeedsSecondFactor)
}

/// Whether something is asked for after the password; recovery codes alone are not.
pub(crate) fn is_second_factor(authenticator: &Authenticator) -> bool {
    matches!(authenticator.kind(), Some(Kind::Totp | Kind::Passkey))
}

/// Refuses whoever guessed too often, before anything is compared.
pub(crate) async fn refuse_guesses(
    conn: &mut Conn,
    state: &AppState,
    visit: &Visit,
    whose: &str,
) -> Result<(), Refusal> {
    let of_account = Attempt::FailureOf.is_used_up(conn, state, whose).await?;
    if of_account || Attempt::FailureFrom.is_used_up(conn, state, &visit.from()).await? {
        return Err(Problem::too_many_attempts().into());
    }
    Ok(())
}

/// Counts a wrong guess, and tells the audit log when there were too many.
pub(crate) async fn note_failure(
    conn: &mut Conn,
    state: &AppState,
    visit: &Visit,
    whose: &str,
) -> Result<(), Refusal> {
    Attempt::FailureFrom.is_too_often(conn, state, &visit.from()).await?;
    Attempt::FailureOf.is_too_often(conn, state, whose).await?;
    if Attempt::FailureOf.is_used_up(conn, state, whose).await?
        && let Some(user) = users::find_for_sign_in(conn, whose).await?
    {
        visit.note(conn, &user, Action::SignInThrottled).await?;
    }
    Ok(())
}
