//! What the API and the probes answer.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod access;
mod doors;
mod emails;
mod environments;
mod events;
mod health_file;
mod invitations;
mod issues;
mod keys;
mod matrix;
mod members;
mod notifications;
mod observability;
mod organizations;
mod pages;
mod probes;
mod projects;
mod sessions;
mod settings;
mod statements;
mod stats;
mod teams;
mod tokens;
mod users;
mod wizard;

use mishap_core::access::Role;
use mishap_testkit::builders::envelope;
use mishap_testkit::{Answer, Client, TestApp};
use serde_json::Value;

/// A client of a member of the first organization.
async fn in_role(app: &TestApp, role: Role) -> Client {
    let email = format!("{role}@example.com");
    app.client(&app.database.member(app.tenant.organization, &email, role).await.token)
}

/// What was written down of changes, the oldest first: `action target details`.
async fn audit_lines(app: &TestApp) -> Vec<String> {
    let entries = app.database.rows("SELECT action, target, details FROM audit_log ORDER BY id");
    let told = |entry: &Value| {
        let text = |member: &str| entry[member].as_str().unwrap().to_owned();
        format!("{} {} {}", text("action"), text("target"), entry["details"])
    };
    entries.await.iter().map(told).collect()
}

/// Sends an event and digests it; returns its id.
async fn send(app: &TestApp, event: &Value) -> String {
    let (id, body) = envelope(event);
    let auth = app.dsn().auth_header("test/1");
    let path = app.ingest_path("envelope");
    app.anonymous().send(&path, &[("X-Sentry-Auth", &auth)], body).await.expect(200);
    app.digest().await;
    id
}

/// What the audit log tells: who did what to which thing, and what changed. The oldest comes first.
async fn audited(app: &TestApp) -> Vec<Value> {
    let query = "SELECT actor, action, target_kind, target_id, target, organization_id, client_ip,
        details FROM audit_log ORDER BY id";
    app.database.rows(query).await
}

/// The mails that wait to be sent, the oldest first.
async fn mails(app: &TestApp) -> Vec<Value> {
    let query = "SELECT payload FROM jobs WHERE name = 'send_mail' ORDER BY id";
    let rows = app.database.rows(query).await;
    rows.into_iter().map(|mut row| row["payload"].take()).collect()
}

/// Checks what is wrong with a body: each problem's kind and field.
#[track_caller]
fn assert_problems(answer: &Answer, expected: &[(&str, &str)]) {
    assert_eq!(answer.status.as_u16(), 422, "{}", answer.body);
    let answer = answer.json();
    let found: Vec<_> = answer["detail"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| {
            assert_eq!(problem["loc"].as_array().unwrap().len(), 3, "{problem}");
            assert_eq!(
                (&problem["loc"][0], &problem["loc"][1]),
                (&"body".into(), &"payload".into())
            );
            (problem["type"].as_str().unwrap(), problem["loc"][2].as_str().unwrap())
        })
        .collect();
    assert_eq!(found, expected);
}

/// Checks that a request was refused, and how.
#[track_caller]
fn assert_refused(answer: &Answer, status: u16, detail: &str) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
    assert_eq!(answer.json(), serde_json::json!({ "detail": detail }));
}

/// Checks that members come in this order, and that there are no others before the last.
#[track_caller]
fn assert_members(answer: &Answer, members: &[&str]) {
    let mut rest = answer.body.as_str();
    for member in members {
        let name = format!("\"{member}\":");
        let place = rest.find(&name).unwrap_or_else(|| panic!("no {member} behind the others"));
        rest = rest.split_at(place + name.len()).1;
    }
}

/// Takes a member out that is different each time, after a look at its form.
#[track_caller]
fn take_time(value: &mut Value, member: &str) {
    let time = value[member].take();
    let text = time.as_str().unwrap_or_else(|| panic!("{member} is {time}"));
    assert!(text.ends_with('Z') && text.parse::<chrono::DateTime<chrono::Utc>>().is_ok(), "{text}");
}
