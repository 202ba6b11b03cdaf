//! Every carrier of a key, and which of two counts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mishap_testkit::builders::{EnvelopeBuilder, envelope, event_id, message_event};
use mishap_testkit::{Answer, TestApp};
use serde_json::json;

const WRONG_KEY: &str = "00000000000000000000000000000000";

/// Sends an envelope under these credentials.
async fn send(app: &TestApp, query: &str, headers: &[(&str, &str)]) -> Answer {
    let path = format!("{}{query}", app.ingest_path("envelope"));
    app.anonymous().send(&path, headers, envelope(&message_event("hi")).1).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_found_wherever_clients_put_it() {
    let app = TestApp::start().await;
    let key = app.tenant.public_key.to_string();
    let sentry = format!("Sentry sentry_version=7, sentry_client=a/1, sentry_key={key}");
    let old = format!("sentry sentry_key={key},sentry_secret=x,sentry_timestamp=1.5");
    let basic = format!("Basic {}", STANDARD.encode(format!("{key}:")));
    for (name, query, headers) in [
        ("query", format!("?sentry_key={key}&sentry_version=7&sentry_client=a%2F1"), vec![]),
        ("GlitchTip's query", format!("?glitchtip_key={key}"), vec![]),
        ("X-Sentry-Auth", String::new(), vec![("X-Sentry-Auth", sentry.as_str())]),
        ("old X-Sentry-Auth", String::new(), vec![("X-Sentry-Auth", old.as_str())]),
        ("Authorization", String::new(), vec![("Authorization", sentry.as_str())]),
        ("basic", String::new(), vec![("Authorization", basic.as_str())]),
        ("in capitals", format!("?sentry_key={}", key.to_uppercase()), vec![]),
        ("as a UUID", format!("?sentry_key={}", app.tenant.public_key.0.hyphenated()), vec![]),
        ("version 8", format!("?sentry_key={key}&sentry_version=8"), vec![]),
    ] {
        let answer = send(&app, &query, &headers).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_envelope_itself_may_carry_the_key() {
    let app = TestApp::start().await;
    let id = event_id();
    let header = json!({ "event_id": id, "dsn": app.dsn().to_string() });
    let body = EnvelopeBuilder::new(&header).event(&message_event("hi")).build();
    let answer = app.anonymous().send(&app.ingest_path("envelope"), &[], body).await.expect(200);
    assert_eq!(answer.json()["id"], id);
    app.digest().await;
    assert!(app.has_event(&id).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_query_counts_before_headers_and_headers_before_the_envelope() {
    let app = TestApp::start().await;
    let key = app.tenant.public_key.to_string();
    let good = format!("Sentry sentry_key={key}");
    let bad = format!("Sentry sentry_key={WRONG_KEY}");
    let (good, bad) = (good.as_str(), bad.as_str());
    let good_query = format!("?sentry_key={key}");
    let bad_query = format!("?sentry_key={WRONG_KEY}");
    for (query, headers, status) in [
        (good_query.as_str(), vec![("X-Sentry-Auth", bad)], 200),
        (bad_query.as_str(), vec![("X-Sentry-Auth", good)], 403),
        ("", vec![("X-Sentry-Auth", good), ("Authorization", bad)], 200),
        ("", vec![("X-Sentry-Auth", bad), ("Authorization", good)], 403),
    ] {
        assert_eq!(send(&app, query, &headers).await.status, status, "{query} {headers:?}");
    }
    // The DSN inside of an envelope counts only where nothing else names a key.
    let header = json!({ "dsn": app.dsn().to_string() });
    let body = EnvelopeBuilder::new(&header).event(&message_event("hi")).build();
    let path = format!("{}{bad_query}", app.ingest_path("envelope"));
    app.anonymous().send(&path, &[], body).await.expect(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carrier_without_a_key_leaves_the_word_to_the_next() {
    let app = TestApp::start().await;
    let good = format!("Sentry sentry_key={}", app.tenant.public_key);
    for (query, headers) in [
        ("?sentry_key=", vec![("X-Sentry-Auth", good.as_str())]),
        ("?sentry_version=7", vec![("X-Sentry-Auth", good.as_str())]),
        ("", vec![("X-Sentry-Auth", "Sentry sentry_version=7"), ("Authorization", good.as_str())]),
        ("", vec![("X-Sentry-Auth", "nonsense"), ("Authorization", good.as_str())]),
    ] {
        let answer = send(&app, query, &headers).await;
        assert_eq!(answer.status, 200, "{query} {headers:?}: {}", answer.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_usable_key_nothing_is_taken_and_the_answer_says_why() {
    let mut app = TestApp::start().await;
    let key = app.tenant.public_key.to_string();
    let rows = [
        ("no key", String::new(), vec![], 401),
        ("another scheme", String::new(), vec![("Authorization", "Bearer abc")], 401),
        ("no key in the header", String::new(), vec![("X-Sentry-Auth", "Sentry a=b")], 401),
        ("no header value", String::new(), vec![("X-Sentry-Auth", "")], 401),
        ("not a key", "?sentry_key=7".to_owned(), vec![], 403),
        ("too long a key", format!("?sentry_key={key}00"), vec![], 403),
        ("an unknown key", format!("?sentry_key={WRONG_KEY}"), vec![], 403),
        ("an old version", format!("?sentry_key={key}&sentry_version=4"), vec![], 400),
        ("no version", format!("?sentry_key={key}&sentry_version=x"), vec![], 400),
    ];
    let requests = rows.len();
    for (name, query, headers, status) in rows {
        let answer = send(&app, &query, &headers).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.body);
        let detail = answer.json()["detail"].clone();
        assert_eq!(detail.as_str().unwrap(), answer.header("x-sentry-error"), "{name}");
        assert!(answer.json()["causes"].is_array(), "{name}");
    }
    let settled = app.settled(requests.try_into().unwrap()).await;
    assert_eq!(settled, [format!("default bad_dsn {requests}")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_project_does_not_count() {
    let app = TestApp::start().await;
    let other = app.database.tenant("other").await;
    let path = format!("/api/{}/envelope/?sentry_key={}", other.project, app.tenant.public_key);
    let answer = app.anonymous().send(&path, &[], envelope(&message_event("hi")).1).await;
    assert_eq!(answer.expect(403).json()["causes"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_with_a_wrong_key_does_not_lock_out_the_others() {
    let app = TestApp::start().await;
    send(&app, &format!("?sentry_key={WRONG_KEY}"), &[]).await.expect(403);
    send(&app, &format!("?sentry_key={}", app.tenant.public_key), &[]).await.expect(200);
    send(&app, &format!("?sentry_key={WRONG_KEY}"), &[]).await.expect(403);
}
