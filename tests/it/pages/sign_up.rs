use mishap_testkit::{Answer, Browser, Options, TestApp};
use mishap_web::config::AccountRules;

use super::{Document, MARKUP, Problems, assert_signed_in, expect_led_to, expect_refused, page};
use crate::allauth::{JANE, OTHER_PASSWORD, PASSWORD, audited, mails, person};

async fn sign_up(browser: &mut Browser, email: &str, password: &str, again: &str) -> Answer {
    let form = page(browser, "/register?next=%2Fapi%2Fdocs").await.form("/register");
    let typed = [("email", email), ("password", password), ("password_again", again)];
    form.fill(&typed).send(browser).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_made_and_its_owner_is_signed_in() {
    let app = TestApp::start().await;
    let mut browser = app.stranger();
    let shown = page(&mut browser, "/register").await;
    assert_eq!(shown.heading(), "Create an account");
    assert_eq!(shown.link("Sign in"), "/login");
    let typed: Vec<_> = shown.tags().filter_map(|tag| tag.get("autocomplete")).collect();
    assert_eq!(typed, ["username", "new-password", "new-password"]);
    let answer = sign_up(&mut browser, JANE, PASSWORD, PASSWORD).await;
    expect_led_to(&answer, "/api/docs");
    assert_signed_in(&browser, true).await;
    assert_eq!(audited(&app).await, ["account.create", "account.sign_in"]);
    let mail = mails(&app).await.pop().unwrap();
    assert_eq!((mail.to.as_str(), mail.kind.as_str()), (JANE, "confirm_address"));
    let shown = page(&mut browser, "/profile/security").await;
    let blocked = "Confirm your e-mail address before you add a second factor.";
    assert_eq!(shown.notices(), [(false, blocked.to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_at_its_field_and_nothing_is_made() {
    let app = TestApp::start().await;
    person(&app, JANE).await;
    let mut browser = app.stranger();
    let new = "new@example.com";
    let (required, email) = ("This field is required.", "Enter an e-mail address.");
    let differ = ("password_again", "The two passwords are not the same.");
    let short = "The password is too short: it needs at least 8 characters.";
    let taken = "Somebody signs in with this address already.";
    let (common, like) = (
        "This password is among the first that are guessed.",
        "The password is too much like the e-mail address.",
    );
    let cases: &[(&str, &str, &str, Problems<'_>)] = &[
        ("", "", "", &[("email", required), ("password", required)]),
        ("new@", PASSWORD, PASSWORD, &[("email", email)]),
        (new, PASSWORD, OTHER_PASSWORD, &[differ]),
        (new, PASSWORD, "", &[differ]),
        (new, "horse", "horse", &[("password", short)]),
        (new, "password1", "password1", &[("password", common)]),
        (new, "new@example", "new@example", &[("password", like)]),
        (JANE, PASSWORD, PASSWORD, &[("email", taken)]),
        (&JANE.to_uppercase(), PASSWORD, PASSWORD, &[("email", taken)]),
        (MARKUP, PASSWORD, PASSWORD, &[("email", email)]),
    ];
    for (address, password, again, problems) in cases {
        let answer = sign_up(&mut browser, address, password, again).await;
        assert!(password.is_empty() || !answer.body.contains(&format!("value=\"{password}\"")));
        let form = expect_refused(answer, problems).form("/register");
        assert_eq!(form.value("email"), Some(*address));
        assert_eq!(form.value("password"), Some(""));
        assert_eq!(form.value("password_again"), Some(""));
        assert_eq!(form.value("next"), Some("/api/docs"));
    }
    assert_eq!(app.database.number("SELECT count(*) FROM users").await, 2);
    assert_signed_in(&browser, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_it_is_closed_people_are_told_whom_to_ask() {
    let accounts = AccountRules { is_open: false, ..AccountRules::default() };
    let options = Options { accounts, ..Options::default() };
    let app = TestApp::start_with(options).await;
    let mut browser = app.stranger();
    assert!(!page(&mut browser, "/login").await.addresses().contains(&"/register"));
    let typed = [("email", JANE), ("password", PASSWORD), ("password_again", PASSWORD)];
    let answers = [browser.get("/register").await, browser.post_form("/register", &typed).await];
    for answer in answers {
        let shown = Document::of(&answer.expect(403));
        assert_eq!(shown.heading(), "Accounts are by invitation here");
        assert_eq!(shown.link("Sign in"), "/login");
    }
    // Who has an account is not told either.
    person(&app, JANE).await;
    browser.post_form("/register", &typed).await.expect(403);
    assert_eq!(app.database.number("SELECT count(*) FROM users").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_says_when_to_try_again() {
    let app = TestApp::start().await;
    let mut browser = app.stranger();
    for _ in 0..20 {
        sign_up(&mut browser, "", "", "").await.expect(422);
    }
    let answer = sign_up(&mut browser, "", "", "").await.expect(429);
    assert_eq!(answer.header("retry-after"), "60");
    assert!(Document::of(&answer).text().contains("Try again in 1 minute."));
}
