//! Unknown and unwanted items never hide the items behind them, and each has its outcome.

use mishap_testkit::TestApp;
use mishap_testkit::builders::{EnvelopeBuilder, event_id, message_event};

/// Item types that this server does not keep, and what each counts as.
const UNWANTED: &[(&str, &str)] = &[
    ("transaction", "transaction"),
    ("session", "session"),
    ("sessions", "session"),
    ("client_report", "default"),
    ("user_report", "feedback"),
    ("feedback", "feedback"),
    ("check_in", "monitor"),
    ("log", "log_item"),
    ("otel_log", "log_item"),
    ("trace_metric", "trace_metric"),
    ("span", "span"),
    ("profile", "profile"),
    ("profile_chunk", "profile"),
    ("profile_chunk_ui", "profile"),
    ("replay_event", "replay"),
    ("replay_recording", "replay"),
    ("replay_video", "replay"),
    ("nel", "default"),
    ("statsd", "trace_metric"),
    ("metric_buckets", "trace_metric"),
    ("form_data", "attachment"),
    ("security", "default"),
    ("unreal_report", "default"),
    ("", "default"),
    ("brand_new", "default"),
    ("a type with blanks \u{1f600} and \"quotes\"", "default"),
];

#[tokio::test(flavor = "multi_thread")]
async fn an_item_of_any_other_type_never_hides_the_event_behind_it() {
    let mut app = TestApp::start().await;
    let mut ids = Vec::new();
    for (item_type, _) in UNWANTED {
        let id = event_id();
        let body = EnvelopeBuilder::of(&id)
            .item(item_type, "{\"what\n\":\"ever\"}")
            .event(&message_event("survives"))
            .build();
        app.send_envelope(body).await.expect(200);
        ids.push((item_type, id));
    }
    app.digest().await;
    for (item_type, id) in ids {
        assert!(app.has_event(&id).await, "{item_type}");
    }
    let settled = app.settled(2 * i64::try_from(UNWANTED.len()).unwrap()).await;
    let mut expected = std::collections::BTreeMap::<&str, i64>::new();
    for (_, category) in UNWANTED {
        *expected.entry(category).or_default() += 1;
    }
    for (category, quantity) in expected {
        let outcome = format!("{category} unsupported_item {quantity}");
        assert!(settled.contains(&outcome), "{outcome} in {settled:?}");
    }
    assert!(settled.contains(&format!("error ok {}", UNWANTED.len())), "{settled:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_of_unwanted_items_alone_is_accepted() {
    let mut app = TestApp::start().await;
    let mut body = EnvelopeBuilder::of(&event_id());
    for (item_type, _) in UNWANTED {
        body = body.item(item_type, "{}");
    }
    app.send_envelope(body.build()).await.expect(200);
    assert_eq!(app.waiting_items().await, 0);
    app.settled(UNWANTED.len().try_into().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_beside_a_transaction_is_kept() {
    let mut app = TestApp::start().await;
    let id = event_id();
    let body = EnvelopeBuilder::of(&id)
        .item("transaction", "{\"type\":\"transaction\"}")
        .event(&message_event("kept"))
        .item("attachment", "log lines")
        .build();
    app.send_envelope(body).await.expect(200);
    app.digest().await;
    assert!(app.has_event(&id).await);
    assert_eq!(
        app.settled(3).await,
        ["error ok 1", "transaction unsupported_item 1", "attachment ok 1"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_no_event_is_counted_and_the_next_one_kept() {
    let mut app = TestApp::start().await;
    for payload in ["", "[]", "7", "\"text\"", "{\"a\"", "{} {}", "\u{0}"] {
        let id = event_id();
        let body = EnvelopeBuilder::new(&serde_json::json!({}))
            .item("event", payload)
            .event(&serde_json::json!({ "event_id": id, "message": "kept" }))
            .build();
        app.send_envelope(body).await.expect(200);
    }
    assert_eq!(app.settled(14).await, ["error ok 7", "error malformed_item 7"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_security_report_may_come_in_an_envelope() {
    let mut app = TestApp::start().await;
    let id = event_id();
    let report = r#"{"csp-report":{"effective-directive":"img-src","blocked-uri":"inline"}}"#;
    let body = EnvelopeBuilder::of(&id).item("raw_security", report).build();
    app.send_envelope(body).await.expect(200);
    app.digest().await;
    assert_eq!(app.shown_event(&id).await["type"], "csp");
    assert_eq!(app.settled(1).await, ["security ok 1"]);
}
