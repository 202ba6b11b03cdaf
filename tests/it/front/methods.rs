//! Methods that no route of its own answers.

use mishap_testkit::TestApp;
use reqwest::Method;

use super::ask;

#[tokio::test(flavor = "multi_thread")]
async fn a_head_is_answered_as_a_get_without_its_body() {
    let app = TestApp::start().await;
    for (path, status) in [
        ("/api/0/organizations/", 200),
        ("/api/0/organizations/none/", 404),
        ("/login", 200),
        ("/static/favicon.svg", 200),
        ("/_health/", 200),
    ] {
        let got = app.owner().get(path).await.expect(status);
        let head = ask(&app.owner(), Method::HEAD, path, &[]).await.expect(status);
        assert_eq!(head.body, "", "{path}");
        for header in ["content-length", "content-type", "link", "x-hits", "cache-control"] {
            assert_eq!(head.header(header), got.header(header), "{path}: {header}");
        }
    }
    let path = "/api/0/organizations/shop-org/members/1/set_owner/";
    ask(&app.owner(), Method::HEAD, path, &[]).await.expect(405);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_method_hears_which_are_right() {
    let app = TestApp::start().await;
    for (method, path, allowed) in [
        (Method::POST, "/api/0/projects/", "GET"),
        (Method::PATCH, "/api/0/organizations/shop-org/", "GET, PUT, DELETE"),
        (Method::DELETE, "/login", "GET, POST"),
    ] {
        let answer = ask(&app.anonymous(), method, path, &[]).await.expect(405);
        assert_eq!((answer.header("allow"), answer.body.as_str()), (allowed, "Method not allowed"));
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{path}");
    }
    // The headless API says so without words.
    let path = "/_allauth/browser/v1/auth/login";
    let answer = ask(&app.anonymous(), Method::GET, path, &[]).await.expect(405);
    assert_eq!((answer.header("allow"), answer.body.as_str()), ("POST", ""));
}
