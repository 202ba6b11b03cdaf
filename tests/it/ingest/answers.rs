//! What clients are told, and that one request's rest is never taken for the next request.

use mishap_testkit::builders::{envelope, message_event};
use mishap_testkit::{Options, TestApp, Wire};

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_that_cannot_be_read_at_all_is_refused_with_the_reason() {
    let mut app = TestApp::start().await;
    let long = format!("{{\"x\":\"{}\"}}\n", "x".repeat(70_000));
    for (body, detail) in [
        ("", "the envelope is empty"),
        ("\n", "the envelope is empty"),
        ("[]\n", "the envelope's header is not a JSON object"),
        ("nonsense\n", "the envelope's header is not a JSON object"),
        ("{\"a\"\n", "the envelope's header is not a JSON object"),
        (long.as_str(), "the envelope's header is longer than 65536 bytes"),
    ] {
        let answer = app.send_envelope(body).await.expect(400);
        assert_eq!(answer.json()["detail"], detail, "{body:.20}");
        assert_eq!(answer.header("x-sentry-error"), detail);
        assert_eq!(answer.header("content-type"), "application/json");
    }
    assert_eq!(app.settled(6).await, ["default malformed_envelope 6"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn during_maintenance_everything_is_answered_with_503() {
    let mut app = TestApp::start_with(Options { freeze: true, ..Options::default() }).await;
    for endpoint in ["envelope", "store", "security", "csp-report", "minidump"] {
        let body = envelope(&message_event("hi")).1;
        let answer = app.send_to(endpoint, &[], body).await.expect(503);
        let detail = "Events are not currently being accepted due to maintenance.";
        assert_eq!(answer.json()["detail"], detail);
        assert_eq!(answer.header("retry-after"), "300");
    }
    assert_eq!(app.settled(5).await, ["default maintenance 5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rest_of_a_refused_body_is_not_taken_for_a_request() {
    let app = TestApp::start().await;
    let smuggled = Wire::post("/api/0/smuggled/", &[("Content-Length", "0")]);
    let body = format!("{}{smuggled}", "x".repeat(100_000));
    for path in [
        app.ingest_path("envelope"),
        format!("{}?sentry_key=7", app.ingest_path("envelope")),
        app.keyed_path("security"),
    ] {
        let length = body.len().to_string();
        let headers = [("Content-Length", length.as_str()), ("Content-Type", "image/gif")];
        let mut wire = Wire::connect(&app.url).await;
        wire.write(Wire::post(&path, &headers)).await;
        wire.write(&body).await;
        let status = wire.answer().await.unwrap().status;
        assert!(matches!(status, 400..=415), "{path}: {status}");
        // Either the connection is over, or it goes on behind the body.
        let (id, next) = envelope(&message_event("hi"));
        let length = next.len().to_string();
        wire.write(Wire::post(&app.keyed_path("envelope"), &[("Content-Length", &length)])).await;
        wire.write(&next).await;
        if let Some(answer) = wire.answer().await {
            assert_eq!(answer.status, 200, "{path}");
            assert!(String::from_utf8(answer.body).unwrap().contains(&id));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_serves_one_envelope_after_the_other() {
    let app = TestApp::start().await;
    let mut wire = Wire::connect(&app.url).await;
    for _ in 0..3 {
        let (id, body) = envelope(&message_event("hi"));
        let length = body.len().to_string();
        wire.write(Wire::post(&app.keyed_path("envelope"), &[("Content-Length", &length)])).await;
        wire.write(&body).await;
        let answer = wire.answer().await.unwrap();
        assert_eq!((answer.status, answer.body), (200, format!("{{\"id\":\"{id}\"}}").into()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_ends_early_leaves_nothing_behind() {
    let mut app = TestApp::start().await;
    let mut wire = Wire::connect(&app.url).await;
    wire.write(Wire::post(&app.keyed_path("envelope"), &[("Content-Length", "1000")])).await;
    wire.write(&envelope(&message_event("hi")).1).await;
    wire.finish_writing().await;
    let answer = wire.answer().await.unwrap();
    assert_eq!((answer.status, answer.header("x-sentry-error")), (400, "the body ended early"));
    assert_eq!(app.settled(1).await, ["default malformed_envelope 1"]);
}
