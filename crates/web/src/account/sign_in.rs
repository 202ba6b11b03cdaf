//! Signing in with a password.

use mishap_core::id::UserId;
use mishap_core::secret::ApiToken;
use mishap_identity::password::{PasswordHash, Verified};
use mishap_storage::Conn;
use mishap_storage::accounts::authenticators::{self, Authenticator, Kind};
use mishap_storage::accounts::users::{self, User};

use super::guess::{self, Guess};
use super::refusal::{Problem, Refusal};
use super::typed::{self, both, required};
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

/// Signs somebody in who knows the password, or begins to wait for a second factor. That somebody is
/// signed in already is only told to whoever knows it.
///
/// An account that is switched off is refused as if nobody were signed in; the password was right, so
/// this tells no stranger anything.
pub(crate) async fn with_password(
    state: &AppState,
    visit: &mut Visit,
    email: &str,
    password: &str,
) -> Result<Progress, Refusal> {
    let mut conn = state.pool.get().await?;
    if Attempt::SignIn.is_too_often(&mut conn, state, &visit.from()).await? {
        return Err(Refusal::TooOften);
    }
    let (email, password) = both(typed::email(email), required(password, "password"))?;
    let user = users::find_for_sign_in(&mut conn, email.as_str()).await?;
    let whose = guess::at_password(user.as_ref(), email.as_str());
    let guess = Guess::begin(&mut conn, state, visit, Some(whose)).await?;
    let stored = match &user {
        Some(user) => users::password_hash(&mut conn, user.id).await?,
        None => None,
    };
    // The connection is not kept while the password is hashed.
    drop(conn);
    let hash = stored.clone().map(PasswordHash::from_stored);
    let verified = state.passwords.verify(password, hash).await?;
    let mut conn = state.pool.get().await?;
    let (Some(user), Verified::Yes { needs_rehash }) = (&user, verified) else {
        guess.was_wrong(&mut conn, visit, user.as_ref()).await?;
        return Err(Problem::wrong_password().into());
    };
    guess.was_right(&mut conn, state).await?;
    if !user.is_active {
        return Err(Refusal::SignedOut);
    }
    if visit.account.is_some() {
        return Err(Refusal::Conflict);
    }
    if needs_rehash {
        drop(conn);
        let hash = state.passwords.hash(password, &state.random).await?;
        conn = state.pool.get().await?;
        // If it was changed meanwhile, the new one stays.
        users::replace_password(&mut conn, user.id, stored.as_deref(), hash.as_str()).await?;
    }
    let mut method = Visit::method(state, "password");
    method.email = Some(user.email.clone());
    proceed(&mut conn, state, visit, user, vec![method]).await
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
    let password = password_mark(conn, user.id).await?;
    let pending = Some(Pending { user: user.id, at: seconds(state), methods, password });
    visit.begin(conn, state, SessionData { pending, ..SessionData::default() }).await?;
    Ok(Progress::NeedsSecondFactor)
}

/// Whether something is asked for after the password; recovery codes alone are not.
pub(crate) fn is_second_factor(authenticator: &Authenticator) -> bool {
    matches!(authenticator.kind(), Some(Kind::Totp | Kind::Passkey))
}

/// By what a password is known again without keeping its hash: another password has another one.
pub(crate) async fn password_mark(
    conn: &mut Conn,
    user: UserId,
) -> Result<Option<String>, Refusal> {
    let stored = users::password_hash(conn, user).await?;
    let mark = |stored: String| ApiToken::new(stored).hash().0;
    Ok(stored.map(|stored| mark(stored).iter().map(|byte| format!("{byte:02x}")).collect()))
}
