//! A browser: it keeps cookies, and says where its pages come from.

use chrono::TimeDelta;
use mishap_core::id::UserId;
use mishap_core::random::SystemRandom;
use mishap_core::secret::ApiToken;
use mishap_core::slug::random_letters;
use mishap_storage::accounts::sessions::{self, NewSession};
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, COOKIE, HeaderMap, HeaderValue, ORIGIN, SET_COOKIE};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use crate::app::TestApp;
use crate::client::{Answer, Client, sender};

/// A browser. What it says can be changed, to see what is then refused.
#[derive(Debug, Clone)]
pub struct Browser {
    /// Who is signed in, if the test said who.
    pub account: Option<UserId>,
    /// The cookie `sessionid`.
    pub session: Option<String>,
    /// The cookie `csrftoken`.
    pub csrf_cookie: Option<String>,
    /// The header `X-CSRFToken`, which scripts send and forms do not.
    pub csrf_header: Option<String>,
    /// The cookie `theme`.
    pub theme: Option<String>,
    /// The origin of the page that it shows.
    pub origin: Option<String>,
    /// What it says besides, header by header.
    pub says: Vec<(&'static str, String)>,
    /// Where the server is.
    pub server: Url,
    /// What sends the requests.
    pub http: reqwest::Client,
}

/// Where the headless API for signing in is.
const ALLAUTH: &str = "/_allauth/browser/v1";

impl Browser {
    pub(crate) fn new(app: &TestApp) -> Self {
        Self {
            account: None,
            session: None,
            csrf_cookie: None,
            csrf_header: None,
            theme: None,
            origin: Some(app.public_url.origin().ascii_serialization()),
            says: Vec::new(),
            server: app.url.clone(),
            http: sender(),
        }
    }

    pub(crate) async fn sign_in(app: &TestApp, user: UserId) -> Self {
        let key = ApiToken::generate(&SystemRandom);
        let new = NewSession {
            key: key.hash(),
            user: Some(user),
            data: &json!({}),
            client_ip: Some("198.51.100.7"),
            user_agent: Some("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"),
            now: app.now(),
            expires_at: app.now() + TimeDelta::days(1),
        };
        sessions::insert(&mut *app.database.conn().await, &new).await.unwrap();
        let csrf = random_letters(&SystemRandom, 32);
        Self {
            account: Some(user),
            session: Some(key.reveal().to_owned()),
            csrf_cookie: Some(csrf.clone()),
            csrf_header: Some(csrf),
            ..Self::new(app)
        }
    }

    /// `GET`s a path, and keeps the cookies that are answered.
    pub async fn get(&mut self, path: &str) -> Answer {
        let answer = self.client().get(path).await;
        self.keep_cookies(&answer);
        answer
    }

    /// Sends JSON to a path, and keeps the cookies that are answered.
    pub async fn send(&mut self, method: Method, path: &str, body: &Value) -> Answer {
        let answer = self.client().json(method, path, body).await;
        self.keep_cookies(&answer);
        answer
    }

    /// Sends a form with the token that the page gave it, and keeps the cookies that are answered.
    pub async fn post_form(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.csrf_cookie.clone().expect("no page was looked at");
        let fields = [fields, &[("csrfmiddlewaretoken", token.as_str())]].concat();
        self.post_form_as_it_is(path, &fields).await
    }

    /// Sends a form with these fields and no others, and keeps the cookies that are answered.
    pub async fn post_form_as_it_is(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let form = Self { csrf_header: None, ..self.clone() };
        let request = form.client().post(path);
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = Answer::of(request.body(body)).await;
        self.keep_cookies(&answer);
        answer
    }

    /// Types an address and a password, as the frontend sends them; looks at the page first, which
    /// tells the token.
    pub async fn give_password(&mut self, email: &str, password: &str) -> Answer {
        self.get(&format!("{ALLAUTH}/auth/session")).await;
        let body = json!({ "email": email, "password": password });
        self.send(Method::POST, &format!("{ALLAUTH}/auth/login"), &body).await
    }

    /// Keeps what `Set-Cookie` says; scripts send the token that they read from its cookie.
    fn keep_cookies(&mut self, answer: &Answer) {
        for cookie in answer.headers.get_all(SET_COOKIE) {
            let text = cookie.to_str().unwrap();
            let (name, value) = text.split(';').next().unwrap().split_once('=').unwrap();
            let value = (!text.contains("; Max-Age=0")).then(|| value.to_owned());
            match name {
                "sessionid" => self.session = value,
                "csrftoken" => {
                    self.csrf_cookie.clone_from(&value);
                    self.csrf_header = value;
                }
                "theme" => self.theme = value,
                other => panic!("an unknown cookie: {other}"),
            }
        }
    }

    /// A client that says the same.
    pub fn client(&self) -> Client {
        let value = |text: &str| HeaderValue::from_str(text).unwrap();
        let mut headers = HeaderMap::new();
        let cookies = [
            ("sessionid", &self.session),
            ("csrftoken", &self.csrf_cookie),
            ("theme", &self.theme),
        ];
        let cookies: Vec<String> = cookies
            .into_iter()
            .filter_map(|(name, cookie)| Some(format!("{name}={}", cookie.as_ref()?)))
            .collect();
        if !cookies.is_empty() {
            headers.insert(COOKIE, value(&cookies.join("; ")));
        }
        if let Some(token) = &self.csrf_header {
            headers.insert("x-csrftoken", value(token));
        }
        if let Some(origin) = &self.origin {
            headers.insert(ORIGIN, value(origin));
        }
        for (name, text) in &self.says {
            headers.insert(*name, value(text));
        }
        Client::saying(self.server.clone(), headers, self.http.clone())
    }
}
