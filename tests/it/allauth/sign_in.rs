//! Signing in with a password, and out again.

use mishap_core::random::SystemRandom;
use mishap_core::secret::ApiToken;
use mishap_storage::accounts::{emails, users};
use mishap_testkit::TestApp;
use serde_json::json;

use super::{
    HASH, JANE, PASSWORD, assert_bare, assert_problem, at, audited, delete, get, jane, moment,
    person, post, visitor,
};

/// What Django makes of the password (the tests of passwords have more).
const FROM_DJANGO: [&str; 5] = [
    "pbkdf2_sha256$20000$8ZNksjdE2CcC0RkAW8RfUa$Is8AKMM1uTQJ8Q3HECH0+azrKoVa+LQf3IJI0BtqpYs=",
    "pbkdf2_sha1$1000$seasalt$9iRYj0as1r5j+cCBxB+HMlxkyr4=",
    "argon2$argon2id$v=19$m=102400,t=2,p=8$emF6ZVhXTkM3R1JmT3cyWnpNcTZJWA$\
     h/2q8G0Q1XNcGMS4DWVFQAuEZQ9doZ+ADYVtDZmjAzw",
    "bcrypt_sha256$$2b$12$ek5THJdwCdLnXfPH8KYpLeYQ.Otda6O4wRHOK1BWvg9E4NmhZiG1q",
    "scrypt$16384$wERVnL9OS2Lyx8rqGpVW6m$8$5$\
     qcIdU3TOapi26/4CmKYcXLmI0tYXf1lAM7+P2MFqmkgPJ+OMSFC9KOVv43FciI4i56fbu0K7sXNHzItjV4qwnw==",
];

async fn stored_password(app: &TestApp) -> String {
    let query = format!("SELECT password_hash FROM users WHERE email = '{JANE}'");
    app.database.rows(&query).await[0]["password_hash"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_of_django_s_is_taken_and_hashed_anew() {
    let app = TestApp::start().await;
    let user = person(&app, JANE).await;
    for stored in FROM_DJANGO {
        let mut conn = app.database.conn().await;
        users::set_password(&mut conn, user, Some(stored)).await.unwrap();
        app.stranger().give_password(JANE, "wrong").await.expect(400);
        assert_eq!(stored_password(&app).await, stored);
        app.stranger().give_password(JANE, PASSWORD).await.expect(200);
        let anew = stored_password(&app).await;
        assert!(anew.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored} became {anew}");
        app.stranger().give_password(JANE, PASSWORD).await.expect(200);
        assert_eq!(stored_password(&app).await, anew, "it is hashed anew once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_learns_who_has_an_account() {
    let app = TestApp::start().await;
    person(&app, JANE).await;
    person(&app, "off@example.com").await;
    app.database.sql("UPDATE users SET is_active = false WHERE email LIKE 'off@%'").await;
    // She never had a password.
    app.database.account("joan@example.com").await;
    let known = app.stranger().give_password(JANE, "wrong").await;
    for unknown in ["nobody@example.com", "off@example.com", "joan@example.com"] {
        let answer = app.stranger().give_password(unknown, "wrong").await;
        assert_eq!((answer.status, &answer.body), (known.status, &known.body), "{unknown}");
    }
    assert_problem(known, "email_password_mismatch", Some("password"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_password_opens_an_account_that_has_none() {
    let app = TestApp::start().await;
    let user = person(&app, JANE).await;
    for stored in [None, Some("!unusable"), Some("!"), Some("")] {
        let mut conn = app.database.conn().await;
        users::set_password(&mut conn, user, stored).await.unwrap();
        super::wait(&app, 300);
        for password in [PASSWORD, "!unusable", "!"] {
            let answer = app.stranger().give_password(JANE, password).await;
            assert_problem(answer, "email_password_mismatch", Some("password"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_read_as_people_type_it() {
    let app = TestApp::start().await;
    person(&app, JANE).await;
    for typed in ["Jane@Example.COM", " jane@example.com "] {
        app.stranger().give_password(typed, PASSWORD).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_address_will_do_that_is_proven() {
    let app = TestApp::start().await;
    let user = person(&app, JANE).await;
    let mut conn = app.database.conn().await;
    emails::insert(&mut conn, user, "jd@example.com", true, false).await.unwrap();
    emails::insert(&mut conn, user, "claimed@example.com", false, false).await.unwrap();
    let answer = app.stranger().give_password("jd@example.com", PASSWORD).await.expect(200);
    assert_eq!(answer.json()["data"]["user"]["email"], JANE);
    app.stranger().give_password("claimed@example.com", PASSWORD).await.expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_told_at_once() {
    let app = TestApp::start().await;
    let mut browser = visitor(&app).await;
    for body in [json!({}), json!({ "email": "", "password": null }), json!({ "email": 7 })] {
        let said = post(&mut browser, "auth/login", body).await.expect(400).json();
        let message = "This field is required.";
        let missing =
            |param: &str| json!({ "message": message, "code": "required", "param": param });
        let errors = json!([missing("email"), missing("password")]);
        assert_eq!(said, json!({ "status": 400, "errors": errors }));
    }
    let answer = post(&mut browser, "auth/login", json!({ "email": "jane", "password": "x" }));
    assert_problem(answer.await, "invalid", Some("email"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_signed_in_already_hears_so_if_the_password_is_right() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    assert_bare(browser.give_password(JANE, PASSWORD).await, 409);
    let answer = browser.give_password(JANE, "wrong").await;
    assert_problem(answer, "email_password_mismatch", Some("password"));
    get(&mut browser, "auth/session").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_off_signs_nobody_in() {
    let app = TestApp::start().await;
    person(&app, JANE).await;
    app.database.sql("UPDATE users SET is_active = false").await;
    let mut browser = app.stranger();
    let answer = browser.give_password(JANE, PASSWORD).await.expect(401);
    assert_eq!(answer.json()["meta"], json!({ "is_authenticated": false }));
    assert_eq!(browser.session, None);
    assert_eq!(stored_password(&app).await, HASH);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_is_noted() {
    let app = TestApp::start().await;
    let user = person(&app, JANE).await;
    let mut browser = app.stranger();
    browser.says = vec![("user-agent", "Test/1".to_owned())];
    browser.give_password(JANE, PASSWORD).await.expect(200);
    assert_eq!(audited(&app).await, ["account.sign_in"]);
    let query = "SELECT actor_id, actor, target_kind, target_id, client_ip FROM audit_log";
    let expected = json!({
        "actor_id": user,
        "actor": JANE,
        "target_kind": "account",
        "target_id": user.to_string(),
        "client_ip": "127.0.0.1",
    });
    assert_eq!(app.database.rows(query).await, [expected]);
    let signed_in = format!("SELECT count(*) FROM users WHERE last_login_at = '{}'", moment(&app));
    assert_eq!(app.database.number(&signed_in).await, 1);
    let session = "SELECT user_id, client_ip, user_agent FROM sessions";
    let expected = json!({ "user_id": user, "client_ip": "127.0.0.1", "user_agent": "Test/1" });
    assert_eq!(app.database.rows(session).await, [expected]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_forms_changes_with_whoever_signs_in() {
    let app = TestApp::start().await;
    person(&app, JANE).await;
    let mut browser = visitor(&app).await;
    let before = browser.csrf_cookie.clone();
    browser.give_password(JANE, PASSWORD).await.expect(200);
    assert_ne!(browser.csrf_cookie, before);
    delete(&mut browser, "auth/session", json!({})).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_signs_out_is_out() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    let stolen = browser.clone();
    let answer = delete(&mut browser, "auth/session", json!({})).await.expect(401);
    let expected = get(&mut app.stranger(), "auth/session").await;
    assert_eq!(answer.body, expected.body);
    assert_eq!(browser.session, None, "the browser forgets the cookie");
    stolen.client().get(&at("auth/session")).await.expect(401);
    assert_eq!(app.database.number("SELECT count(*) FROM sessions").await, 0);
    assert_eq!(audited(&app).await, ["account.sign_in", "account.sign_out"]);
    // Once more, nothing happens.
    delete(&mut browser, "auth/session", json!({})).await.expect(401);
    assert_eq!(audited(&app).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_planted_is_worth_nothing() {
    let app = TestApp::start().await;
    person(&app, JANE).await;
    // One that nobody gave out.
    let mut browser = visitor(&app).await;
    let planted = ApiToken::generate(&SystemRandom).reveal().to_owned();
    browser.session = Some(planted.clone());
    browser.give_password(JANE, PASSWORD).await.expect(200);
    assert_ne!(browser.session, Some(planted.clone()));
    let mut attacker = app.stranger();
    attacker.session = Some(planted);
    get(&mut attacker, "auth/session").await.expect(401);
}
