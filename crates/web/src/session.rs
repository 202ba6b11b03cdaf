//! Sessions of people: the cookie, and what is remembered of how they signed in.

use std::collections::BTreeMap;

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::{HttpMessage as _, HttpRequest};
use mishap_core::id::UserId;
use mishap_core::secret::ApiToken;
use mishap_identity::recovery_codes::RecoveryCodes;
use mishap_storage::Conn;
use mishap_storage::accounts::sessions::{self, Session};
use mishap_storage::accounts::users::User;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::AppState;
use crate::error::ApiError;

/// The cookie (Django).
pub(crate) const COOKIE: &str = "sessionid";

/// How a session is kept by browsers.
#[derive(Debug, Clone, Copy)]
pub struct SessionRules {
    /// How long it lasts, in seconds.
    pub age_seconds: i64,
    /// Whether its cookie is only sent over TLS.
    pub is_secure: bool,
    /// Which sites' requests the cookie goes along with.
    pub same_site: SameSite,
}

/// What a session remembers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionData {
    /// How the person signed in, the first step first.
    pub methods: Vec<Method>,
    /// Whose second factor is waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
    /// The secret of an app that is being set up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub totp_secret: Option<String>,
    /// Recovery codes that their owner has not confirmed yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offered_codes: Option<OfferedCodes>,
    /// A ceremony with a passkey that has begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ceremony: Option<Ceremony>,
    /// A flow with a sign-in provider that has begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow: Option<Value>,
    /// Who came from a sign-in provider, and needs an address to have an account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guest: Option<Guest>,
}

/// A step of signing in (allauth's records).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Method {
    /// `password`, `signup`, `socialaccount` or `mfa`.
    pub method: String,
    /// When, in seconds since 1970.
    pub at: f64,
    /// The address that was typed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The second factor's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// The second factor's kind.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The sign-in provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// What the provider calls the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Whether it was asked for again in a session.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub reauthenticated: bool,
    /// Whether it stood in for the password.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub passwordless: bool,
}

/// Somebody who gave the right password, and has a second factor to give.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    /// Whose it is.
    pub user: UserId,
    /// When the password was given, in seconds since 1970.
    pub at: f64,
    /// What was given so far.
    pub methods: Vec<Method>,
    /// By what the password is known again: another one ends the wait.
    #[serde(default)]
    pub password: Option<String>,
}

/// Recovery codes that were shown, and count once one of them was typed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OfferedCodes {
    /// When, in seconds since 1970.
    pub at: f64,
    /// The codes.
    pub codes: RecoveryCodes,
}

/// Somebody who came from a sign-in provider, as that knows them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Guest {
    /// The provider's slug.
    pub provider: String,
    /// What the provider calls the person, for good.
    pub uid: String,
    /// The address that the provider told.
    pub email: Option<String>,
    /// Whether the provider vouches for the address.
    pub is_email_verified: bool,
    /// The name of the person.
    pub name: Option<String>,
    /// The name of the account there.
    pub username: Option<String>,
    /// What the person is to be in organizations: names of roles by slugs.
    pub roles: BTreeMap<String, String>,
    /// When, in seconds since 1970.
    pub at: f64,
}

/// A ceremony with a passkey that has begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ceremony {
    /// When, in seconds since 1970.
    pub at: f64,
    /// What is kept until the passkey answers.
    pub state: Value,
}

impl SessionData {
    /// What a stored session remembers; nothing if it cannot be read.
    pub fn of(session: &Session) -> Self {
        serde_json::from_value(session.data.clone()).unwrap_or_default()
    }

    /// As it is stored.
    pub(crate) fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// Whether the person gave a second factor, or a passkey, which is two at once.
pub(crate) fn has_second_factor(session: &Session) -> bool {
    SessionData::of(session).methods.iter().any(|method| method.method == "mfa")
}

/// Noted in a request whose answer depends on its session, or on there being none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SessionRead;

/// The session of a request, with its owner if somebody is signed in.
pub(crate) async fn find(
    conn: &mut Conn,
    state: &AppState,
    request: &HttpRequest,
) -> Result<Option<(Session, Option<User>)>, ApiError> {
    request.extensions_mut().insert(SessionRead);
    let Some(cookie) = request.cookie(COOKIE) else {
        return Ok(None);
    };
    let key = ApiToken::new(cookie.value());
    Ok(sessions::find(conn, key.hash(), state.clock.now()).await?)
}

/// The cookie that carries a session.
pub(crate) fn cookie(state: &AppState, key: &ApiToken) -> Cookie<'static> {
    build(state, key.reveal().to_owned(), state.config.sessions.age_seconds)
}

/// The cookie that ends a session in the browser.
pub(crate) fn end_cookie(state: &AppState) -> Cookie<'static> {
    build(state, String::new(), 0)
}

fn build(state: &AppState, value: String, age_seconds: i64) -> Cookie<'static> {
    let rules = state.config.sessions;
    Cookie::build(COOKIE, value)
        .path(state.config.cookie_path())
        .max_age(Duration::seconds(age_seconds))
        .http_only(true)
        .same_site(rules.same_site)
        .secure(rules.is_secure)
        .finish()
}
