//! What every form has in common.

use mishap_testkit::{Browser, Options, TestApp};
use url::Url;

use super::{Document, assert_signed_in, expect_led_to, jane, page, sign_in};
use crate::allauth::{JANE, PASSWORD, person};

/// Where forms go.
const FORMS: &[&str] = &[
    "/login",
    "/login/passkey",
    "/login/second-factor",
    "/login/second-factor/passkey",
    "/logout",
    "/register",
    "/register/first",
    "/reset-password",
    "/reset-password/set-new-password/1-1-1",
    "/profile/confirm-email/1-1-1/",
    "/accept/1/1-1/",
    "/profile/theme",
    "/profile/security/password",
    "/profile/security/totp",
    "/profile/security/totp/remove",
    "/profile/security/recovery-codes",
    "/profile/security/passkeys",
    "/profile/security/passkeys/remove",
    "/profile/security/sessions/end",
    "/_allauth/browser/v1/auth/provider/redirect",
];

async fn assert_stale(browser: &mut Browser, path: &str, fields: &[(&str, &str)]) {
    let answer = browser.post_form_as_it_is(path, fields).await.expect(403);
    assert!(!answer.headers.contains_key("set-cookie"), "{path}");
    assert!(answer.header("cache-control").contains("no-store"), "{path}");
    let shown = Document::of(&answer);
    assert_eq!(shown.heading(), "This form was open for too long");
    assert!(shown.text().contains("Nothing was changed."));
    assert_eq!(shown.forms().len(), 0, "nothing can be sent from there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_site_is_refused_with_a_page() {
    let app = TestApp::start().await;
    let browser = jane(&app).await;
    let token = browser.csrf_cookie.clone().unwrap();
    let with_token = [("csrfmiddlewaretoken", token.as_str())];
    for path in FORMS {
        for origin in ["http://evil.test", "null", "https://mishap.test", "http://mishap.test:81"] {
            let mut bent = browser.clone();
            bent.origin = Some(origin.to_owned());
            assert_stale(&mut bent, path, &with_token).await;
        }
        let wrong = ["", "a", &"a".repeat(32)];
        for token in wrong {
            let fields = [("csrfmiddlewaretoken", token)];
            assert_stale(&mut browser.clone(), path, &fields).await;
        }
        assert_stale(&mut browser.clone(), path, &[]).await;
        let mut bent = browser.clone();
        bent.csrf_cookie = None;
        assert_stale(&mut bent, path, &with_token).await;
    }
    assert_signed_in(&browser, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_signed_in_by_another_site() {
    let app = TestApp::start().await;
    person(&app, JANE).await;
    let mut browser = app.stranger();
    page(&mut browser, "/login").await;
    browser.origin = Some("http://evil.test".to_owned());
    let typed = [("email", JANE), ("password", PASSWORD)];
    browser.post_form("/login", &typed).await.expect(403);
    assert_eq!(browser.session, None);
    assert_eq!(app.database.number("SELECT count(*) FROM sessions").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_a_form_says_where_it_comes_from() {
    let public_url = Url::parse("https://mishap.test").unwrap();
    let app = TestApp::start_with(Options { public_url, ..Options::default() }).await;
    person(&app, JANE).await;
    let mut browser = app.stranger();
    page(&mut browser, "/login").await;
    browser.origin = None;
    assert_stale(&mut browser.clone(), "/login", &[]).await;
    // The policy that pages are sent with lets browsers say it to us, and to nobody else.
    browser.says = vec![("referer", "https://mishap.test/login".to_owned())];
    expect_led_to(&sign_in(&mut browser, JANE, PASSWORD).await, "/");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_only_forms_go_a_page_is_shown_all_the_same() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    for (path, page) in [
        ("/login/passkey", "/login"),
        ("/login/second-factor/passkey", "/login/second-factor"),
        ("/logout", "/"),
        ("/profile/theme", "/"),
        ("/profile/security/password", "/profile/security"),
        ("/profile/security/totp/remove", "/profile/security"),
        ("/profile/security/recovery-codes", "/profile/security"),
        ("/profile/security/passkeys", "/profile/security"),
        ("/profile/security/passkeys/remove", "/profile/security"),
        ("/profile/security/sessions/end", "/profile/security"),
    ] {
        let answer = browser.get(path).await.expect(303);
        assert_eq!(answer.header("location"), page, "{path}");
    }
    assert_signed_in(&browser, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_signed_out_meanwhile_is_asked_to_sign_in_and_comes_back() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    app.database.sql("DELETE FROM sessions").await;
    for path in FORMS.iter().filter(|path| path.starts_with("/profile/security/")) {
        let answer = browser.post_form(path, &[]).await;
        if *path == "/profile/security/password" {
            // What is wrong with the form itself is not looked at first.
            expect_led_to(&answer, "/login?next=%2Fprofile%2Fsecurity%2Fpassword");
        }
        assert_eq!(answer.status.as_u16(), 303, "{path}: {}", answer.body);
        let asked = answer.header("location");
        assert!(asked.starts_with("/login?next=%2Fprofile%2Fsecurity"), "{path}: {asked}");
        let form = page(&mut browser, asked).await.form("/login");
        let typed = form.fill(&[("email", JANE), ("password", PASSWORD)]);
        let next = typed.send(&mut browser).await.expect(303);
        let mut shown = browser.get(next.header("location")).await;
        if shown.status.as_u16() == 303 {
            shown = browser.get(shown.header("location")).await;
        }
        shown.expect(200);
        app.database.sql("DELETE FROM sessions").await;
    }
}
