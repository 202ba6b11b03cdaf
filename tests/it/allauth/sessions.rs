//! What a session is good for, and when it is over.

use mishap_testkit::{Browser, Options, TestApp, app_code};
use reqwest::Method;
use serde_json::json;
use url::Url;

use super::{JANE, PASSWORD, at, get, jane, moment, person, post, visitor, wait};

const ORGANIZATION: &str = "/api/0/organizations/shop-org/";

/// Makes Jane a member of the first organization.
async fn join(app: &TestApp) {
    let insert = format!(
        "INSERT INTO members (organization_id, user_id, role) \
         SELECT {}, id, 0 FROM users WHERE email = '{JANE}'",
        app.tenant.organization
    );
    app.database.sql(&insert).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_opens_the_api_to_whoever_signed_in() {
    let app = TestApp::start().await;
    let browser = jane(&app).await;
    join(&app).await;
    browser.client().get(ORGANIZATION).await.expect(200);
    app.stranger().client().get(ORGANIZATION).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_after_two_weeks() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    join(&app).await;
    wait(&app, 1_209_599);
    get(&mut browser, "auth/session").await.expect(200);
    browser.client().get(ORGANIZATION).await.expect(200);
    wait(&app, 1);
    get(&mut browser, "auth/session").await.expect(401);
    let answer = browser.client().get(ORGANIZATION).await.expect(401);
    assert_eq!(answer.json(), json!({ "detail": "Unauthorized" }));
    let answer = browser.client().json(Method::PUT, ORGANIZATION, &json!({ "name": "x" })).await;
    assert_eq!(answer.expect(403).json(), json!({ "detail": "CSRF check Failed" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_an_account_that_is_off_opens_nothing() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    join(&app).await;
    app.database.sql("UPDATE users SET is_active = false").await;
    get(&mut browser, "auth/session").await.expect(401);
    browser.client().get(ORGANIZATION).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_that_was_made_up_opens_nothing() {
    let app = TestApp::start().await;
    let browser = jane(&app).await;
    let real = browser.session.clone().unwrap();
    let upper = real.to_uppercase();
    for made_up in
        ["", "a", real.split_at(1).1, &upper, &"f".repeat(64), &"f".repeat(4000), "%00", "'"]
    {
        let mut browser = app.stranger();
        browser.session = Some(made_up.to_owned());
        get(&mut browser, "auth/session").await.expect(401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_a_session_is_not_what_is_stored() {
    let app = TestApp::start().await;
    let browser = jane(&app).await;
    let rows = app.database.rows("SELECT s::text AS row FROM sessions s").await;
    assert!(!rows[0]["row"].as_str().unwrap().contains(&browser.session.unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_in_which_nobody_is_signed_in_is_short_and_opens_nothing() {
    let public_url = Url::parse("https://localhost").unwrap();
    let app = TestApp::start_with(Options { public_url, ..Options::default() }).await;
    person(&app, JANE).await;
    join(&app).await;
    let mut browser = visitor(&app).await;
    get(&mut browser, "auth/webauthn/login").await.expect(200);
    assert!(browser.session.is_some());
    browser.client().get(ORGANIZATION).await.expect(401);
    let end = format!("timestamptz '{}' + interval '1 hour'", moment(&app));
    let hour = format!("SELECT count(*) FROM sessions WHERE expires_at = {end}");
    assert_eq!(app.database.number(&hour).await, 1);

    // It is not the one that whoever signs in has, so one that was planted is worth nothing.
    let mut attacker = browser.clone();
    browser.give_password(JANE, PASSWORD).await.expect(200);
    assert_ne!(browser.session, attacker.session);
    get(&mut attacker, "auth/session").await.expect(401);
    attacker.client().get(ORGANIZATION).await.expect(401);
    assert_eq!(app.database.number("SELECT count(*) FROM sessions").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_begins_no_session() {
    let app = TestApp::start().await;
    let mut browser = visitor(&app).await;
    for endpoint in ["config", "auth/session", "account/authenticators", "auth/password/reset"] {
        get(&mut browser, endpoint).await;
    }
    browser.give_password(JANE, "wrong").await.expect(400);
    assert_eq!(browser.session, None);
    assert_eq!(app.database.number("SELECT count(*) FROM sessions").await, 0);
}

/// Sets an app up in a browser; its secret.
async fn set_up(app: &TestApp, browser: &mut Browser) -> String {
    let endpoint = "account/authenticators/totp";
    let shown = get(browser, endpoint).await.expect(404).json();
    let secret = shown["meta"]["secret"].as_str().unwrap().to_owned();
    let body = json!({ "code": app_code(&secret, app.now()) });
    post(browser, endpoint, body).await.expect(200);
    secret
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_may_ask_for_a_second_factor() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    join(&app).await;
    app.database.sql("UPDATE organizations SET require_second_factor = true").await;
    let answer = browser.client().get(ORGANIZATION).await.expect(403).json();
    let text = "This organization requires a second factor. Add one to your account, and sign in \
                again.";
    assert_eq!(answer, json!({ "detail": text }));
    // Who she is, and which organizations there are, can be seen without.
    get(&mut browser, "auth/session").await.expect(200);
    browser.client().get("/api/0/organizations/").await.expect(200);
    // Tokens are not people.
    app.owner().get(ORGANIZATION).await.expect(200);

    let secret = set_up(&app, &mut browser).await;
    browser.client().get(ORGANIZATION).await.expect(200);
    wait(&app, 60);
    let mut elsewhere = app.stranger();
    elsewhere.give_password(JANE, PASSWORD).await.expect(401);
    elsewhere.client().get(ORGANIZATION).await.expect(401);
    let body = json!({ "code": app_code(&secret, app.now()) });
    post(&mut elsewhere, "auth/2fa/authenticate", body).await.expect(200);
    elsewhere.client().get(ORGANIZATION).await.expect(200);
    elsewhere.client().get(&at("auth/session")).await.expect(200);
}
