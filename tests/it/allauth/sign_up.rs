//! Making an account for oneself.

use mishap_storage::accounts::emails;
use mishap_testkit::{Browser, Options, TestApp};
use mishap_web::config::AccountRules;
use serde_json::{Value, json};

use super::{
    JANE, OTHER_PASSWORD, PASSWORD, assert_bare, assert_problem, audited, get, jane, mails, person,
    post, seconds, visitor,
};

async fn closed() -> TestApp {
    let accounts = AccountRules { is_open: false, ..AccountRules::default() };
    TestApp::start_with(Options { accounts, ..Options::default() }).await
}

fn typed(email: &str, password: &str) -> Value {
    json!({ "email": email, "password": password })
}

async fn sign_up(browser: &mut Browser, email: &str) -> mishap_testkit::Answer {
    post(browser, "auth/signup", typed(email, PASSWORD)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_makes_an_account_is_signed_in_and_asked_to_prove_the_address() {
    let app = TestApp::start().await;
    let mut browser = visitor(&app).await;
    let answer = sign_up(&mut browser, JANE).await.expect(200).json();
    let id = answer["data"]["user"]["id"].clone();
    let expected = json!({
        "status": 200,
        "data": {
            "user": { "id": id, "display": JANE, "email": JANE, "has_usable_password": true },
            "methods": [{ "method": "signup", "at": seconds(&app) }],
        },
        "meta": { "is_authenticated": true },
    });
    assert_eq!(answer, expected);
    get(&mut browser, "auth/session").await.expect(200);
    let query = "SELECT email, is_verified, is_primary FROM user_emails";
    let row = json!({ "email": JANE, "is_verified": false, "is_primary": true });
    assert_eq!(app.database.rows(query).await, [row]);
    let mails = mails(&app).await;
    assert_eq!((mails.len(), mails[0].to.as_str()), (1, JANE));
    assert_eq!(mails[0].kind, "confirm_address");
    assert!(mails[0].link.starts_with("http://mishap.test/profile/confirm-email/"));
    assert_eq!(audited(&app).await, ["account.create", "account.sign_in"]);
    let query = format!("SELECT is_superuser, is_staff FROM users WHERE email = '{JANE}'");
    let nobody_special = json!({ "is_superuser": false, "is_staff": false });
    assert_eq!(app.database.rows(&query).await, [nobody_special]);
    app.stranger().give_password(JANE, PASSWORD).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_one_account() {
    let app = TestApp::start().await;
    let user = person(&app, JANE).await;
    let mut conn = app.database.conn().await;
    emails::insert(&mut conn, user, "proven@example.com", true, false).await.unwrap();
    emails::insert(&mut conn, user, "claimed@example.com", false, false).await.unwrap();
    for taken in [JANE, "JANE@example.com", "proven@example.com"] {
        let answer = sign_up(&mut visitor(&app).await, taken).await;
        assert_problem(answer, "email_taken", Some("email"));
    }
    // Claiming an address takes it from nobody.
    sign_up(&mut visitor(&app).await, "claimed@example.com").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_at_the_same_time_one_has_the_address() {
    let app = TestApp::start().await;
    let (mut one, mut other) = (visitor(&app).await, visitor(&app).await);
    let (one, other) = tokio::join!(sign_up(&mut one, JANE), sign_up(&mut other, JANE));
    let (good, bad) = if one.status == 200 { (one, other) } else { (other, one) };
    good.expect(200);
    assert_problem(bad, "email_taken", Some("email"));
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_have_to_be_good_enough() {
    let app = TestApp::start().await;
    let mut browser = visitor(&app).await;
    for (password, codes) in [
        ("jane.example", vec!["password_too_similar"]),
        ("y7#qk", vec!["password_too_short"]),
        ("password1", vec!["password_too_common"]),
        ("84927301653", vec!["password_entirely_numeric"]),
        ("123456", vec!["password_too_short", "password_too_common", "password_entirely_numeric"]),
        (&"ab".repeat(2049), vec!["max_length"]),
    ] {
        let answer = post(&mut browser, "auth/signup", typed(JANE, password)).await.expect(400);
        let said = answer.json();
        let errors = said["errors"].as_array().unwrap();
        let found: Vec<_> = errors.iter().map(|error| error["code"].as_str().unwrap()).collect();
        assert_eq!(found, codes, "{password}");
        assert!(errors.iter().all(|error| error["param"] == "password"), "{said}");
    }
    // What is wrong with both fields is told at once.
    let said = post(&mut browser, "auth/signup", typed("jane", "y7#qk")).await.expect(400).json();
    let params: Vec<_> = said["errors"].as_array().unwrap().iter().map(|e| &e["param"]).collect();
    assert_eq!(params, ["email", "password"]);
    assert_eq!(app.database.number("SELECT count(*) FROM users").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_signed_in_makes_no_other_account() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    let answer = post(&mut browser, "auth/signup", typed("joan@example.com", OTHER_PASSWORD));
    assert_bare(answer.await, 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_it_is_closed_nobody_makes_an_account() {
    let app = closed().await;
    person(&app, JANE).await;
    let mut browser = visitor(&app).await;
    let config = get(&mut browser, "config").await.json();
    assert_eq!(config["data"]["account"]["is_open_for_signup"], false);
    let session = get(&mut browser, "auth/session").await.json();
    let flows = json!([{ "id": "login" }, { "id": "mfa_login_webauthn" }]);
    assert_eq!(session["data"]["flows"], flows);
    // Nor does anybody learn who has one.
    for email in ["joan@example.com", JANE] {
        assert_bare(sign_up(&mut browser, email).await, 403);
    }
    let answer = post(&mut browser, "auth/signup", typed("joan@example.com", "y7#qk")).await;
    assert_problem(answer, "password_too_short", Some("password"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_account_can_always_be_made() {
    let app = closed().await;
    app.database.sql("DELETE FROM organizations; DELETE FROM users").await;
    let mut browser = visitor(&app).await;
    let config = get(&mut browser, "config").await.json();
    assert_eq!(config["data"]["account"]["is_open_for_signup"], true);
    sign_up(&mut browser, JANE).await.expect(200);
    assert_bare(sign_up(&mut visitor(&app).await, "joan@example.com").await, 403);
}
