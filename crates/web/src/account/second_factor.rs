//! Second factors: apps that show codes, and recovery codes on paper.

use mishap_core::audit::Action;
use mishap_core::id::AuthenticatorId;
use mishap_identity::recovery_codes::RecoveryCodes;
use mishap_identity::totp::{TotpSecret, TotpStep};
use mishap_storage::accounts::authenticators::{self, Authenticator, Kind};
use mishap_storage::accounts::emails;
use mishap_storage::accounts::users::{self, User};
use mishap_storage::{Conn, transaction};
use mishap_templates::mail::SecondFactorChange;
use serde_json::{Value, json};

use super::guess::{self, Guess};
use super::refusal::{Problem, Refusal};
use super::sign_in::{is_second_factor, password_mark};
use super::typed::required;
use super::visit::{Visit, seconds};
use crate::AppState;
use crate::mail;
use crate::session::{OfferedCodes, Pending};

/// How long a second factor is waited for, and the answer of a passkey, in seconds.
pub(crate) const PATIENCE: f64 = 900.0;

/// How long recovery codes wait to be confirmed, in seconds (GlitchTip).
const OFFER: f64 = 300.0;

/// Who gave the right password and has a second factor to give.
pub(crate) async fn pending(
    conn: &mut Conn,
    state: &AppState,
    visit: &Visit,
) -> Result<(User, Pending), Refusal> {
    let pending =
        visit.data.pending.clone().filter(|pending| seconds(state) < pending.at + PATIENCE);
    let pending = pending.ok_or(Refusal::SignedOut)?;
    let user = users::find(conn, pending.user).await?.filter(|user| user.is_active);
    let user = user.ok_or(Refusal::SignedOut)?;
    if password_mark(conn, user.id).await? != pending.password {
        return Err(Refusal::SignedOut);
    }
    Ok((user, pending))
}

/// What is asked of somebody who gave the right password, by name.
pub(crate) async fn kinds(conn: &mut Conn, user: &User) -> Result<Vec<&'static str>, Refusal> {
    let factors = authenticators::list(conn, user.id).await?;
    let has = |kind: &Kind| factors.iter().any(|factor| factor.kind() == Some(*kind));
    Ok(Kind::ALL.into_iter().filter(has).map(name).collect())
}

/// What clients call a kind of second factor (allauth).
pub(crate) fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Totp => "totp",
        Kind::RecoveryCodes => "recovery_codes",
        Kind::Passkey => "webauthn",
    }
}

/// Ends a sign-in that waits for a second factor, by a code.
pub(crate) async fn sign_in(
    state: &AppState,
    visit: &mut Visit,
    code: &str,
) -> Result<(), Refusal> {
    let mut conn = state.pool.get().await?;
    let (user, pending) = pending(&mut conn, state, visit).await?;
    let method = check_code(&mut conn, state, visit, &user, code).await?;
    let methods = [pending.methods, vec![method]].concat();
    visit.sign_in(&mut conn, state, &user, methods).await
}

/// Proves once more who is signed in, by a code.
pub(crate) async fn reauthenticate(
    state: &AppState,
    visit: &mut Visit,
    code: &str,
) -> Result<(), Refusal> {
    let user = visit.signed_in()?.clone();
    let mut conn = state.pool.get().await?;
    let mut method = check_code(&mut conn, state, visit, &user, code).await?;
    method.reauthenticated = true;
    visit.prove(method);
    visit.remember(&mut conn, state).await
}

/// Uses a code up, of an app or of a recovery sheet: each counts once.
async fn check_code(
    conn: &mut Conn,
    state: &AppState,
    visit: &Visit,
    user: &User,
    code: &str,
) -> Result<crate::session::Method, Refusal> {
    let code = required(code, "code").map_err(Refusal::Problems)?;
    let whose = guess::at_second_factor(user);
    let guess = Guess::begin(conn, state, visit, Some(whose)).await?;
    let (id, now) = (user.id, state.clock.now());
    let found = transaction(conn, async |conn: &mut Conn| {
        for factor in authenticators::lock(conn, id).await? {
            if let Some(data) = use_up(&factor, code, now) {
                authenticators::used(conn, factor.id, &data, now).await?;
                if factor.kind() == Some(Kind::RecoveryCodes) {
                    // Whoever did not do this learns that the sheet is in other hands.
                    let change = SecondFactorChange::RecoveryCodeUsed;
                    tell_change(conn, state, visit, user, change).await?;
                }
                return Ok(Some(factor));
            }
        }
        Ok(None)
    })
    .await?;
    let Some(factor) = found else {
        guess.was_wrong(conn, visit, Some(user)).await?;
        return Err(Problem::incorrect_code().into());
    };
    guess.was_right(conn, state).await?;
    let mut method = Visit::method(state, "mfa");
    method.id = Some(factor.id.0);
    method.kind = factor.kind().map(name).map(str::to_owned);
    Ok(method)
}

/// What is to be stored of a factor after this code, if the code is one of its own.
fn use_up(factor: &Authenticator, code: &str, now: chrono::DateTime<chrono::Utc>) -> Option<Value> {
    match factor.kind()? {
        Kind::Totp => {
            let secret = TotpSecret::from_base32(factor.data.get("secret")?.as_str()?).ok()?;
            let last = factor.data.get("last_step").and_then(Value::as_i64).map(TotpStep);
            let step = secret.check(code, now, last)?;
            let mut data = factor.data.clone();
            data.as_object_mut()?.insert("last_step".to_owned(), json!(step.0));
            Some(data)
        }
        Kind::RecoveryCodes => {
            let mut codes: RecoveryCodes = serde_json::from_value(factor.data.clone()).ok()?;
            codes.use_up(code).then(|| serde_json::to_value(&codes).ok())?
        }
        Kind::Passkey => None,
    }
}

/// The second factors of whoever is signed in.
pub(crate) async fn list(state: &AppState, visit: &Visit) -> Result<Vec<Authenticator>, Refusal> {
    let user = visit.signed_in()?;
    Ok(authenticators::list(&mut *state.pool.get().await?, user.id).await?)
}

/// A fresh secret for an app, kept in the session until a code proves that the app has it.
pub(crate) async fn begin_totp(
    state: &AppState,
    visit: &mut Visit,
) -> Result<(TotpSecret, String), Refusal> {
    let user = visit.signed_in()?.clone();
    let mut conn = state.pool.get().await?;
    needs_verified_address(&mut conn, &user).await?;
    let secret = TotpSecret::generate(state.random.as_ref());
    visit.data.totp_secret = Some(secret.to_base32());
    visit.remember(&mut conn, state).await?;
    let issuer = state.config.public_url.host_str().unwrap_or("mishap").to_owned();
    let url = secret.url(&issuer, &user.email);
    Ok((secret, url))
}

/// Adds the app whose code this is; recovery codes come along with a first second factor.
pub(crate) async fn add_totp(
    state: &AppState,
    visit: &mut Visit,
    code: &str,
) -> Result<Authenticator, Refusal> {
    let user = visit.signed_in()?.clone();
    let mut conn = state.pool.get().await?;
    needs_verified_address(&mut conn, &user).await?;
    let code = required(code, "code").map_err(Refusal::Problems)?;
    let whose = guess::at_second_factor(&user);
    let guess = Guess::begin(&mut conn, state, visit, Some(whose)).await?;
    let secret =
        visit.data.totp_secret.as_deref().and_then(|text| TotpSecret::from_base32(text).ok());
    let step = secret.as_ref().and_then(|secret| secret.check(code, state.clock.now(), None));
    let (Some(secret), Some(step)) = (secret, step) else {
        guess.was_wrong(&mut conn, visit, Some(&user)).await?;
        return Err(Problem::incorrect_code().into());
    };
    guess.was_right(&mut conn, state).await?;
    let data = json!({ "secret": secret.to_base32(), "last_step": step.0 });
    let fresh = fresh_recovery_codes(state)?;
    let shared = &*visit;
    let added = transaction(&mut conn, async |conn: &mut Conn| {
        let has = authenticators::lock(conn, user.id).await?;
        if has.iter().any(|factor| factor.kind() == Some(Kind::Totp)) {
            return Ok(None);
        }
        let added = authenticators::put(conn, user.id, Kind::Totp, &data).await?;
        add_recovery_codes(conn, user.id, &fresh).await?;
        tell_change(conn, state, shared, &user, SecondFactorChange::AppAdded).await?;
        Ok(Some(added))
    })
    .await?;
    // An app is not replaced in passing: whoever wants another one removes the first.
    let added = added.ok_or(Refusal::Conflict)?;
    visit.data.totp_secret = None;
    visit.prove(proof(state, &added));
    visit.remember(&mut conn, state).await?;
    Ok(added)
}

/// The record of a second factor that was just proven.
pub(crate) fn proof(state: &AppState, factor: &Authenticator) -> crate::session::Method {
    let mut method = Visit::method(state, "mfa");
    method.id = Some(factor.id.0);
    method.kind = factor.kind().map(name).map(str::to_owned);
    method.reauthenticated = true;
    method
}

/// Recovery codes, to be stored.
pub(crate) fn fresh_recovery_codes(state: &AppState) -> Result<Value, Refusal> {
    stored_codes(&RecoveryCodes::generate(state.random.as_ref()))
}

fn stored_codes(codes: &RecoveryCodes) -> Result<Value, Refusal> {
    let value = serde_json::to_value(codes);
    value.map_err(|error| Refusal::Failed(crate::error::ApiError::Internal(error.into())))
}

/// Gives an account recovery codes, unless it has some; says whether it was given them.
pub(crate) async fn add_recovery_codes(
    conn: &mut Conn,
    user: mishap_core::id::UserId,
    fresh: &Value,
) -> mishap_storage::Result<bool> {
    let has = authenticators::list(conn, user).await?;
    if has.iter().any(|factor| factor.kind() == Some(Kind::RecoveryCodes)) {
        return Ok(false);
    }
    authenticators::put(conn, user, Kind::RecoveryCodes, fresh).await?;
    Ok(true)
}

/// New recovery codes; the old ones are worth nothing from now on.
pub(crate) async fn renew_recovery_codes(
    state: &AppState,
    visit: &Visit,
) -> Result<Authenticator, Refusal> {
    let user = visit.signed_in()?.clone();
    let mut conn = state.pool.get().await?;
    let fresh = fresh_recovery_codes(state)?;
    let made = transaction(&mut conn, async |conn: &mut Conn| {
        if !authenticators::lock(conn, user.id).await?.iter().any(is_second_factor) {
            return Ok(None);
        }
        let made = authenticators::put(conn, user.id, Kind::RecoveryCodes, &fresh).await?;
        let change = SecondFactorChange::RecoveryCodesMade;
        tell_change(conn, state, visit, &user, change).await?;
        Ok(Some(made))
    })
    .await?;
    made.ok_or_else(|| Problem::no_authenticator().into())
}

/// Fresh recovery codes, which count once one of them was typed ([`take_recovery_codes`]).
pub(crate) async fn offer_recovery_codes(
    state: &AppState,
    visit: &mut Visit,
) -> Result<Vec<String>, Refusal> {
    visit.signed_in()?;
    let codes = RecoveryCodes::generate(state.random.as_ref());
    let shown = codes.unused();
    visit.data.offered_codes = Some(OfferedCodes { at: seconds(state), codes });
    visit.remember(&mut *state.pool.get().await?, state).await?;
    Ok(shown)
}

/// What became of recovery codes that were offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TakenCodes {
    /// They count from now on.
    Taken,
    /// There are none, or it was too long ago.
    NoneOffered,
    /// What was typed is none of them.
    OtherCode,
}

/// Replaces the recovery codes by those that were offered; typing one of them shows that they were
/// written down.
pub(crate) async fn take_recovery_codes(
    state: &AppState,
    visit: &mut Visit,
    code: &str,
) -> Result<TakenCodes, Refusal> {
    let user = visit.signed_in()?.clone();
    let offered = visit.data.offered_codes.clone();
    let offered = offered.filter(|offered| seconds(state) < offered.at + OFFER);
    let Some(OfferedCodes { codes, .. }) = offered else { return Ok(TakenCodes::NoneOffered) };
    if !codes.clone().use_up(code) {
        return Ok(TakenCodes::OtherCode);
    }
    let stored = stored_codes(&codes)?;
    let mut conn = state.pool.get().await?;
    let shared = &*visit;
    transaction(&mut conn, async |conn: &mut Conn| {
        authenticators::lock(conn, user.id).await?;
        authenticators::put(conn, user.id, Kind::RecoveryCodes, &stored).await?;
        let change = SecondFactorChange::RecoveryCodesMade;
        tell_change(conn, state, shared, &user, change).await
    })
    .await?;
    visit.data.offered_codes = None;
    visit.remember(&mut conn, state).await?;
    Ok(TakenCodes::Taken)
}

/// Removes second factors of whoever is signed in. With the last real one go the recovery codes.
pub(crate) async fn remove(
    state: &AppState,
    visit: &Visit,
    wanted: impl Fn(&Authenticator) -> bool + Send + Sync,
) -> Result<(), Refusal> {
    let user = visit.signed_in()?.clone();
    let mut conn = state.pool.get().await?;
    transaction(&mut conn, async |conn: &mut Conn| {
        let has = authenticators::lock(conn, user.id).await?;
        let (gone, kept): (Vec<_>, Vec<_>) = has.iter().partition(|factor| wanted(factor));
        if gone.is_empty() {
            return Ok(());
        }
        let is_last = !kept.iter().any(|factor| is_second_factor(factor));
        let ids: Vec<AuthenticatorId> = match is_last {
            true => has.iter().map(|factor| factor.id).collect(),
            false => gone.iter().map(|factor| factor.id).collect(),
        };
        authenticators::delete(conn, user.id, &ids).await?;
        let is_app = gone.iter().any(|factor| factor.kind() == Some(Kind::Totp));
        let change = match is_app {
            true => SecondFactorChange::AppRemoved,
            false => SecondFactorChange::PasskeyRemoved,
        };
        tell_change(conn, state, visit, &user, change).await
    })
    .await?;
    Ok(())
}

/// Tells the audit log and the account's owner that second factors changed, in the transaction that
/// changes them.
pub(crate) async fn tell_change(
    conn: &mut Conn,
    state: &AppState,
    visit: &Visit,
    user: &User,
    change: SecondFactorChange,
) -> mishap_storage::Result<()> {
    let action = match change {
        SecondFactorChange::AppAdded
        | SecondFactorChange::PasskeyAdded
        | SecondFactorChange::RecoveryCodesMade => Action::SecondFactorAdd,
        SecondFactorChange::AppRemoved | SecondFactorChange::PasskeyRemoved => {
            Action::SecondFactorRemove
        }
        SecondFactorChange::RecoveryCodeUsed => Action::RecoveryCodeUse,
    };
    mail::second_factor_changed(conn, state, &user.email, change, visit.client()).await?;
    visit.record(conn, user, action).await
}

/// Whoever lost access to an address that is not proven would lock somebody out with a second factor.
pub(crate) async fn needs_verified_address(conn: &mut Conn, user: &User) -> Result<(), Refusal> {
    let addresses = emails::list(conn, user.id).await?;
    if addresses.iter().any(|address| !address.is_verified) {
        return Err(Problem::unverified_email().into());
    }
    Ok(())
}
