use mishap_testkit::{Browser, TestApp, app_code};

use super::{
    Document, add_app, assert_signed_in, expect_led_to, expect_refused, jane, page, sign_in,
};
use crate::allauth::{JANE, PASSWORD, audited, mails, wait};

const PATH: &str = "/login/second-factor";
const WRONG: (&str, &str) = ("code", "That code is wrong or was used already.");

/// Jane has an app; its secret, and her recovery codes. Its next code was not used yet.
async fn with_app(app: &TestApp) -> (String, Vec<String>) {
    let added = add_app(app, &mut jane(app).await).await;
    wait(app, 30);
    added
}

/// A browser that gave the password.
async fn halfway(app: &TestApp) -> Browser {
    let mut browser = app.stranger();
    expect_led_to(&sign_in(&mut browser, JANE, PASSWORD).await, PATH);
    browser
}

async fn give(browser: &mut Browser, code: &str) -> mishap_testkit::Answer {
    let form = page(browser, PATH).await.form(PATH);
    form.fill(&[("code", code)]).send(browser).await
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_password_a_code_is_asked_for() {
    let app = TestApp::start().await;
    let (secret, _) = with_app(&app).await;
    let mut browser = halfway(&app).await;
    assert_signed_in(&browser, false).await;
    let shown = page(&mut browser, PATH).await;
    assert_eq!(shown.heading(), "Confirm that it is you");
    assert!(shown.text().contains("or a recovery code"));
    assert_eq!(shown.link("Sign in as somebody else"), "/login");
    let field = shown.tags().find(|tag| tag.get("name") == Some("code")).unwrap();
    assert_eq!(field.get("autocomplete"), Some("one-time-code"));
    expect_refused(give(&mut browser, "").await, &[("code", "This field is required.")]);
    let again = expect_refused(give(&mut browser, "000000").await, &[WRONG]);
    assert_eq!(again.form(PATH).value("code"), Some(""), "another code is typed next");
    assert_signed_in(&browser, false).await;
    expect_led_to(&give(&mut browser, &app_code(&secret, app.now())).await, "/");
    assert_signed_in(&browser, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_counts_once() {
    let app = TestApp::start().await;
    let (secret, _) = with_app(&app).await;
    let code = app_code(&secret, app.now());
    let (mut first, mut second) = (halfway(&app).await, halfway(&app).await);
    expect_led_to(&give(&mut first, &code).await, "/");
    expect_refused(give(&mut second, &code).await, &[WRONG]);
    assert_signed_in(&second, false).await;
    wait(&app, 30);
    expect_led_to(&give(&mut second, &app_code(&secret, app.now())).await, "/");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_code_counts_once_and_its_owner_is_told() {
    let app = TestApp::start().await;
    let (_, codes) = with_app(&app).await;
    assert_eq!(codes.len(), 10);
    let mut browser = halfway(&app).await;
    expect_led_to(&give(&mut browser, &codes[3]).await, "/");
    assert_eq!(mails(&app).await.pop().unwrap().change, "recovery_code_used");
    let shown = page(&mut browser, "/profile/security").await;
    assert!(shown.text().contains("9 of 10 are left."), "{}", shown.text());
    let mut other = halfway(&app).await;
    expect_refused(give(&mut other, &codes[3]).await, &[WRONG]);
    expect_led_to(&give(&mut other, &codes[4]).await, "/");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_of_whoever_gave_no_password() {
    let app = TestApp::start().await;
    let (secret, _) = with_app(&app).await;
    let code = app_code(&secret, app.now());
    let mut stranger = app.stranger();
    page(&mut stranger, "/login").await;
    let mut late = halfway(&app).await;
    wait(&app, 900);
    for browser in [&mut stranger, &mut late] {
        expect_led_to(&browser.get(PATH).await, "/login");
        let asked = "/login?next=%2Fapi%2Fdocs";
        expect_led_to(&browser.get(&format!("{PATH}?next=%2Fapi%2Fdocs")).await, asked);
        let typed = [("code", code.as_str()), ("next", "/api/docs")];
        expect_led_to(&browser.post_form(PATH, &typed).await, asked);
        let typed = [("credential", "{}"), ("next", "/api/docs")];
        expect_led_to(&browser.post_form(&format!("{PATH}/passkey"), &typed).await, asked);
        assert_signed_in(browser, false).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_come_to_an_end_though_the_password_is_known() {
    let app = TestApp::start().await;
    let (secret, _) = with_app(&app).await;
    for _ in 0..5 {
        expect_refused(give(&mut halfway(&app).await, "000000").await, &[WRONG]);
    }
    let stopped = "That was tried too often. Wait a few minutes and try again.";
    let right = app_code(&secret, app.now());
    expect_refused(give(&mut halfway(&app).await, &right).await, &[("", stopped)]);
    assert_eq!(audited(&app).await.pop().unwrap(), "account.sign_in_throttled");
    wait(&app, 300);
    let right = app_code(&secret, app.now());
    expect_led_to(&give(&mut halfway(&app).await, &right).await, "/");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_of_a_passkey_lets_nobody_in() {
    let app = TestApp::start().await;
    with_app(&app).await;
    let mut browser = halfway(&app).await;
    page(&mut browser, PATH).await;
    for credential in ["", "{}", "[[["] {
        let typed = [("credential", credential), ("next", "/api/docs")];
        let answer = browser.post_form("/login/second-factor/passkey", &typed).await;
        let again = expect_refused(answer, &[("", "That passkey could not be verified.")]);
        assert_eq!(again.form(PATH).value("next"), Some("/api/docs"));
    }
    assert_signed_in(&browser, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_password_ends_the_wait() {
    let app = TestApp::start().await;
    let (secret, _) = with_app(&app).await;
    let mut browser = halfway(&app).await;
    app.database.sql("UPDATE users SET password_hash = 'x'").await;
    let code = app_code(&secret, app.now());
    let answer = browser.post_form(PATH, &[("code", &code)]).await;
    expect_led_to(&answer, "/login");
    let shown = Document::of(&browser.get("/login").await.expect(200));
    assert_eq!(shown.heading(), "Sign in");
}
