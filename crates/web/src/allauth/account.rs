//! Passwords and addresses of whoever is signed in.

use actix_web::web::Data;
use mishap_core::email::EmailAddress;
use mishap_storage::Conn;
use mishap_storage::accounts::emails as addresses;
use mishap_storage::accounts::emails::UserEmail;
use mishap_storage::transaction;
use serde_json::{Value, json};

use super::auth::conn;
use super::envelope::{Envelope, answer, session as current};
use crate::AppState;
use crate::account::{Problem, Refusal, Visit, password};
use crate::body::Object;
use crate::mail;
use crate::throttle::Attempt;

/// How long after a mail another one is sent to the same address, in seconds (allauth).
const BETWEEN_MAILS: i64 = 180;

/// `POST account/password/change` — changes the password; other sessions end.
pub(super) async fn change_password(
    state: Data<AppState>,
    mut visit: Visit,
    body: Object,
) -> Envelope {
    let done = async {
        let current_password = body.optional_text("current_password");
        let new = body.text("new_password")?;
        password::change(&state, &mut visit, current_password, new).await?;
        current(&state, &visit).await
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// `GET account/email` — the addresses.
pub(super) async fn emails(state: Data<AppState>, visit: Visit) -> Envelope {
    let done = list(&state, &visit).await;
    answer(&state, visit, done).await
}

/// `POST account/email` — adds an address, and sends a link that proves it.
pub(super) async fn add_email(state: Data<AppState>, visit: Visit, body: Object) -> Envelope {
    let done = async {
        let user = visit.account.as_ref().ok_or(Refusal::Conflict)?;
        let email = EmailAddress::parse(body.text("email")?);
        let email = email.map_err(|_invalid| Problem::invalid_email())?;
        let mut conn = throttled(&state, user).await?;
        if addresses::is_taken(&mut conn, email.as_str(), Some(user.id)).await? {
            return Err(Problem::email_taken().into());
        }
        let (id, shared) = (user.id, state.as_ref());
        let added = transaction(&mut conn, async |conn: &mut Conn| {
            let added = addresses::insert(conn, id, email.as_str(), false, false).await?;
            if let Some(address) = &added {
                mail::confirm_address(conn, shared, address).await?;
            }
            Ok(added)
        })
        .await?;
        added.ok_or_else(|| problem("duplicate_email", "You added this address already."))?;
        list(&state, &visit).await
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// `PUT account/email` — sends another link that proves an address.
pub(super) async fn resend_email(state: Data<AppState>, visit: Visit, body: Object) -> Envelope {
    let done = async {
        let mut conn = throttled(&state, visit.signed_in()?).await?;
        let address = own(&mut conn, &visit, body.text("email")?).await?;
        let last = address.confirmation_sent_at;
        let is_recent =
            last.is_some_and(|at| (state.clock.now() - at).num_seconds() < BETWEEN_MAILS);
        if address.is_verified || is_recent {
            return Err(Refusal::Forbidden);
        }
        mail::confirm_address(&mut conn, &state, &address).await?;
        Ok(Envelope::of(200))
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// `PATCH account/email` — makes an address the one that mail goes to.
pub(super) async fn make_email_primary(
    state: Data<AppState>,
    visit: Visit,
    body: Object,
) -> Envelope {
    let done = async {
        let mut conn = throttled(&state, visit.signed_in()?).await?;
        let address = own(&mut conn, &visit, body.text("email")?).await?;
        if !address.is_verified {
            let text = "Confirm the address before you make it your first one.";
            return Err(problem("unverified_primary_email", text).into());
        }
        transaction(&mut conn, async |conn: &mut Conn| {
            addresses::make_primary(conn, &address).await
        })
        .await?;
        drop(conn);
        list(&state, &visit).await
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// `DELETE account/email` — removes an address.
pub(super) async fn remove_email(state: Data<AppState>, visit: Visit, body: Object) -> Envelope {
    let done = async {
        let user = visit.signed_in()?;
        let mut conn = throttled(&state, user).await?;
        let address = own(&mut conn, &visit, body.text("email")?).await?;
        if !addresses::delete(&mut conn, user.id, &address.email).await? {
            let text = "Make another address your first one before you remove this.";
            return Err(problem("cannot_remove_primary_email", text).into());
        }
        drop(conn);
        list(&state, &visit).await
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// `GET account/phone` — nobody has one.
pub(super) async fn phone(state: Data<AppState>, visit: Visit) -> Envelope {
    let done = visit.signed_in().map(|_user| Envelope::data(json!([])));
    answer(&state, visit, done).await
}

async fn list(state: &AppState, visit: &Visit) -> Result<Envelope, Refusal> {
    let user = visit.signed_in()?;
    let found = addresses::list(&mut *conn(state).await?, user.id).await?;
    let shown = |address: &UserEmail| {
        json!({
            "email": address.email,
            "verified": address.is_verified,
            "primary": address.is_primary,
        })
    };
    Ok(Envelope::data(found.iter().map(shown).collect::<Value>()))
}

/// A connection, unless the account changed its addresses too often.
async fn throttled(
    state: &AppState,
    user: &mishap_storage::accounts::users::User,
) -> Result<mishap_storage::PooledConn, Refusal> {
    let mut conn = conn(state).await?;
    let subject = user.id.to_string();
    if Attempt::AddressChange.is_too_often(&mut conn, state, &subject).await? {
        return Err(Refusal::TooOften);
    }
    Ok(conn)
}

async fn own(conn: &mut Conn, visit: &Visit, email: &str) -> Result<UserEmail, Refusal> {
    let user = visit.signed_in()?;
    let found = addresses::find(conn, user.id, email).await?;
    found.ok_or_else(|| problem("unknown_email", "You have no such address.").into())
}

fn problem(code: &'static str, message: &str) -> Problem {
    Problem { code, param: Some("email"), message: message.to_owned() }
}
