//! Requests of browsers in which somebody is signed in.

use chrono::TimeDelta;
use mishap_storage::accounts::sessions;
use mishap_testkit::{Answer, Browser, Client, TestApp};
use reqwest::Method;
use serde_json::json;

use super::assert_refused;

const ORGANIZATION: &str = "/api/0/organizations/shop-org/";

async fn rename(client: &Client) -> Answer {
    client.json(Method::PUT, ORGANIZATION, &json!({ "name": "Renamed" })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_may_do_what_its_owner_may() {
    let app = TestApp::start().await;
    let client = app.browser(app.tenant.user).await.client();
    client.get(ORGANIZATION).await.expect(200);
    rename(&client).await.expect(200);
    client.delete(ORGANIZATION).await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_must_come_from_a_page_of_ours() {
    let app = TestApp::start().await;
    let sound = app.browser(app.tenant.user).await;
    let other = "y".repeat(32);
    let refused = [
        Browser { csrf_header: None, ..sound.clone() },
        Browser { csrf_header: Some(String::new()), ..sound.clone() },
        Browser { csrf_header: Some(other.clone()), ..sound.clone() },
        Browser { csrf_cookie: None, ..sound.clone() },
        Browser { csrf_cookie: Some(other.clone()), ..sound.clone() },
        Browser {
            csrf_cookie: Some("short".to_owned()),
            csrf_header: Some("short".to_owned()),
            ..sound.clone()
        },
        Browser {
            csrf_cookie: Some(String::new()),
            csrf_header: Some(String::new()),
            ..sound.clone()
        },
        Browser { origin: Some("https://evil.example.com".to_owned()), ..sound.clone() },
        Browser { origin: Some("http://mishap.test.evil.example.com".to_owned()), ..sound.clone() },
        Browser { origin: Some("https://mishap.test".to_owned()), ..sound.clone() },
        Browser { origin: Some("null".to_owned()), ..sound.clone() },
    ];
    for browser in refused {
        let client = browser.client();
        assert_refused(&rename(&client).await, 403, "CSRF check Failed");
        assert_refused(&client.delete(ORGANIZATION).await, 403, "CSRF check Failed");
        // What changes nothing needs no proof.
        client.get(ORGANIZATION).await.expect(200);
    }
    // Where there is no origin, the page counts that the request comes from.
    let by_referer = Browser { origin: None, ..sound.clone() }.client();
    for (referer, status) in
        [("http://mishap.test/page", 200), ("https://evil.example.com/page", 403), ("page", 403)]
    {
        let request = by_referer.request(Method::PUT, ORGANIZATION).header("Referer", referer);
        let answer = Answer::of(request.json(&json!({ "name": "Renamed" }))).await;
        assert_eq!(answer.status.as_u16(), status, "{referer}");
    }
    // The proof alone is nobody.
    let nobody = Browser { session: None, ..sound };
    assert_refused(&rename(&nobody.client()).await, 403, "CSRF check Failed");
    assert_refused(&nobody.client().get(ORGANIZATION).await, 401, "Unauthorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_needs_no_proof_and_counts_before_a_session() {
    let app = TestApp::start().await;
    let person = app.database.account("person@example.com").await;
    let bare = Browser { csrf_header: None, ..app.browser(person.user).await };
    let request = bare.client().request(Method::PUT, ORGANIZATION).bearer_auth(&app.tenant.token);
    Answer::of(request.json(&json!({ "name": "Renamed" }))).await.expect(200);
    // One that nobody has leaves the word to the session.
    let browser = app.browser(app.tenant.user).await;
    let request = browser.client().request(Method::PUT, ORGANIZATION).bearer_auth("unknown");
    Answer::of(request.json(&json!({ "name": "Renamed" }))).await.expect(200);
}

/// Checks that a browser is nobody's any more.
async fn assert_signed_out(client: &Client) {
    assert_refused(&client.get(ORGANIZATION).await, 401, "Unauthorized");
    assert_refused(&rename(client).await, 403, "CSRF check Failed");
    let root = client.get("/api/0/").await.expect(200).json();
    assert_eq!(root["user"], json!(null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_in_time() {
    let app = TestApp::start().await;
    let client = app.browser(app.tenant.user).await.client();
    app.clock.advance(TimeDelta::days(1) - TimeDelta::seconds(1));
    client.get(ORGANIZATION).await.expect(200);
    app.clock.advance(TimeDelta::seconds(1));
    assert_signed_out(&client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_when_its_account_is_off_or_gone() {
    let app = TestApp::start().await;
    let client = app.browser(app.tenant.user).await.client();
    app.database.sql("UPDATE users SET is_active = false").await;
    assert_signed_out(&client).await;
    app.database.sql("UPDATE users SET is_active = true").await;
    client.get(ORGANIZATION).await.expect(200);
    app.database.sql("DELETE FROM users").await;
    assert_signed_out(&client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_was_ended_elsewhere_is_over() {
    let app = TestApp::start().await;
    let client = app.browser(app.tenant.user).await.client();
    let mut conn = app.database.conn().await;
    assert_eq!(sessions::delete_others(&mut conn, app.tenant.user, None).await.unwrap(), 1);
    assert_signed_out(&client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_that_nobody_was_given_is_nobody_s() {
    let app = TestApp::start().await;
    let sound = app.browser(app.tenant.user).await;
    for session in ["", "unknown", &"0".repeat(64), &sound.session.clone().unwrap().to_uppercase()]
    {
        let browser = Browser { session: Some(session.to_owned()), ..sound.clone() };
        assert_signed_out(&browser.client()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_whose_owner_is_not_known_yet_may_nothing() {
    let app = TestApp::start().await;
    let client = app.browser(app.tenant.user).await.client();
    app.database.sql("UPDATE sessions SET user_id = NULL").await;
    assert_signed_out(&client).await;
}
