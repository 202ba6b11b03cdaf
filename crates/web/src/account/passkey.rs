//! Passkeys and security keys: ceremonies whose state is kept in the session, never in the browser.

use mishap_core::id::AuthenticatorId;
use mishap_identity::passkey::{
    Account, AuthenticationState, LoginState, MAX_PASSKEYS, Passkey, Purpose, RegistrationState,
    Site, claimed_user,
};
use mishap_storage::accounts::authenticators::{self, Authenticator, Kind};
use mishap_storage::accounts::users::{self, User};
use mishap_storage::{Conn, transaction};
use mishap_templates::mail::SecondFactorChange;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::guess::{self, Guess};
use super::refusal::{Problem, Refusal};
use super::second_factor::{
    PATIENCE, add_recovery_codes, fresh_recovery_codes, needs_verified_address, pending, proof,
    tell_change,
};
use super::visit::{Visit, seconds};
use crate::AppState;
use crate::error::ApiError;
use crate::session::{Ceremony, Method};
use crate::throttle::Attempt;

/// The site that passkeys are for, if the public URL is fit for them.
fn site(state: &AppState) -> Result<&Site, Refusal> {
    state.site.as_ref().ok_or_else(|| Problem::incorrect_passkey().into())
}

/// The passkeys among second factors, each with its row.
fn passkeys(factors: &[Authenticator]) -> (Vec<AuthenticatorId>, Vec<Passkey>) {
    let is_passkey = |factor: &&Authenticator| factor.kind() == Some(Kind::Passkey);
    factors
        .iter()
        .filter(is_passkey)
        .filter_map(|factor| {
            let passkey = factor.data.get("credential")?;
            Some((factor.id, serde_json::from_value(passkey.clone()).ok()?))
        })
        .unzip()
}

fn stored(passkey: &Passkey) -> Result<Value, Refusal> {
    let credential = serde_json::to_value(passkey);
    let credential = credential.map_err(|error| ApiError::Internal(error.into()))?;
    Ok(json!({ "credential": credential, "is_passwordless": passkey.is_passwordless() }))
}

/// The state of the ceremony that has begun. It is forgotten here, so that it counts once, whatever
/// comes of it.
async fn take<T: DeserializeOwned>(
    conn: &mut Conn,
    state: &AppState,
    visit: &mut Visit,
) -> Result<Option<T>, Refusal> {
    let Some(ceremony) = visit.data.ceremony.take() else {
        return Ok(None);
    };
    visit.remember(conn, state).await?;
    let is_young = seconds(state) < ceremony.at + PATIENCE;
    let state = Some(ceremony.state).filter(|_| is_young);
    Ok(state.and_then(|state| serde_json::from_value(state).ok()))
}

async fn keep(
    conn: &mut Conn,
    state: &AppState,
    visit: &mut Visit,
    ceremony: &impl serde::Serialize,
) -> Result<(), Refusal> {
    let kept = serde_json::to_value(ceremony).map_err(|error| ApiError::Internal(error.into()))?;
    visit.data.ceremony = Some(Ceremony { at: seconds(state), state: kept });
    visit.remember(conn, state).await
}

/// Begins to add a passkey.
pub(crate) async fn begin_adding(
    state: &AppState,
    visit: &mut Visit,
    is_passwordless: bool,
) -> Result<Value, Refusal> {
    let user = visit.signed_in()?.clone();
    let mut conn = state.pool.get().await?;
    needs_verified_address(&mut conn, &user).await?;
    let factors = authenticators::list(&mut conn, user.id).await?;
    let (_, existing) = passkeys(&factors);
    if existing.len() >= MAX_PASSKEYS {
        return Err(Refusal::Conflict);
    }
    let account = Account { id: user.id, email: &user.email, name: &user.name };
    let purpose = if is_passwordless { Purpose::Passwordless } else { Purpose::SecondFactor };
    let begun = site(state)?.begin_registration(account, purpose, &existing);
    let (options, ceremony) = begun.map_err(|_refused| Problem::incorrect_passkey())?;
    keep(&mut conn, state, visit, &ceremony).await?;
    Ok(options)
}

/// Adds a passkey; says whether recovery codes came along with it.
pub(crate) async fn add(
    state: &AppState,
    visit: &mut Visit,
    name: &str,
    answer: Value,
) -> Result<(Authenticator, bool), Refusal> {
    let user = visit.signed_in()?.clone();
    let mut conn = state.pool.get().await?;
    needs_verified_address(&mut conn, &user).await?;
    let ceremony: Option<RegistrationState> = take(&mut conn, state, visit).await?;
    let ceremony = ceremony.ok_or_else(Problem::incorrect_passkey)?;
    let passkey = site(state)?.finish_registration(ceremony, answer);
    let passkey = passkey.map_err(|_refused| Problem::incorrect_passkey())?;
    let (data, fresh) = (stored(&passkey)?, fresh_recovery_codes(state)?);
    let name = if name.is_empty() { "Passkey" } else { name };
    let (id, shared) = (user.id, &*visit);
    let added = transaction(&mut conn, async |conn: &mut Conn| {
        let added = authenticators::insert_passkey(conn, id, name, &data, passkey.id()).await?;
        let Some(added) = added else {
            return Ok(None);
        };
        let has_codes = add_recovery_codes(conn, id, &fresh).await?;
        let change = SecondFactorChange::PasskeyAdded;
        tell_change(conn, state, shared, &user, change).await?;
        Ok(Some((added, has_codes)))
    })
    .await?;
    let (added, has_codes) = added.ok_or_else(Problem::incorrect_passkey)?;
    visit.prove(proof(state, &added));
    visit.remember(&mut conn, state).await?;
    Ok((added, has_codes))
}

/// Begins to ask somebody for a passkey who gave the right password.
pub(crate) async fn begin_second_factor(
    state: &AppState,
    visit: &mut Visit,
) -> Result<Value, Refusal> {
    let mut conn = state.pool.get().await?;
    let (user, _) = pending(&mut conn, state, visit).await?;
    begin(&mut conn, state, visit, &user).await
}

/// Ends a sign-in that waits for a second factor.
pub(crate) async fn second_factor(
    state: &AppState,
    visit: &mut Visit,
    answer: Value,
) -> Result<(), Refusal> {
    let mut conn = state.pool.get().await?;
    let (user, pending) = pending(&mut conn, state, visit).await?;
    let method = finish(&mut conn, state, visit, &user, answer).await?;
    let methods = [pending.methods, vec![method]].concat();
    visit.sign_in(&mut conn, state, &user, methods).await
}

/// Begins to ask whoever is signed in for a passkey.
pub(crate) async fn begin_reauthentication(
    state: &AppState,
    visit: &mut Visit,
) -> Result<Value, Refusal> {
    let user = visit.signed_in()?.clone();
    begin(&mut *state.pool.get().await?, state, visit, &user).await
}

/// Proves once more who is signed in.
pub(crate) async fn reauthenticate(
    state: &AppState,
    visit: &mut Visit,
    answer: Value,
) -> Result<(), Refusal> {
    let user = visit.signed_in()?.clone();
    let mut conn = state.pool.get().await?;
    let mut method = finish(&mut conn, state, visit, &user, answer).await?;
    method.reauthenticated = true;
    visit.prove(method);
    visit.remember(&mut conn, state).await
}

async fn begin(
    conn: &mut Conn,
    state: &AppState,
    visit: &mut Visit,
    user: &User,
) -> Result<Value, Refusal> {
    let (_, keys) = passkeys(&authenticators::list(conn, user.id).await?);
    let begun = site(state)?.begin_authentication(&keys);
    let (options, ceremony) = begun.map_err(|_refused| Problem::incorrect_passkey())?;
    keep(conn, state, visit, &ceremony).await?;
    Ok(options)
}

async fn finish(
    conn: &mut Conn,
    state: &AppState,
    visit: &mut Visit,
    user: &User,
    answer: Value,
) -> Result<Method, Refusal> {
    let whose = guess::at_second_factor(user);
    let guess = Guess::begin(conn, state, visit, Some(whose)).await?;
    let ceremony: Option<AuthenticationState> = take(conn, state, visit).await?;
    let (rows, mut keys) = passkeys(&authenticators::list(conn, user.id).await?);
    let site = site(state)?;
    let place =
        ceremony.and_then(|ceremony| site.finish_authentication(&ceremony, answer, &mut keys).ok());
    let Some(place) = place else {
        guess.was_wrong(conn, visit, Some(user)).await?;
        return Err(Problem::incorrect_passkey().into());
    };
    guess.was_right(conn, state).await?;
    used(conn, state, &rows, &keys, place).await
}

/// Begins a sign-in by a passkey alone.
pub(crate) async fn begin_sign_in(state: &AppState, visit: &mut Visit) -> Result<Value, Refusal> {
    let begun = site(state)?.begin_login();
    let (options, ceremony) = begun.map_err(|_refused| Problem::incorrect_passkey())?;
    keep(&mut *state.pool.get().await?, state, visit, &ceremony).await?;
    Ok(options)
}

/// Signs somebody in by a passkey alone.
pub(crate) async fn sign_in(
    state: &AppState,
    visit: &mut Visit,
    answer: Value,
) -> Result<(), Refusal> {
    let mut conn = state.pool.get().await?;
    if Attempt::SignIn.is_too_often(&mut conn, state, &visit.from()).await? {
        return Err(Refusal::TooOften);
    }
    let guess = Guess::begin(&mut conn, state, visit, None).await?;
    let ceremony: Option<LoginState> = take(&mut conn, state, visit).await?;
    let user = match claimed_user(&answer) {
        Some(user) => users::find(&mut conn, user).await?,
        None => None,
    };
    let (Some(user), Some(ceremony)) = (user, ceremony) else {
        return Err(Problem::incorrect_passkey().into());
    };
    let (rows, mut keys) = passkeys(&authenticators::list(&mut conn, user.id).await?);
    let Ok(place) = site(state)?.finish_login(ceremony, answer, &mut keys) else {
        guess.was_wrong(&mut conn, visit, Some(&user)).await?;
        return Err(Problem::incorrect_passkey().into());
    };
    guess.was_right(&mut conn, state).await?;
    let mut method = used(&mut conn, state, &rows, &keys, place).await?;
    method.passwordless = true;
    if !user.is_active {
        return Err(Refusal::SignedOut);
    }
    if visit.account.is_some() {
        return Err(Refusal::Conflict);
    }
    visit.sign_in(&mut conn, state, &user, vec![method]).await
}

/// Keeps what using a passkey changed.
async fn used(
    conn: &mut Conn,
    state: &AppState,
    rows: &[AuthenticatorId],
    keys: &[Passkey],
    place: usize,
) -> Result<Method, Refusal> {
    let (Some(row), Some(key)) = (rows.get(place), keys.get(place)) else {
        return Err(Problem::incorrect_passkey().into());
    };
    authenticators::used(conn, *row, &stored(key)?, state.clock.now()).await?;
    let mut method = Visit::method(state, "mfa");
    method.id = Some(row.0);
    method.kind = Some("webauthn".to_owned());
    Ok(method)
}
