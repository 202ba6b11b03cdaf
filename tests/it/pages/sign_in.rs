use mishap_testkit::{Answer, Options, TestApp};
use reqwest::Method;
use url::Url;

use super::{
    Document, MARKUP, assert_signed_in, expect_led_to, expect_refused, jane, page, sign_in,
};
use crate::allauth::{JANE, PASSWORD, audited, person, wait};

const WRONG: (&str, &str) =
    ("password", "The e-mail address and the password do not belong together.");

#[tokio::test(flavor = "multi_thread")]
async fn whoever_knows_the_password_is_led_to_what_is_theirs() {
    let app = TestApp::start().await;
    person(&app, JANE).await;
    let mut browser = app.stranger();
    let shown = page(&mut browser, "/login").await;
    assert_eq!(shown.heading(), "Sign in");
    assert_eq!(shown.problems(), []);
    assert_eq!(shown.link("Forgot your password?"), "/reset-password");
    assert_eq!(shown.link("Create an account"), "/register");
    let typed: Vec<_> = shown.tags().filter_map(|tag| tag.get("autocomplete")).collect();
    assert_eq!(typed, ["username", "current-password"], "as password managers want it");
    assert_signed_in(&browser, false).await;
    expect_led_to(&sign_in(&mut browser, JANE, PASSWORD).await, "/");
    assert_signed_in(&browser, true).await;
    assert_eq!(audited(&app).await, ["account.sign_in"]);
    expect_led_to(&browser.get("/").await, "/profile/security");
    app.database.sql("UPDATE users SET is_staff = true").await;
    expect_led_to(&browser.get("/").await, "/admin/");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_answered_like_an_unknown_address() {
    let app = TestApp::start().await;
    person(&app, JANE).await;
    let mut browser = app.stranger();
    let mut bodies = Vec::new();
    for email in [JANE, "nobody@example.com"] {
        let answer = sign_in(&mut browser, email, "a secret guess").await;
        bodies.push((answer.body.replace(email, "ADDRESS"), answer.headers.len()));
        let again = expect_refused(answer, &[WRONG]);
        let form = again.form("/login");
        assert_eq!(form.value("email"), Some(email), "need not be typed again");
        assert_eq!(form.value("password"), Some(""), "is never sent back");
        assert!(!bodies[0].0.contains("a secret guess"));
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
    assert_eq!(browser.session, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_wrong_is_told_at_once() {
    let app = TestApp::start().await;
    let mut browser = app.stranger();
    let required = "This field is required.";
    let answer = sign_in(&mut browser, "", "").await;
    expect_refused(answer, &[("email", required), ("password", required)]);
    let answer = sign_in(&mut browser, "jane@", "").await;
    let problems = [("email", "Enter an e-mail address."), ("password", required)];
    assert_eq!(expect_refused(answer, &problems).form("/login").value("email"), Some("jane@"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_owner_learns_that_an_account_is_switched_off() {
    let app = TestApp::start().await;
    person(&app, JANE).await;
    app.database.sql("UPDATE users SET is_active = false").await;
    let mut browser = app.stranger();
    expect_refused(sign_in(&mut browser, JANE, "wrong").await, &[WRONG]);
    let off = "This account is switched off. Ask an administrator.";
    expect_refused(sign_in(&mut browser, JANE, PASSWORD).await, &[("", off)]);
    assert_signed_in(&browser, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_comes_back_as_text() {
    let app = TestApp::start().await;
    let mut browser = app.stranger();
    let answer = sign_in(&mut browser, MARKUP, "x").await.expect(422);
    let form = Document::of(&answer).form("/login");
    assert_eq!(form.value("email"), Some(MARKUP));
    assert!(!answer.body.contains("<script>alert") && !answer.body.contains("<img"));
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_come_to_an_end_and_the_page_says_when_to_go_on() {
    let app = TestApp::start().await;
    person(&app, JANE).await;
    let mut browser = app.stranger();
    for _ in 0..5 {
        expect_refused(sign_in(&mut browser, JANE, "wrong").await, &[WRONG]);
    }
    let stopped = "That was tried too often. Wait a few minutes and try again.";
    expect_refused(sign_in(&mut browser, JANE, PASSWORD).await, &[("", stopped)]);
    for _ in 6..30 {
        sign_in(&mut browser, "", "").await.expect(422);
    }
    let answer = sign_in(&mut browser, "", "").await.expect(429);
    assert_eq!(answer.header("retry-after"), "60");
    let shown = Document::of(&answer);
    assert_eq!(shown.heading(), "Slow down a little");
    let advice = "There were too many attempts. Try again in 1 minute.";
    assert!(shown.text().contains(advice), "{}", shown.text());
    wait(&app, 300);
    expect_led_to(&sign_in(&mut browser, JANE, PASSWORD).await, "/");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_signed_in_is_not_asked_again() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    for path in ["/login", "/register"] {
        expect_led_to(&browser.get(path).await, "/");
        let path = format!("{path}?next=%2Fprofile%2Fsecurity");
        expect_led_to(&browser.get(&path).await, "/profile/security");
    }
    let typed = [("email", JANE), ("password", PASSWORD), ("next", "/api/docs")];
    expect_led_to(&browser.post_form("/login", &typed).await, "/api/docs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_planted_before_is_worth_nothing_after() {
    let public_url = Url::parse("https://mishap.test").unwrap();
    let app = TestApp::start_with(Options { public_url, ..Options::default() }).await;
    person(&app, JANE).await;
    let mut planted = app.stranger();
    planted.get("/_allauth/browser/v1/auth/webauthn/login").await.expect(200);
    assert!(planted.session.is_some());
    let mut browser = planted.clone();
    expect_led_to(&sign_in(&mut browser, JANE, PASSWORD).await, "/");
    assert_signed_in(&browser, true).await;
    assert_signed_in(&planted, false).await;
    assert_ne!(browser.csrf_cookie, planted.csrf_cookie);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_the_session_and_takes_a_form() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    let other = browser.clone();
    // Pictures on other sites can only make a browser look.
    expect_led_to(&browser.get("/logout").await, "/");
    assert_signed_in(&browser, true).await;
    let form = page(&mut browser, "/profile/security").await.form("/logout");
    let shown = Document::of(&form.send(&mut browser).await.expect(200));
    assert_eq!(shown.heading(), "You are signed out");
    assert_eq!(shown.link("Sign in again"), "/login");
    assert_eq!(browser.session, None, "the cookie is taken back");
    assert_signed_in(&other, false).await;
    assert_eq!(audited(&app).await, ["account.sign_in", "account.sign_out"]);
    browser.post_form("/logout", &[]).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_of_a_passkey_signs_nobody_in() {
    let app = TestApp::start().await;
    let mut browser = app.stranger();
    page(&mut browser, "/login").await;
    let problem = ("", "That passkey could not be verified.");
    for credential in ["", "nonsense", "{}", "[]", r#"{"id":"AA","response":{}}"#] {
        let fields = [("credential", credential), ("next", "/api/docs")];
        let answer = browser.post_form("/login/passkey", &fields).await;
        let again = expect_refused(answer, &[problem]);
        assert_eq!(again.form("/login").value("next"), Some("/api/docs"));
    }
    assert_signed_in(&browser, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_cannot_sign_in_elsewhere_is_told_why() {
    let app = TestApp::start().await;
    let mut browser = app.stranger();
    page(&mut browser, "/login").await;
    let typed = [("provider", "nobody"), ("process", "login"), ("callback_url", "/api/docs")];
    let path = "/_allauth/browser/v1/auth/provider/redirect";
    let answer = browser.post_form(path, &typed).await.expect(302);
    let shown = page(&mut browser, answer.header("location")).await;
    assert_eq!(shown.problems().len(), 1, "{}", shown.text());
    // Nobody else puts words on the page.
    for (code, told) in [("denied", 1), ("nonsense", 0), ("%3Cscript%3Ealert(1)%3C/script%3E", 0)] {
        let answer = browser.get(&format!("/login?socialLoginError=true&error={code}")).await;
        assert!(!answer.body.contains("<script>alert"));
        assert_eq!(Document::of(&answer).problems().len(), told, "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_there_with_a_slash_and_for_those_who_only_want_the_head() {
    let app = TestApp::start().await;
    for path in ["/login", "/register", "/reset-password", "/api/docs"] {
        let shown = app.anonymous().get(path).await.expect(200);
        let path = format!("{path}/");
        app.anonymous().get(&path).await.expect(200);
        let request = app.anonymous().request(Method::HEAD, &path);
        let head = Answer::of(request).await.expect(200);
        assert_eq!(head.body, "");
        assert_eq!(head.header("content-type"), shown.header("content-type"));
        assert_eq!(head.header("cache-control"), shown.header("cache-control"));
    }
    page(&mut jane(&app).await, "/profile/security/").await;
}
