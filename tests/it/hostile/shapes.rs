//! Envelopes, events and requests of absurd shape.

use mishap_testkit::builders::{EnvelopeBuilder, envelope, event_id, message_event};
use mishap_testkit::{Answer, TestApp};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn of_a_million_tiny_items_a_hundred_are_kept_and_all_are_counted() {
    let mut app = TestApp::start().await;
    let mut body = b"{}\n".to_vec();
    for _ in 0..500_000 {
        body.extend(b"{\"type\":\"event\"}\n{}\n{\"type\":\"x\"}\n\n");
    }
    app.send_envelope(body).await.expect(200);
    assert_eq!(
        app.settled(1_000_000).await,
        ["default unsupported_item 500000", "error ok 100", "error too_many_items 499900"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_nested_without_end_is_kept_as_far_as_it_makes_sense() {
    let mut app = TestApp::start().await;
    let deep = |open: &str, close: &str| open.repeat(100_000) + &close.repeat(100_000);
    let rows = [
        format!("{{\"message\":\"hi\",\"extra\":{{\"a\":{}}}}}", deep("[", "]")),
        format!(
            "{{\"message\":\"hi\",\"contexts\":{}7{}}}",
            "{\"a\":".repeat(100_000),
            "}".repeat(100_000)
        ),
        format!("{{\"message\":\"hi\",\"new\":{}}}", deep("[", "]")),
        format!("{{\"message\":\"hi\",\"exception\":{}}}", deep("[", "]")),
        format!("{{\"message\":\"hi\",\"tags\":{}}}", deep("[", "]")),
        format!("{{\"message\":\"hi\",\"_meta\":{}}}", deep("[", "]")),
    ];
    let count = i64::try_from(rows.len()).unwrap();
    let mut ids = Vec::new();
    for event in rows {
        let answer = app.send_to("store", &[], event).await.expect(200);
        ids.push(answer.json()["id"].as_str().unwrap().to_owned());
    }
    app.digest().await;
    for id in ids {
        assert_eq!(app.stored_event(&id).await["logentry"]["formatted"], "hi");
    }
    assert_eq!(app.settled(count).await, [format!("error ok {count}")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_only_opens_is_refused() {
    let mut app = TestApp::start().await;
    for open in ["[", "{\"a\":", "{\"extra\":["] {
        let event = format!("{{\"extra\":{}", open.repeat(50_000));
        app.send_to("store", &[], event.clone()).await.expect(400);
        let body = EnvelopeBuilder::of(&event_id()).item("event", event).build();
        app.send_envelope(body).await.expect(200);
    }
    assert_eq!(app.settled(6).await, ["default malformed_item 3", "error malformed_item 3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nested_headers_are_read_like_others() {
    let app = TestApp::start().await;
    let deep = "[".repeat(20_000) + &"]".repeat(20_000);
    let id = event_id();
    let body = format!(
        "{{\"a\":{deep},\"event_id\":\"{id}\"}}\n{{\"b\":{deep},\"type\":\"event\"}}\n{{\"message\":\"hi\"}}"
    );
    app.send_envelope(body).await.expect(200);
    app.digest().await;
    assert!(app.has_event(&id).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_line_of_megabytes_costs_what_comes_behind_it() {
    let mut app = TestApp::start().await;
    let long = format!("{{\"a\":\"{}\",\"type\":\"event\"}}", "x".repeat(8 << 20));
    app.send_envelope(format!("{long}\n")).await.expect(400);
    let id = event_id();
    let body = EnvelopeBuilder::of(&id)
        .event(&message_event("before"))
        .raw(format!("{long}\n"))
        .event(&message_event("behind"))
        .build();
    app.send_envelope(body).await.expect(200);
    app.digest().await;
    assert_eq!(app.shown_event(&id).await["title"], "before");
    assert_eq!(app.settled(3).await, ["default malformed_envelope 2", "error ok 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_parameters_do_not_hide_the_key() {
    let app = TestApp::start().await;
    let mut query = String::from("?");
    for place in 0..4000 {
        query.push_str(&format!("p{place}=x&"));
    }
    let path =
        format!("{}{query}sentry_key={}", app.ingest_path("envelope"), app.tenant.public_key);
    app.anonymous().send(&path, &[], envelope(&message_event("hi")).1).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_line_or_header_beyond_all_reason_is_refused() {
    let app = TestApp::start().await;
    let long = "x".repeat(1 << 20);
    let mut refused = Vec::new();
    let path = format!("{}&{long}", app.keyed_path("envelope"));
    refused.push(wire_status(&app, &path, &[]).await);
    refused.push(wire_status(&app, &app.keyed_path("envelope"), &[("X-Long", &long)]).await);
    let many: Vec<(String, String)> =
        (0..5000).map(|n| (format!("X-{n}"), n.to_string())).collect();
    let many: Vec<(&str, &str)> =
        many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    refused.push(wire_status(&app, &app.keyed_path("envelope"), &many).await);
    assert!(refused.iter().all(|status| matches!(status, 400..=499)), "{refused:?}");
    app.send_envelope(envelope(&message_event("hi")).1).await.expect(200);
}

async fn wire_status(app: &TestApp, path: &str, headers: &[(&str, &str)]) -> u16 {
    let mut wire = mishap_testkit::Wire::connect(&app.url).await;
    wire.write(mishap_testkit::Wire::post(path, headers)).await;
    // Hanging up is an answer too.
    wire.answer().await.map_or(499, |answer| answer.status)
}

#[tokio::test(flavor = "multi_thread")]
async fn events_with_thousands_of_everything_are_cut_to_what_is_useful() {
    let app = TestApp::start().await;
    let many = |entry: Value| vec![entry; 5000];
    let object: Value = (0..5000).map(|n| (format!("k{n}"), json!(n))).collect();
    for event in [
        json!({ "exception": many(json!({ "type": "E", "value": "v" })) }),
        json!({ "breadcrumbs": many(json!({ "message": "m" })) }),
        json!({ "threads": many(json!({ "id": 1 })) }),
        json!({ "fingerprint": many(json!("f")) }),
        json!({ "tags": object }),
        json!({ "extra": object }),
        json!({ "contexts": object }),
        json!({ "modules": object }),
        json!({ "request": { "headers": object, "query_string": object, "cookies": object } }),
        json!({ "exception": { "type": "E", "stacktrace": { "frames":
            many(json!({ "function": "f", "vars": { "a": "b" } })) } } }),
        object.clone(),
    ] {
        let answer: Answer = app.send_to("store", &[], event.to_string()).await.expect(200);
        app.digest().await;
        assert!(app.has_event(answer.json()["id"].as_str().unwrap()).await, "{event:.60}");
    }
}
