//! The administrator's pages, as browsers see them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod access;
mod audit;
mod dead_letters;
mod hostile;
mod jobs;
mod members;
mod organizations;
mod projects;
mod providers;
mod queries;
mod quotas;
mod status;
mod tokens;
mod users;

use chrono::TimeDelta;
use mishap_core::id::UserId;
use mishap_core::random::{Random as _, SystemRandom};
use mishap_core::secret::ApiToken;
use mishap_storage::accounts::sessions::{self, NewSession};
use mishap_storage::accounts::users::{NewUser, insert};
use mishap_testkit::builders::{envelope, message_event};
use mishap_testkit::{Answer, TestApp};
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, COOKIE};
use serde_json::{Value, json};
use url::form_urlencoded;

/// The token of a browser's forms.
const CSRF: &str = "abcdefghijabcdefghijabcdefghijab";

/// A browser, in which somebody may be signed in.
struct Browser<'a> {
    app: &'a TestApp,
    user: UserId,
    cookies: String,
}

impl<'a> Browser<'a> {
    /// A browser in which an account is signed in.
    async fn of(app: &'a TestApp, user: UserId) -> Self {
        let key = ApiToken::generate(&SystemRandom);
        let new = NewSession {
            key: key.hash(),
            user: Some(user),
            data: &json!({}),
            client_ip: Some("198.51.100.7"),
            user_agent: Some("Mozilla/5.0 Firefox/140.0"),
            now: app.now(),
            expires_at: app.now() + TimeDelta::days(1),
        };
        sessions::insert(&mut *app.database.conn().await, &new).await.unwrap();
        Self { app, user, cookies: format!("sessionid={}; csrftoken={CSRF}", key.reveal()) }
    }

    /// A browser in which nobody is signed in.
    fn anonymous(app: &'a TestApp) -> Self {
        Self { app, user: UserId(0), cookies: format!("csrftoken={CSRF}") }
    }

    /// A browser of a new account with staff's rights.
    async fn staff(app: &'a TestApp) -> Self {
        let user = account(app, "staff@example.com", true, false).await;
        Self::of(app, user).await
    }

    /// A browser of a new account with all rights.
    async fn superuser(app: &'a TestApp) -> Self {
        let user = account(app, "root@example.com", true, true).await;
        Self::of(app, user).await
    }

    /// `GET`s a page.
    async fn get(&self, path: &str) -> Answer {
        let request = self.app.anonymous().request(Method::GET, path);
        Answer::of(request.header(COOKIE, &self.cookies)).await
    }

    /// Sends a form with the browser's token.
    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut fields = fields.to_vec();
        fields.push(("csrfmiddlewaretoken", CSRF));
        self.post_as_it_is(path, &fields).await
    }

    /// Sends a form with these fields and no others.
    async fn post_as_it_is(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.app.anonymous().request(Method::POST, path);
        let request = request
            .header(COOKIE, &self.cookies)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        Answer::of(request.body(body)).await
    }

    /// Sends a form, and follows to the page that says what was done.
    async fn change(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let answer = self.post(path, fields).await.expect(303);
        let address = answer.header("location");
        assert!(address.contains("done="), "{address} says nothing");
        let page = self.get(address).await.expect(200);
        assert!(page.body.contains("role=\"status\""), "nothing is said at {address}");
        page
    }
}

/// Makes an account.
async fn account(app: &TestApp, email: &str, is_staff: bool, is_superuser: bool) -> UserId {
    let new = NewUser { email, name: "", password_hash: None, is_superuser, is_staff };
    insert(&mut *app.database.conn().await, &new).await.unwrap().id
}

/// What the audit log tells, the oldest first: who did what to which thing, and what changed.
async fn audited(app: &TestApp) -> Vec<Value> {
    let query =
        "SELECT actor, action, target_kind AS kind, target, details FROM audit_log ORDER BY id";
    app.database.rows(query).await
}

/// Checks the newest entry of the audit log.
async fn assert_audited(browser: &Browser<'_>, action: &str, target: &str, details: Value) {
    let entry = "SELECT actor_id, action, target, client_ip, details FROM audit_log
        ORDER BY id DESC LIMIT 1";
    let found = browser.app.database.rows(entry).await.pop();
    let expected = json!({
        "actor_id": browser.user.0,
        "action": action,
        "target": target,
        "client_ip": "127.0.0.1",
        "details": details,
    });
    assert_eq!(found, Some(expected));
}

/// Sends an event to the first project.
async fn send(app: &TestApp) -> Answer {
    let (_, body) = envelope(&message_event("hello"));
    let (auth, path) = (app.dsn().auth_header("test/1"), app.ingest_path("envelope"));
    app.anonymous().send(&path, &[("X-Sentry-Auth", &auth)], body).await
}

/// A page without its tags, blanks made one.
fn text_of(answer: &Answer) -> String {
    let mut text = String::new();
    let mut is_tag = false;
    for letter in answer.body.chars() {
        match letter {
            '<' => is_tag = true,
            '>' => {
                is_tag = false;
                text.push(' ');
            }
            letter if !is_tag => text.push(letter),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A random word.
fn word() -> String {
    SystemRandom.uuid().simple().to_string()
}
