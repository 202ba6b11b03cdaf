//! A browser in which somebody is signed in.

use chrono::TimeDelta;
use mishap_core::id::UserId;
use mishap_core::random::SystemRandom;
use mishap_core::secret::ApiToken;
use mishap_core::slug::random_letters;
use mishap_storage::accounts::sessions::{self, NewSession};
use reqwest::header::{COOKIE, HeaderMap, HeaderValue, ORIGIN};
use serde_json::json;
use url::Url;

use crate::app::TestApp;
use crate::client::Client;

/// A browser in which somebody is signed in. What it says can be changed before a client is made of
/// it, to see what is then refused.
#[derive(Debug, Clone)]
pub struct Browser {
    /// The cookie `sessionid`.
    pub session: Option<String>,
    /// The cookie `csrftoken`.
    pub csrf_cookie: Option<String>,
    /// The header `X-CSRFToken`.
    pub csrf_header: Option<String>,
    /// The origin of the page that it shows.
    pub origin: Option<String>,
    /// Where the server is.
    pub server: Url,
}

impl Browser {
    pub(crate) async fn sign_in(app: &TestApp, user: UserId) -> Self {
        let key = ApiToken::generate(&SystemRandom);
        let new = NewSession {
            key: key.hash(),
            user: Some(user),
            data: &json!({}),
            client_ip: None,
            user_agent: None,
            now: app.now(),
            expires_at: app.now() + TimeDelta::days(1),
        };
        sessions::insert(&mut *app.database.conn().await, &new).await.unwrap();
        let csrf = random_letters(&SystemRandom, 32);
        Self {
            session: Some(key.reveal().to_owned()),
            csrf_cookie: Some(csrf.clone()),
            csrf_header: Some(csrf),
            origin: Some("http://mishap.test".to_owned()),
            server: app.url.clone(),
        }
    }

    /// A client that says the same.
    pub fn client(&self) -> Client {
        let value = |text: &str| HeaderValue::from_str(text).unwrap();
        let mut headers = HeaderMap::new();
        let cookies: Vec<String> = [("sessionid", &self.session), ("csrftoken", &self.csrf_cookie)]
            .into_iter()
            .filter_map(|(name, cookie)| Some(format!("{name}={}", cookie.as_ref()?)))
            .collect();
        headers.insert(COOKIE, value(&cookies.join("; ")));
        if let Some(token) = &self.csrf_header {
            headers.insert("x-csrftoken", value(token));
        }
        if let Some(origin) = &self.origin {
            headers.insert(ORIGIN, value(origin));
        }
        Client::saying(self.server.clone(), headers)
    }
}
