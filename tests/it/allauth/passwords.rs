//! Changing the password, and choosing a new one with a link that came by mail.

use mishap_core::signing::{Purpose, SigningKey, base36};
use mishap_storage::accounts::{emails, users};
use mishap_testkit::{Answer, Browser, TestApp};
use serde_json::{Value, json};

use super::{
    JANE, OTHER_PASSWORD, PASSWORD, assert_bare, assert_problem, audited, backwards, get, jane,
    mails, person, post, seconds, visitor, wait,
};

const RESET: &str = "/reset-password/set-new-password/";

/// The key of a link that Jane is sent.
async fn link(app: &TestApp) -> String {
    let mut browser = visitor(app).await;
    let answer = post(&mut browser, "auth/password/request", json!({ "email": JANE })).await;
    assert_bare(answer, 200);
    let sent = mails(app).await.pop().unwrap();
    assert_eq!((sent.to.as_str(), sent.kind.as_str()), (JANE, "password_reset"));
    sent.key(RESET)
}

async fn show(app: &TestApp, key: &str) -> Answer {
    let mut browser = app.stranger();
    browser.says = vec![("x-password-reset-key", key.to_owned())];
    get(&mut browser, "auth/password/reset").await
}

async fn reset(browser: &mut Browser, key: &str, password: &str) -> Answer {
    post(browser, "auth/password/reset", json!({ "key": key, "password": password })).await
}

/// Checks that a link is good for nothing.
async fn assert_void(app: &TestApp, key: &str) {
    assert_problem(show(app, key).await, "invalid_password_reset", Some("key"));
    let answer = reset(&mut visitor(app).await, key, OTHER_PASSWORD).await;
    assert_problem(answer, "invalid_password_reset", Some("key"));
    assert_problem(
        app.stranger().give_password(JANE, OTHER_PASSWORD).await,
        "email_password_mismatch",
        Some("password"),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_lets_its_owner_choose_a_password_once() {
    let app = TestApp::start().await;
    let mut signed_in = jane(&app).await;
    wait(&app, 1);
    let key = link(&app).await;
    let shown = show(&app, &key).await.expect(200).json();
    let id = shown["data"]["user"]["id"].clone();
    let user = json!({ "id": id, "display": JANE, "email": JANE, "has_usable_password": true });
    assert_eq!(shown, json!({ "status": 200, "data": { "user": user } }));

    let mut browser = visitor(&app).await;
    let answer = reset(&mut browser, &key, OTHER_PASSWORD).await.expect(401);
    assert_eq!(answer.json()["meta"], json!({ "is_authenticated": false }));
    assert_eq!(browser.session, None, "nobody is signed in by it");
    get(&mut signed_in, "auth/session").await.expect(401);
    app.stranger().give_password(JANE, OTHER_PASSWORD).await.expect(200);
    app.stranger().give_password(JANE, PASSWORD).await.expect(400);
    assert_eq!(mails(&app).await.last().unwrap().kind, "password_changed");
    let expected = ["account.sign_in", "account.password_reset_link", "account.password_change"];
    assert_eq!(audited(&app).await[..3], expected);

    let again = reset(&mut browser, &key, "yet another password").await;
    assert_problem(again, "invalid_password_reset", Some("key"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_used_twice_at_the_same_time_counts_once() {
    let app = TestApp::start().await;
    person(&app, JANE).await;
    let key = link(&app).await;
    let (mut one, mut other) = (visitor(&app).await, visitor(&app).await);
    let (one, other) = tokio::join!(
        reset(&mut one, &key, OTHER_PASSWORD),
        reset(&mut other, &key, "yet another password"),
    );
    let (good, bad) = if one.status == 401 { (one, other) } else { (other, one) };
    good.expect(401);
    assert_problem(bad, "invalid_password_reset", Some("key"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_dies_with_the_next_sign_in_and_with_the_password() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    wait(&app, 1);
    let key = link(&app).await;
    show(&app, &key).await.expect(200);
    wait(&app, 1);
    app.stranger().give_password(JANE, PASSWORD).await.expect(200);
    assert_void(&app, &key).await;

    let key = link(&app).await;
    let body = json!({ "current_password": PASSWORD, "new_password": "yet another password" });
    post(&mut browser, "account/password/change", body).await.expect(200);
    assert_void(&app, &key).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_holds_for_three_days() {
    let app = TestApp::start().await;
    person(&app, JANE).await;
    let key = link(&app).await;
    wait(&app, 3 * 86_400);
    show(&app, &key).await.expect(200);
    wait(&app, 1);
    assert_void(&app, &key).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_cannot_be_made_up() {
    let app = TestApp::start().await;
    let user = person(&app, JANE).await;
    let other = app.database.account("joan@example.com").await.user;
    let key = link(&app).await;
    let (_, token) = key.split_once('-').unwrap();
    let (time, hash) = token.split_once('-').unwrap();
    let elsewhere = SigningKey::new(b"another installation");
    let stored = "SELECT password_hash FROM users WHERE email = 'jane@example.com'";
    let stored = app.database.rows(stored).await[0]["password_hash"].clone();
    let bound_to = [stored.as_str().unwrap(), ""];
    let forged = elsewhere.sign(Purpose::PasswordReset, user.0, &bound_to, app.now());
    for wrong in [
        String::new(),
        "-".to_owned(),
        "\u{1f511}".to_owned(),
        "1".repeat(10_000),
        format!("{}-{token}", base36(other.0)),
        format!("zzzzzzzzzzzzzzzzzzzz-{token}"),
        format!("{}-{time}1-{hash}", base36(user.0)),
        format!("{}-{time}-{}", base36(user.0), backwards(hash)),
        format!("{}-{time}-", base36(user.0)),
        format!("{}-{forged}", base36(user.0)),
    ] {
        let answer = reset(&mut visitor(&app).await, &wrong, OTHER_PASSWORD).await.expect(400);
        let expected = if wrong.is_empty() { "required" } else { "invalid_password_reset" };
        assert_eq!(answer.json()["errors"][0]["code"], expected, "{wrong}");
        assert_eq!(answer.json()["errors"][0]["param"], "key", "{wrong}");
        wait(&app, 60);
    }
    // It was good all the time.
    show(&app, &key).await.expect(200);
    // A link that proves an address chooses no password.
    let conn = &mut app.database.conn().await;
    let address = emails::find(conn, user, JANE).await.unwrap().unwrap();
    let key = SigningKey::new(b"test");
    let proof = key.sign(Purpose::AddressConfirmation, address.id.0, &[JANE], app.now());
    assert_void(&app, &format!("{}-{proof}", base36(address.id.0))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_off_has_no_link() {
    let app = TestApp::start().await;
    person(&app, JANE).await;
    let key = link(&app).await;
    app.database.sql("UPDATE users SET is_active = false").await;
    assert_problem(show(&app, &key).await, "invalid_password_reset", Some("key"));
    let mut browser = visitor(&app).await;
    let answer = reset(&mut browser, &key, OTHER_PASSWORD).await;
    assert_problem(answer, "invalid_password_reset", Some("key"));
    let request = post(&mut browser, "auth/password/request", json!({ "email": JANE })).await;
    assert_bare(request, 200);
    assert_eq!(mails(&app).await.pop().unwrap().kind, "unknown_account");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_learns_who_may_have_a_link() {
    let app = TestApp::start().await;
    person(&app, JANE).await;
    let mut browser = visitor(&app).await;
    for email in ["nobody@example.com", JANE] {
        let request = json!({ "email": email });
        assert_bare(post(&mut browser, "auth/password/request", request).await, 200);
    }
    let sent = mails(&app).await;
    let kinds: Vec<_> = sent.iter().map(|mail| (mail.to.as_str(), mail.kind.as_str())).collect();
    assert_eq!(kinds, [("nobody@example.com", "unknown_account"), (JANE, "password_reset")]);
    assert_eq!(sent[0].link, "http://mishap.test/register");
    let answer = post(&mut browser, "auth/password/request", json!({ "email": "jane" })).await;
    assert_problem(answer, "invalid", Some("email"));
    let answer = post(&mut browser, "auth/password/request", json!({})).await;
    assert_problem(answer, "required", Some("email"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_goes_where_the_owner_said_and_not_where_somebody_types() {
    let app = TestApp::start().await;
    let user = person(&app, JANE).await;
    let mut conn = app.database.conn().await;
    emails::insert(&mut conn, user, "Second@example.com", true, false).await.unwrap();
    let mut browser = visitor(&app).await;
    for (typed, to) in [("JANE@EXAMPLE.com", JANE), ("second@EXAMPLE.com", "Second@example.com")] {
        let answer = post(&mut browser, "auth/password/request", json!({ "email": typed })).await;
        assert_bare(answer, 200);
        assert_eq!(mails(&app).await.pop().unwrap().to, to);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_has_to_be_good_enough() {
    let app = TestApp::start().await;
    person(&app, JANE).await;
    let key = link(&app).await;
    let mut browser = visitor(&app).await;
    for (password, code) in
        [("y7#qk", "password_too_short"), ("jane@example.com", "password_too_similar")]
    {
        assert_problem(reset(&mut browser, &key, password).await, code, Some("password"));
    }
    assert_problem(reset(&mut browser, &key, "").await, "required", Some("password"));
    show(&app, &key).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_else_is_signed_in_stays_so() {
    let app = TestApp::start().await;
    person(&app, "joan@example.com").await;
    let mut joan = app.stranger();
    joan.give_password("joan@example.com", PASSWORD).await.expect(200);
    let mut jane = jane(&app).await;
    wait(&app, 1);
    let key = link(&app).await;
    let answer = reset(&mut joan, &key, OTHER_PASSWORD).await.expect(200);
    assert_eq!(answer.json()["data"]["user"]["display"], "joan@example.com");
    get(&mut jane, "auth/session").await.expect(401);

    let mut jane = app.stranger();
    jane.give_password(JANE, OTHER_PASSWORD).await.expect(200);
    let key = link(&app).await;
    reset(&mut jane, &key, PASSWORD).await.expect(401);
    assert_eq!(jane.session, None, "her own browser forgets the session too");
}

async fn change(browser: &mut Browser, body: Value) -> Answer {
    post(browser, "account/password/change", body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_ends_all_other_sessions() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    let mut elsewhere = app.stranger();
    elsewhere.give_password(JANE, PASSWORD).await.expect(200);
    let session = browser.session.clone();
    let body = json!({ "current_password": PASSWORD, "new_password": OTHER_PASSWORD });
    let answer = change(&mut browser, body).await.expect(200).json();
    assert_eq!(answer["data"]["methods"][0]["method"], "password");
    assert_eq!(answer["meta"], json!({ "is_authenticated": true }));
    assert_eq!(browser.session, session);
    get(&mut browser, "auth/session").await.expect(200);
    get(&mut elsewhere, "auth/session").await.expect(401);
    app.stranger().give_password(JANE, OTHER_PASSWORD).await.expect(200);
    app.stranger().give_password(JANE, PASSWORD).await.expect(400);
    let sent = mails(&app).await;
    assert_eq!((sent[0].to.as_str(), sent[0].kind.as_str()), (JANE, "password_changed"));
    assert!(audited(&app).await.contains(&"account.password_change".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_a_password_says_it_before_it_is_changed() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    let answer = change(&mut browser, json!({ "new_password": OTHER_PASSWORD })).await;
    assert_problem(answer, "required", Some("current_password"));
    let wrong = json!({ "current_password": "wrong", "new_password": OTHER_PASSWORD });
    let answer = change(&mut browser, wrong).await;
    assert_problem(answer, "enter_current_password", Some("current_password"));
    let weak = json!({ "current_password": PASSWORD, "new_password": "password1" });
    let answer = change(&mut browser, weak).await;
    assert_problem(answer, "password_too_common", Some("new_password"));
    let both = json!({ "current_password": "wrong", "new_password": "y7#qk" });
    let said = change(&mut browser, both).await.expect(400).json();
    let codes: Vec<_> = said["errors"].as_array().unwrap().iter().map(|e| &e["code"]).collect();
    assert_eq!(codes, ["enter_current_password", "password_too_short"]);
    app.stranger().give_password(JANE, PASSWORD).await.expect(200);

    let body = json!({ "current_password": PASSWORD, "new_password": OTHER_PASSWORD });
    change(&mut visitor(&app).await, body).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_none_just_sets_one() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    app.database.sql("UPDATE users SET password_hash = NULL").await;
    let shown = get(&mut browser, "auth/session").await.json();
    assert_eq!(shown["data"]["user"]["has_usable_password"], false);
    change(&mut browser, json!({ "new_password": OTHER_PASSWORD })).await.expect(200);
    app.stranger().give_password(JANE, OTHER_PASSWORD).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hash_that_is_made_anew_never_replaces_another_password() {
    let app = TestApp::start().await;
    let user = person(&app, JANE).await;
    let conn = &mut app.database.conn().await;
    users::set_password(conn, user, Some("chosen meanwhile")).await.unwrap();
    assert!(!users::replace_password(conn, user, Some(super::HASH), "anew").await.unwrap());
    assert!(!users::replace_password(conn, user, None, "anew").await.unwrap());
    let stored = users::password_hash(conn, user).await.unwrap();
    assert_eq!(stored.as_deref(), Some("chosen meanwhile"));
    assert!(users::replace_password(conn, user, stored.as_deref(), "anew").await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_said_once_more() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    let before = seconds(&app);
    wait(&app, 60);
    let answer = post(&mut browser, "auth/reauthenticate", json!({ "password": PASSWORD })).await;
    let expected = json!([
        { "method": "password", "at": before, "email": JANE },
        { "method": "password", "at": seconds(&app), "reauthenticated": true },
    ]);
    assert_eq!(answer.expect(200).json()["data"]["methods"], expected);
    let session = get(&mut browser, "auth/session").await.json();
    assert_eq!(session["data"]["methods"], expected);
    let answer = post(&mut browser, "auth/reauthenticate", json!({ "password": "wrong" })).await;
    assert_problem(answer, "incorrect_password", Some("password"));
    let answer = post(&mut browser, "auth/reauthenticate", json!({})).await;
    assert_problem(answer, "required", Some("password"));
    let mut stranger = visitor(&app).await;
    let body = json!({ "password": PASSWORD });
    post(&mut stranger, "auth/reauthenticate", body).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_remembers_a_bounded_number_of_steps() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    let mut answer = None;
    for _ in 0..25 {
        wait(&app, 10);
        let body = json!({ "password": PASSWORD });
        answer = Some(post(&mut browser, "auth/reauthenticate", body).await.expect(200));
    }
    let methods = answer.unwrap().json()["data"]["methods"].clone();
    let methods = methods.as_array().unwrap();
    assert_eq!(methods.len(), 20);
    // How it began, and the last steps.
    assert_eq!(methods[0]["email"], JANE);
    assert_eq!(methods[19]["at"], seconds(&app));
}
