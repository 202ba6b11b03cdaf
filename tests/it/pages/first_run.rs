use futures_util::future::join;
use mishap_core::signing::{Purpose, SigningKey};
use mishap_testkit::{Answer, Browser, TestApp};

use super::{Document, MARKUP, assert_signed_in, expect_led_to, expect_refused, page};
use crate::allauth::{JANE, PASSWORD, wait};

const PATH: &str = "/register/first";

/// An installation that nobody uses yet, and the key that web prints.
async fn unused() -> (TestApp, String) {
    let app = TestApp::start().await;
    app.database.sql("DELETE FROM users; DELETE FROM organizations").await;
    let key = SigningKey::new(b"test").sign(Purpose::FirstRun, 0, &[], app.now());
    (app, key)
}

async fn begin(
    browser: &mut Browser,
    key: &str,
    email: &str,
    password: &str,
    organization: &str,
) -> Answer {
    let form = page(browser, &format!("{PATH}?key={key}")).await.form(PATH);
    assert_eq!(form.value("key"), Some(key));
    let typed = [
        ("email", email),
        ("password", password),
        ("password_again", password),
        ("organization", organization),
    ];
    form.fill(&typed).send(browser).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_account_is_the_administrator_s() {
    let (app, key) = unused().await;
    let mut browser = app.stranger();
    let shown = page(&mut browser, &format!("{PATH}?key={key}")).await;
    assert_eq!(shown.heading(), "Welcome");
    let answer = begin(&mut browser, &key, JANE, PASSWORD, " Example Shop ").await;
    expect_led_to(&answer, "/admin/");
    page(&mut browser, "/admin/").await;
    let user = "SELECT email, is_superuser, is_staff FROM users";
    let expected = serde_json::json!({ "email": JANE, "is_superuser": true, "is_staff": true });
    assert_eq!(app.database.rows(user).await, [expected]);
    let member =
        "SELECT o.name, m.role FROM members m JOIN organizations o ON o.id = organization_id";
    let expected = serde_json::json!({ "name": "Example Shop", "role": 3 });
    assert_eq!(app.database.rows(member).await, [expected]);
    // The address counts as proven, so that a second factor can be added at once.
    page(&mut browser, "/profile/security/totp").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_one_first_account() {
    let (app, key) = unused().await;
    let (mut first, mut second) = (app.stranger(), app.stranger());
    let answers = join(
        begin(&mut first, &key, JANE, PASSWORD, "First"),
        begin(&mut second, &key, "joe@example.com", PASSWORD, "Second"),
    );
    let (one, other) = answers.await;
    let mut locations = [one.header("location"), other.header("location")];
    locations.sort_unstable();
    assert_eq!(locations, ["/admin/", "/login"]);
    assert_eq!(app.database.number("SELECT count(*) FROM users").await, 1);
    assert_eq!(app.database.number("SELECT count(*) FROM organizations").await, 1);
    // Whoever comes later is led to where to sign in, and changes nothing.
    let mut late = app.stranger();
    expect_led_to(&late.get(&format!("{PATH}?key={key}")).await, "/login");
    let typed = [
        ("key", key.as_str()),
        ("email", "late@example.com"),
        ("password", PASSWORD),
        ("password_again", PASSWORD),
        ("organization", "Late"),
    ];
    expect_led_to(&late.post_form(PATH, &typed).await, "/login");
    assert_eq!(app.database.number("SELECT count(*) FROM users").await, 1);
    assert_signed_in(&late, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_begins_without_the_key_that_the_server_printed() {
    let (app, key) = unused().await;
    let other = SigningKey::new(b"other").sign(Purpose::FirstRun, 0, &[], app.now());
    let invitation = SigningKey::new(b"test").sign(Purpose::Invitation, 0, &[], app.now());
    let mut browser = app.stranger();
    page(&mut browser, "/login").await;
    let half = key.strip_suffix(|_last: char| true).unwrap();
    let check = async |browser: &mut Browser, wrong: &str| {
        let shown = browser.get(&format!("{PATH}?key={wrong}")).await;
        let typed = [
            ("key", wrong),
            ("email", JANE),
            ("password", PASSWORD),
            ("password_again", PASSWORD),
            ("organization", "Example"),
        ];
        for answer in [shown, browser.post_form(PATH, &typed).await] {
            let shown = Document::of(&answer.expect(403));
            assert_eq!(shown.heading(), "This link does not work");
            assert!(shown.text().contains("in the log of the server"), "{}", shown.text());
        }
    };
    for wrong in ["", "-", "nonsense", half, &other, &invitation] {
        check(&mut browser, wrong).await;
    }
    browser.get(PATH).await.expect(403);
    wait(&app, 15 * 86_400 + 1);
    check(&mut browser, &key).await;
    assert_eq!(app.database.number("SELECT count(*) FROM users").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_wrong_is_told_at_once_and_nothing_is_made() {
    let (app, key) = unused().await;
    let mut browser = app.stranger();
    let required = "This field is required.";
    let all = [("email", required), ("password", required), ("organization", required)];
    expect_refused(begin(&mut browser, &key, "", "", "  ").await, &all);
    let long = "x".repeat(201);
    let problems = [
        ("email", "Enter an e-mail address."),
        ("password", "The password is too short: it needs at least 8 characters."),
        ("organization", "This is too long: at most 200 characters."),
    ];
    let again = expect_refused(begin(&mut browser, &key, MARKUP, "horse", &long).await, &problems);
    let form = again.form(PATH);
    assert_eq!(form.value("key"), Some(key.as_str()));
    assert_eq!(form.value("email"), Some(MARKUP));
    assert_eq!(form.value("organization"), Some(long.as_str()));
    assert_eq!(form.value("password"), Some(""));
    let typed = [
        ("email", JANE),
        ("password", PASSWORD),
        ("password_again", "another"),
        ("organization", "Example"),
    ];
    let answer = form.fill(&typed).send(&mut browser).await;
    let differ = ("password_again", "The two passwords are not the same.");
    expect_refused(answer, &[differ]);
    assert_eq!(app.database.number("SELECT count(*) FROM users").await, 0);
    assert_eq!(app.database.number("SELECT count(*) FROM organizations").await, 0);
}
