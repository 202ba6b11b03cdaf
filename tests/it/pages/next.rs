//! Where people wanted to go before they signed in.

use mishap_testkit::{TestApp, app_code};
use url::form_urlencoded;

use super::{add_app, expect_led_to, jane, page, with_settings};
use crate::allauth::{JANE, PASSWORD, person, wait};

/// What would lead away, or nowhere.
const FOREIGN: &[&str] = &[
    "//evil.test",
    "///evil.test",
    "/\\evil.test",
    "\\\\evil.test",
    "\\/evil.test",
    "/\t/evil.test",
    "/\n/evil.test",
    "/\r\n/evil.test",
    "/\u{b}/evil.test",
    "/\u{1}",
    "/\u{7f}",
    "/issues\r\nSet-Cookie: a=b",
    " //evil.test",
    "\t//evil.test",
    "https:evil.test",
    "https:/evil.test",
    "https://evil.test",
    "http://mishap.test@evil.test/",
    "http://mishap.test/",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.test",
    "?next=//evil.test",
    "#",
    "",
];

/// What is led on to.
const OWN: &[&str] = &[
    "/profile/security",
    "/api/docs?a=b&c=%2F%2Fevil.test",
    "/.//evil.test",
    "/%5Cevil.test",
    "/%0d%0aSet-Cookie:%20a=b",
    "/%2F/evil.test",
    "/a//evil.test",
    "/@evil.test",
    "/https://evil.test",
];

fn query(path: &str, next: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    format!("{path}?{}", query.append_pair("next", next).finish())
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_led_away() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    let mut stranger = app.stranger();
    for next in FOREIGN {
        for path in ["/login", "/register"] {
            let shown = page(&mut stranger, &query(path, next)).await;
            assert_eq!(shown.form(path).value("next"), None, "{next:?}");
            expect_led_to(&browser.get(&query(path, next)).await, "/");
        }
        wait(&app, 60);
        let typed = [("email", JANE), ("password", PASSWORD), ("next", *next)];
        expect_led_to(&browser.post_form("/login", &typed).await, "/");
        let theme = [("theme", "dark"), ("next", *next)];
        expect_led_to(&browser.post_form("/profile/theme", &theme).await, "/");
        if !next.is_empty() {
            let mut leaving = super::signed_in(&app, JANE).await;
            expect_led_to(&leaving.post_form("/logout", &[("next", next)]).await, "/");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_is_led_on_within() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    let mut stranger = app.stranger();
    for next in OWN {
        expect_led_to(&browser.get(&query("/login", next)).await, next);
        let form = page(&mut stranger, &query("/login", next)).await.form("/login");
        assert_eq!(form.value("next"), Some(*next));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_of_the_whole_host_is_one_of_the_installation() {
    let app = with_settings(&[("GLITCHTIP_URL", "https://h.example.com/sub")]).await;
    person(&app, JANE).await;
    for (next, location) in [
        ("/sub/profile/security", "/sub/profile/security"),
        ("/profile/security", "/sub/profile/security"),
        ("/sub//evil.test", "/sub/evil.test"),
        ("/subway", "/sub/subway"),
        ("/sub", "/sub/sub"),
    ] {
        let mut browser = app.stranger();
        let form = page(&mut browser, &query("/sub/login", next)).await.form("/sub/login");
        let answer = form.fill(&[("email", JANE), ("password", PASSWORD)]).send(&mut browser);
        expect_led_to(&answer.await, location);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_kept_until_the_end() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    let (secret, _) = add_app(&app, &mut browser).await;
    wait(&app, 30);
    let next = "/profile/security?a=b&c=d";
    let mut browser = app.stranger();
    let shown = page(&mut browser, &query("/login", next)).await;
    assert_eq!(shown.link("Create an account"), query("/register", next));
    let wrong = shown.form("/login").fill(&[("email", JANE), ("password", "wrong")]);
    let again = super::Document::of(&wrong.send(&mut browser).await.expect(422));
    let right = again.form("/login").fill(&[("password", PASSWORD)]);
    let second = query("/login/second-factor", next);
    expect_led_to(&right.send(&mut browser).await, &second);
    let asked = page(&mut browser, &second).await;
    let wrong = asked.form("/login/second-factor").fill(&[("code", "000000")]);
    let again = super::Document::of(&wrong.send(&mut browser).await.expect(422));
    let code = app_code(&secret, app.now());
    let right = again.form("/login/second-factor").fill(&[("code", &code)]);
    expect_led_to(&right.send(&mut browser).await, next);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_signed_out_comes_back_after_signing_in() {
    let app = TestApp::start().await;
    person(&app, JANE).await;
    for path in ["/profile/security", "/profile/security?a=b", "/profile/security/totp"] {
        let mut browser = app.stranger();
        let asked = query("/login", path);
        expect_led_to(&browser.get(path).await, &asked);
        let form = page(&mut browser, &asked).await.form("/login");
        let answer = form.fill(&[("email", JANE), ("password", PASSWORD)]).send(&mut browser);
        expect_led_to(&answer.await, path);
    }
}
