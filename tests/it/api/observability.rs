//! Metrics on the main port.

use mishap_testkit::{Options, TestApp};

use super::assert_refused;

const DJANGO: &str = "/api/0/observability/django/";

const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_for_staff() {
    let app = TestApp::start().await;
    assert_refused(&app.anonymous().get(DJANGO).await, 401, "Unauthorized");
    assert_refused(&app.owner().get(DJANGO).await, 403, "is_staff required");
    app.database.sql("UPDATE users SET is_superuser = true").await;
    assert_refused(&app.owner().get(DJANGO).await, 403, "is_staff required");
    app.database.sql("UPDATE users SET is_staff = true, is_superuser = false").await;
    let browser = app.browser(app.tenant.user).await.client();
    for client in [&app.owner(), &app.with_scopes(&[]).await, &browser] {
        assert_eq!(client.get(DJANGO).await.expect(200).header("content-type"), MEDIA_TYPE);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_for_everybody_only_if_the_operator_wants_it_so() {
    let app = TestApp::start().await;
    for path in ["/metrics", "/metrics/"] {
        assert_refused(&app.anonymous().get(path).await, 404, "Not Found");
    }
    let settings = vec![("ENABLE_OBSERVABILITY_API", "True")];
    let app = TestApp::start_with(Options { settings, ..Options::default() }).await;
    for path in ["/metrics", "/metrics/"] {
        let answer = app.anonymous().get(path).await.expect(200);
        assert_eq!(answer.header("content-type"), MEDIA_TYPE);
    }
}
