//! Sizes are limited item by item: what is too large does not cost what is not.

use mishap_core::admission::SizeLimits;
use mishap_testkit::builders::{EnvelopeBuilder, event_id, message_event};
use mishap_testkit::{Options, TestApp, Wire};
use serde_json::json;

async fn small() -> TestApp {
    let sizes = SizeLimits {
        event: 2000,
        attachment: 3000,
        attachments: 5000,
        body: 20_000,
        inflated: 20_000,
    };
    TestApp::start_with(Options { sizes, ..Options::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attachment_that_is_too_large_does_not_cost_the_event() {
    let mut app = small().await;
    let id = event_id();
    let body = EnvelopeBuilder::of(&id)
        .item("attachment", vec![b'x'; 3001])
        .event(&message_event("survives"))
        .item("attachment", vec![b'x'; 3000])
        .item("attachment", vec![b'x'; 2001])
        .item("attachment", vec![b'x'; 2000])
        .build();
    app.send_envelope(body).await.expect(200);
    app.digest().await;
    assert_eq!(app.shown_event(&id).await["title"], "survives");
    assert_eq!(app.settled(5).await, ["error ok 1", "attachment ok 2", "attachment too_large 2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_too_large_does_not_cost_the_next_one() {
    let mut app = small().await;
    let (large, small_one) = (event_id(), event_id());
    let mut event = message_event(&"x".repeat(2000));
    event["event_id"] = json!(large);
    let mut other = message_event("fits");
    other["event_id"] = json!(small_one);
    let body = EnvelopeBuilder::new(&json!({})).event(&event).event(&other).build();
    app.send_envelope(body).await.expect(200);
    app.digest().await;
    assert!(!app.has_event(&large).await);
    assert!(app.has_event(&small_one).await);
    assert_eq!(app.settled(2).await, ["error ok 1", "error too_large 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_without_a_length_is_measured_as_it_comes() {
    let mut app = small().await;
    let id = event_id();
    let large = message_event(&"x".repeat(2000));
    let body = EnvelopeBuilder::of(&id)
        .raw(format!("{{\"type\":\"event\"}}\n{large}\n"))
        .raw(format!("{{\"type\":\"event\"}}\n{}\n", message_event("fits")))
        .build();
    app.send_envelope(body).await.expect(200);
    assert_eq!(app.settled(2).await, ["error ok 1", "error too_large 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_keeps_its_first_hundred_items() {
    let mut app = TestApp::start().await;
    let mut body = EnvelopeBuilder::new(&json!({}));
    for place in 0..110 {
        body = body.event(&message_event(&format!("number {place}")));
    }
    app.send_envelope(body.build()).await.expect(200);
    assert_eq!(app.settled(110).await, ["error ok 100", "error too_many_items 10"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_refused_whole() {
    let mut app = small().await;
    let body = EnvelopeBuilder::of(&event_id())
        .event(&message_event("lost with the rest"))
        .item("profile", vec![b'x'; 20_000])
        .build();
    let answer = app.send_envelope(body).await.expect(413);
    assert_eq!(answer.json()["detail"], "the body is larger than 20000 bytes");
    assert_eq!(answer.header("x-sentry-error"), "the body is larger than 20000 bytes");
    assert_eq!(app.settled(1).await, ["default too_large 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_says_it_is_too_large_is_refused_before_it_is_sent() {
    let mut app = small().await;
    for (endpoint, limit) in
        [("envelope", 20_000), ("store", 2000), ("security", 2000), ("minidump", 3000)]
    {
        for (length, form) in [(limit + 1, false), (10_u64 << 30, false), (10 << 30, true)] {
            let length = length.to_string();
            let mut headers = vec![("Content-Length", length.as_str())];
            if form && endpoint == "minidump" {
                headers.push(("Content-Type", "multipart/form-data; boundary=x"));
            }
            let mut wire = Wire::connect(&app.url).await;
            wire.write(Wire::post(&app.keyed_path(endpoint), &headers)).await;
            let answer = wire.answer().await.unwrap();
            assert_eq!(answer.status, 413, "{endpoint} {length}: {}", answer.head);
            assert_eq!(answer.header("connection"), "close");
        }
    }
    assert_eq!(app.settled(12).await, ["default too_large 12"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_a_length_is_refused_as_soon_as_it_is_too_large() {
    let mut app = small().await;
    for (endpoint, limit) in
        [("envelope", 20_000), ("store", 2000), ("security", 2000), ("minidump", 3000)]
    {
        let mut wire = Wire::connect(&app.url).await;
        let headers = [("Transfer-Encoding", "chunked")];
        wire.write(Wire::post(&app.keyed_path(endpoint), &headers)).await;
        if endpoint == "envelope" {
            wire.write_chunk(b"{}\n{\"type\":\"attachment\"}\n").await;
        }
        wire.write_chunk(&vec![b'x'; limit + 1]).await;
        let answer = wire.answer().await.unwrap();
        assert_eq!(answer.status, 413, "{endpoint}: {}", answer.head);
    }
    assert_eq!(app.settled(4).await, ["default too_large 4"]);
}
