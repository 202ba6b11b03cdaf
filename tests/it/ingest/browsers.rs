//! Checklist: "CORS on every status, OPTIONS unauthenticated".

use mishap_testkit::builders::{EnvelopeBuilder, envelope, message_event};
use mishap_testkit::{Answer, Options, TestApp};
use reqwest::Method;

#[track_caller]
fn check_cors(answer: &Answer) {
    assert_eq!(answer.header("access-control-allow-origin"), "*", "{answer:?}");
    let exposed = answer.header("access-control-expose-headers");
    for header in ["x-sentry-error", "x-sentry-rate-limits", "retry-after"] {
        assert!(exposed.contains(header), "{exposed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preflight_is_answered_without_a_key() {
    let app = TestApp::start().await;
    for endpoint in ["envelope", "store", "security", "csp-report", "minidump"] {
        let path = app.ingest_path(endpoint);
        for path in [path.as_str(), path.trim_end_matches('/')] {
            let request = app
                .anonymous()
                .request(Method::OPTIONS, path)
                .header("Origin", "https://shop.example.com")
                .header("Access-Control-Request-Method", "POST")
                .header("Access-Control-Request-Headers", "content-encoding,x-sentry-auth");
            let answer = Answer::of(request).await.expect(204);
            check_cors(&answer);
            assert_eq!(answer.header("access-control-allow-methods"), "POST, OPTIONS");
            assert_eq!(answer.header("access-control-max-age"), "3600");
            let allowed = answer.header("access-control-allow-headers");
            for header in [
                "x-sentry-auth",
                "x-requested-with",
                "x-forwarded-for",
                "origin",
                "referer",
                "accept",
                "content-type",
                "authentication",
                "authorization",
                "content-encoding",
                "transfer-encoding",
                "sentry-trace",
                "baggage",
                "x-csrftoken",
            ] {
                assert!(allowed.split(", ").any(|name| name == header), "{header}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_can_read_every_answer() {
    let app = TestApp::start().await;
    let good = envelope(&message_event("hi")).1;
    let wrong = "?sentry_key=00000000000000000000000000000000";
    let project = app.ingest_path("envelope");
    let gif = [("Content-Type", "image/gif")];
    for (status, path, headers, body) in [
        (200, app.keyed_path("envelope"), &[][..], good.clone()),
        (400, app.keyed_path("envelope"), &[], vec![]),
        (401, project.clone(), &[], good.clone()),
        (403, format!("{project}{wrong}"), &[], good),
        (413, app.keyed_path("store"), &[], vec![b' '; 2 << 20]),
        (415, app.keyed_path("security"), &gif, b"{}".to_vec()),
    ] {
        let answer = app.anonymous().send(&path, headers, body).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        check_cors(&answer);
    }
    let get = Answer::of(app.anonymous().request(Method::GET, &project)).await;
    check_cors(&get.expect(405));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_can_read_why_it_is_to_wait() {
    let app = TestApp::start().await;
    app.database.sql("UPDATE projects SET event_throttle_rate = 100").await;
    check_cors(&app.send_envelope(EnvelopeBuilder::of("x").build()).await.expect(429));
    let frozen = TestApp::start_with(Options { freeze: true, ..Options::default() }).await;
    check_cors(&frozen.send_envelope("{}").await.expect(503));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_browser_sends_without_a_preflight_is_taken() {
    let app = TestApp::start().await;
    let headers = [("Content-Type", "text/plain;charset=UTF-8"), ("Origin", "https://example.com")];
    let path = app.keyed_path("envelope");
    let answer = app.anonymous().send(&path, &headers, envelope(&message_event("hi")).1).await;
    check_cors(&answer.expect(200));
}
