//! How people sign in, over HTTP: the headless API of django-allauth, as GlitchTip has it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod addresses;
mod answers;
mod csrf;
mod hostile;
mod passkeys;
mod passwords;
mod providers;
mod recovery_codes;
mod second_factors;
mod sessions;
mod sign_in;
mod sign_up;
mod throttles;

pub(crate) use self::providers::{IdentityProvider, come_from};

use mishap_core::id::UserId;
use mishap_storage::accounts::{emails, users};
use mishap_testkit::{Answer, Browser, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

pub(super) const JANE: &str = "jane@example.com";
pub(super) const PASSWORD: &str = "correct horse battery staple";
pub(super) const OTHER_PASSWORD: &str = "another horse, another battery";

/// What Django makes of the password, with so few iterations that it is verified quickly.
const HASH: &str = "pbkdf2_sha256$1000$seasalt$3xmXbyk2QpiyNcnoBbzRPwEBsYPTbDlRdtmLyBvQltA=";

/// The path of an endpoint.
fn at(endpoint: &str) -> String {
    format!("/_allauth/browser/v1/{endpoint}")
}

async fn get(browser: &mut Browser, endpoint: &str) -> Answer {
    browser.get(&at(endpoint)).await
}

async fn post(browser: &mut Browser, endpoint: &str, body: Value) -> Answer {
    browser.send(Method::POST, &at(endpoint), &body).await
}

async fn put(browser: &mut Browser, endpoint: &str, body: Value) -> Answer {
    browser.send(Method::PUT, &at(endpoint), &body).await
}

async fn delete(browser: &mut Browser, endpoint: &str, body: Value) -> Answer {
    browser.send(Method::DELETE, &at(endpoint), &body).await
}

/// A browser that has looked at a page, so that it has a token.
async fn visitor(app: &TestApp) -> Browser {
    let mut browser = app.stranger();
    get(&mut browser, "config").await.expect(200);
    browser
}

/// An account with a password, and an address that is verified.
pub(super) async fn person(app: &TestApp, email: &str) -> UserId {
    let user = app.database.account(email).await.user;
    let mut conn = app.database.conn().await;
    users::set_password(&mut conn, user, Some(HASH)).await.unwrap();
    emails::insert(&mut conn, user, email, true, true).await.unwrap();
    user
}

/// A browser in which Jane signed in with her password.
async fn jane(app: &TestApp) -> Browser {
    person(app, JANE).await;
    let mut browser = app.stranger();
    browser.give_password(JANE, PASSWORD).await.expect(200);
    browser
}

/// Checks that there is nothing more in an answer than this one thing to mend.
#[track_caller]
fn assert_problem(answer: Answer, code: &str, param: Option<&str>) {
    let answer = answer.expect(400);
    let said = answer.json();
    let message = said["errors"][0]["message"].as_str().unwrap_or_default();
    assert!(message.len() > 10, "{said}");
    let mut error = json!({ "message": message, "code": code });
    if let Some(param) = param {
        error["param"] = json!(param);
    }
    assert_eq!(said, json!({ "status": 400, "errors": [error] }));
}

/// Checks that the answer consists of its status.
#[track_caller]
fn assert_bare(answer: Answer, status: u16) {
    assert_eq!(answer.expect(status).body, format!("{{\"status\":{status}}}"));
}

/// Seconds since 1970 by web's clock, as they are printed.
#[expect(clippy::cast_precision_loss, reason = "microseconds of this century fit")]
fn seconds(app: &TestApp) -> Value {
    json!(app.now().timestamp_micros() as f64 / 1e6)
}

/// The same, as PostgreSQL keeps it.
fn moment(app: &TestApp) -> String {
    app.now().format("%Y-%m-%d %H:%M:%S%.6f+00").to_string()
}

/// Turns web's clock.
pub(super) fn wait(app: &TestApp, seconds: i64) {
    app.clock.advance(chrono::TimeDelta::seconds(seconds));
}

/// The mails that are to be sent, the oldest first.
pub(super) async fn mails(app: &TestApp) -> Vec<Mail> {
    let rows = app.database.rows("SELECT name, payload FROM jobs ORDER BY id").await;
    let mail = |row: &Value| {
        assert_eq!(row["name"], "send_mail");
        let (to, mail) = (row["payload"]["to"].as_str().unwrap(), &row["payload"]["mail"]);
        let text = |member: &str| mail[member].as_str().unwrap_or_default().to_owned();
        let link = if mail["link"].is_string() { "link" } else { "sign_up" };
        Mail { to: to.to_owned(), kind: text("mail"), link: text(link), change: text("change") }
    };
    rows.iter().map(mail).collect()
}

/// A mail that is to be sent.
pub(super) struct Mail {
    pub(super) to: String,
    pub(super) kind: String,
    pub(super) link: String,
    /// What changed, if it is about second factors.
    pub(super) change: String,
}

impl Mail {
    /// The key in a link whose path begins so.
    pub(super) fn key(&self, path: &str) -> String {
        let key = self.link.strip_prefix("http://mishap.test").unwrap().strip_prefix(path).unwrap();
        key.trim_end_matches('/').to_owned()
    }
}

/// As long as the text, and made of the same, but another one.
fn backwards(text: &str) -> String {
    text.chars().rev().collect()
}

/// What Jane did, by the audit log.
pub(super) async fn audited(app: &TestApp) -> Vec<String> {
    let query = format!("SELECT action FROM audit_log WHERE target = '{JANE}' ORDER BY id");
    let rows = app.database.rows(&query).await;
    rows.iter().map(|row| row["action"].as_str().unwrap().to_owned()).collect()
}
