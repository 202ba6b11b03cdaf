//! Pages that hold a secret, or have it in their address.

use mishap_core::signing::{Purpose, SigningKey};
use mishap_testkit::{Answer, TestApp, app_code};
use reqwest::Method;
use serde_json::json;

use super::{Document, jane, page};
use crate::allauth::{JANE, mails, person};

/// Checks what holds for all of them.
fn check(answer: &Answer) -> Document {
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("referrer-policy"), "same-origin");
    let shown = Document::of(answer);
    for address in shown.addresses() {
        let is_ours = address.starts_with('/') && !address.starts_with("//");
        assert!(is_ours || address.starts_with('#'), "{address} is somebody else's");
    }
    // To return to it would show another secret, or would repeat it.
    assert!(shown.forms().iter().all(|form| form.action != "/profile/theme"));
    shown
}

/// Checks that a page repeats the secret of its address only where its own form goes.
fn check_address(answer: &Answer, secret: &str, own: usize) {
    check(answer);
    assert_eq!(answer.body.matches(secret).count(), own, "{}", answer.body);
}

/// The path of the link in the newest mail.
async fn newest_link(app: &TestApp) -> String {
    let mail = mails(app).await.pop().unwrap();
    mail.link.strip_prefix("http://mishap.test").unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_for_a_new_password_is_on_its_own_page_only() {
    let app = TestApp::start().await;
    person(&app, JANE).await;
    let mut browser = app.stranger();
    let form = page(&mut browser, "/reset-password").await.form("/reset-password");
    form.fill(&[("email", JANE)]).send(&mut browser).await.expect(200);
    let link = newest_link(&app).await;
    let key = link.rsplit('/').next().unwrap();
    check_address(&browser.get(&link).await.expect(200), key, 1);
    let form = page(&mut browser, &link).await.form(&link);
    check_address(&form.send(&mut browser).await.expect(422), key, 1);
    let form = page(&mut browser, &link).await.form(&link);
    let new = [("password", "a new good password"), ("password_again", "a new good password")];
    let done = form.fill(&new).send(&mut browser).await.expect(200);
    assert!(!done.body.contains(key));
    assert_eq!(done.header("cache-control"), "no-store");
    let theme = Document::of(&done).form("/profile/theme");
    assert_eq!(theme.value("next"), Some("/login"));
    check_address(&browser.get(&link).await.expect(404), key, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_s_token_goes_where_it_is_needed_to_come_back() {
    let app = TestApp::start().await;
    let path = "/api/0/organizations/shop-org/members/";
    let body = json!({ "email": JANE, "orgRole": "member" });
    app.owner().json(Method::POST, path, &body).await.expect(201);
    let link = newest_link(&app).await;
    let token = link.trim_end_matches('/').rsplit('/').next().unwrap();
    // Two ways lead back to it: a new account, and an old one.
    check_address(&app.stranger().get(&link).await.expect(200), token, 2);
    check_address(&jane(&app).await.get(&link).await.expect(200), token, 1);
    person(&app, "joe@example.com").await;
    let mut joe = super::signed_in(&app, "joe@example.com").await;
    check_address(&joe.get(&link).await.expect(200), token, 1);
    let mut browser = super::signed_in(&app, JANE).await;
    let form = page(&mut browser, &link).await.form(&link);
    check_address(&form.send(&mut browser).await.expect(200), token, 0);
    check_address(&browser.get(&link).await.expect(404), token, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_an_address_and_that_of_the_first_account_are_on_their_pages_only() {
    let app = TestApp::start().await;
    let mut browser = app.stranger();
    let form = page(&mut browser, "/register").await.form("/register");
    let password = "a good new password";
    let typed = [("email", JANE), ("password", password), ("password_again", password)];
    form.fill(&typed).send(&mut browser).await.expect(303);
    let link = newest_link(&app).await;
    let key = link.trim_end_matches('/').rsplit('/').next().unwrap();
    check_address(&browser.get(&link).await.expect(200), key, 1);
    let form = page(&mut browser, &link).await.form(&link);
    check_address(&form.send(&mut browser).await.expect(200), key, 0);
    app.database.sql("DELETE FROM users").await;
    let key = SigningKey::new(b"test").sign(Purpose::FirstRun, 0, &[], app.now());
    let path = format!("/register/first?key={key}");
    let mut browser = app.stranger();
    check_address(&browser.get(&path).await.expect(200), &key, 1);
    let form = page(&mut browser, &path).await.form("/register/first");
    check_address(&form.send(&mut browser).await.expect(422), &key, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_app_is_given_and_recovery_codes_are_kept_by_nobody() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    let setup = check(&browser.get("/profile/security/totp").await.expect(200));
    let secret = setup.text_at("totp-secret").unwrap();
    let form = setup.form("/profile/security/totp").fill(&[("code", "000000")]);
    let again = check(&form.send(&mut browser).await.expect(422));
    assert_eq!(again.text_at("totp-secret").unwrap(), secret, "the app has it already");
    let code = app_code(&secret.replace(' ', ""), app.now());
    let form = again.form("/profile/security/totp").fill(&[("code", &code)]);
    let codes = check(&form.send(&mut browser).await.expect(200));
    let shown = codes.text_at("recovery-codes").unwrap();
    let new = page(&mut browser, "/profile/security").await;
    let new = new.form("/profile/security/recovery-codes").send(&mut browser).await.expect(200);
    assert_ne!(check(&new).text_at("recovery-codes").unwrap(), shown);
    let later = browser.get("/profile/security").await.expect(200);
    assert_eq!(later.header("cache-control"), "no-cache, private");
    for code in shown.split_whitespace() {
        assert!(!later.body.contains(code), "they are shown once");
    }
}
