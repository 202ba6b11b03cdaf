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

use mishap_core::id::UserId;
use mishap_core::random::{Random as _, SystemRandom};
use mishap_storage::accounts::users::{NewUser, insert};
use mishap_testkit::builders::{envelope, message_event};
use mishap_testkit::{Answer, Browser, TestApp};
use serde_json::{Value, json};

/// A browser in which nobody is signed in, and that has looked at a page.
async fn anonymous(app: &TestApp) -> Browser {
    let mut browser = app.stranger();
    browser.get("/login").await;
    browser
}

/// A browser of a new account with staff's rights.
async fn staff(app: &TestApp) -> Browser {
    app.browser(account(app, "staff@example.com", true, false).await).await
}

/// A browser of a new account with all rights.
async fn superuser(app: &TestApp) -> Browser {
    app.browser(account(app, "root@example.com", true, true).await).await
}

/// Sends a form, and follows to the page that says what was done.
async fn change(browser: &mut Browser, path: &str, fields: &[(&str, &str)]) -> Answer {
    let answer = browser.post_form(path, fields).await.expect(303);
    let address = answer.header("location");
    assert!(address.contains("done="), "{address} says nothing");
    let page = browser.get(address).await.expect(200);
    assert!(page.body.contains("role=\"status\""), "nothing is said at {address}");
    page
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
async fn assert_audited(
    app: &TestApp,
    browser: &Browser,
    action: &str,
    target: &str,
    details: Value,
) {
    let entry = "SELECT actor_id, action, target, client_ip, details FROM audit_log
        ORDER BY id DESC LIMIT 1";
    let found = app.database.rows(entry).await.pop();
    let expected = json!({
        "actor_id": browser.account.unwrap().0,
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
