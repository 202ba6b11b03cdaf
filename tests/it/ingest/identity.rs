//! Checklist: "id precedence, generation, dedupe, response id".

use mishap_testkit::TestApp;
use mishap_testkit::builders::{EnvelopeBuilder, event_id, message_event, uuid};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_envelope_s_id_counts_before_the_event_s_own() {
    let app = TestApp::start().await;
    let (of_envelope, of_event) = (event_id(), event_id());
    let mut event = message_event("hi");
    event["event_id"] = json!(of_event);
    let body = EnvelopeBuilder::of(&of_envelope).event(&event).build();
    assert_eq!(app.send_envelope(body).await.expect(200).json()["id"], of_envelope);
    app.digest().await;
    assert!(app.has_event(&of_envelope).await);
    assert!(!app.has_event(&of_event).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_event_s_own_id_counts_where_the_envelope_has_none() {
    let app = TestApp::start().await;
    let id = event_id();
    let mut event = message_event("hi");
    event["event_id"] = json!(uuid(&id).hyphenated().to_string());
    for header in [json!({}), json!({ "event_id": "no id" }), json!({ "event_id": null })] {
        let body = EnvelopeBuilder::new(&header).event(&event).build();
        assert_eq!(app.send_envelope(body).await.expect(200).json()["id"], id, "{header}");
    }
    app.digest().await;
    assert!(app.has_event(&id).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_without_an_id_gets_one_and_the_client_hears_it() {
    let app = TestApp::start().await;
    let mut ids = Vec::new();
    for event_id in [json!(null), json!("no id"), json!(7)] {
        let mut event = message_event("hi");
        event["event_id"] = event_id;
        let body = EnvelopeBuilder::new(&json!({})).event(&event).build();
        let answer = app.send_envelope(body).await.expect(200).json();
        ids.push(answer["id"].as_str().unwrap().to_owned());
    }
    app.digest().await;
    for id in &ids {
        assert_eq!(id.len(), 32);
        assert!(app.has_event(id).await, "{id}");
    }
    assert!(ids[0] != ids[1] && ids[1] != ids[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_without_an_event_is_answered_without_an_id() {
    let app = TestApp::start().await;
    let report = json!({ "discarded_events": [] }).to_string();
    let body = EnvelopeBuilder::new(&json!({})).item("client_report", report).build();
    assert_eq!(app.send_envelope(body).await.expect(200).json(), json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_id_is_answered_like_the_first_and_counted_as_a_duplicate() {
    let mut app = TestApp::start().await;
    let id = event_id();
    for message in ["first", "second"] {
        let body = EnvelopeBuilder::of(&id).event(&message_event(message)).build();
        assert_eq!(app.send_envelope(body).await.expect(200).json()["id"], id);
        app.digest().await;
    }
    let mut third = message_event("third");
    third["event_id"] = json!(id);
    let answer = app.send_to("store", &[], third.to_string()).await.expect(200);
    assert_eq!(answer.json()["id"], id);
    app.digest().await;
    assert_eq!(app.shown_event(&id).await["title"], "first");
    assert_eq!(app.settled(3).await, ["error ok 1", "error duplicate 2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_in_two_projects_is_two_events() {
    let app = TestApp::start().await;
    let other = app.database.tenant("other").await;
    let id = event_id();
    let body = EnvelopeBuilder::of(&id).event(&message_event("hi")).build();
    app.send_envelope(body.clone()).await.expect(200);
    let path = format!("/api/{}/envelope/?sentry_key={}", other.project, other.public_key);
    app.anonymous().send(&path, &[], body).await.expect(200);
    app.digest().await;
    assert_eq!(app.database.number("SELECT count(*) FROM events").await, 2);
}
