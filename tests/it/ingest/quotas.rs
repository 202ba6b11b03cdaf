//! Checklist: "rate-limit header with categories; never 429 for minidump". Quotas of key, project,
//! organization and server.

use chrono::TimeDelta;
use mishap_core::quota::{Categories, Quota, QuotaKey, QuotaScope};
use mishap_protocol::envelope::DataCategory;
use mishap_testkit::builders::{EnvelopeBuilder, event_id, message_event};
use mishap_testkit::{Answer, TestApp};
use serde_json::json;

/// A day: no test crosses its end, as the clock stands.
const WINDOW: u32 = 86_400;

async fn limited(scope: QuotaScope, categories: &[DataCategory], limit: u64) -> TestApp {
    let app = TestApp::start().await;
    put(&app, scope, categories, limit).await;
    app
}

async fn put(app: &TestApp, scope: QuotaScope, categories: &[DataCategory], limit: u64) {
    let scope_id = match scope {
        QuotaScope::Instance => 0,
        QuotaScope::Organization => app.tenant.organization.0,
        QuotaScope::Project => app.tenant.project.0,
        QuotaScope::Key => app.database.number("SELECT id FROM project_keys").await,
    };
    let categories = Categories::of(categories);
    let key = QuotaKey { scope, scope_id, categories, window_seconds: WINDOW };
    let mut conn = app.database.conn().await;
    mishap_storage::quotas::put(&mut conn, &Quota { key, limit }).await.unwrap();
}

fn seconds_left(app: &TestApp) -> i64 {
    i64::from(WINDOW) - app.now().timestamp() % i64::from(WINDOW)
}

async fn send_event(app: &TestApp) -> Answer {
    let body = EnvelopeBuilder::of(&event_id()).event(&message_event("hi")).build();
    app.send_envelope(body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_on_everything_refuses_the_request_and_says_until_when() {
    for (scope, reason, wire_scope) in [
        (QuotaScope::Key, "quota_key", "key"),
        (QuotaScope::Project, "quota_project", "project"),
        (QuotaScope::Organization, "quota_organization", "organization"),
        (QuotaScope::Instance, "quota_instance", "organization"),
    ] {
        let mut app = limited(scope, &[], 2).await;
        assert_eq!(send_event(&app).await.expect(200).header("x-sentry-rate-limits"), "");
        // The one that uses the limit up hears of it at once.
        let limit = format!("{}::{wire_scope}:{reason}", seconds_left(&app));
        assert_eq!(send_event(&app).await.expect(200).header("x-sentry-rate-limits"), limit);
        let answer = send_event(&app).await.expect(429);
        assert_eq!(answer.header("x-sentry-rate-limits"), limit);
        assert_eq!(answer.header("retry-after"), seconds_left(&app).to_string());
        assert_eq!(answer.json()["detail"], format!("rate limited: {reason}"));
        let settled = app.settled(3).await;
        assert_eq!(settled, [format!("default {reason} 1"), "error ok 2".to_owned()]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_on_some_categories_lets_the_others_in() {
    let mut app = limited(QuotaScope::Project, &[DataCategory::Error], 1).await;
    send_event(&app).await.expect(200);
    let limit = format!("{}:error:project:quota_project", seconds_left(&app));
    let report = r#"{"csp-report":{"effective-directive":"img-src","blocked-uri":"inline"}}"#;
    let body = EnvelopeBuilder::of(&event_id())
        .event(&message_event("refused"))
        .item("raw_security", report)
        .build();
    let answer = app.send_envelope(body).await.expect(200);
    assert_eq!(answer.header("x-sentry-rate-limits"), limit);
    // Nothing of this one is taken.
    let answer = send_event(&app).await.expect(429);
    assert_eq!(answer.header("x-sentry-rate-limits"), limit);
    assert_eq!(app.settled(4).await, ["error ok 1", "error quota_project 2", "security ok 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_several_categories_names_each() {
    let app = limited(
        QuotaScope::Project,
        &[DataCategory::Error, DataCategory::Security, DataCategory::Attachment],
        1,
    )
    .await;
    let answer = send_event(&app).await.expect(200);
    let limits = answer.header("x-sentry-rate-limits").to_owned();
    assert_eq!(
        limits,
        format!("{}:error;security;attachment:project:quota_project", seconds_left(&app))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_limit_that_is_used_up_is_named() {
    let app = limited(QuotaScope::Project, &[DataCategory::Error], 1).await;
    put(&app, QuotaScope::Organization, &[DataCategory::Security], 0).await;
    let answer = send_event(&app).await.expect(200);
    let left = seconds_left(&app);
    let limits: Vec<&str> = answer.header("x-sentry-rate-limits").split(", ").collect();
    assert_eq!(
        limits,
        [
            format!("{left}:security:organization:quota_organization"),
            format!("{left}:error:project:quota_project")
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_window_lets_in_again() {
    let mut app = limited(QuotaScope::Project, &[], 1).await;
    send_event(&app).await.expect(200);
    send_event(&app).await.expect(429);
    app.clock.advance(TimeDelta::seconds(seconds_left(&app)));
    send_event(&app).await.expect(200);
    assert_eq!(app.settled(3).await, ["default quota_project 1", "error ok 2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_of_a_key_is_its_own() {
    let app = TestApp::start().await;
    let mut conn = app.database.conn().await;
    let other = mishap_protocol::dsn::PublicKey(mishap_testkit::builders::uuid(&event_id()));
    mishap_storage::projects::keys::insert(&mut conn, app.tenant.project, other, "b")
        .await
        .unwrap();
    drop(conn);
    let limit = format!(
        "UPDATE project_keys SET rate_limit_count = 1, rate_limit_window = {WINDOW}
         WHERE public_key = '{}'",
        app.tenant.public_key.0
    );
    app.database.sql(&limit).await;
    send_event(&app).await.expect(200);
    let answer = send_event(&app).await.expect(429);
    assert_eq!(answer.json()["detail"], "rate limited: quota_key");
    let path = format!("{}?sentry_key={other}", app.ingest_path("envelope"));
    let body = EnvelopeBuilder::of(&event_id()).event(&message_event("hi")).build();
    app.anonymous().send(&path, &[], body).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_items_of_one_envelope_count_each() {
    let mut app = limited(QuotaScope::Project, &[DataCategory::Error], 3).await;
    let mut body = EnvelopeBuilder::new(&json!({}));
    for _ in 0..5 {
        body = body.event(&message_event("hi"));
    }
    app.send_envelope(body.build()).await.expect(200);
    assert_eq!(app.settled(5).await, ["error ok 3", "error quota_project 2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_is_under_the_same_limit_but_a_dump_is_never_told_to_wait() {
    let mut app = limited(QuotaScope::Project, &[], 0).await;
    let event = message_event("hi").to_string();
    let report = r#"{"csp-report":{"effective-directive":"img-src","blocked-uri":"inline"}}"#;
    app.send_to("store", &[], event).await.expect(429);
    app.send_to("security", &[], report).await.expect(429);
    app.send_envelope("{}").await.expect(429);
    let answer = app.send_to("minidump", &[], "MDMP and more").await.expect(200);
    assert_eq!(answer.body.len(), 36);
    assert_eq!(app.settled(4).await, ["default quota_project 4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn items_that_are_refused_for_another_reason_do_not_use_a_limit_up() {
    let app = limited(QuotaScope::Project, &[], 1).await;
    for _ in 0..3 {
        let body = EnvelopeBuilder::of(&event_id()).item("client_report", "{}").build();
        app.send_envelope(body).await.expect(200);
    }
    send_event(&app).await.expect(200);
}
