//! Passwords and addresses of whoever is signed in.

use actix_web::web::Data;
use mishap_core::audit::Action;
use mishap_core::email::EmailAddress;
use mishap_storage::accounts::authenticators;
use mishap_storage::accounts::emails::{self as addresses, MAX_EMAILS, UserEmail};
use mishap_storage::accounts::users::User;
use mishap_storage::{Conn, PooledConn, transaction};
use serde_json::json;

use super::auth::conn;
use super::envelope::{Envelope, answer, session as current};
use super::shapes::Email;
use crate::AppState;
use crate::account::{Problem, Refusal, Visit, password, taken_meanwhile};
use crate::body::Object;
use crate::mail;
use crate::throttle::Attempt;

/// `POST account/password/change` — changes the password; other sessions end.
pub(super) async fn change_password(
    state: Data<AppState>,
    mut visit: Visit,
    body: Object,
) -> Envelope {
    let done = async {
        let current_password = body.optional_text("current_password");
        let new = body.typed("new_password");
        password::change(&state, &mut visit, current_password, new).await?;
        current(&state, &visit).await
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// `GET account/email` — the addresses.
pub(super) async fn emails(state: Data<AppState>, visit: Visit) -> Envelope {
    let done = async {
        let user = visit.signed_in()?;
        list(&mut *throttled(&state, user).await?, user).await
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// `POST account/email` — adds an address, and sends a link that proves it. Nobody who has a second
/// factor can, for a new address is not proven (allauth).
pub(super) async fn add_email(state: Data<AppState>, visit: Visit, body: Object) -> Envelope {
    let done = async {
        let user = visit.account.as_ref().ok_or(Refusal::Conflict)?;
        let mut conn = throttled(&state, user).await?;
        let email = EmailAddress::parse(body.text("email")?);
        let email = email.map_err(|_invalid| Problem::invalid_email())?;
        if addresses::find(&mut conn, user.id, email.as_str()).await?.is_some() {
            return Err(problem("duplicate_email", "You added this address already.").into());
        }
        if addresses::is_taken(&mut conn, email.as_str(), Some(user.id)).await? {
            return Err(Problem::email_taken().into());
        }
        if !authenticators::list(&mut conn, user.id).await?.is_empty() {
            return Err(Problem::second_factor_in_use().into());
        }
        let count = addresses::list(&mut conn, user.id).await?.len();
        if i64::try_from(count).is_ok_and(|count| count >= MAX_EMAILS) {
            return Err(problem("max_email_addresses", "You have too many addresses.").into());
        }
        let (shared, visit) = (state.as_ref(), &visit);
        let added = transaction(&mut conn, async |conn: &mut Conn| {
            let added = addresses::insert(conn, user.id, email.as_str(), false, false).await?;
            if let Some(address) = &added {
                mail::confirm_address(conn, shared, address).await?;
                visit.record(conn, user, Action::AddressChange).await?;
            }
            Ok(added)
        })
        .await?;
        added.ok_or_else(|| problem("duplicate_email", "You added this address already."))?;
        list(&mut conn, user).await
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// `PUT account/email` — sends another link that proves an address.
pub(super) async fn resend_email(state: Data<AppState>, visit: Visit, body: Object) -> Envelope {
    let done = async {
        let user = visit.signed_in()?;
        let mut conn = throttled(&state, user).await?;
        let address = own(&mut conn, user, body.text("email")?).await?;
        if address.is_verified {
            return Err(Refusal::Forbidden);
        }
        let shared = state.as_ref();
        let is_sent = transaction(&mut conn, async |conn: &mut Conn| {
            mail::confirm_address(conn, shared, &address).await
        })
        .await?;
        if is_sent { Ok(Envelope::of(200)) } else { Err(Refusal::Forbidden) }
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
        let user = visit.signed_in()?;
        let mut conn = throttled(&state, user).await?;
        let email = body.text("email")?;
        if body.any("primary")? != true {
            return Err(Problem::required("primary").into());
        }
        let address = own(&mut conn, user, email).await?;
        if !address.is_verified {
            let text = "Confirm the address before you make it your first one.";
            return Err(problem("unverified_primary_email", text).into());
        }
        let visit = &visit;
        let made = transaction(&mut conn, async |conn: &mut Conn| {
            addresses::make_primary(conn, &address).await?;
            visit.record(conn, user, Action::AddressChange).await
        });
        made.await.map_err(|error| taken_meanwhile(error, Problem::email_taken()))?;
        list(&mut conn, user).await
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// `DELETE account/email` — removes an address.
pub(super) async fn remove_email(state: Data<AppState>, visit: Visit, body: Object) -> Envelope {
    let done = async {
        let user = visit.signed_in()?;
        let mut conn = throttled(&state, user).await?;
        let address = own(&mut conn, user, body.text("email")?).await?;
        let visit = &visit;
        let is_gone = transaction(&mut conn, async |conn: &mut Conn| {
            let is_gone = addresses::delete(conn, user.id, &address.email).await?;
            if is_gone {
                visit.record(conn, user, Action::AddressChange).await?;
            }
            Ok(is_gone)
        })
        .await?;
        if !is_gone {
            let text = "Make another address your first one before you remove this.";
            return Err(problem("cannot_remove_primary_email", text).into());
        }
        list(&mut conn, user).await
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// `GET account/phone` — nobody has one.
pub(super) async fn phone(state: Data<AppState>, visit: Visit) -> Envelope {
    let done = visit.signed_in().map(|_user| Envelope::data(json!([])));
    answer(&state, visit, done).await
}

async fn list(conn: &mut Conn, user: &User) -> Result<Envelope, Refusal> {
    let found = addresses::list(conn, user.id).await?;
    Ok(Envelope::data(found.iter().map(Email::from).collect::<Vec<_>>()))
}

/// A connection, unless the account changed its addresses too often.
async fn throttled(state: &AppState, user: &User) -> Result<PooledConn, Refusal> {
    let mut conn = conn(state).await?;
    let subject = user.id.to_string();
    if Attempt::AddressChange.is_too_often(&mut conn, state, &subject).await? {
        return Err(Refusal::TooOften);
    }
    Ok(conn)
}

async fn own(conn: &mut Conn, user: &User, email: &str) -> Result<UserEmail, Refusal> {
    let found = addresses::find(conn, user.id, email).await?;
    found.ok_or_else(|| problem("unknown_email", "You have no such address.").into())
}

fn problem(code: &'static str, message: &str) -> Problem {
    Problem { code, param: Some("email"), message: message.to_owned() }
}
