//! What is known of a browser, and what is told to it.

use std::future::Future;
use std::net::{IpAddr, Ipv6Addr};
use std::pin::Pin;

use actix_web::cookie::Cookie;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use mishap_core::audit::Action;
use mishap_core::secret::ApiToken;
use mishap_core::text::truncated;
use mishap_storage::accounts::sessions::{self, NewSession, Session};
use mishap_storage::accounts::users::{self, User};
use mishap_storage::audit::{self, Actor, Target};
use mishap_storage::{Conn, transaction};
use serde_json::json;

use super::refusal::Refusal;
use crate::AppState;
use crate::access::state;
use crate::error::ApiError;
use crate::session::{Method, SessionData};
use crate::{browser, client, csrf, session};

/// Longest `User-Agent` that is kept, in bytes.
const MAX_USER_AGENT: usize = 400;

/// How long a session lasts in which nobody is signed in yet, in seconds. Everybody can begin one.
const UNKNOWN_AGE: i64 = 3600;

/// Steps of signing in that a session remembers.
const MAX_METHODS: usize = 20;

/// The bits of an address of IPv6 that tell one customer from another.
const NETWORK_OF_ONE: u128 = !0 << 64;

/// A browser that asks for something.
pub(crate) struct Visit {
    /// Who is signed in.
    pub(crate) account: Option<User>,
    /// The session, which may have begun before anybody is signed in.
    pub(crate) session: Option<Session>,
    /// What the session remembers.
    pub(crate) data: SessionData,
    /// Where the request comes from.
    pub(crate) client_ip: Option<IpAddr>,
    /// What forms and scripts must say to change something.
    pub(crate) csrf_token: String,
    user_agent: Option<String>,
    cookies: Vec<Cookie<'static>>,
}

impl Visit {
    /// Where the request comes from, as attempts are counted: whoever has one address of IPv6 has all
    /// of its network.
    pub(crate) fn from(&self) -> String {
        match self.client_ip.map(|address| address.to_canonical()) {
            None => String::new(),
            Some(IpAddr::V4(address)) => address.to_string(),
            Some(IpAddr::V6(address)) => {
                let network = Ipv6Addr::from_bits(address.to_bits() & NETWORK_OF_ONE);
                network.to_string()
            }
        }
    }

    /// Who is signed in, or a refusal.
    pub(crate) fn signed_in(&self) -> Result<&User, Refusal> {
        self.account.as_ref().ok_or(Refusal::SignedOut)
    }

    /// The browser, in words, if it says what it is.
    pub(crate) fn client(&self) -> Option<String> {
        self.user_agent.as_deref().map(browser::name)
    }

    /// The step of signing in that was just done.
    pub(crate) fn method(state: &AppState, name: &str) -> Method {
        Method {
            method: name.to_owned(),
            at: seconds(state),
            email: None,
            id: None,
            kind: None,
            provider: None,
            uid: None,
            reauthenticated: false,
            passwordless: false,
        }
    }

    /// Signs somebody in. The session gets another key, so that one that was planted before is worth
    /// nothing.
    pub(crate) async fn sign_in(
        &mut self,
        conn: &mut Conn,
        state: &AppState,
        user: &User,
        methods: Vec<Method>,
    ) -> Result<(), Refusal> {
        let data = SessionData { methods, ..SessionData::default() };
        self.renew(conn, state, Some(user), data).await?;
        // A token that was planted is worth nothing either.
        self.csrf_token = csrf::new_token(state.random.as_ref());
        self.account = Some(User { last_login_at: Some(state.clock.now()), ..user.clone() });
        Ok(())
    }

    /// Remembers something until somebody is signed in, under a new key.
    pub(crate) async fn begin(
        &mut self,
        conn: &mut Conn,
        state: &AppState,
        data: SessionData,
    ) -> Result<(), Refusal> {
        self.renew(conn, state, None, data).await
    }

    /// Keeps what the session remembers now; begins one if there is none.
    pub(crate) async fn remember(
        &mut self,
        conn: &mut Conn,
        state: &AppState,
    ) -> Result<(), Refusal> {
        match &self.session {
            Some(session) => {
                sessions::set_data(conn, session.id, &self.data.to_value()).await?;
                Ok(())
            }
            None => self.renew(conn, state, None, self.data.clone()).await,
        }
    }

    /// Adds a step of signing in to what the session remembers, which is bounded.
    pub(crate) fn prove(&mut self, method: Method) {
        let methods = &mut self.data.methods;
        methods.push(method);
        if methods.len() > MAX_METHODS
            && let Some(oldest) = methods.iter().position(|method| method.reauthenticated)
        {
            methods.remove(oldest);
        }
    }

    /// Ends the session.
    pub(crate) async fn sign_out(
        &mut self,
        conn: &mut Conn,
        state: &AppState,
    ) -> Result<(), Refusal> {
        if let Some(session) = self.session.take() {
            let (shared, user) = (&*self, self.account.as_ref());
            transaction(conn, async |conn: &mut Conn| {
                sessions::delete(conn, session.id).await?;
                match user {
                    Some(user) => shared.record(conn, user, Action::SignOut).await,
                    None => Ok(()),
                }
            })
            .await?;
            self.forget(state);
        }
        Ok(())
    }

    /// Tells the browser that its session is over.
    pub(crate) fn forget(&mut self, state: &AppState) {
        self.session = None;
        self.account = None;
        self.data = SessionData::default();
        self.cookies.push(session::end_cookie(state));
    }

    /// Begins a session in place of the one that there is; signs somebody in if it is somebody's.
    async fn renew(
        &mut self,
        conn: &mut Conn,
        state: &AppState,
        user: Option<&User>,
        data: SessionData,
    ) -> Result<(), Refusal> {
        let key = ApiToken::generate(state.random.as_ref());
        let now = state.clock.now();
        let age = match user {
            Some(_) => state.config.sessions.age_seconds,
            None => UNKNOWN_AGE,
        };
        let client_ip = self.client_ip.map(|address| address.to_string());
        let value = data.to_value();
        let new = NewSession {
            key: key.hash(),
            user: user.map(|user| user.id),
            data: &value,
            client_ip: client_ip.as_deref(),
            user_agent: self.user_agent.as_deref(),
            now,
            expires_at: now + chrono::TimeDelta::seconds(age),
        };
        let old = self.session.as_ref().map(|session| session.id);
        let shared = &*self;
        let session = transaction(conn, async |conn: &mut Conn| {
            if let Some(old) = old {
                sessions::delete(conn, old).await?;
            }
            let session = sessions::insert(conn, &new).await?;
            if let Some(user) = user {
                users::signed_in(conn, user.id, now).await?;
                shared.record(conn, user, Action::SignIn).await?;
            }
            Ok(session)
        })
        .await?;
        self.session = Some(session);
        self.data = data;
        self.cookies.push(session::cookie(state, &key));
        Ok(())
    }

    /// Notes in the audit log what somebody did with the own account.
    pub(crate) async fn note(
        &self,
        conn: &mut Conn,
        user: &User,
        action: Action,
    ) -> Result<(), Refusal> {
        Ok(self.record(conn, user, action).await?)
    }

    /// The same, in the transaction that it tells of.
    pub(crate) async fn record(
        &self,
        conn: &mut Conn,
        user: &User,
        action: Action,
    ) -> mishap_storage::Result<()> {
        audit::record(conn, &self.actor(user), action, &own(user), &json!({})).await
    }

    /// How the audit log tells who it was.
    pub(crate) fn actor(&self, user: &User) -> Actor {
        Actor { user: Some(user.id), label: user.email.clone(), client_ip: self.client_ip }
    }

    /// Adds the cookies to an answer: the session's, if it changed, and the token of forms.
    pub(crate) fn tell(&mut self, state: &AppState, response: &mut HttpResponse) {
        self.cookies.push(csrf::cookie(self.csrf_token.clone(), state));
        for cookie in self.cookies.drain(..) {
            // Only a cookie that is no header value fails, and ours are.
            let _always = response.add_cookie(&cookie);
        }
    }
}

/// How the audit log tells of an account.
pub(crate) fn own(user: &User) -> Target {
    Target::account(user)
}

/// Seconds since 1970, as allauth prints them.
#[expect(clippy::cast_precision_loss, reason = "microseconds of this century fit")]
pub(crate) fn seconds(state: &AppState) -> f64 {
    state.clock.now().timestamp_micros() as f64 / 1e6
}

impl FromRequest for Visit {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let state = state(&request)?;
            let mut conn = state.pool.get().await?;
            let (session, account) = match session::find(&mut conn, state, &request).await? {
                Some((session, account)) => (Some(session), account),
                None => (None, None),
            };
            let agent = request.headers().get("user-agent").and_then(|value| value.to_str().ok());
            Ok(Self {
                account,
                data: session.as_ref().map(SessionData::of).unwrap_or_default(),
                session,
                client_ip: client::address(&request, &state.config.trusted_proxies),
                csrf_token: csrf::token(&request, state.random.as_ref()),
                user_agent: agent.map(|agent| truncated(agent, MAX_USER_AGENT).to_owned()),
                cookies: Vec::new(),
            })
        })
    }
}
