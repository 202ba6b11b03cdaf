//! Passkeys and security keys: ceremonies whose state is kept in the session, never in the browser.

use mishap_core::id::AuthenticatorId;
use mishap_identity::passkey::{
    Account, AuthenticationState, LoginState, Passkey, Purpose, RegistrationState, Site,
    claimed_user,
};
use mishap_storage::accounts::authenticators::{self, Authenticator, Kind};
use mishap_storage::accounts::users::{self, User};
use mishap_storage::{Conn, transaction};
use mishap_templates::mail::SecondFactorChange;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::refusal::{Problem, Refusal};
use super::second_factor::{
    add_recovery_codes, fresh_recovery_codes, needs_verified_address, pending, proof, tell_change,
};
use super::sign_in::{note_failure, refuse_guesses};
use super::visit::Visit;
use crate::AppState;
use crate::error::ApiError;

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

/// The state of the ceremony that has begun; it counts once.
fn take<T: DeserializeOwned>(visit: &mut Visit) -> Result<T, Refusal> {
    let state = visit.data.ceremony.take();
    let state = state.and_then(|state| serde_json::from_value(state).ok());
    state.ok_or_else(|| Problem::incorrect_passkey().into())
}

async fn keep(
    conn: &mut Conn,
    state: &AppState,
    visit: &mut Visit,
    ceremony: &impl serde::Serialize,
) -> Result<(), Refusal> {
    let value = serde_json::to_value(ceremony);
    visit.data.ceremony = Some(value.map_err(|error| ApiError::Internal(error.into()))?);
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
    let ceremony: RegistrationState = take(visit)?;
    let passkey = site(state)?.finish_registration(ceremony, answer);
    let passkey = passkey.map_err(|_refused| Problem::incorrect_passkey())?;
    let (data, fresh) = (stored(&passkey)?, fresh_recovery_codes(state)?);
    let name = if name.is_empty() { "Passkey" } else { name };
    let id = user.id;
    let added = transaction(&mut conn, async |conn: &mut Conn| {
        let added = authenticators::insert_passkey(conn, id, name, &data, passkey.id()).await?;
        let Some(added) = added else {
            return Ok(None);
        };
        let has_codes = add_recovery_codes(conn, id, &fresh).await?;
        Ok(Some((added, has_codes)))
    })
    .await?;
    let (added, has_codes) = added.ok_or_else(Problem::incorrect_passkey)?;
    visit.data.methods.push(proof(state, &added));
    visit.remember(&mut conn, state).await?;
    tell_change(&mut conn, state, visit, &user, SecondFactorChange::PasskeyAdded).await?;
    Ok((added, has_codes))
}

/// Begins to ask somebody for a passkey who gave the right password, or who is signed in.
pub(crate) async fn begin_second_factor(
    state: &AppState,
    visit: &mut Visit,
) -> Result<Value, Refusal> {
    let mut conn = state.pool.get().await?;
    let user = whose(&mut conn, state, visit).await?;
    let (_, keys) = passkeys(&authenticators::list(&mut conn, user.id).await?);
    let begun = site(state)?.begin_authentication(&keys);
    let (options, ceremony) = begun.map_err(|_refused| Problem::incorrect_passkey())?;
    keep(&mut conn, state, visit, &ceremony).await?;
    Ok(options)
}

/// Ends a sign-in that waits for a second factor, or proves once more who is signed in.
pub(crate) async fn second_factor(
    state: &AppState,
    visit: &mut Visit,
    answer: Value,
) -> Result<(), Refusal> {
    let mut conn = state.pool.get().await?;
    let user = whose(&mut conn, state, visit).await?;
    refuse_guesses(&mut conn, state, visit, &user.email).await?;
    let ceremony: AuthenticationState = take(visit)?;
    let (rows, mut keys) = passkeys(&authenticators::list(&mut conn, user.id).await?);
    let finished = site(state)?.finish_authentication(&ceremony, answer, &mut keys);
    let Ok(place) = finished else {
        note_failure(&mut conn, state, visit, &user.email).await?;
        visit.remember(&mut conn, state).await?;
        return Err(Problem::incorrect_passkey().into());
    };
    let mut method = used(&mut conn, state, &rows, &keys, place).await?;
    if visit.account.is_some() {
        method.reauthenticated = true;
        visit.data.methods.push(method);
        return visit.remember(&mut conn, state).await;
    }
    let (user, pending) = pending(&mut conn, state, visit).await?;
    let methods = [pending.methods, vec![method]].concat();
    visit.sign_in(&mut conn, state, &user, methods).await
}

/// Whoever is signed in, or gave the right password.
async fn whose(conn: &mut Conn, state: &AppState, visit: &Visit) -> Result<User, Refusal> {
    match &visit.account {
        Some(user) => Ok(user.clone()),
        None => Ok(pending(conn, state, visit).await?.0),
    }
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
    if visit.account.is_some() {
        return Err(Refusal::Conflict);
    }
    let mut conn = state.pool.get().await?;
    refuse_guesses(&mut conn, state, visit, "passkey").await?;
    let ceremony: LoginState = take(visit)?;
    let user = match claimed_user(&answer) {
        Some(user) => users::find(&mut conn, user).await?.filter(|user| user.is_active),
        None => None,
    };
    let user = user.ok_or_else(Problem::incorrect_passkey)?;
    let (rows, mut keys) = passkeys(&authenticators::list(&mut conn, user.id).await?);
    let finished = site(state)?.finish_login(ceremony, answer, &mut keys);
    let place = finished.map_err(|_refused| Problem::incorrect_passkey())?;
    let mut method = used(&mut conn, state, &rows, &keys, place).await?;
    method.passwordless = true;
    visit.sign_in(&mut conn, state, &user, vec![method]).await
}

/// Keeps what using a passkey changed.
async fn used(
    conn: &mut Conn,
    state: &AppState,
    rows: &[AuthenticatorId],
    keys: &[Passkey],
    place: usize,
) -> Result<crate::session::Method, Refusal> {
    let (Some(row), Some(key)) = (rows.get(place), keys.get(place)) else {
        return Err(Problem::incorrect_passkey().into());
    };
    authenticators::used(conn, *row, &stored(key)?, state.clock.now()).await?;
    let mut method = Visit::method(state, "mfa");
    method.id = Some(row.0);
    method.kind = Some("webauthn".to_owned());
    Ok(method)
}
