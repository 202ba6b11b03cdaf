//! Second factors and passkeys.

use actix_web::HttpRequest;
use actix_web::web::Data;
use mishap_core::id::AuthenticatorId;
use mishap_identity::recovery_codes::{RECOVERY_CODES, RecoveryCodes};
use mishap_storage::accounts::authenticators::{self, Authenticator, Kind};
use serde_json::{Value, json};

use super::auth::conn;
use super::envelope::{Envelope, answer, session as current};
use crate::AppState;
use crate::account::{Problem, Refusal, Visit, passkey as passkeys, second_factor};
use crate::body::Object;

/// Longest name of a passkey, in characters (allauth).
const MAX_NAME: usize = 100;

/// `POST auth/2fa/authenticate` — ends a sign-in by a code.
pub(super) async fn authenticate(
    state: Data<AppState>,
    mut visit: Visit,
    body: Object,
) -> Envelope {
    let done = async {
        second_factor::sign_in(&state, &mut visit, body.text("code")?).await?;
        current(&state, &visit).await
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// `POST auth/2fa/reauthenticate` — proves once more who is signed in.
pub(super) async fn reauthenticate(
    state: Data<AppState>,
    mut visit: Visit,
    body: Object,
) -> Envelope {
    let done = async {
        second_factor::reauthenticate(&state, &mut visit, body.text("code")?).await?;
        current(&state, &visit).await
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// `GET auth/webauthn/authenticate` — what the browser is to ask the passkey.
pub(super) async fn begin_passkey(state: Data<AppState>, mut visit: Visit) -> Envelope {
    let done = passkeys::begin_second_factor(&state, &mut visit).await;
    let done = done.map(|options| Envelope::data(json!({ "request_options": options })));
    answer(&state, visit, done).await
}

/// `POST auth/webauthn/authenticate` — ends a sign-in by a passkey.
pub(super) async fn passkey(state: Data<AppState>, mut visit: Visit, body: Object) -> Envelope {
    let done = async {
        passkeys::second_factor(&state, &mut visit, body.any("credential")?).await?;
        current(&state, &visit).await
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// `GET auth/webauthn/login` — what the browser is to ask any passkey of this site.
pub(super) async fn begin_passkey_login(state: Data<AppState>, mut visit: Visit) -> Envelope {
    let done = passkeys::begin_sign_in(&state, &mut visit).await;
    let done = done.map(|options| Envelope::data(json!({ "request_options": options })));
    answer(&state, visit, done).await
}

/// `POST auth/webauthn/login` — signs in by a passkey alone.
pub(super) async fn passkey_login(
    state: Data<AppState>,
    mut visit: Visit,
    body: Object,
) -> Envelope {
    let done = async {
        passkeys::sign_in(&state, &mut visit, body.any("credential")?).await?;
        current(&state, &visit).await
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// `GET account/authenticators` — the second factors.
pub(super) async fn list(state: Data<AppState>, visit: Visit) -> Envelope {
    let done = second_factor::list(&state, &visit).await;
    let done = done.map(|found| Envelope::data(found.iter().filter_map(shown).collect::<Value>()));
    answer(&state, visit, done).await
}

/// `GET account/authenticators/totp` — the app; if there is none, 404 with a fresh secret.
pub(super) async fn show_totp(state: Data<AppState>, mut visit: Visit) -> Envelope {
    let done = async {
        let found = second_factor::list(&state, &visit).await?;
        if let Some(app) = found.iter().find(|factor| factor.kind() == Some(Kind::Totp)) {
            return Ok(Envelope::data(shown(app).unwrap_or_default()));
        }
        match second_factor::begin_totp(&state, &mut visit).await {
            Ok((secret, url)) => {
                let meta = json!({ "secret": secret.to_base32(), "totp_url": url });
                Ok(Envelope::of(404).with("meta", meta))
            }
            Err(refusal) => conflicting(refusal),
        }
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// `POST account/authenticators/totp` — adds the app.
pub(super) async fn add_totp(state: Data<AppState>, mut visit: Visit, body: Object) -> Envelope {
    let done = async {
        let added = second_factor::add_totp(&state, &mut visit, body.text("code")?).await?;
        Ok(Envelope::data(shown(&added).unwrap_or_default()))
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// `DELETE account/authenticators/totp` — removes the app.
pub(super) async fn remove_totp(state: Data<AppState>, visit: Visit) -> Envelope {
    let is_app = |factor: &Authenticator| factor.kind() == Some(Kind::Totp);
    let done = second_factor::remove(&state, &visit, is_app).await;
    answer(&state, visit, done.map(|()| Envelope::of(200))).await
}

/// `GET account/authenticators/recovery-codes` — the codes that are left.
pub(super) async fn show_recovery_codes(state: Data<AppState>, visit: Visit) -> Envelope {
    let done = second_factor::list(&state, &visit).await.map(|found| {
        let codes = found.iter().find(|factor| factor.kind() == Some(Kind::RecoveryCodes));
        codes.map_or_else(|| Envelope::of(404), |codes| Envelope::data(revealed(codes)))
    });
    answer(&state, visit, done).await
}

/// `POST account/authenticators/recovery-codes` — new codes.
pub(super) async fn renew_recovery_codes(state: Data<AppState>, visit: Visit) -> Envelope {
    let done = second_factor::renew_recovery_codes(&state, &visit).await;
    let done = done.map(|codes| Envelope::data(revealed(&codes)));
    answer(&state, visit, done).await
}

/// `GET account/authenticators/webauthn` — what the browser is to ask a new passkey.
pub(super) async fn begin_adding_passkey(
    state: Data<AppState>,
    mut visit: Visit,
    request: HttpRequest,
) -> Envelope {
    let is_passwordless = request
        .query_string()
        .split('&')
        .any(|pair| pair == "passwordless" || pair.starts_with("passwordless="));
    let done = match passkeys::begin_adding(&state, &mut visit, is_passwordless).await {
        Ok(options) => Ok(Envelope::data(json!({ "creation_options": options }))),
        Err(refusal) => conflicting(refusal),
    };
    answer(&state, visit, done).await
}

/// `POST account/authenticators/webauthn` — adds a passkey.
pub(super) async fn add_passkey(state: Data<AppState>, mut visit: Visit, body: Object) -> Envelope {
    let done = async {
        let name = bounded(body.optional_text("name").unwrap_or_default())?;
        let credential = body.any("credential")?;
        let (added, has_codes) = passkeys::add(&state, &mut visit, name, credential).await?;
        let meta = json!({ "recovery_codes_generated": has_codes });
        Ok(Envelope::data(shown(&added).unwrap_or_default()).with("meta", meta))
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// `PUT account/authenticators/webauthn` — gives a passkey another name.
pub(super) async fn rename_passkey(state: Data<AppState>, visit: Visit, body: Object) -> Envelope {
    let done = async {
        let user = visit.signed_in()?;
        let id = body.any("id")?.as_i64().ok_or_else(|| Problem::required("id"))?;
        let name = bounded(body.text("name")?)?;
        let mut conn = conn(&state).await?;
        let id = AuthenticatorId(id);
        let renamed = authenticators::rename(&mut conn, user.id, id, name).await?;
        let renamed = renamed.ok_or_else(|| Problem::required("id"))?;
        Ok(Envelope::data(shown(&renamed).unwrap_or_default()))
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// `DELETE account/authenticators/webauthn` — removes passkeys.
pub(super) async fn remove_passkeys(state: Data<AppState>, visit: Visit, body: Object) -> Envelope {
    let done = async {
        let ids = body.any("authenticators")?;
        let ids: Vec<i64> =
            ids.as_array().into_iter().flatten().filter_map(Value::as_i64).collect();
        let is_named = |factor: &Authenticator| {
            factor.kind() == Some(Kind::Passkey) && ids.contains(&factor.id.0)
        };
        second_factor::remove(&state, &visit, is_named).await?;
        Ok(Envelope::of(200))
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// What stands in the way of a second factor is 409 where nothing was typed yet.
fn conflicting(refusal: Refusal) -> Result<Envelope, Refusal> {
    match refusal {
        Refusal::Problems(problems) => Ok(Envelope::problems(409, &problems)),
        other => Err(other),
    }
}

fn bounded(name: &str) -> Result<&str, Refusal> {
    if name.chars().count() <= MAX_NAME {
        return Ok(name);
    }
    let message = format!("The name has more than {MAX_NAME} characters.");
    Err(Problem { code: "max_length", param: Some("name"), message }.into())
}

/// A second factor without its secrets.
fn shown(factor: &Authenticator) -> Option<Value> {
    let kind = factor.kind()?;
    let mut shown = json!({
        "type": second_factor::name(kind),
        "created_at": epoch(factor.created_at),
        "last_used_at": factor.last_used_at.map(epoch),
    });
    let members = shown.as_object_mut()?;
    match kind {
        Kind::Totp => {}
        Kind::RecoveryCodes => {
            let codes: RecoveryCodes = serde_json::from_value(factor.data.clone()).ok()?;
            members.insert("total_code_count".to_owned(), json!(RECOVERY_CODES));
            members.insert("unused_code_count".to_owned(), json!(codes.unused().len()));
        }
        Kind::Passkey => {
            members.insert("id".to_owned(), json!(factor.id.0));
            members.insert("name".to_owned(), json!(factor.name));
            let is_passwordless = factor.data.get("is_passwordless").cloned();
            members.insert("is_passwordless".to_owned(), is_passwordless.unwrap_or_default());
        }
    }
    Some(shown)
}

/// Recovery codes, as their owner sees them.
fn revealed(factor: &Authenticator) -> Value {
    let mut value = shown(factor).unwrap_or_default();
    let codes = serde_json::from_value::<RecoveryCodes>(factor.data.clone());
    if let (Ok(codes), Some(members)) = (codes, value.as_object_mut()) {
        members.insert("unused_codes".to_owned(), json!(codes.unused()));
    }
    value
}

/// Seconds since 1970, as allauth prints them.
#[expect(clippy::cast_precision_loss, reason = "microseconds of this century fit")]
fn epoch(at: chrono::DateTime<chrono::Utc>) -> f64 {
    at.timestamp_micros() as f64 / 1e6
}
