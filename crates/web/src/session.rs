//! Sessions of people: the cookie, and what is remembered of how they signed in.

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use mishap_core::id::UserId;
use mishap_core::secret::ApiToken;
use mishap_core::text::truncated;
use mishap_storage::Conn;
use mishap_storage::accounts::sessions::{self, NewSession, Session};
use mishap_storage::accounts::users::User;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::AppState;
use crate::client;
use crate::error::ApiError;

/// The cookie (Django).
pub(crate) const COOKIE: &str = "sessionid";

/// Longest `User-Agent` that is kept, in bytes.
const MAX_USER_AGENT: usize = 400;

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

/// What a session remembers. Unknown members are kept: another version may have written them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionData {
    /// How the person signed in, the first step first (allauth's records).
    #[serde(default)]
    pub methods: Vec<Value>,
    /// Everything else, such as ceremonies that have begun.
    #[serde(flatten)]
    pub rest: serde_json::Map<String, Value>,
}

impl SessionData {
    /// What a stored session remembers; nothing if it cannot be read.
    pub fn of(session: &Session) -> Self {
        serde_json::from_value(session.data.clone()).unwrap_or_default()
    }

    fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// Whether the person gave a second factor, or a passkey, which is two at once.
pub(crate) fn has_second_factor(session: &Session) -> bool {
    let methods = SessionData::of(session).methods;
    methods.iter().any(|method| method.get("method").and_then(Value::as_str) == Some("mfa"))
}

/// The session of a request, with its owner if somebody is signed in.
pub(crate) async fn find(
    conn: &mut Conn,
    state: &AppState,
    request: &HttpRequest,
) -> Result<Option<(Session, Option<User>)>, ApiError> {
    let Some(cookie) = request.cookie(COOKIE) else {
        return Ok(None);
    };
    let key = ApiToken::new(cookie.value());
    Ok(sessions::find(conn, key.hash(), state.clock.now()).await?)
}

/// Begins a session, and gives the cookie for it.
pub(crate) async fn begin(
    conn: &mut Conn,
    state: &AppState,
    request: &HttpRequest,
    user: Option<UserId>,
    data: &SessionData,
) -> Result<(Session, Cookie<'static>), ApiError> {
    let key = ApiToken::generate(state.random.as_ref());
    let now = state.clock.now();
    let rules = state.config.sessions;
    let address = client::address(request, &state.config.trusted_proxies);
    let address = address.map(|address| address.to_string());
    let agent = request.headers().get("user-agent").and_then(|value| value.to_str().ok());
    let new = NewSession {
        key: key.hash(),
        user,
        data: &data.to_value(),
        client_ip: address.as_deref(),
        user_agent: agent.map(|agent| truncated(agent, MAX_USER_AGENT)),
        now,
        expires_at: now + chrono::TimeDelta::seconds(rules.age_seconds),
    };
    let session = sessions::insert(conn, &new).await?;
    Ok((session, cookie(state, key.reveal().to_owned(), rules.age_seconds)))
}

/// Keeps what a session remembers.
pub(crate) async fn remember(
    conn: &mut Conn,
    session: &Session,
    data: &SessionData,
) -> Result<(), ApiError> {
    Ok(sessions::set_data(conn, session.id, &data.to_value()).await?)
}

/// The cookie that ends a session in the browser.
pub(crate) fn end_cookie(state: &AppState) -> Cookie<'static> {
    cookie(state, String::new(), 0)
}

fn cookie(state: &AppState, value: String, age_seconds: i64) -> Cookie<'static> {
    let rules = state.config.sessions;
    Cookie::build(COOKIE, value)
        .path(state.config.cookie_path())
        .max_age(Duration::seconds(age_seconds))
        .http_only(true)
        .same_site(rules.same_site)
        .secure(rules.is_secure)
        .finish()
}
