//! Checklist: "key lookup: (project, key, active, project not deleted); cached".

use chrono::{SubsecRound as _, TimeDelta};
use mishap_testkit::TestApp;
use mishap_testkit::builders::{EnvelopeBuilder, event_id, message_event};

async fn send(app: &TestApp) -> u16 {
    let body = EnvelopeBuilder::of(&event_id()).event(&message_event("hi")).build();
    app.send_envelope(body).await.status.as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_switched_off_is_refused_within_five_seconds() {
    for (off, on) in [
        ("UPDATE project_keys SET is_active = false", "UPDATE project_keys SET is_active = true"),
        ("UPDATE projects SET deleted_at = now()", "UPDATE projects SET deleted_at = NULL"),
        (
            "UPDATE organizations SET is_accepting_events = false",
            "UPDATE organizations SET is_accepting_events = true",
        ),
    ] {
        let mut app = TestApp::start().await;
        assert_eq!(send(&app).await, 200, "{off}");
        app.database.sql(off).await;
        app.clock.advance(TimeDelta::seconds(5));
        assert_eq!(send(&app).await, 403, "{off}");
        app.database.sql(on).await;
        app.clock.advance(TimeDelta::seconds(5));
        assert_eq!(send(&app).await, 200, "{on}");
        assert_eq!(app.settled(3).await, ["default disabled_project 1", "error ok 2"], "{off}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_key_is_unknown_within_five_seconds() {
    let app = TestApp::start().await;
    assert_eq!(send(&app).await, 200);
    app.database.sql("DELETE FROM project_keys").await;
    app.clock.advance(TimeDelta::seconds(5));
    assert_eq!(send(&app).await, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_counts_within_five_seconds_though_it_was_unknown_before() {
    let app = TestApp::start().await;
    app.database.sql("DELETE FROM project_keys").await;
    assert_eq!(send(&app).await, 403);
    let mut conn = app.database.conn().await;
    let (project, key) = (app.tenant.project, app.tenant.public_key);
    mishap_storage::projects::keys::insert(&mut conn, project, key, "new").await.unwrap();
    app.clock.advance(TimeDelta::seconds(5));
    assert_eq!(send(&app).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_not_looked_up_for_every_request() {
    let app = TestApp::start().await;
    assert_eq!(send(&app).await, 200);
    app.database.sql("UPDATE project_keys SET is_active = false").await;
    app.clock.advance(TimeDelta::seconds(1));
    assert_eq!(send(&app).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_ends_at_its_second_though_what_is_known_of_it_is_fresh() {
    let app = TestApp::start().await;
    // PostgreSQL rounds to microseconds.
    let end = (app.now() + TimeDelta::seconds(1)).trunc_subsecs(6).to_rfc3339();
    app.database.sql(&format!("UPDATE project_keys SET expires_at = '{end}'")).await;
    assert_eq!(send(&app).await, 200);
    app.clock.advance(TimeDelta::seconds(1));
    assert_eq!(send(&app).await, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_noted_when_something_was_last_taken_under_a_key() {
    let mut app = TestApp::start().await;
    let mut conn = app.database.conn().await;
    let other = mishap_testkit::builders::uuid(&event_id());
    let (project, key) = (app.tenant.project, mishap_protocol::dsn::PublicKey(other));
    mishap_storage::projects::keys::insert(&mut conn, project, key, "unused").await.unwrap();
    assert_eq!(send(&app).await, 200);
    app.clock.advance(TimeDelta::seconds(100));
    let last = app.now().to_rfc3339();
    assert_eq!(send(&app).await, 200);
    app.clock.advance(TimeDelta::seconds(100));
    app.database.sql("UPDATE project_keys SET is_active = false").await;
    assert_eq!(send(&app).await, 403);
    app.stop().await;
    let query = format!(
        "SELECT label, abs(extract(epoch FROM last_used_at - '{last}'::timestamptz)) < 0.001 AS is_then
         FROM project_keys ORDER BY id"
    );
    let expected = [
        serde_json::json!({ "label": "Default", "is_then": true }),
        serde_json::json!({ "label": "unused", "is_then": null }),
    ];
    assert_eq!(app.database.rows(&query).await, expected);
}
