use mishap_testkit::{Answer, Browser, TestApp, app_code};

use super::{
    Document, MARKUP, Problems, add_app, assert_signed_in, expect_led_to, expect_refused, jane,
    page, sign_in, signed_in,
};
use crate::allauth::{JANE, OTHER_PASSWORD, PASSWORD, audited, mails, person, wait};

const PATH: &str = "/profile/security";
const PASSWORD_PATH: &str = "/profile/security/password";

async fn change(browser: &mut Browser, current: &str, new: &str, again: &str) -> Answer {
    let form = page(browser, PATH).await.form(PASSWORD_PATH);
    let typed = [("current_password", current), ("password", new), ("password_again", again)];
    form.fill(&typed).send(browser).await
}

/// Sends one of the page's forms that consist of a button, and checks what is said then.
async fn press(browser: &mut Browser, action: &str, said: &str) -> Document {
    let form = page(browser, PATH).await.form(action);
    let shown = Document::of(&form.send(browser).await.expect(200));
    assert_eq!(shown.notices(), [(false, said.to_owned())]);
    shown
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_says_how_safe_the_account_is() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    browser.says = vec![("user-agent", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0".to_owned())];
    let shown = page(&mut browser, PATH).await;
    assert_eq!(shown.heading(), "Account security");
    for words in ["Off", "No passkeys yet", "This browser", "127.0.0.1"] {
        assert!(shown.text().contains(words), "{words}: {}", shown.text());
    }
    assert_eq!(shown.link("Account security"), PATH);
    assert!(!shown.addresses().contains(&"/admin/"), "there is nothing for her");
    assert!(shown.forms().iter().all(|form| form.action != "/profile/security/sessions/end"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_password_signs_everybody_else_out() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    let other = signed_in(&app, JANE).await;
    let shown = change(&mut browser, PASSWORD, OTHER_PASSWORD, OTHER_PASSWORD).await.expect(200);
    let told = "Your password is changed. Other browsers are signed out.";
    assert_eq!(Document::of(&shown).notices(), [(false, told.to_owned())]);
    assert_signed_in(&browser, true).await;
    assert_signed_in(&other, false).await;
    sign_in(&mut app.stranger(), JANE, PASSWORD).await.expect(422);
    expect_led_to(&sign_in(&mut app.stranger(), JANE, OTHER_PASSWORD).await, "/");
    assert_eq!(mails(&app).await.pop().unwrap().kind, "password_changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_new_password_is_told_at_its_field() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    let other = signed_in(&app, JANE).await;
    let wrong = ("current_password", "That is not your current password.");
    let short = ("password", "The password is too short: it needs at least 8 characters.");
    let differ = ("password_again", "The two passwords are not the same.");
    let required = ("current_password", "This field is required.");
    let cases: &[(&str, &str, &str, Problems<'_>)] = &[
        ("wrong", OTHER_PASSWORD, OTHER_PASSWORD, &[wrong]),
        ("", OTHER_PASSWORD, OTHER_PASSWORD, &[required]),
        ("wrong", "horse", "horse", &[wrong, short]),
        (PASSWORD, OTHER_PASSWORD, "x", &[differ]),
    ];
    for (current, new, again, problems) in cases {
        let answer = change(&mut browser, current, new, again).await;
        let form = expect_refused(answer, problems).form(PASSWORD_PATH);
        for field in ["current_password", "password", "password_again"] {
            assert_eq!(form.value(field), Some(""));
        }
    }
    assert_signed_in(&other, true).await;
    change(&mut browser, "wrong", OTHER_PASSWORD, OTHER_PASSWORD).await.expect(422);
    change(&mut browser, "wrong", OTHER_PASSWORD, OTHER_PASSWORD).await.expect(422);
    let answer = change(&mut browser, PASSWORD, OTHER_PASSWORD, OTHER_PASSWORD).await.expect(429);
    assert_eq!(answer.header("retry-after"), "60");
    wait(&app, 60);
    change(&mut browser, PASSWORD, OTHER_PASSWORD, OTHER_PASSWORD).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_never_had_a_password_needs_none_to_set_one() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    app.database.sql("UPDATE users SET password_hash = NULL").await;
    let form = page(&mut browser, PATH).await.form(PASSWORD_PATH);
    assert_eq!(form.value("current_password"), None);
    let typed = [("password", OTHER_PASSWORD), ("password_again", OTHER_PASSWORD)];
    form.fill(&typed).send(&mut browser).await.expect(200);
    expect_led_to(&sign_in(&mut app.stranger(), JANE, OTHER_PASSWORD).await, "/");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mail_that_confirms_an_address_is_sent_again() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    let path = "/profile/security/confirm-email";
    assert!(!page(&mut browser, PATH).await.text().contains("Send the mail again"));
    app.database.sql("UPDATE user_emails SET is_verified = false").await;
    for (seconds, said) in [
        (0, "A mail is on its way. Its link works for three days."),
        (0, "A mail was sent a moment ago. Look for it."),
        (180, "A mail is on its way. Its link works for three days."),
    ] {
        wait(&app, seconds);
        let form = page(&mut browser, PATH).await.form(path);
        let shown = Document::of(&form.send(&mut browser).await.expect(200));
        assert_eq!(shown.notices().first(), Some(&(false, said.to_owned())));
    }
    let sent = mails(&app).await;
    assert_eq!(sent.len(), 2);
    assert!(sent.iter().all(|mail| mail.to == JANE && mail.link.contains("/confirm-email/")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_set_up_by_its_first_code() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    let form = page(&mut browser, "/profile/security/totp").await.form("/profile/security/totp");
    let wrong = ("code", "That code is wrong or was used already.");
    expect_refused(form.fill(&[("code", "000000")]).send(&mut browser).await, &[wrong]);
    let (secret, codes) = add_app(&app, &mut browser).await;
    assert_eq!(codes.len(), 10);
    let shown = page(&mut browser, PATH).await;
    assert!(shown.text().contains("Set up just now"), "{}", shown.text());
    assert!(shown.text().contains("10 of 10 are left."));
    assert_eq!(mails(&app).await.pop().unwrap().change, "app_added");
    // There is one app: another one takes the place of none in passing.
    expect_led_to(&browser.get("/profile/security/totp").await, PATH);
    wait(&app, 30);
    let code = app_code(&secret, app.now());
    expect_led_to(&sign_in(&mut app.stranger(), JANE, PASSWORD).await, "/login/second-factor");
    let answer = browser.post_form("/profile/security/totp", &[("code", &code)]).await;
    assert_ne!(answer.status.as_u16(), 200);
    press(&mut browser, "/profile/security/totp/remove", "The app is not asked for any more.")
        .await;
    expect_led_to(&sign_in(&mut app.stranger(), JANE, PASSWORD).await, "/");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_waits_for_a_confirmed_address() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    app.database.sql("UPDATE user_emails SET is_verified = false").await;
    expect_led_to(&browser.get("/profile/security/totp").await, PATH);
    let shown = page(&mut browser, PATH).await;
    let why = "Confirm your e-mail address before you add a second factor.";
    assert_eq!(shown.notices(), [(false, why.to_owned())]);
    let actions: Vec<_> = shown.forms().into_iter().map(|form| form.action).collect();
    assert!(!actions.contains(&"/profile/security/passkeys".to_owned()));
    assert!(!shown.addresses().contains(&"/profile/security/totp"));
    let answer = browser.post_form("/profile/security/totp", &[("code", "000000")]).await;
    assert_ne!(answer.status.as_u16(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn new_recovery_codes_take_the_place_of_the_old() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    let none = browser.post_form("/profile/security/recovery-codes", &[]).await.expect(400);
    let why = "Recovery codes come with another second factor. Add one first.";
    assert!(Document::of(&none).text().contains(why));
    let (_, old) = add_app(&app, &mut browser).await;
    let form = page(&mut browser, PATH).await.form("/profile/security/recovery-codes");
    let shown = Document::of(&form.send(&mut browser).await.expect(200));
    assert_eq!(shown.heading(), "Your recovery codes");
    assert_eq!(shown.link("I have kept them"), PATH);
    let new = shown.text_at("recovery-codes").unwrap();
    for (code, status) in [(old[0].as_str(), 422), (new.split_whitespace().next().unwrap(), 303)] {
        let mut browser = app.stranger();
        expect_led_to(&sign_in(&mut browser, JANE, PASSWORD).await, "/login/second-factor");
        browser.post_form("/login/second-factor", &[("code", code)]).await.expect(status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_other_sessions_end_at_once() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    let end = "/profile/security/sessions/end";
    let other = signed_in(&app, JANE).await;
    press(&mut browser, end, "One other browser is signed out.").await;
    assert_signed_in(&other, false).await;
    let others = [signed_in(&app, JANE).await, signed_in(&app, JANE).await];
    person(&app, "joe@example.com").await;
    let joe = signed_in(&app, "joe@example.com").await;
    press(&mut browser, end, "2 other browsers are signed out.").await;
    for other in &others {
        assert_signed_in(other, false).await;
    }
    assert_signed_in(&joe, true).await;
    assert_signed_in(&browser, true).await;
    assert_eq!(audited(&app).await.last().unwrap(), "account.sign_out");
}

#[tokio::test(flavor = "multi_thread")]
async fn passkeys_of_others_are_not_touched() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    let joe = person(&app, "joe@example.com").await;
    let insert = format!(
        "INSERT INTO authenticators (user_id, kind, name, data) VALUES ({joe}, 3, 'Key', '{{}}')"
    );
    app.database.sql(&insert).await;
    let id = app.database.number("SELECT id FROM authenticators").await.to_string();
    for id in [id.as_str(), "0", "-1", "x", "", "99999999999999999999"] {
        // Whoever presses a button twice is told the same twice.
        let answer = browser.post_form("/profile/security/passkeys/remove", &[("id", id)]).await;
        let told = [(false, "The passkey is forgotten.".to_owned())];
        assert_eq!(Document::of(&answer.expect(200)).notices(), told);
    }
    assert_eq!(app.database.number("SELECT count(*) FROM authenticators").await, 1);
    let answer = browser.post_form("/profile/security/passkeys", &[("name", MARKUP)]).await;
    expect_refused(answer, &[("", "That passkey could not be verified.")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_stay_names() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    let quoted = MARKUP.replace('\'', "''");
    for statement in [
        "INSERT INTO authenticators (user_id, kind, name, data)
             SELECT id, 3, '#', '{}' FROM users WHERE email LIKE 'jane@%'",
        "UPDATE sessions SET client_ip = '#', user_agent = '#'",
        "UPDATE users SET email = '#' WHERE email LIKE 'jane@%'",
    ] {
        app.database.sql(&statement.replace('#', &quoted)).await;
    }
    let answer = browser.get(PATH).await.expect(200);
    assert!(Document::of(&answer).text().contains(MARKUP));
    assert!(!answer.body.contains("<script>alert") && !answer.body.contains("<img"));
    assert_eq!(answer.body.matches("<script").count(), 1);
}
