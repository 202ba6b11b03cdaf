//! Recovery codes: for when the other second factor is lost.

use chrono::TimeDelta;
use mishap_testkit::{Answer, Browser, TestApp, app_code};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    JANE, PASSWORD, assert_bare, assert_problem, audited, get, jane, mails, post, seconds,
};

const CODES: &str = "account/authenticators/recovery-codes";

/// Sets an app up.
async fn set_up(app: &TestApp, mut browser: Browser) -> Browser {
    let shown = get(&mut browser, "account/authenticators/totp").await.expect(404).json();
    let code = app_code(shown["meta"]["secret"].as_str().unwrap(), app.now());
    let body = json!({ "code": code });
    post(&mut browser, "account/authenticators/totp", body).await.expect(200);
    browser
}

/// Jane's browser, after an app was set up.
async fn with_app(app: &TestApp) -> Browser {
    let browser = jane(app).await;
    set_up(app, browser).await
}

async fn codes(browser: &mut Browser) -> Vec<String> {
    let shown = get(browser, CODES).await.expect(200).json();
    let codes = shown["data"]["unused_codes"].as_array().unwrap();
    codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect()
}

/// Signs in with the password and this code.
async fn sign_in(app: &TestApp, code: &str) -> Answer {
    let mut browser = app.stranger();
    browser.give_password(JANE, PASSWORD).await.expect(401);
    post(&mut browser, "auth/2fa/authenticate", json!({ "code": code })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn they_come_along_with_the_first_second_factor() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    assert_bare(get(&mut browser, CODES).await, 404);
    let answer = post(&mut browser, CODES, json!({})).await;
    assert_problem(answer, "cannot_generate_recovery_codes", None);

    let mut browser = set_up(&app, browser).await;
    let shown = get(&mut browser, CODES).await.expect(200);
    let data = shown.json()["data"].clone();
    let codes = codes(&mut browser).await;
    assert_eq!(codes.len(), 10);
    assert!(codes.iter().all(|code| code.len() == 8 && code.parse::<u32>().is_ok()), "{codes:?}");
    let common = format!(
        "\"type\":\"recovery_codes\",\"created_at\":{},\"last_used_at\":null,\
         \"total_code_count\":10,\"unused_code_count\":10",
        data["created_at"]
    );
    let codes = json!(codes);
    let expected = format!("{{\"status\":200,\"data\":{{{common},\"unused_codes\":{codes}}}}}");
    assert_eq!(shown.body, expected);
    // The list tells no codes.
    let listed = get(&mut browser, "account/authenticators").await.expect(200);
    assert!(listed.body.ends_with(&format!("{{{common}}}]}}")), "{}", listed.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_counts_once() {
    let app = TestApp::start().await;
    let mut browser = with_app(&app).await;
    let codes = codes(&mut browser).await;
    let said = sign_in(&app, &codes[3]).await.expect(200).json();
    let method = said["data"]["methods"][1].clone();
    assert_eq!((&method["method"], &method["type"]), (&json!("mfa"), &json!("recovery_codes")));
    assert_problem(sign_in(&app, &codes[3]).await, "incorrect_code", Some("code"));
    // However it is typed.
    let (front, back) = codes[9].split_at(4);
    let spaced = format!(" {front}-{back}");
    sign_in(&app, &spaced).await.expect(200);
    let body = json!({ "code": codes[9] });
    let answer = post(&mut browser, "auth/2fa/reauthenticate", body).await;
    assert_problem(answer, "incorrect_code", Some("code"));

    let shown = get(&mut browser, CODES).await.json()["data"].clone();
    assert_eq!((&shown["unused_code_count"], &shown["total_code_count"]), (&json!(8), &json!(10)));
    assert_eq!(shown["last_used_at"], seconds(&app));
    let left = [&codes[..3], &codes[4..9]].concat();
    assert_eq!(shown["unused_codes"], json!(left));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_is_typed_twice_at_the_same_time_counts_once() {
    let app = TestApp::start().await;
    let mut browser = with_app(&app).await;
    let codes = codes(&mut browser).await;
    let (one, other) = tokio::join!(sign_in(&app, &codes[0]), sign_in(&app, &codes[0]));
    let (good, bad) = if one.status == 200 { (one, other) } else { (other, one) };
    good.expect(200);
    assert_problem(bad, "incorrect_code", Some("code"));
}

#[tokio::test(flavor = "multi_thread")]
async fn new_codes_make_the_old_worth_nothing() {
    let app = TestApp::start().await;
    let mut browser = with_app(&app).await;
    let old = codes(&mut browser).await;
    sign_in(&app, &old[0]).await.expect(200);
    let said = post(&mut browser, CODES, json!({})).await.expect(200).json();
    let new = said["data"]["unused_codes"].clone();
    assert_eq!(new.as_array().map(Vec::len), Some(10));
    assert_eq!(said["data"]["unused_code_count"], 10);
    assert_eq!(said["data"]["last_used_at"], Value::Null);
    assert_eq!(json!(codes(&mut browser).await), new);
    assert_problem(sign_in(&app, &old[1]).await, "incorrect_code", Some("code"));
    sign_in(&app, new[0].as_str().unwrap()).await.expect(200);
    let changes: Vec<_> = mails(&app).await.into_iter().map(|mail| mail.change).collect();
    let used = "recovery_code_used";
    assert_eq!(changes, ["app_added", used, "recovery_codes_made", used]);
    let added = "account.second_factor_add".to_owned();
    assert_eq!(audited(&app).await.iter().filter(|action| **action == added).count(), 2);
    let used = "account.recovery_code_use".to_owned();
    assert_eq!(audited(&app).await.iter().filter(|action| **action == used).count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_alone_are_not_asked_for() {
    let app = TestApp::start().await;
    with_app(&app).await;
    app.database.sql("DELETE FROM authenticators WHERE kind = 1").await;
    app.stranger().give_password(JANE, PASSWORD).await.expect(200);
}

/// Codes as GlitchTip's frontend asks for them.
const FRESH: &str = "/api/0/generate-recovery-codes/";

#[tokio::test(flavor = "multi_thread")]
async fn fresh_codes_count_once_one_of_them_was_typed() {
    let app = TestApp::start().await;
    let mut browser = with_app(&app).await;
    let old = codes(&mut browser).await;
    let client = browser.client();
    let take = async |code: &str| client.json(Method::POST, FRESH, &json!({ "code": code })).await;
    let none = json!({ "detail": "No recovery codes set, use GET first" });
    assert_eq!(take(&old[0]).await.expect(400).json(), none);

    let offered = client.get(FRESH).await.expect(200).json();
    let offered: Vec<String> = serde_json::from_value(offered["codes"].clone()).unwrap();
    assert!(offered.len() == 10 && offered.iter().all(|code| code.len() == 8), "{offered:?}");
    assert_eq!(codes(&mut browser).await, old);
    assert_eq!(take(&old[0]).await.expect(400).json(), json!({ "detail": "Invalid code" }));
    assert_eq!(sign_in(&app, &offered[1]).await.status, 400);
    assert_eq!(take(&offered[0]).await.expect(204).body, "");
    // Typing one does not use it up.
    assert_eq!(codes(&mut browser).await, offered);
    assert_eq!(sign_in(&app, &old[1]).await.status, 400);
    sign_in(&app, &offered[0]).await.expect(200);
    let changes: Vec<_> = mails(&app).await.into_iter().map(|mail| mail.change).collect();
    assert_eq!(changes, ["app_added", "recovery_codes_made", "recovery_code_used"]);
    // They were taken, and are not offered any more.
    assert_eq!(take(&offered[0]).await.expect(400).json(), none);
}

#[tokio::test(flavor = "multi_thread")]
async fn fresh_codes_wait_for_five_minutes_in_their_session() {
    let app = TestApp::start().await;
    let browser = with_app(&app).await;
    let client = browser.client();
    let offered = client.get(FRESH).await.expect(200).json();
    let code = json!({ "code": offered["codes"][0] });
    let mut other = app.stranger();
    other.give_password(JANE, PASSWORD).await.expect(401);
    other.client().json(Method::POST, FRESH, &code).await.expect(403);
    app.clock.advance(TimeDelta::minutes(5));
    client.json(Method::POST, FRESH, &code).await.expect(400);
    // No token chooses them.
    app.owner().get(FRESH).await.expect(401);
}
