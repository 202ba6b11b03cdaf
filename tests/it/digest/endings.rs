//! How items end that do not become events.

use mishap_core::id::ProjectId;
use mishap_storage::inbox::NewEnvelope;
use mishap_testkit::builders::{EnvelopeBuilder, error_event, event_id};
use mishap_testkit::{Desk, TestApp};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn every_item_ends_with_the_reason_that_fits() {
    let event = error_event("CartError", "the cart is empty").to_string();
    let transaction = json!({ "type": "transaction", "transaction": "/cart" }).to_string();
    let report = json!({ "csp-report": { "document-uri": "https://shop.example.com/",
        "violated-directive": "script-src", "blocked-uri": "https://evil.example.com/x.js" } });
    let cases = [
        ("event", event.as_str(), "error/ok"),
        ("event", "{", "error/malformed_item"),
        ("event", "[]", "error/malformed_item"),
        ("event", "", "error/malformed_item"),
        ("event", transaction.as_str(), "error/unsupported_item"),
        ("raw_security", &report.to_string(), "security/ok"),
        ("raw_security", "{}", "security/malformed_item"),
        ("transaction", transaction.as_str(), "transaction/unsupported_item"),
        ("session", "{}", "session/unsupported_item"),
        ("sessions", "{}", "session/unsupported_item"),
        ("check_in", "{}", "monitor/unsupported_item"),
        ("feedback", "{}", "feedback/unsupported_item"),
        ("user_report", "{}", "feedback/unsupported_item"),
        ("log", "{}", "log_item/unsupported_item"),
        ("statsd", "x", "trace_metric/unsupported_item"),
        ("span", "{}", "span/unsupported_item"),
        ("profile", "{}", "profile/unsupported_item"),
        ("replay_event", "{}", "replay/unsupported_item"),
        ("client_report", "{}", "default/unsupported_item"),
        ("brand_new", "?", "default/unsupported_item"),
        ("attachment", "bytes", "attachment/orphaned"),
    ];
    let desk = Desk::new().await;
    let mut expected = std::collections::BTreeMap::new();
    for (item, payload, ending) in cases {
        let id = event_id();
        desk.put(&[desk.envelope(&id, EnvelopeBuilder::of(&id).item(item, payload).build())]).await;
        desk.digest().await;
        *expected.entry(ending.to_owned()).or_insert(0) += 1;
        assert_eq!(desk.outcomes().await, expected, "{item} {payload}");
    }
    desk.assert_all_accounted_for().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn items_that_web_refused_are_not_counted_again() {
    let desk = Desk::new().await;
    let id = event_id();
    let envelope = EnvelopeBuilder::of(&id)
        .item("transaction", "{}")
        .event(&error_event("CartError", "the cart is empty"))
        .item("session", "{}")
        .build();
    desk.put(&[NewEnvelope { skip: vec![0, 2], ..desk.envelope(&id, envelope) }]).await;
    desk.digest().await;
    assert_eq!(desk.outcomes().await, [("error/ok".to_owned(), 1)].into());
    assert_eq!(desk.events().await[0].id, id);
    desk.assert_all_accounted_for().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_is_not_whole_is_left_out() {
    let desk = Desk::new().await;
    let id = event_id();
    let envelope = EnvelopeBuilder::of(&id)
        .event(&error_event("CartError", "the cart is empty"))
        .raw("{\"type\":\"attachment\",\"length\":1000}\nno more than this")
        .build();
    desk.put(&[desk.envelope(&id, envelope)]).await;
    desk.digest().await;
    assert_eq!(desk.outcomes().await, [("error/ok".to_owned(), 1)].into());
    desk.assert_all_accounted_for().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_to_a_project_that_is_gone_ends_as_disabled() {
    let desk = Desk::new().await;
    let envelope = desk.envelope_of(&event_id(), &error_event("CartError", "the cart is empty"));
    desk.put(&[NewEnvelope { project: ProjectId(4711), ..envelope.clone() }]).await;
    desk.digest().await;
    desk.database.sql("UPDATE projects SET deleted_at = now()").await;
    desk.put(&[envelope]).await;
    desk.digest().await;
    assert_eq!(desk.outcomes().await, [("error/disabled_project".to_owned(), 2)].into());
    assert_eq!(desk.events().await.len(), 0);
    desk.assert_all_accounted_for().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attachment_that_follows_its_event_is_kept() {
    let desk = Desk::new().await;
    let id = desk.put_event(&error_event("CartError", "the cart is empty")).await;
    desk.digest().await;
    let log = json!({ "type": "attachment", "filename": "shop.log", "content_type": "text/plain" });
    let envelope = EnvelopeBuilder::of(&id).item_with(&log, "a line").build();
    desk.put(&[desk.envelope(&id, envelope)]).await;
    desk.digest().await;
    let kept = "SELECT filename, content_type, size FROM attachments";
    assert_eq!(
        desk.database.rows(kept).await,
        [json!({ "filename": "shop.log", "content_type": "text/plain", "size": 6 })]
    );
    desk.assert_all_accounted_for().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attachment_of_an_event_that_cannot_be_read_is_an_orphan() {
    let desk = Desk::new().await;
    let id = event_id();
    let envelope = EnvelopeBuilder::of(&id).item("event", "{").item("attachment", "bytes").build();
    desk.put(&[desk.envelope(&id, envelope)]).await;
    desk.digest().await;
    let expected = [("attachment/orphaned".to_owned(), 1), ("error/malformed_item".to_owned(), 1)];
    assert_eq!(desk.outcomes().await, expected.into());
    desk.assert_all_accounted_for().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_beyond_the_first_keep_ids_of_their_own_and_are_the_same_when_retried() {
    let desk = Desk::new().await;
    let (answered, own) = (event_id(), event_id());
    let mut second = error_event("PayError", "no money");
    second["event_id"] = json!(own);
    let envelope = EnvelopeBuilder::of(&answered)
        .event(&error_event("CartError", "the cart is empty"))
        .event(&second)
        .event(&error_event("AnonymousError", "without an id"))
        .build();
    desk.put(&[desk.envelope(&answered, envelope.clone())]).await;
    desk.digest().await;
    let contents = desk.contents().await;
    let ids: Vec<_> = desk.events().await.into_iter().map(|event| event.id).collect();
    assert_eq!(ids.len(), 3);
    assert!(ids.contains(&answered) && ids.contains(&own));
    desk.put(&[desk.envelope(&answered, envelope)]).await;
    desk.digest().await;
    assert_eq!(desk.contents().await, contents);
    assert_eq!(desk.outcomes().await["error/duplicate"], 3);
    desk.assert_all_accounted_for().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_envelope_brought_and_how_it_ended_add_up_through_web_and_worker() {
    let mut app = TestApp::start().await;
    let id = event_id();
    let envelope = EnvelopeBuilder::of(&id)
        .event(&error_event("CartError", "the cart is empty"))
        .item("attachment", "bytes")
        .item("transaction", "{}")
        .item("session", "{}")
        .item("brand_new", "?")
        .build();
    let auth = app.dsn().auth_header("test/1");
    for _ in 0..2 {
        app.anonymous()
            .send(&app.ingest_path("envelope"), &[("X-Sentry-Auth", &auth)], envelope.clone())
            .await
            .expect(200);
    }
    app.digest().await;
    let outcomes = app.outcomes().await;
    let outcomes: Vec<_> = outcomes
        .iter()
        .map(|(category, reason, count)| (category.as_str(), reason.as_str(), *count))
        .collect();
    assert_eq!(
        outcomes,
        [
            ("default", "unsupported_item", 2),
            ("error", "ok", 1),
            ("error", "duplicate", 1),
            ("transaction", "unsupported_item", 2),
            ("attachment", "ok", 1),
            ("attachment", "duplicate", 1),
            ("session", "unsupported_item", 2),
        ]
    );
}
