//! Second factors and passkeys.

use actix_web::HttpRequest;
use actix_web::web::Data;
use mishap_core::id::AuthenticatorId;
use mishap_storage::accounts::authenticators::{self, Authenticator, Kind};
use serde_json::{Value, json};

use super::auth::conn;
use super::envelope::{Envelope, answer, nothing_pending, session as current};
use super::shapes::Authenticator as Shown;
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
        second_factor::sign_in(&state, &mut visit, body.typed("code")).await?;
        current(&state, &visit).await
    };
    let done = done.await;
    answer_step(&state, visit, done).await
}

/// `POST auth/2fa/reauthenticate` — proves once more who is signed in.
pub(super) async fn reauthenticate(
    state: Data<AppState>,
    mut visit: Visit,
    body: Object,
) -> Envelope {
    let done = async {
        second_factor::reauthenticate(&state, &mut visit, body.typed("code")).await?;
        current(&state, &visit).await
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// `GET auth/webauthn/authenticate` — what the browser is to ask the passkey.
pub(super) async fn begin_passkey(state: Data<AppState>, mut visit: Visit) -> Envelope {
    let done = passkeys::begin_second_factor(&state, &mut visit).await;
    let done = done.map(|options| Envelope::data(json!({ "request_options": options })));
    answer_step(&state, visit, done).await
}

/// `POST auth/webauthn/authenticate` — ends a sign-in by a passkey.
pub(super) async fn passkey(state: Data<AppState>, mut visit: Visit, body: Object) -> Envelope {
    let done = async {
        passkeys::second_factor(&state, &mut visit, body.any("credential")?).await?;
        current(&state, &visit).await
    };
    let done = done.await;
    answer_step(&state, visit, done).await
}

/// `GET auth/webauthn/reauthenticate` — what the browser is to ask the passkey once more.
pub(super) async fn begin_passkey_again(state: Data<AppState>, mut visit: Visit) -> Envelope {
    let done = passkeys::begin_reauthentication(&state, &mut visit).await;
    let done = done.map(|options| Envelope::data(json!({ "request_options": options })));
    answer(&state, visit, done).await
}

/// `POST auth/webauthn/reauthenticate` — proves once more who is signed in.
pub(super) async fn passkey_again(
    state: Data<AppState>,
    mut visit: Visit,
    body: Object,
) -> Envelope {
    let done = async {
        passkeys::reauthenticate(&state, &mut visit, body.any("credential")?).await?;
        current(&state, &visit).await
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// Makes an answer of a second step of signing in, which needs a first.
async fn answer_step(state: &AppState, visit: Visit, done: Result<Envelope, Refusal>) -> Envelope {
    let done = match done {
        Err(Refusal::SignedOut) => nothing_pending(state, &visit).await.map_err(Refusal::from),
        done => done,
    };
    answer(state, visit, done).await
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
    let done =
        done.map(|found| Envelope::data(found.iter().filter_map(Shown::of).collect::<Vec<_>>()));
    answer(&state, visit, done).await
}

/// `GET account/authenticators/totp` — the app; if there is none, 404 with a fresh secret.
pub(super) async fn show_totp(state: Data<AppState>, mut visit: Visit) -> Envelope {
    let done = async {
        let found = second_factor::list(&state, &visit).await?;
        if let Some(app) = found.iter().find(|factor| factor.kind() == Some(Kind::Totp)) {
            return Ok(Envelope::data(Shown::of(app)));
        }
        match second_factor::begin_totp(&state, &mut visit).await {
            Ok((secret, url)) => {
                let meta = json!({ "secret": secret.to_base32(), "totp_url": url });
                Ok(Envelope::of(404).with_meta(meta))
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
        let added = second_factor::add_totp(&state, &mut visit, body.typed("code")).await?;
        Ok(Envelope::data(Shown::of(&added)))
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
        codes.map_or_else(|| Envelope::of(404), |codes| Envelope::data(Shown::revealed(codes)))
    });
    answer(&state, visit, done).await
}

/// `POST account/authenticators/recovery-codes` — new codes.
pub(super) async fn renew_recovery_codes(state: Data<AppState>, visit: Visit) -> Envelope {
    let done = second_factor::renew_recovery_codes(&state, &visit).await;
    let done = done.map(|codes| Envelope::data(Shown::revealed(&codes)));
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
        let name = bounded(body.typed("name"))?;
        let credential = body.any("credential")?;
        let (added, has_codes) = match passkeys::add(&state, &mut visit, name, credential).await {
            Err(Refusal::Problems(problems)) if problems == [Problem::unverified_email()] => {
                return conflicting(Refusal::Problems(problems));
            }
            done => done?,
        };
        let meta = json!({ "recovery_codes_generated": has_codes });
        Ok(Envelope::data(Shown::of(&added)).with_meta(meta))
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// `PUT account/authenticators/webauthn` — gives a passkey another name.
pub(super) async fn rename_passkey(state: Data<AppState>, visit: Visit, body: Object) -> Envelope {
    let done = async {
        let user = visit.signed_in()?;
        let id = body.any("id")?.as_i64().ok_or_else(|| Problem::unknown_choice("id"))?;
        let name = bounded(body.text("name")?)?;
        let mut conn = conn(&state).await?;
        let id = AuthenticatorId(id);
        let renamed = authenticators::rename(&mut conn, user.id, id, name).await?;
        let renamed = renamed.ok_or_else(|| Problem::unknown_choice("id"))?;
        Ok(Envelope::data(Shown::of(&renamed)))
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// `DELETE account/authenticators/webauthn` — removes passkeys.
pub(super) async fn remove_passkeys(state: Data<AppState>, visit: Visit, body: Object) -> Envelope {
    let done = async {
        let ids = body.any("authenticators")?;
        let ids = ids.as_array().filter(|ids| !ids.is_empty());
        let ids = ids.ok_or_else(|| Problem::required("authenticators"))?;
        let has = second_factor::list(&state, &visit).await?;
        let is_known = |id: &Value| {
            has.iter().any(|factor| is_passkey(factor) && Some(factor.id.0) == id.as_i64())
        };
        if !ids.iter().all(is_known) {
            return Err(Problem::unknown_choice("authenticators").into());
        }
        let is_named = |factor: &Authenticator| {
            is_passkey(factor) && ids.iter().any(|id| id.as_i64() == Some(factor.id.0))
        };
        second_factor::remove(&state, &visit, is_named).await?;
        Ok(Envelope::of(200))
    };
    let done = done.await;
    answer(&state, visit, done).await
}

fn is_passkey(factor: &Authenticator) -> bool {
    factor.kind() == Some(Kind::Passkey)
}

/// What stands in the way of a second factor is 409 where nothing was typed yet.
fn conflicting(refusal: Refusal) -> Result<Envelope, Refusal> {
    match refusal {
        Refusal::Problems(mut problems) => {
            problems.iter_mut().for_each(|problem| problem.param = None);
            Ok(Envelope::problems(409, &problems))
        }
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
