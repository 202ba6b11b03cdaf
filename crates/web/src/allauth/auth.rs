//! Signing in and out, making accounts, and links that came by mail.

use actix_web::HttpRequest;
use actix_web::web::Data;
use serde_json::json;

use super::envelope::{Envelope, answer, session as current, signed_out};
use super::shapes::{Config, LinkOwner, User};
use crate::AppState;
use crate::account::Problem;
use crate::account::{Refusal, Visit, address, password, provider, sign_in, sign_up as signing_up};
use crate::body::Object;

/// `GET config` — what is open, and how people sign in.
pub(super) async fn config(state: Data<AppState>, visit: Visit) -> Envelope {
    let done = async {
        let mut conn = state.pool.get().await.map_err(crate::error::ApiError::from)?;
        let is_open = signing_up::is_open(&mut conn, &state).await?;
        drop(conn);
        let providers = provider::list(&state).await?;
        let shown = providers.iter().map(super::providers::shown).collect();
        Ok(Envelope::data(Config::new(is_open, shown)))
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// `GET auth/session` — who is signed in.
pub(super) async fn session(state: Data<AppState>, visit: Visit) -> Envelope {
    let done = current(&state, &visit).await;
    answer(&state, visit, done).await
}

/// `DELETE auth/session` — signs out; that nobody is signed in afterwards is the answer.
pub(super) async fn sign_out(state: Data<AppState>, mut visit: Visit) -> Envelope {
    let done = async {
        visit.sign_out(&mut *conn(&state).await?, &state).await?;
        Ok(signed_out(&state, &visit).await?)
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// `POST auth/login` — signs in with a password.
pub(super) async fn login(state: Data<AppState>, mut visit: Visit, body: Object) -> Envelope {
    let done = async {
        let (email, secret) = (body.typed("email"), body.typed("password"));
        sign_in::with_password(&state, &mut visit, email, secret).await?;
        current(&state, &visit).await
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// `POST auth/signup` — makes an account.
pub(super) async fn sign_up(state: Data<AppState>, mut visit: Visit, body: Object) -> Envelope {
    let done = async {
        let (email, secret) = (body.typed("email"), body.typed("password"));
        signing_up::sign_up(&state, &mut visit, email, secret).await?;
        current(&state, &visit).await
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// `POST auth/reauthenticate` — proves once more who is signed in.
pub(super) async fn reauthenticate(
    state: Data<AppState>,
    mut visit: Visit,
    body: Object,
) -> Envelope {
    let done = async {
        password::reauthenticate(&state, &mut visit, body.typed("password")).await?;
        current(&state, &visit).await
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// `POST auth/password/request` — sends a link to choose a new password.
pub(super) async fn request_reset(state: Data<AppState>, visit: Visit, body: Object) -> Envelope {
    let done = async {
        password::request_reset(&state, &visit, body.typed("email")).await?;
        Ok(Envelope::of(200))
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// `GET auth/password/reset` — whose link it is.
pub(super) async fn show_reset(
    state: Data<AppState>,
    visit: Visit,
    request: HttpRequest,
) -> Envelope {
    let done = async {
        let key = header(&request, "x-password-reset-key")?;
        let mut conn = conn(&state).await?;
        let owner = password::owner_of_link(&mut conn, &state, key).await?;
        let user = User::find(&mut conn, &owner).await?;
        Ok(Envelope::data(LinkOwner { email: None, user }))
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// `POST auth/password/reset` — chooses a new password. The owner is signed in nowhere afterwards,
/// which is the answer.
pub(super) async fn reset(state: Data<AppState>, mut visit: Visit, body: Object) -> Envelope {
    let done = async {
        let (key, secret) = (body.typed("key"), body.typed("password"));
        password::reset(&state, &mut visit, key, secret).await?;
        current(&state, &visit).await
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// `GET auth/email/verify` — which address a link proves.
pub(super) async fn show_verification(
    state: Data<AppState>,
    visit: Visit,
    request: HttpRequest,
) -> Envelope {
    let done = async {
        let key = header(&request, "x-email-verification-key")?;
        let mut conn = conn(&state).await?;
        let found = address::of_key(&mut conn, &state, key).await?;
        let owner = mishap_storage::accounts::users::find(&mut conn, found.user_id).await?;
        let owner = owner.ok_or_else(Problem::invalid_key)?;
        let user = User::find(&mut conn, &owner).await?;
        let data = LinkOwner { email: Some(found.email), user };
        // No sign-in ever waits for the proof of an address.
        Ok(Envelope::data(data).with_meta(json!({ "is_authenticating": false })))
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// `POST auth/email/verify` — proves an address; whoever is signed in is the answer.
pub(super) async fn verify(state: Data<AppState>, visit: Visit, body: Object) -> Envelope {
    let done = async {
        address::confirm(&state, &visit, body.text("key")?).await?;
        current(&state, &visit).await
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// Ways to sign in that are off, as they are in GlitchTip.
pub(super) async fn off(state: Data<AppState>, visit: Visit) -> Envelope {
    answer(&state, visit, Err(Refusal::Conflict)).await
}

/// A connection to PostgreSQL.
pub(super) async fn conn(state: &AppState) -> Result<mishap_storage::PooledConn, Refusal> {
    Ok(state.pool.get().await?)
}

fn header<'r>(request: &'r HttpRequest, name: &'static str) -> Result<&'r str, Refusal> {
    let value = request.headers().get(name).and_then(|value| value.to_str().ok());
    value.ok_or_else(|| Problem::required("key").into())
}
