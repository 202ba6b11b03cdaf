use mishap_testkit::{Answer, Browser, TestApp};

use super::{
    Document, MARKUP, assert_signed_in, expect_led_to, expect_refused, page, sign_in, signed_in,
};
use crate::allauth::{JANE, OTHER_PASSWORD, PASSWORD, audited, mails, person, wait};

const FORGOTTEN: &str = "/reset-password";

async fn ask(browser: &mut Browser, email: &str) -> Answer {
    let form = page(browser, FORGOTTEN).await.form(FORGOTTEN);
    form.fill(&[("email", email)]).send(browser).await
}

/// The path of the link in the mail that Jane is sent.
async fn link(app: &TestApp) -> String {
    ask(&mut app.stranger(), JANE).await.expect(200);
    let mail = mails(app).await.pop().unwrap();
    assert_eq!((mail.to.as_str(), mail.kind.as_str()), (JANE, "password_reset"));
    mail.link.strip_prefix("http://mishap.test").unwrap().to_owned()
}

async fn choose(browser: &mut Browser, link: &str, password: &str, again: &str) -> Answer {
    let form = page(browser, link).await.form(link);
    form.fill(&[("password", password), ("password_again", again)]).send(browser).await
}

#[track_caller]
fn assert_used_up(answer: Answer) {
    let shown = Document::of(&answer.expect(404));
    assert_eq!(shown.heading(), "This link does not work any more");
    assert!(shown.addresses().contains(&FORGOTTEN));
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_there_is_an_account_is_told_to_its_owner_only() {
    let app = TestApp::start().await;
    person(&app, JANE).await;
    let mut browser = app.stranger();
    let mut bodies = Vec::new();
    for email in [JANE, "nobody@example.com"] {
        let answer = ask(&mut browser, email).await.expect(200);
        let shown = Document::of(&answer);
        assert_eq!(shown.heading(), "Look into your mail");
        assert!(shown.text().contains(email));
        bodies.push(answer.body.replace(email, "ADDRESS"));
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
    let sent: Vec<_> = mails(&app).await.into_iter().map(|mail| (mail.to, mail.kind)).collect();
    let mail = |to: &str, kind: &str| (to.to_owned(), kind.to_owned());
    let expected = [mail(JANE, "password_reset"), mail("nobody@example.com", "unknown_account")];
    assert_eq!(sent, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_goes_to_an_address_and_not_too_often() {
    let app = TestApp::start().await;
    let mut browser = app.stranger();
    let required = [("email", "This field is required.")];
    expect_refused(ask(&mut browser, "").await, &required);
    for email in ["jane", "jane@", MARKUP] {
        let answer = ask(&mut browser, email).await;
        let again = expect_refused(answer, &[("email", "Enter an e-mail address.")]);
        assert_eq!(again.form(FORGOTTEN).value("email"), Some(email));
    }
    for _ in 0..5 {
        ask(&mut browser, JANE).await.expect(200);
    }
    let answer = ask(&mut browser, JANE).await.expect(429);
    assert_eq!(answer.header("retry-after"), "60");
    assert!(Document::of(&answer).text().contains("Try again in 1 minute."));
    assert_eq!(mails(&app).await.len(), 5);
    wait(&app, 60);
    ask(&mut browser, JANE).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_is_chosen_with_the_link() {
    let app = TestApp::start().await;
    person(&app, JANE).await;
    let elsewhere = signed_in(&app, JANE).await;
    let link = link(&app).await;
    let mut browser = app.stranger();
    let shown = page(&mut browser, &link).await;
    assert_eq!(shown.heading(), "Choose a new password");
    assert_eq!(shown.form(&link).value("username"), Some(JANE), "for password managers");
    let answer = choose(&mut browser, &link, OTHER_PASSWORD, OTHER_PASSWORD).await.expect(200);
    let done = Document::of(&answer);
    let told = (false, "Your password is changed. Sign in with it.".to_owned());
    assert_eq!(done.notices(), [told]);
    assert_eq!(done.link("Create an account"), "/register");
    let form = done.form("/login");
    assert_eq!(form.value("email"), Some(JANE));
    // Whoever was signed in is out, and the old password is nothing.
    assert_signed_in(&elsewhere, false).await;
    assert_signed_in(&browser, false).await;
    sign_in(&mut app.stranger(), JANE, PASSWORD).await.expect(422);
    expect_led_to(&form.fill(&[("password", OTHER_PASSWORD)]).send(&mut browser).await, "/");
    let done = ["account.sign_in", "account.password_reset_link", "account.password_change"];
    assert_eq!(audited(&app).await[..3], done);
    assert_eq!(mails(&app).await.pop().unwrap().kind, "password_changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_works_once() {
    let app = TestApp::start().await;
    person(&app, JANE).await;
    let link = link(&app).await;
    let mut browser = app.stranger();
    let form = page(&mut browser, &link).await.form(&link);
    choose(&mut browser, &link, OTHER_PASSWORD, OTHER_PASSWORD).await.expect(200);
    assert_used_up(browser.get(&link).await);
    let typed = [("password", "a third password"), ("password_again", "a third password")];
    assert_used_up(form.fill(&typed).send(&mut browser).await);
    expect_led_to(&sign_in(&mut app.stranger(), JANE, OTHER_PASSWORD).await, "/");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_dies_with_time_and_with_whatever_is_signed_in_since() {
    let app = TestApp::start().await;
    person(&app, JANE).await;
    let old = link(&app).await;
    wait(&app, 3 * 86_400 + 1);
    assert_used_up(app.stranger().get(&old).await);
    let fresh = link(&app).await;
    signed_in(&app, JANE).await;
    assert_used_up(app.stranger().get(&fresh).await);
    let last = link(&app).await;
    app.database.sql("UPDATE users SET is_active = false").await;
    assert_used_up(app.stranger().get(&last).await);
    for nonsense in ["x", "1", "1-", "1-1-1", "zzzzzzzzzzzzzzzzzzz-1-1", "a%2Fb", "-1-1-1"] {
        let path = format!("/reset-password/set-new-password/{nonsense}");
        assert_used_up(app.stranger().get(&path).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_and_the_link_goes_on_working() {
    let app = TestApp::start().await;
    person(&app, JANE).await;
    let link = link(&app).await;
    let mut browser = app.stranger();
    for (password, again, problem) in [
        ("", "", ("password", "This field is required.")),
        (PASSWORD, "", ("password_again", "The two passwords are not the same.")),
        ("12345678901", "12345678901", ("password", "The password must not be a number.")),
        (JANE, JANE, ("password", "The password is too much like the e-mail address.")),
    ] {
        let again = expect_refused(choose(&mut browser, &link, password, again).await, &[problem]);
        assert_eq!(again.form(&link).value("password"), Some(""));
    }
    choose(&mut browser, &link, OTHER_PASSWORD, OTHER_PASSWORD).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_signed_in_with_the_account_is_signed_out_by_its_link() {
    let app = TestApp::start().await;
    person(&app, JANE).await;
    let mut browser = signed_in(&app, JANE).await;
    let link = link(&app).await;
    choose(&mut browser, &link, OTHER_PASSWORD, OTHER_PASSWORD).await.expect(200);
    assert_eq!(browser.session, None);
    assert_signed_in(&browser, false).await;
}
