//! Apps that show codes, and what is asked after a password.

use chrono::TimeDelta;
use mishap_storage::accounts::{emails, users};
use mishap_testkit::{Answer, Browser, TestApp, app_code};
use serde_json::json;

use super::{
    JANE, OTHER_PASSWORD, PASSWORD, assert_bare, assert_problem, audited, delete, get, jane, mails,
    person, post, seconds, visitor, wait,
};

/// The code that is shown now, or so many seconds from now.
fn code(app: &TestApp, secret: &str, seconds: i64) -> String {
    app_code(secret, app.now() + TimeDelta::seconds(seconds))
}

/// Jane's browser, and the secret of her app; the code of then is used up.
async fn with_app(app: &TestApp) -> (Browser, String) {
    let mut browser = jane(app).await;
    let shown = get(&mut browser, "account/authenticators/totp").await.expect(404).json();
    let secret = shown["meta"]["secret"].as_str().unwrap().to_owned();
    let body = json!({ "code": code(app, &secret, 0) });
    post(&mut browser, "account/authenticators/totp", body).await.expect(200);
    (browser, secret)
}

/// A browser that gave the password.
async fn halfway(app: &TestApp) -> Browser {
    let mut browser = app.stranger();
    browser.give_password(JANE, PASSWORD).await.expect(401);
    browser
}

async fn give(browser: &mut Browser, code: &str) -> Answer {
    post(browser, "auth/2fa/authenticate", json!({ "code": code })).await
}

#[track_caller]
fn assert_wrong(answer: Answer) {
    assert_problem(answer, "incorrect_code", Some("code"));
}

/// The answer to a second step where there was no first one.
#[track_caller]
fn assert_nothing_pending(answer: Answer) {
    let said = answer.expect(401).json();
    assert_eq!(said["meta"], json!({ "is_authenticated": null }));
    assert_eq!(said["data"]["flows"][0], json!({ "id": "login" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_set_up() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    let said = get(&mut browser, "account/authenticators").await.expect(200);
    assert_eq!(said.body, "{\"status\":200,\"data\":[]}");
    let first = get(&mut browser, "account/authenticators/totp").await.expect(404).json();
    let secret = first["meta"]["secret"].as_str().unwrap().to_owned();
    assert_eq!(secret.len(), 32);
    let url = format!("otpauth://totp/{JANE}?secret={secret}&issuer=mishap.test");
    let expected = json!({ "status": 404, "meta": { "secret": secret, "totp_url": url } });
    assert_eq!(first, expected);
    // Whoever looks again gets another one, and the first is worth nothing.
    let second = get(&mut browser, "account/authenticators/totp").await.expect(404).json();
    let secret_now = second["meta"]["secret"].as_str().unwrap().to_owned();
    assert_ne!(secret_now, secret);
    let endpoint = "account/authenticators/totp";
    let answer = post(&mut browser, endpoint, json!({ "code": code(&app, &secret, 0) })).await;
    assert_wrong(answer);
    assert_problem(post(&mut browser, endpoint, json!({})).await, "required", Some("code"));

    let body = json!({ "code": code(&app, &secret_now, 0) });
    let added = post(&mut browser, endpoint, body).await.expect(200);
    let shown = added.json()["data"].clone();
    assert!(shown["created_at"].is_f64());
    let expected = format!(
        "{{\"status\":200,\"data\":{{\"type\":\"totp\",\"created_at\":{},\"last_used_at\":null}}}}",
        shown["created_at"]
    );
    assert_eq!(added.body, expected);
    assert_eq!(get(&mut browser, endpoint).await.expect(200).body, expected);

    let listed = get(&mut browser, "account/authenticators").await.expect(200).json();
    assert_eq!(listed["data"][0], shown);
    assert_eq!(listed["data"][1]["type"], "recovery_codes");
    let methods = get(&mut browser, "auth/session").await.json()["data"]["methods"].clone();
    let id = methods[1]["id"].clone();
    assert!(id.is_i64());
    let proof = json!({
        "method": "mfa", "at": seconds(&app), "id": id, "type": "totp", "reauthenticated": true,
    });
    assert_eq!(methods[1], proof);
    let sent = mails(&app).await;
    assert_eq!((sent[0].to.as_str(), sent[0].kind.as_str()), (JANE, "second_factor_changed"));
    assert_eq!(audited(&app).await, ["account.sign_in", "account.second_factor_add"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_not_replaced_in_passing() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    let mut elsewhere = app.stranger();
    elsewhere.give_password(JANE, PASSWORD).await.expect(200);
    let endpoint = "account/authenticators/totp";
    let mut secrets = Vec::new();
    for browser in [&mut browser, &mut elsewhere] {
        let shown = get(browser, endpoint).await.expect(404).json();
        secrets.push(shown["meta"]["secret"].as_str().unwrap().to_owned());
    }
    let body = json!({ "code": code(&app, &secrets[0], 0) });
    post(&mut browser, endpoint, body).await.expect(200);
    let body = json!({ "code": code(&app, &secrets[1], 0) });
    assert_bare(post(&mut elsewhere, endpoint, body).await, 409);
    wait(&app, 30);
    give(&mut halfway(&app).await, &code(&app, &secrets[0], 0)).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_apps_at_the_same_time_one_is_set_up() {
    let app = TestApp::start().await;
    let mut one = jane(&app).await;
    let mut other = app.stranger();
    other.give_password(JANE, PASSWORD).await.expect(200);
    let endpoint = "account/authenticators/totp";
    let mut bodies = Vec::new();
    for browser in [&mut one, &mut other] {
        let shown = get(browser, endpoint).await.expect(404).json();
        bodies.push(json!({ "code": code(&app, shown["meta"]["secret"].as_str().unwrap(), 0) }));
    }
    let second = bodies.pop().unwrap();
    let (one, other) = tokio::join!(
        post(&mut one, endpoint, bodies.pop().unwrap()),
        post(&mut other, endpoint, second),
    );
    let mut found = [one.status.as_u16(), other.status.as_u16()];
    found.sort_unstable();
    assert_eq!(found, [200, 409]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_not_proven_an_address_adds_no_second_factor() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    let endpoint = "account/authenticators/totp";
    let shown = get(&mut browser, endpoint).await.expect(404).json();
    let body = json!({ "code": code(&app, shown["meta"]["secret"].as_str().unwrap(), 0) });
    let mut conn = app.database.conn().await;
    let user = users::find_by_email(&mut conn, JANE).await.unwrap().unwrap().id;
    emails::insert(&mut conn, user, "second@example.com", false, false).await.unwrap();
    for endpoint in [endpoint, "account/authenticators/webauthn"] {
        let said = get(&mut browser, endpoint).await.expect(409).json();
        let message = &said["errors"][0]["message"];
        let errors = json!([{ "message": message, "code": "unverified_email" }]);
        assert_eq!(said, json!({ "status": 409, "errors": errors }));
    }
    let answer = post(&mut browser, endpoint, body).await;
    assert_problem(answer, "unverified_email", Some("code"));
    let body = json!({ "credential": {} });
    let said = post(&mut browser, "account/authenticators/webauthn", body).await.expect(409).json();
    assert_eq!(said["errors"][0]["code"], "unverified_email");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_password_the_app_is_asked_for() {
    let app = TestApp::start().await;
    let (_, secret) = with_app(&app).await;
    wait(&app, 30);
    let mut browser = app.stranger();
    let answer = browser.give_password(JANE, PASSWORD).await.expect(401);
    let expected = "{\"status\":401,\"data\":{\"flows\":[{\"id\":\"login\"},{\"id\":\"signup\"},\
        {\"id\":\"mfa_login_webauthn\"},{\"id\":\"mfa_authenticate\",\"is_pending\":true,\
        \"types\":[\"totp\",\"recovery_codes\"]}]},\"meta\":{\"is_authenticated\":false}}";
    assert_eq!(answer.body, expected);
    assert_eq!(get(&mut browser, "auth/session").await.expect(401).body, expected);
    // Halfway in is not in.
    browser.client().get("/api/0/organizations/").await.expect(401);
    get(&mut browser, "account/authenticators").await.expect(401);
    let session = browser.session.clone();

    assert_wrong(give(&mut browser, "000000").await);
    assert_problem(give(&mut browser, "").await, "required", Some("code"));
    let at_password = seconds(&app);
    wait(&app, 5);
    let said = give(&mut browser, &code(&app, &secret, 0)).await.expect(200).json();
    let id = said["data"]["methods"][1]["id"].clone();
    let methods = json!([
        { "method": "password", "at": at_password, "email": JANE },
        { "method": "mfa", "at": seconds(&app), "id": id, "type": "totp" },
    ]);
    assert_eq!(said["data"]["methods"], methods);
    assert_ne!(browser.session, session, "the session has another key now");
    get(&mut browser, "auth/session").await.expect(200);
    let listed = get(&mut browser, "account/authenticators/totp").await.expect(200).json();
    assert_eq!(listed["data"]["last_used_at"], seconds(&app));
    // The step is done.
    assert_nothing_pending(give(&mut browser, &code(&app, &secret, 30)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_counts_once_wherever_it_is_typed() {
    let app = TestApp::start().await;
    let (mut browser, secret) = with_app(&app).await;
    // It was typed to set the app up.
    assert_wrong(give(&mut halfway(&app).await, &code(&app, &secret, 0)).await);
    let again = json!({ "code": code(&app, &secret, 0) });
    assert_wrong(post(&mut browser, "auth/2fa/reauthenticate", again).await);
    wait(&app, 30);
    let now = code(&app, &secret, 0);
    give(&mut halfway(&app).await, &now).await.expect(200);
    assert_wrong(give(&mut halfway(&app).await, &now).await);
    let again = json!({ "code": now });
    assert_wrong(post(&mut browser, "auth/2fa/reauthenticate", again).await);
    // Nor does the one before count any more.
    assert_wrong(give(&mut halfway(&app).await, &code(&app, &secret, -30)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_is_typed_twice_at_the_same_time_counts_once() {
    let app = TestApp::start().await;
    let (_, secret) = with_app(&app).await;
    wait(&app, 30);
    let now = code(&app, &secret, 0);
    let (mut one, mut other) = (halfway(&app).await, halfway(&app).await);
    let (one, other) = tokio::join!(give(&mut one, &now), give(&mut other, &now));
    let (good, bad) = if one.status == 200 { (one, other) } else { (other, one) };
    good.expect(200);
    assert_wrong(bad);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_good_for_a_step_before_and_after() {
    let app = TestApp::start().await;
    let (_, secret) = with_app(&app).await;
    wait(&app, 3600);
    for (seconds, is_good) in [(-60, false), (-30, true), (30, true), (60, false)] {
        let answer = give(&mut halfway(&app).await, &code(&app, &secret, seconds)).await;
        match is_good {
            true => drop(answer.expect(200)),
            false => assert_wrong(answer),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_is_waited_for_a_quarter_of_an_hour() {
    let app = TestApp::start().await;
    let (_, secret) = with_app(&app).await;
    for (seconds, is_good) in [(899, true), (900, false)] {
        let mut browser = halfway(&app).await;
        wait(&app, seconds);
        let answer = give(&mut browser, &code(&app, &secret, 0)).await;
        match is_good {
            true => drop(answer.expect(200)),
            false => {
                assert_nothing_pending(answer);
                let flows = get(&mut browser, "auth/session").await.json()["data"]["flows"].clone();
                assert_eq!(flows.as_array().unwrap().len(), 3, "{flows}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_password_there_is_no_second_step() {
    let app = TestApp::start().await;
    let (mut signed_in, secret) = with_app(&app).await;
    wait(&app, 30);
    let mut stranger = visitor(&app).await;
    let body = json!({ "credential": {} });
    for browser in [&mut stranger, &mut signed_in] {
        assert_nothing_pending(give(browser, &code(&app, &secret, 0)).await);
        assert_nothing_pending(get(browser, "auth/webauthn/authenticate").await);
        let answer = post(browser, "auth/webauthn/authenticate", body.clone()).await;
        assert_nothing_pending(answer);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_meanwhile_ends_the_wait() {
    let app = TestApp::start().await;
    let (mut browser, secret) = with_app(&app).await;
    wait(&app, 30);
    let mut waiting = halfway(&app).await;
    let body = json!({ "current_password": PASSWORD, "new_password": OTHER_PASSWORD });
    post(&mut browser, "account/password/change", body).await.expect(200);
    assert_nothing_pending(give(&mut waiting, &code(&app, &secret, 0)).await);

    let mut waiting = app.stranger();
    waiting.give_password(JANE, OTHER_PASSWORD).await.expect(401);
    app.database.sql("UPDATE users SET is_active = false").await;
    assert_nothing_pending(give(&mut waiting, &code(&app, &secret, 0)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_are_guessed_five_times_and_the_password_gives_no_more() {
    let app = TestApp::start().await;
    let (_, secret) = with_app(&app).await;
    wait(&app, 300);
    let mut browser = halfway(&app).await;
    for _ in 0..5 {
        assert_wrong(give(&mut browser, "000000").await);
    }
    let right = code(&app, &secret, 0);
    for browser in [&mut browser, &mut halfway(&app).await] {
        assert_problem(give(browser, &right).await, "too_many_login_attempts", None);
    }
    assert_eq!(audited(&app).await.last().unwrap(), "account.sign_in_throttled");
    wait(&app, 300);
    give(&mut browser, &code(&app, &secret, 0)).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_proves_once_more_who_is_signed_in() {
    let app = TestApp::start().await;
    let (mut browser, secret) = with_app(&app).await;
    wait(&app, 30);
    let body = json!({ "code": code(&app, &secret, 0) });
    let said = post(&mut browser, "auth/2fa/reauthenticate", body).await.expect(200).json();
    let last = said["data"]["methods"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["type"], &last["at"]), (&json!("totp"), &seconds(&app)));
    assert_eq!((&last["method"], &last["reauthenticated"]), (&json!("mfa"), &json!(true)));
    let answer = post(&mut browser, "auth/2fa/reauthenticate", json!({ "code": "000000" })).await;
    assert_wrong(answer);
    let body = json!({ "code": code(&app, &secret, 30) });
    let said = post(&mut visitor(&app).await, "auth/2fa/reauthenticate", body).await.expect(401);
    assert_eq!(said.json()["meta"], json!({ "is_authenticated": false }));
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_last_second_factor_go_the_recovery_codes() {
    let app = TestApp::start().await;
    let (mut browser, _) = with_app(&app).await;
    for _ in 0..2 {
        let answer = delete(&mut browser, "account/authenticators/totp", json!({})).await;
        assert_bare(answer, 200);
        let listed = get(&mut browser, "account/authenticators").await.json();
        assert_eq!(listed["data"], json!([]));
    }
    let expected = ["account.sign_in", "account.second_factor_add", "account.second_factor_remove"];
    assert_eq!(audited(&app).await, expected);
    let changes: Vec<_> = mails(&app).await.into_iter().map(|mail| mail.change).collect();
    assert_eq!(changes, ["app_added", "app_removed"]);
    app.stranger().give_password(JANE, PASSWORD).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_has_no_second_factors() {
    let app = TestApp::start().await;
    person(&app, JANE).await;
    let mut browser = visitor(&app).await;
    for endpoint in ["", "/totp", "/recovery-codes", "/webauthn"] {
        let endpoint = format!("account/authenticators{endpoint}");
        let said = get(&mut browser, &endpoint).await.expect(401).json();
        assert_eq!(said["meta"], json!({ "is_authenticated": false }), "{endpoint}");
    }
    let body = json!({ "code": "000000" });
    post(&mut browser, "account/authenticators/totp", body.clone()).await.expect(401);
    delete(&mut browser, "account/authenticators/totp", body.clone()).await.expect(401);
    post(&mut browser, "account/authenticators/recovery-codes", body).await.expect(401);
}
