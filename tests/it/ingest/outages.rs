//! What clients hear while the backlog is too long, or PostgreSQL is away.

use std::time::Duration;

use chrono::TimeDelta;
use mishap_core::admission::Backlog;
use mishap_storage::migrations;
use mishap_testkit::builders::{EnvelopeBuilder, event_id, message_event};
use mishap_testkit::{Answer, Options, Servers, TestApp, TestDatabase};

async fn send(app: &TestApp) -> Answer {
    let body = EnvelopeBuilder::of(&event_id()).event(&message_event("hi")).build();
    app.send_envelope(body).await
}

/// Sends until an answer has this status; the others are returned.
async fn send_until(app: &TestApp, status: u16) -> Vec<u16> {
    let mut others = Vec::new();
    for _ in 0..3000 {
        let answer = send(app).await.status.as_u16();
        if answer == status {
            return others;
        }
        others.push(answer);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never {status}: {others:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_too_much_waits_clients_are_told_to_wait_too() {
    let max_backlog = Backlog { rows: 0, oldest_seconds: 900 };
    let mut app = TestApp::start_with(Options { max_backlog, ..Options::default() }).await;
    let accepted = send_until(&app, 429).await;
    assert!(accepted.iter().all(|status| *status == 200), "{accepted:?}");
    let answer = send(&app).await.expect(429);
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((48..=72).contains(&wait), "{wait}");
    // Dumps are dropped without a word: Breakpad's clients would come back at once.
    app.send_to("minidump", &[], "MDMP and more").await.expect(200);
    app.digest().await;
    let refused = send_until(&app, 200).await;
    let accepted = i64::try_from(accepted.len()).unwrap() + 1;
    let refused = i64::try_from(refused.len()).unwrap() + 3;
    assert_eq!(
        app.settled(accepted + refused).await,
        [format!("default backpressure {refused}"), format!("error ok {accepted}")]
    );
}

/// An application on a PostgreSQL that may be stopped.
async fn on_own_servers(servers: &Servers) -> TestApp {
    let database = TestDatabase::at(servers.postgres.url());
    migrations::run(database.connect().await).await.unwrap();
    TestApp::start_with(Options { database: Some(database), redis: true, ..Options::default() })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_key_goes_on_counting_while_postgres_is_away() {
    let mut servers = Servers::start();
    let app = on_own_servers(&servers).await;
    send(&app).await.expect(200);
    servers.postgres.kill();
    // Long after the policy should have been refreshed.
    app.clock.advance(TimeDelta::minutes(10));
    send(&app).await.expect(200);
    // Who was never seen cannot be told from who is wrong.
    let path = format!("{}?sentry_key={}", app.ingest_path("envelope"), event_id());
    let body = EnvelopeBuilder::of(&event_id()).event(&message_event("hi")).build();
    let answer = app.anonymous().send(&path, &[], body).await.expect(503);
    assert_eq!(answer.header("retry-after"), "30");
}
