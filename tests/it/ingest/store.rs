//! `/store/`: one event, as it was before there were envelopes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mishap_testkit::TestApp;
use mishap_testkit::builders::{event_id, message_event};
use mishap_testkit::compress::{brotli, gzip, raw_deflate, zlib, zstd};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_names_the_id_as_sentry_and_as_glitchtip_do() {
    let mut app = TestApp::start().await;
    let id = event_id();
    let mut event = message_event("hi");
    event["event_id"] = json!(id);
    let answer = app.send_to("store", &[], event.to_string()).await.expect(200).json();
    assert_eq!(answer, json!({ "id": id, "event_id": id, "task_id": null }));
    app.digest().await;
    assert_eq!(app.shown_event(&id).await["title"], "hi");
    assert_eq!(app.settled(1).await, ["error ok 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_without_an_id_gets_one() {
    let app = TestApp::start().await;
    let answer = app.send_to("store", &[], message_event("hi").to_string()).await.expect(200);
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    app.digest().await;
    assert!(app.has_event(&id).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_understood_in_every_coding_and_content_type() {
    let mut app = TestApp::start().await;
    let plain = message_event("packed").to_string().into_bytes();
    let old = STANDARD.encode(zlib(&plain)).into_bytes();
    for (coding, media, body) in [
        ("", "application/json", plain.clone()),
        ("gzip", "text/plain", gzip(&plain)),
        ("deflate", "application/octet-stream", zlib(&plain)),
        ("deflate", "application/json", raw_deflate(&plain)),
        ("br", "application/json", brotli(&plain)),
        ("zstd", "application/json", zstd(&plain)),
        ("gzip, zstd", "application/json", zstd(&gzip(&plain))),
        ("", "application/octet-stream", old),
    ] {
        let headers = [("Content-Encoding", coding), ("Content-Type", media)];
        let answer = app.send_to("store", &headers, body).await;
        assert_eq!(answer.status, 200, "{coding} {media}: {}", answer.body);
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        app.digest().await;
        assert_eq!(app.shown_event(&id).await["title"], "packed", "{coding} {media}");
    }
    assert_eq!(app.settled(8).await, ["error ok 8"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_event_is_refused() {
    let mut app = TestApp::start().await;
    for body in ["", "[]", "7", "{\"a\"", "{} x", "hello"] {
        let answer = app.send_to("store", &[], body).await.expect(400);
        assert_eq!(answer.json()["detail"], answer.header("x-sentry-error"), "{body}");
    }
    assert_eq!(app.settled(6).await, ["default malformed_item 6"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_too_large_is_refused() {
    let mut app = TestApp::start().await;
    let large = message_event(&"x".repeat(1 << 20)).to_string();
    app.send_to("store", &[], large.clone()).await.expect(413);
    let headers = [("Content-Encoding", "zstd")];
    app.send_to("store", &headers, zstd(large.as_bytes())).await.expect(413);
    let outcomes = app.settled(2).await;
    assert_eq!(outcomes, ["default too_large 1", "default too_large_decompressed 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_other_servers_choke_on_do_not_cost_the_event() {
    let app = TestApp::start().await;
    for (name, odd) in [
        ("exception", json!({})),
        ("exception", json!({ "type": "E", "value": "v" })),
        ("fingerprint", json!("abc")),
        ("fingerprint", json!([true, { "a": 1 }])),
        ("tags", json!([["a", true]])),
        ("tags", json!([["a", "b", "c"]])),
        ("tags", json!([{ "key": "a", "value": "b" }])),
        ("modules", json!([])),
        ("extra", json!([])),
        ("contexts", json!([])),
        ("logentry", json!({ "message": "a %s", "params": [null, {}] })),
        ("logentry", json!({ "message": "100%!", "params": ["x"] })),
        ("logentry", json!({ "message": "Hi {foo}", "params": { "bar": 1 } })),
        ("request", json!({ "headers": { "A": [] } })),
        ("environment", json!({})),
        ("release", json!({})),
        ("server_name", json!({})),
        ("release", json!(1.5)),
        ("template", json!({ "filename": "x.html" })),
        ("event_id", json!("no id")),
        ("user", json!("bob")),
        ("message", json!(5)),
        ("message", json!(false)),
        ("sdk", json!({ "name": "x" })),
        ("breadcrumbs", json!([{ "message": "m", "data": "text" }])),
        ("level", json!(40)),
        ("debug_meta", json!({ "images": [{ "type": "elf", "debug_id": "no" }] })),
        ("threads", json!("none")),
        ("stacktrace", json!({ "frames": null })),
    ] {
        let mut event: Value = json!({ "platform": "other" });
        event[name] = odd;
        let answer = app.send_to("store", &[], event.to_string()).await.expect(200).json();
        app.digest().await;
        assert!(app.has_event(answer["id"].as_str().unwrap()).await, "{event}");
    }
}
