//! The pages on which people sign in and look after their account, over HTTP and without the script.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod browser;
mod confirmation;
mod document;
mod first_run;
mod forms;
mod invitation;
mod mount;
mod next;
mod password;
mod second_factor;
mod secrets;
mod security;
mod sign_in;
mod sign_up;
mod theme;
mod tokens;

use mishap_testkit::{Answer, Browser, Options, TestApp, app_code};

use self::document::Document;
use crate::allauth::{JANE, PASSWORD, person};

/// What must never become part of a page.
const MARKUP: &str = r#"</title><script>alert("1")</script><img src=x onerror=alert(1)>'&amp;"#;

/// What is wrong with a form: fields and words. No field is the whole form.
type Problems<'p> = &'p [(&'p str, &'p str)];

/// The product as an operator set it up.
async fn with_settings(settings: &[(&'static str, &'static str)]) -> TestApp {
    TestApp::start_with(Options { settings: settings.to_vec(), ..Options::default() }).await
}

/// A page as it is shown.
async fn page(browser: &mut Browser, path: &str) -> Document {
    Document::of(&browser.get(path).await.expect(200))
}

/// Types an address and a password into the sign-in page.
async fn sign_in(browser: &mut Browser, email: &str, password: &str) -> Answer {
    let form = page(browser, "/login").await.form("/login");
    form.fill(&[("email", email), ("password", password)]).send(browser).await
}

/// A browser in which somebody with an account signed in on the page.
async fn signed_in(app: &TestApp, email: &str) -> Browser {
    let mut browser = app.stranger();
    let answer = sign_in(&mut browser, email, PASSWORD).await;
    expect_led_to(&answer, "/");
    browser
}

/// A browser in which Jane signed in, whose address is verified.
async fn jane(app: &TestApp) -> Browser {
    person(app, JANE).await;
    signed_in(app, JANE).await
}

/// Checks that the browser is led to a path, after a form was sent.
#[track_caller]
fn expect_led_to(answer: &Answer, path: &str) {
    assert_eq!(answer.status.as_u16(), 303, "{}", answer.body);
    assert_eq!(answer.header("location"), path);
}

/// Checks that a form is shown again, and what it says is wrong: field and words.
#[track_caller]
fn expect_refused(answer: Answer, problems: Problems<'_>) -> Document {
    let page = Document::of(&answer.expect(422));
    let shown = page.problems();
    let shown: Vec<_> =
        shown.iter().map(|(field, words)| (field.as_str(), words.as_str())).collect();
    assert_eq!(shown, problems);
    page
}

/// Sets an app up on the page; gives its secret and the recovery codes that are shown.
async fn add_app(app: &TestApp, browser: &mut Browser) -> (String, Vec<String>) {
    let setup = page(browser, "/profile/security/totp").await;
    let secret = setup.text_at("totp-secret").unwrap().replace(' ', "");
    let form = setup.form("/profile/security/totp");
    let code = app_code(&secret, app.now());
    let answer = form.fill(&[("code", &code)]).send(browser).await.expect(200);
    let codes = Document::of(&answer).text_at("recovery-codes").unwrap();
    (secret, codes.split_whitespace().map(str::to_owned).collect())
}

/// Checks that somebody is signed in, or is not.
async fn assert_signed_in(browser: &Browser, is_signed_in: bool) {
    let status = browser.clone().get("/profile/security").await.status.as_u16();
    assert_eq!(status, if is_signed_in { 200 } else { 303 });
}
