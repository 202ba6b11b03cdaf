use mishap_testkit::TestApp;
use mishap_testkit::builders::{envelope, error_event};

#[tokio::test(flavor = "multi_thread")]
async fn an_error_becomes_an_issue_that_the_api_shows() {
    let app = TestApp::start().await;
    let (id, body) = envelope(&error_event("CartError", "the cart is empty"));
    let auth = app.dsn().auth_header("test/1");
    let answer = app
        .anonymous()
        .send(&app.ingest_path("envelope"), &[("X-Sentry-Auth", &auth)], body)
        .await
        .expect(200);
    assert_eq!(answer.json()["id"], id);
    assert_eq!(app.digest().await, 1);

    let issues = app.owner().get("/api/0/organizations/shop-org/issues/").await.expect(200).json();
    assert_eq!(issues[0]["title"], "CartError: the cart is empty");
    assert_eq!(issues[0]["shortId"], "SHOP-1");
    let issue = issues[0]["id"].as_str().unwrap();
    let latest =
        app.owner().get(&format!("/api/0/issues/{issue}/events/latest/")).await.expect(200);
    assert_eq!(latest.json()["eventID"], id);
}
