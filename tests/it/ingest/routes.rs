//! Checklist: "routes without trailing slash, no redirects on POST"; the answer to a wrong method
//! and to a wrong path.

use mishap_testkit::builders::{envelope, message_event};
use mishap_testkit::{Answer, TestApp};
use reqwest::Method;

const ENDPOINTS: [&str; 5] = ["envelope", "store", "security", "csp-report", "minidump"];

#[tokio::test(flavor = "multi_thread")]
async fn every_route_works_without_its_last_slash() {
    let app = TestApp::start().await;
    let report = r#"{"csp-report":{"effective-directive":"img-src","blocked-uri":"inline"}}"#;
    for (endpoint, body) in [
        ("envelope", envelope(&message_event("hi")).1),
        ("store", message_event("hi").to_string().into_bytes()),
        ("security", report.into()),
        ("csp-report", report.into()),
        ("minidump", b"MDMP and more".to_vec()),
    ] {
        let path = app.ingest_path(endpoint);
        for path in [path.as_str(), path.trim_end_matches('/')] {
            let path = format!("{path}?sentry_key={}", app.tenant.public_key);
            let answer = app.anonymous().send(&path, &[], body.clone()).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_method_than_post_is_refused_and_told_so() {
    let app = TestApp::start().await;
    for endpoint in ENDPOINTS {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let path = app.keyed_path(endpoint);
            let answer = Answer::of(app.anonymous().request(method.clone(), &path)).await;
            assert_eq!(answer.status, 405, "{method} {endpoint}");
            assert_eq!(answer.header("allow"), "POST, OPTIONS");
            assert!(answer.json()["detail"].is_string());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_path_is_not_found_and_never_redirected() {
    let app = TestApp::start().await;
    let key = app.tenant.public_key;
    for path in ["/api/1/envelop/", "/api/one/envelope/", "/api/1/envelope/x/", "/api/-1/store/"] {
        let answer = app.anonymous().send(&format!("{path}?sentry_key={key}"), &[], vec![]).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.body);
        assert!(answer.json()["detail"].is_string(), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_number_that_nobody_has_is_refused_in_json() {
    let app = TestApp::start().await;
    let key = app.tenant.public_key;
    for (project, status) in [
        ("0", 403),
        ("999999999999999999", 403),
        ("9223372036854775808", 404),
        ("99999999999999999999999", 404),
    ] {
        let path = format!("/api/{project}/envelope/?sentry_key={key}");
        let answer = app.anonymous().send(&path, &[], envelope(&message_event("hi")).1).await;
        assert_eq!(answer.status, status, "{project}: {}", answer.body);
        assert!(answer.json()["detail"].is_string(), "{project}");
    }
}
