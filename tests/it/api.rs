//! What the API and the probes answer.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod access;
mod events;
mod issues;
mod organizations;
mod pages;
mod probes;
mod projects;

use mishap_testkit::builders::envelope;
use mishap_testkit::{Answer, TestApp};
use serde_json::Value;

/// Sends an event and digests it; returns its id.
async fn send(app: &TestApp, event: &Value) -> String {
    let (id, body) = envelope(event);
    let auth = app.dsn().auth_header("test/1");
    let path = app.ingest_path("envelope");
    app.anonymous().send(&path, &[("X-Sentry-Auth", &auth)], body).await.expect(200);
    app.digest().await;
    id
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
