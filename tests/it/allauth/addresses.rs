//! Addresses of an account, and links that prove that they are its own.

use mishap_core::signing::{Purpose, SigningKey, base36};
use mishap_storage::accounts::{authenticators, emails};
use mishap_testkit::{Answer, Browser, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    JANE, PASSWORD, assert_bare, assert_problem, at, audited, backwards, delete, get, jane, mails,
    person, post, put, visitor, wait,
};

const EMAIL: &str = "account/email";
const SECOND: &str = "second@example.com";

async fn add(browser: &mut Browser, email: &str) -> Answer {
    post(browser, EMAIL, json!({ "email": email })).await
}

async fn patch(browser: &mut Browser, body: Value) -> Answer {
    browser.send(Method::PATCH, &at(EMAIL), &body).await
}

/// The key of the last link that was sent.
async fn key(app: &TestApp) -> String {
    mails(app).await.pop().unwrap().key("/profile/confirm-email/")
}

async fn show(app: &TestApp, key: &str) -> Answer {
    let mut browser = app.stranger();
    browser.says = vec![("x-email-verification-key", key.to_owned())];
    get(&mut browser, "auth/email/verify").await
}

async fn verify(browser: &mut Browser, key: &str) -> Answer {
    post(browser, "auth/email/verify", json!({ "key": key })).await
}

async fn is_verified(app: &TestApp, email: &str) -> bool {
    let query = "SELECT count(*) FROM user_emails WHERE is_verified";
    app.database.number(&format!("{query} AND email = '{email}'")).await == 1
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_added_and_proven_by_a_link() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    let answer = get(&mut browser, EMAIL).await.expect(200);
    let first = format!("{{\"email\":\"{JANE}\",\"verified\":true,\"primary\":true}}");
    assert_eq!(answer.body, format!("{{\"status\":200,\"data\":[{first}]}}"));
    let answer = add(&mut browser, SECOND).await.expect(200);
    let second = format!("{{\"email\":\"{SECOND}\",\"verified\":false,\"primary\":false}}");
    assert_eq!(answer.body, format!("{{\"status\":200,\"data\":[{first},{second}]}}"));
    let sent = mails(&app).await.pop().unwrap();
    assert_eq!((sent.to.as_str(), sent.kind.as_str()), (SECOND, "confirm_address"));
    assert!(sent.link.ends_with('/'), "{}", sent.link);

    let key = key(&app).await;
    let shown = show(&app, &key).await.expect(200);
    let user = shown.json()["data"]["user"].clone();
    assert_eq!(user["email"], JANE);
    let expected = json!({
        "status": 200,
        "data": { "email": SECOND, "user": user },
        "meta": { "is_authenticating": false },
    });
    assert_eq!(shown.json(), expected);
    assert!(!is_verified(&app, SECOND).await, "looking proves nothing");

    let answer = verify(&mut browser, &key).await.expect(200).json();
    assert_eq!(answer["data"]["user"]["display"], JANE);
    assert!(is_verified(&app, SECOND).await);
    let changes = ["account.address_change"; 2];
    assert_eq!(audited(&app).await[1..], changes);
    // A mail program that looked first does no harm.
    verify(&mut browser, &key).await.expect(200);
    assert_eq!(audited(&app).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_signed_in_proves_an_address_too() {
    let app = TestApp::start().await;
    let mut browser = visitor(&app).await;
    let body = json!({ "email": JANE, "password": PASSWORD });
    post(&mut browser, "auth/signup", body).await.expect(200);
    let key = key(&app).await;
    let answer = verify(&mut visitor(&app).await, &key).await.expect(401).json();
    assert_eq!(answer["meta"], json!({ "is_authenticated": false }));
    assert!(is_verified(&app, JANE).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_holds_for_three_days_and_for_its_address() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    add(&mut browser, SECOND).await.expect(200);
    let key = key(&app).await;
    let (id, token) = key.split_once('-').unwrap();
    let (time, hash) = token.split_once('-').unwrap();
    let elsewhere = SigningKey::new(b"another installation");
    let number = i64::from_str_radix(id, 36).unwrap();
    let forged = elsewhere.sign(Purpose::AddressConfirmation, number, &[SECOND], app.now());
    for wrong in [
        "-".to_owned(),
        "x".repeat(10_000),
        format!("{}-{token}", base36(number - 1)),
        format!("{}-{token}", base36(number + 1)),
        format!("{id}-{forged}"),
        format!("{id}-{token}0"),
        format!("{id}-{time}-{}", backwards(hash)),
    ] {
        assert_problem(show(&app, &wrong).await, "invalid_or_expired_key", Some("key"));
        let answer = verify(&mut browser, &wrong).await;
        assert_problem(answer, "invalid_or_expired_key", Some("key"));
    }
    assert_problem(verify(&mut browser, "").await, "required", Some("key"));
    assert_problem(get(&mut browser, "auth/email/verify").await, "required", Some("key"));
    wait(&app, 3 * 86_400);
    show(&app, &key).await.expect(200);
    wait(&app, 1);
    assert_problem(show(&app, &key).await, "invalid_or_expired_key", Some("key"));
    let answer = verify(&mut browser, &key).await;
    assert_problem(answer, "invalid_or_expired_key", Some("key"));
    assert!(!is_verified(&app, SECOND).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_gone_cannot_be_proven() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    add(&mut browser, SECOND).await.expect(200);
    let key = key(&app).await;
    delete(&mut browser, EMAIL, json!({ "email": SECOND })).await.expect(200);
    let answer = verify(&mut browser, &key).await;
    assert_problem(answer, "invalid_or_expired_key", Some("key"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_proves_an_address_first_has_it() {
    let app = TestApp::start().await;
    let mut jane = jane(&app).await;
    add(&mut jane, SECOND).await.expect(200);
    let of_jane = key(&app).await;
    person(&app, "joan@example.com").await;
    let mut joan = app.stranger();
    joan.give_password("joan@example.com", PASSWORD).await.expect(200);
    add(&mut joan, SECOND).await.expect(200);
    let of_joan = key(&app).await;
    let (one, other) = tokio::join!(verify(&mut jane, &of_jane), verify(&mut joan, &of_joan));
    let (good, bad) = if one.status == 200 { (one, other) } else { (other, one) };
    good.expect(200);
    assert_problem(bad, "email_taken", Some("key"));
    let count = app
        .database
        .number("SELECT count(*) FROM user_emails WHERE email LIKE 'second@%' AND is_verified");
    assert_eq!(count.await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn some_addresses_cannot_be_added() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    let joan = person(&app, "joan@example.com").await;
    let mut conn = app.database.conn().await;
    emails::insert(&mut conn, joan, "proven@example.com", true, false).await.unwrap();
    add(&mut browser, SECOND).await.expect(200);
    for (email, code) in [
        ("joan@example.com", "email_taken"),
        ("Proven@example.com", "email_taken"),
        ("SECOND@example.com", "duplicate_email"),
        (JANE, "duplicate_email"),
        ("jane", "invalid"),
        ("", "required"),
    ] {
        assert_problem(add(&mut browser, email).await, code, Some("email"));
    }
    assert_eq!(mails(&app).await.len(), 1);
    assert_bare(add(&mut visitor(&app).await, SECOND).await, 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_a_second_factor_adds_no_address() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    let user = app.database.number("SELECT id FROM users WHERE email LIKE 'jane@%'").await;
    let mut conn = app.database.conn().await;
    let (user, kind) = (mishap_core::id::UserId(user), authenticators::Kind::Totp);
    authenticators::put(&mut conn, user, kind, &json!({})).await.unwrap();
    assert_problem(add(&mut browser, SECOND).await, "add_email_blocked", Some("email"));
    assert_eq!(mails(&app).await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_has_two_hundred_addresses_at_most() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    let many = "INSERT INTO user_emails (user_id, email) SELECT user_id, n || '@example.com' \
                FROM user_emails, generate_series(1, 199) AS n";
    app.database.sql(many).await;
    assert_problem(add(&mut browser, SECOND).await, "max_email_addresses", Some("email"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_sent_again_after_three_minutes() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    add(&mut browser, SECOND).await.expect(200);
    let again = json!({ "email": SECOND });
    assert_bare(put(&mut browser, EMAIL, again.clone()).await, 403);
    wait(&app, 179);
    assert_bare(put(&mut browser, EMAIL, again.clone()).await, 403);
    wait(&app, 1);
    assert_bare(put(&mut browser, EMAIL, again.clone()).await, 200);
    assert_bare(put(&mut browser, EMAIL, again.clone()).await, 403);
    assert_eq!(mails(&app).await.len(), 2);
    let key = key(&app).await;
    verify(&mut browser, &key).await.expect(200);
    wait(&app, 180);
    // There is nothing to prove any more.
    assert_bare(put(&mut browser, EMAIL, again.clone()).await, 403);
    let unknown = put(&mut browser, EMAIL, json!({ "email": "x@example.com" })).await;
    assert_problem(unknown, "unknown_email", Some("email"));
    put(&mut visitor(&app).await, EMAIL, again).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_address_becomes_the_first() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    add(&mut browser, SECOND).await.expect(200);
    let make = json!({ "email": SECOND, "primary": true });
    let answer = patch(&mut browser, make.clone()).await;
    assert_problem(answer, "unverified_primary_email", Some("email"));
    let key = key(&app).await;
    verify(&mut browser, &key).await.expect(200);
    for body in [json!({ "email": SECOND }), json!({ "email": SECOND, "primary": false })] {
        assert_problem(patch(&mut browser, body).await, "required", Some("primary"));
    }
    let answer = patch(&mut browser, make.clone()).await.expect(200).json();
    let expected = json!([
        { "email": JANE, "verified": true, "primary": false },
        { "email": SECOND, "verified": true, "primary": true },
    ]);
    assert_eq!(answer["data"], expected);
    let shown = get(&mut browser, "auth/session").await.json()["data"]["user"].clone();
    assert_eq!((&shown["email"], &shown["display"]), (&json!(SECOND), &json!(SECOND)));
    for email in [JANE, SECOND] {
        app.stranger().give_password(email, PASSWORD).await.expect(200);
    }
    patch(&mut visitor(&app).await, make).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_somebody_signs_in_with_becomes_nobody_else_s_first() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    add(&mut browser, SECOND).await.expect(200);
    let key = key(&app).await;
    verify(&mut browser, &key).await.expect(200);
    // An operator gave it to somebody else.
    app.database.account(SECOND).await;
    let answer = patch(&mut browser, json!({ "email": SECOND, "primary": true })).await;
    assert_problem(answer, "email_taken", Some("email"));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_addresses_but_the_first_can_be_removed() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    add(&mut browser, SECOND).await.expect(200);
    let answer = delete(&mut browser, EMAIL, json!({ "email": JANE })).await;
    assert_problem(answer, "cannot_remove_primary_email", Some("email"));
    let answer = delete(&mut browser, EMAIL, json!({ "email": "SECOND@example.com" })).await;
    let left = json!([{ "email": JANE, "verified": true, "primary": true }]);
    assert_eq!(answer.expect(200).json(), json!({ "status": 200, "data": left }));
    let answer = delete(&mut browser, EMAIL, json!({ "email": SECOND })).await;
    assert_problem(answer, "unknown_email", Some("email"));
    assert_eq!(audited(&app).await[1..], ["account.address_change"; 2]);
    delete(&mut visitor(&app).await, EMAIL, json!({ "email": SECOND })).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_has_a_phone() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    let answer = get(&mut browser, "account/phone").await.expect(200);
    assert_eq!(answer.body, "{\"status\":200,\"data\":[]}");
    for endpoint in [
        "auth/email/verify/resend",
        "auth/phone/verify",
        "auth/phone/verify/resend",
        "auth/code/confirm",
    ] {
        assert_bare(post(&mut browser, endpoint, json!({})).await, 409);
    }
    let mut stranger = visitor(&app).await;
    get(&mut stranger, "account/phone").await.expect(401);
    get(&mut stranger, EMAIL).await.expect(401);
}
