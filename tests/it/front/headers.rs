//! What browsers are told to refuse.

use mishap_testkit::{Answer, TestApp};

use super::{get, with_settings};

const POLICY: &str = "content-security-policy";
const HTTPS: (&str, &str) = ("X-Forwarded-Proto", "https");

#[track_caller]
fn check_constant(answer: &Answer) {
    for (header, value) in [
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        assert_eq!(answer.header(header), value, "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_says_what_browsers_are_to_refuse() {
    let app = TestApp::start().await;
    for (path, status) in [
        ("/login", 200),
        ("/static/favicon.svg", 200),
        ("/_health/", 200),
        ("/", 303),
        ("/nothing", 404),
        ("/api/0/", 200),
        ("/api/0/organizations/", 401),
        ("/api/0/nothing/", 404),
        ("/_allauth/browser/v1/config", 200),
    ] {
        let answer = get(&app.anonymous(), path, &[HTTPS]).await.expect(status);
        check_constant(&answer);
        assert_eq!(answer.header("content-language"), "en", "{path}");
        assert_eq!(
            answer.header(POLICY),
            "default-src 'self'; style-src 'self'; font-src 'self' data:; connect-src 'self'; \
             script-src 'self'; img-src 'self'; frame-src 'self'",
            "{path}"
        );
        assert_eq!(answer.header("strict-transport-security"), "", "{path}");
        assert!(answer.header("vary").starts_with("Accept-Language, origin"), "{path}");
    }
    check_constant(&app.send_envelope("{}").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_differs_by_cookie_if_a_session_was_looked_for() {
    let app = TestApp::start().await;
    for (client, path, differs) in [
        (app.anonymous(), "/login", true),
        (app.anonymous(), "/api/0/organizations/", true),
        (app.owner(), "/api/0/organizations/", false),
        (app.anonymous(), "/static/favicon.svg", false),
    ] {
        let answer = client.get(path).await;
        assert_eq!(answer.header("vary").contains("Cookie"), differs, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_says_what_pages_may_load() {
    let app = with_settings(&[
        ("CSP_DEFAULT_SRC", "'none'"),
        ("CSP_IMG_SRC", "'self',https://images.example.com"),
        ("CSP_REPORT_URI", "https://reports.example.com/csp"),
        ("CSP_REPORT_PERCENTAGE", "100"),
        ("CSP_REPORT_ONLY", "true"),
    ])
    .await;
    let answer = app.anonymous().get("/login").await.expect(200);
    assert_eq!(answer.header(POLICY), "");
    let policy = answer.header("content-security-policy-report-only");
    assert!(policy.starts_with("default-src 'none'; style-src 'self'; "), "{policy}");
    assert!(policy.contains("; img-src 'self' https://images.example.com; "), "{policy}");
    assert!(policy.ends_with("; report-uri https://reports.example.com/csp"), "{policy}");
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_insist_on_https_once_they_came_by_it() {
    let hsts = [
        ("SECURE_HSTS_SECONDS", "31536000"),
        ("SECURE_HSTS_INCLUDE_SUBDOMAINS", "True"),
        ("SECURE_HSTS_PRELOAD", "True"),
    ];
    let told = async |proxies: &[(&'static str, &'static str)], headers: &[(&str, &str)]| {
        let app = with_settings(&[&hsts, proxies].concat()).await;
        get(&app.anonymous(), "/login", headers)
            .await
            .header("strict-transport-security")
            .to_owned()
    };
    let trusting = [("TRUSTED_PROXIES", "127.0.0.0/8")];
    assert_eq!(told(&trusting, &[HTTPS]).await, "max-age=31536000; includeSubDomains; preload");
    assert_eq!(told(&trusting, &[]).await, "");
    assert_eq!(told(&trusting, &[("X-Forwarded-Proto", "http")]).await, "");
    assert_eq!(told(&[], &[HTTPS]).await, "", "nobody is believed");
}
