//! `/security/` and `/csp-report/`: what browsers report.

use mishap_testkit::TestApp;
use serde_json::{Value, json};

fn old_report(directive: &str, blocked: &str) -> Value {
    json!({ "csp-report": {
        "document-uri": "https://shop.example.com/cart",
        "referrer": "https://example.com/",
        "violated-directive": format!("{directive} 'self'"),
        "effective-directive": directive,
        "original-policy": "default-src 'self'",
        "disposition": "enforce",
        "blocked-uri": blocked,
        "status-code": 200,
    }})
}

fn new_report(directive: &str, blocked: &str) -> Value {
    json!({ "type": "csp-violation", "age": 10, "url": "https://shop.example.com/",
        "user_agent": "Mozilla/5.0 (test)",
        "body": { "documentURL": "https://shop.example.com/", "blockedURL": blocked,
            "effectiveDirective": directive, "disposition": "report", "statusCode": 200 } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_becomes_an_event_with_a_title_for_people() {
    let mut app = TestApp::start().await;
    let mut received = 0;
    for endpoint in ["security", "csp-report"] {
        for (directive, blocked, title) in [
            ("script-src", "inline", "Blocked inline 'script'"),
            ("script-src", "eval", "Blocked unsafe eval() 'script'"),
            ("img-src", "https://cdn.example.com/a.png?b", "Blocked 'img' from 'cdn.example.com'"),
            (
                "img-src",
                "https://cdn.example.com:8443/a",
                "Blocked 'img' from 'cdn.example.com:8443'",
            ),
            ("img-src", "data:image/png;base64,xx", "Blocked 'img' from 'data:'"),
            ("img-src", "https://shop.example.com/x", "Blocked 'img' from 'self'"),
            ("img-src", "", "Blocked 'img' from 'self'"),
        ] {
            let report = old_report(directive, blocked).to_string();
            let headers = [("Content-Type", "application/csp-report")];
            let answer = app.send_to(endpoint, &headers, report).await.expect(200).json();
            app.digest().await;
            let event = app.shown_event(answer["id"].as_str().unwrap()).await;
            assert_eq!(event["title"], title, "{directive} {blocked}");
            assert_eq!(event["type"], "csp");
            received += 1;
        }
    }
    assert_eq!(app.settled(received).await, [format!("security ok {received}")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_violation_of_an_array_is_an_event_and_other_reports_are_none() {
    let mut app = TestApp::start().await;
    let reports = json!([
        new_report("img-src", "https://cdn.example.com/a.png"),
        { "type": "deprecation", "body": { "id": "x" } },
        new_report("script-src", "inline"),
        null,
    ]);
    let headers = [("Content-Type", "application/reports+json")];
    let answer = app.send_to("security", &headers, reports.to_string()).await.expect(200).json();
    app.digest().await;
    let first = app.stored_event(answer["id"].as_str().unwrap()).await;
    assert_eq!(first["title"], "Blocked 'img' from 'cdn.example.com'");
    let agent = json!(["User-Agent", "Mozilla/5.0 (test)"]);
    assert!(first["request"]["headers"].as_array().unwrap().contains(&agent), "{first}");
    assert_eq!(app.settled(2).await, ["security ok 2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_of_other_kinds_and_of_old_browsers_are_understood() {
    let app = TestApp::start().await;
    for (name, report) in [
        (
            "no effective directive",
            json!({ "csp-report": {
            "violated-directive": "style-src 'self' cdn.example.com",
            "blocked-uri": "https://cdn.example.com" } }),
        ),
        (
            "numbers as text",
            json!({ "csp-report": { "effective-directive": "img-src",
            "status-code": "200", "line-number": "7" } }),
        ),
        (
            "camel case",
            json!({ "csp-report": { "effectiveDirective": "img-src",
            "blockedUri": "inline" } }),
        ),
        (
            "snake case",
            json!({ "csp-report": { "effective_directive": "img-src",
            "blocked_uri": "inline" } }),
        ),
        (
            "Expect-CT",
            json!({ "expect-ct-report": { "hostname": "example.com", "port": 443,
            "date-time": "2026-11-21T12:00:00Z", "scts": [] } }),
        ),
        ("Expect-Staple", json!({ "expect-staple-report": { "hostname": "example.com" } })),
        (
            "key pinning",
            json!({ "hostname": "example.com", "port": 443,
            "known-pins": ["pin-sha256=\"x\""], "served-certificate-chain": [] }),
        ),
    ] {
        let answer = app.send_to("security", &[], report.to_string()).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.body);
        app.digest().await;
        assert!(app.has_event(answer.json()["id"].as_str().unwrap()).await, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn release_and_environment_may_stand_in_the_query() {
    let app = TestApp::start().await;
    let path = format!(
        "{}&sentry_release=shop%401.2&sentry_environment=staging",
        app.keyed_path("security")
    );
    let body = old_report("img-src", "inline").to_string().into_bytes();
    let answer = app.anonymous().send(&path, &[], body).await.expect(200).json();
    app.digest().await;
    let event = app.stored_event(answer["id"].as_str().unwrap()).await;
    assert_eq!(event["release"], "shop@1.2");
    assert_eq!(event["environment"], "staging");
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_are_told_apart_by_directive_and_host() {
    let app = TestApp::start().await;
    for (directive, blocked) in [
        ("img-src", "https://cdn.example.com/a.png"),
        ("img-src", "https://cdn.example.com/b.png?c"),
        ("img-src", "https://evil.example.com/a.png"),
        ("script-src", "https://cdn.example.com/a.png"),
    ] {
        app.send_to("security", &[], old_report(directive, blocked).to_string()).await.expect(200);
    }
    app.digest().await;
    assert_eq!(app.database.number("SELECT count(*) FROM issues").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn content_types_of_browsers_are_read_and_others_are_not() {
    let mut app = TestApp::start().await;
    for (media, status) in [
        ("application/csp-report", 200),
        ("application/csp-report; charset=utf-8", 200),
        ("Application/JSON", 200),
        ("application/reports+json", 200),
        ("application/expect-ct-report", 200),
        ("application/expect-ct-report+json", 200),
        ("application/expect-staple-report", 200),
        ("text/html", 415),
        ("image/gif", 415),
    ] {
        let body = old_report("img-src", "inline").to_string();
        let answer = app.send_to("security", &[("Content-Type", media)], body).await;
        assert_eq!(answer.status, status, "{media}: {}", answer.body);
    }
    assert_eq!(app.settled(9).await, ["default malformed_item 2", "security ok 7"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_report_is_refused() {
    let mut app = TestApp::start().await;
    for body in ["", "7", "{}", "{\"csp-report\":7}", "{\"csp-report\":{}}", "{\"x\"", "\"y\""] {
        app.send_to("security", &[], body).await.expect(400);
    }
    let directive = old_report("<script>", "inline").to_string();
    app.send_to("security", &[], directive).await.expect(400);
    assert_eq!(app.settled(8).await, ["default malformed_item 8"]);
}
