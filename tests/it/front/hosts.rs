//! Which hosts requests may be for.

use serde_json::json;

use super::{get, with_settings};

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_not_ours_is_refused_wherever_it_asks() {
    let app = with_settings(&[("ALLOWED_HOSTS", "errors.example.com,.internal")]).await;
    for (host, is_ours) in [
        ("errors.example.com", true),
        ("errors.example.com:8000", true),
        ("web-1.internal", true),
        ("evil.example", false),
        ("127.0.0.1", false),
    ] {
        let status = if is_ours { 200 } else { 400 };
        for path in ["/api/0/", "/login", "/_health/"] {
            let answer = get(&app.anonymous(), path, &[("Host", host)]).await.expect(status);
            if status == 400 && path.starts_with("/api/") {
                assert_eq!(answer.json(), json!({ "detail": "This host is not served here" }));
            } else if status == 400 {
                assert!(answer.body.contains("This host is not served here"), "{path}");
                assert!(answer.header("content-type").starts_with("text/html"), "{path}");
            }
        }
    }
    let refused = app.send_to("envelope", &[("Host", "evil.example")], "{}").await.expect(400);
    assert_eq!(refused.json(), json!({ "detail": "This host is not served here" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_host_is_ours_unless_the_operator_says_which() {
    let app = with_settings(&[]).await;
    get(&app.anonymous(), "/api/0/", &[("Host", "anything.example")]).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarded_host_is_believed_of_trusted_proxies_only() {
    let hosts = ("ALLOWED_HOSTS", "errors.example.com");
    for (proxies, status) in [("127.0.0.0/8", 200), ("10.0.0.0/8", 400)] {
        let app = with_settings(&[hosts, ("TRUSTED_PROXIES", proxies)]).await;
        let forwarded = ("X-Forwarded-Host", "errors.example.com, proxy.internal");
        get(&app.anonymous(), "/api/0/", &[forwarded]).await.expect(status);
    }
}
