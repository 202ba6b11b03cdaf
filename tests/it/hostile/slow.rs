//! Clients that take their time: each has only so much of it.

use std::time::Duration;

use mishap_testkit::builders::{envelope, message_event};
use mishap_testkit::{Options, TestApp, Wire};
use mishap_web::ingest::Patience;

/// Deadlines that a test can wait for.
async fn impatient() -> TestApp {
    let patience = Patience {
        idle: Duration::from_millis(300),
        whole: Duration::from_millis(600),
        least_bytes_per_second: 16 * 1024,
    };
    // Such deadlines are only as exact as the server's own clock, which ticks twice a second.
    let head_timeout = Duration::from_secs(2);
    TestApp::start_with(Options { patience, head_timeout, ..Options::default() }).await
}

/// Writes a byte now and then, until the server has something to say.
async fn drip(wire: &mut Wire, byte: &[u8]) {
    for _ in 0..3000 {
        if wire.has_news().await || !wire.write(byte).await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the server has all the time in the world");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_drips_is_given_up() {
    let mut app = impatient().await;
    let form = ("Content-Type", "multipart/form-data; boundary=x");
    for (endpoint, header) in [
        ("envelope", ("Content-Type", "text/plain")),
        ("envelope", ("Content-Encoding", "gzip")),
        ("store", ("Content-Type", "text/plain")),
        ("security", ("Content-Type", "application/json")),
        ("minidump", ("Content-Type", "application/x-dmp")),
        ("minidump", form),
    ] {
        let mut wire = Wire::connect(&app.url).await;
        let headers = [("Content-Length", "100000"), header];
        wire.write(Wire::post(&app.keyed_path(endpoint), &headers)).await;
        drip(&mut wire, b" ").await;
        let answer = wire.answer().await.expect("an answer");
        assert_eq!(answer.status, 408, "{endpoint} {header:?}: {}", answer.head);
        assert_eq!(
            answer.header("x-sentry-error"),
            "the body did not arrive in time",
            "{endpoint}: {}",
            answer.head
        );
        wire.closed().await;
    }
    assert_eq!(app.settled(6).await, ["default malformed_envelope 6"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_stops_is_given_up() {
    let mut app = impatient().await;
    for endpoint in ["envelope", "store", "security", "minidump"] {
        let mut wire = Wire::connect(&app.url).await;
        wire.write(Wire::post(&app.keyed_path(endpoint), &[("Content-Length", "1000")])).await;
        wire.write("{}").await;
        let answer = wire.answer().await.unwrap();
        assert_eq!(answer.status, 408, "{endpoint}");
        assert_eq!(
            answer.header("x-sentry-error"),
            "the body did not arrive in time",
            "{endpoint}: {}",
            answer.head
        );
    }
    assert_eq!(app.settled(4).await, ["default malformed_envelope 4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_drips_is_given_up() {
    let app = impatient().await;
    let mut wire = Wire::connect(&app.url).await;
    wire.write(format!("POST {} HTTP/1.1\r\nHost: x\r\nX-Long: ", app.keyed_path("store"))).await;
    drip(&mut wire, b"x").await;
    if let Some(answer) = wire.answer().await {
        assert_eq!(answer.status, 408);
    }
    wire.closed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_says_nothing_is_closed() {
    let app = impatient().await;
    let mut wire = Wire::connect(&app.url).await;
    wire.closed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_wait_do_not_hold_up_the_others() {
    let app = TestApp::start().await;
    let mut slow = Vec::new();
    for _ in 0..50 {
        let mut wire = Wire::connect(&app.url).await;
        wire.write(Wire::post(&app.keyed_path("envelope"), &[("Content-Length", "1000")])).await;
        wire.write("{}").await;
        slow.push(wire);
    }
    app.send_envelope(envelope(&message_event("hi")).1).await.expect(200);
    for wire in &mut slow {
        assert!(!wire.has_news().await);
    }
}
