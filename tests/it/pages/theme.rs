use mishap_testkit::TestApp;
use reqwest::header::SET_COOKIE;

use super::{Document, expect_led_to, jane, page, with_settings};

fn theme_of(page: &Document) -> Option<&str> {
    page.tags().find(|tag| tag.name == "html").unwrap().get("data-theme")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_theme_is_kept_by_the_browser_and_the_page_stays() {
    let app = TestApp::start().await;
    let mut browser = app.stranger();
    let path = "/login?next=%2Fapi%2Fdocs%3Fa%3Db%26c";
    assert_eq!(theme_of(&page(&mut browser, path).await), None);
    for (theme, shown) in [("dark", Some("dark")), ("light", Some("light")), ("system", None)] {
        let form = page(&mut browser, path).await.form("/profile/theme");
        let next = form.value("next").unwrap();
        let pressed = [("theme", theme), ("next", next)];
        expect_led_to(&browser.post_form("/profile/theme", &pressed).await, path);
        assert_eq!(browser.theme.as_deref(), Some(theme));
        let found = page(&mut browser, path).await;
        assert_eq!(theme_of(&found), shown);
        let is_pressed = |tag: &&super::document::Tag| tag.get("aria-pressed") == Some("true");
        let pressed: Vec<_> = found.tags().filter(is_pressed).collect();
        assert_eq!(pressed.len(), 1);
        assert_eq!(pressed[0].get("value"), Some(theme));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_theme_is_the_system_s() {
    let app = TestApp::start().await;
    let mut browser = app.stranger();
    page(&mut browser, "/login").await;
    for theme in ["", "blue", "dark; Domain=evil.test", "\" onload=\"x"] {
        let answer = browser.post_form("/profile/theme", &[("theme", theme)]).await;
        expect_led_to(&answer, "/");
        assert_eq!(browser.theme.as_deref(), Some("system"));
        browser.theme = Some("\"><script>".to_owned());
        assert_eq!(theme_of(&page(&mut browser, "/login").await), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn its_cookie_is_for_the_installation_and_for_a_year() {
    let app = with_settings(&[("GLITCHTIP_URL", "https://h.example.com/sub")]).await;
    let mut browser = app.stranger();
    page(&mut browser, "/sub/login").await;
    let answer = browser.post_form("/sub/profile/theme", &[("theme", "dark")]).await;
    let cookies = answer.headers.get_all(SET_COOKIE).iter();
    let cookie = cookies.map(|cookie| cookie.to_str().unwrap());
    let cookie = cookie.into_iter().find(|cookie| cookie.starts_with("theme=")).unwrap();
    let expected = "theme=dark; SameSite=Lax; Secure; Path=/sub/; Max-Age=31536000";
    assert_eq!(cookie, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_shown_is_told_in_the_chosen_theme() {
    let app = TestApp::start().await;
    let mut browser = app.stranger();
    page(&mut browser, "/login").await;
    browser.post_form("/profile/theme", &[("theme", "dark")]).await.expect(303);
    for answer in [
        browser.get("/nothing").await.expect(404),
        browser.post_form_as_it_is("/login", &[]).await.expect(403),
        browser.get("/accept/1/x/").await.expect(404),
        browser.get("/accept/1/%00/").await.expect(404),
    ] {
        let shown = Document::of(&answer);
        assert_eq!(theme_of(&shown), Some("dark"), "{}", shown.heading());
        assert_eq!(shown.forms().len(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_refusal_it_returns_to_a_page() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    for (path, returns_to) in [
        ("/login/passkey", "/login"),
        ("/profile/security/password", "/profile/security"),
        ("/profile/security/passkeys", "/profile/security"),
    ] {
        let mut stranger = app.stranger();
        page(&mut stranger, "/login").await;
        let browser = if path == "/login/passkey" { &mut stranger } else { &mut browser };
        let shown = Document::of(&browser.post_form(path, &[]).await.expect(422));
        let form = shown.form("/profile/theme");
        let answer = form.fill(&[]).send(browser).await;
        let next = answer.header("location").to_owned();
        expect_led_to(&browser.get(&next).await, returns_to);
    }
}
