use mishap_storage::accounts::emails;
use mishap_testkit::{Answer, TestApp};

use super::{Document, expect_led_to, page};
use crate::allauth::{JANE, PASSWORD, mails, person, wait};

/// Jane has an account, and an address that she did not confirm; the path of the link in her mail.
async fn unconfirmed(app: &TestApp) -> String {
    let mut browser = app.stranger();
    let form = page(&mut browser, "/register").await.form("/register");
    let typed = [("email", JANE), ("password", PASSWORD), ("password_again", PASSWORD)];
    expect_led_to(&form.fill(&typed).send(&mut browser).await, "/");
    let mail = mails(app).await.pop().unwrap();
    mail.link.strip_prefix("http://mishap.test").unwrap().to_owned()
}

async fn is_confirmed(app: &TestApp) -> bool {
    let query = format!("SELECT count(*) FROM user_emails WHERE email = '{JANE}' AND is_verified");
    app.database.number(&query).await == 1
}

#[track_caller]
fn assert_invalid(answer: Answer) {
    let shown = Document::of(&answer.expect(404));
    assert_eq!(shown.heading(), "This link does not work any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_at_the_link_confirms_nothing_and_the_button_does() {
    let app = TestApp::start().await;
    let link = unconfirmed(&app).await;
    // Whoever reads the mail need not be signed in where it is read.
    let mut browser = app.stranger();
    let shown = page(&mut browser, &link).await;
    assert_eq!(shown.heading(), "Confirm your address");
    assert!(shown.text().contains(JANE));
    assert!(!is_confirmed(&app).await);
    for _ in 0..2 {
        let answer = page(&mut browser, &link).await.form(&link).send(&mut browser).await;
        let done = Document::of(&answer.expect(200));
        assert_eq!(done.heading(), "Address confirmed");
        assert_eq!(done.link("Sign in"), "/login");
        assert!(is_confirmed(&app).await);
    }
    let changes = "SELECT count(*) FROM audit_log WHERE action = 'account.address_change'";
    assert_eq!(app.database.number(changes).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_dies_with_time_and_with_what_it_is_about() {
    let app = TestApp::start().await;
    let link = unconfirmed(&app).await;
    let mut browser = app.stranger();
    page(&mut browser, "/login").await;
    for nonsense in ["x", "1-1-1", "1-", "zzzzzzzzzzzzzzzzzzzzz-1-1"] {
        let path = format!("/profile/confirm-email/{nonsense}/");
        assert_invalid(browser.get(&path).await);
        assert_invalid(browser.post_form(&path, &[]).await);
    }
    page(&mut browser, &link).await;
    app.database.sql("UPDATE user_emails SET email = 'other@example.com'").await;
    assert_invalid(browser.get(&link).await);
    app.database.sql(&format!("UPDATE user_emails SET email = '{JANE}'")).await;
    wait(&app, 3 * 86_400 + 1);
    assert_invalid(browser.post_form(&link, &[]).await);
    assert!(!is_confirmed(&app).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_somebody_else_confirmed_is_theirs() {
    let app = TestApp::start().await;
    let link = unconfirmed(&app).await;
    let other = person(&app, "joe@example.com").await;
    let mut conn = app.database.conn().await;
    app.database
        .sql("UPDATE users SET email = 'jane2@example.com' WHERE email LIKE 'jane@%'")
        .await;
    emails::insert(&mut conn, other, JANE, true, false).await.unwrap();
    let mut browser = app.stranger();
    page(&mut browser, "/login").await;
    assert_invalid(browser.get(&link).await);
    assert_invalid(browser.post_form(&link, &[]).await);
}
