//! Whose pages may read answers.

use mishap_testkit::TestApp;
use reqwest::Method;

use super::{ask, get, with_settings};

const ORIGIN: (&str, &str) = ("Origin", "https://app.example.com");
const ASKS: (&str, &str) = ("Access-Control-Request-Method", "PUT");

/// Answers of every kind.
const PATHS: [&str; 6] =
    ["/api/0/", "/api/0/organizations/", "/api/0/nothing/", "/login", "/nothing", "/_health/"];

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_everywhere_may_read_what_they_ask_for() {
    let app = TestApp::start().await;
    for path in PATHS {
        let answer = get(&app.anonymous(), path, &[ORIGIN]).await;
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
        for header in ["access-control-allow-credentials", "access-control-expose-headers"] {
            assert_eq!(answer.header(header), "", "{path}");
        }
        let answer = get(&app.anonymous(), path, &[]).await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
        assert!(answer.header("vary").contains("origin"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preflight_is_answered_before_anything_else() {
    let app = TestApp::start().await;
    for path in PATHS {
        let answer = ask(&app.anonymous(), Method::OPTIONS, path, &[ORIGIN, ASKS]).await;
        let answer = answer.expect(200);
        assert_eq!(answer.body, "", "{path}");
        for (header, value) in [
            ("access-control-allow-origin", "*"),
            (
                "access-control-allow-headers",
                "accept, authorization, content-type, user-agent, x-csrftoken, x-requested-with, \
                 x-sentry-auth, baggage, sentry-trace",
            ),
            ("access-control-allow-methods", "DELETE, GET, OPTIONS, PATCH, POST, PUT"),
            ("access-control-max-age", "86400"),
        ] {
            assert_eq!(answer.header(header), value, "{path}");
        }
    }
    // Without the question it is a method like any other.
    ask(&app.anonymous(), Method::OPTIONS, "/api/0/", &[ORIGIN]).await.expect(405);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_listed_origins_may_read_if_the_operator_lists_some() {
    let app = with_settings(&[
        ("CORS_ORIGIN_ALLOW_ALL", "false"),
        ("CORS_ORIGIN_WHITELIST", "https://app.example.com,http://localhost:4200"),
    ])
    .await;
    for (origin, told) in [
        ("https://app.example.com", "https://app.example.com"),
        ("http://localhost:4200", "http://localhost:4200"),
        ("http://app.example.com", ""),
        ("https://app.example.com.evil.example", ""),
        ("null", ""),
    ] {
        for path in PATHS {
            let answer = get(&app.anonymous(), path, &[("Origin", origin)]).await;
            assert_eq!(answer.header("access-control-allow-origin"), told, "{path} of {origin}");
            assert!(answer.header("vary").contains("origin"), "{path}");
        }
        let headers = [("Origin", origin), ASKS];
        let answer = ask(&app.anonymous(), Method::OPTIONS, "/api/0/", &headers).await.expect(200);
        assert_eq!(answer.header("access-control-allow-origin"), told, "{origin}");
        let may_send = !answer.header("access-control-allow-methods").is_empty();
        assert_eq!(may_send, !told.is_empty(), "{origin}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_sdks_send_is_taken_from_everywhere_all_the_same() {
    let app = with_settings(&[("CORS_ORIGIN_ALLOW_ALL", "false")]).await;
    let answer = app.send_to("envelope", &[ORIGIN], "{}").await;
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let path = app.ingest_path("envelope");
    let answer = ask(&app.anonymous(), Method::OPTIONS, &path, &[ORIGIN, ASKS]).await.expect(204);
    assert_eq!(answer.header("access-control-allow-methods"), "POST, OPTIONS");
}
