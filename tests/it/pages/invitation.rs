use mishap_testkit::{Answer, Browser, Options, TestApp};
use mishap_web::config::AccountRules;
use reqwest::Method;
use serde_json::json;
use url::form_urlencoded;

use super::{Document, MARKUP, expect_led_to, jane, page, sign_in, signed_in};
use crate::allauth::{JANE, PASSWORD, mails, person, wait};

/// Invites somebody to the first organization; the path of the link in the mail.
async fn invite(app: &TestApp, email: &str) -> String {
    let path = "/api/0/organizations/shop-org/members/";
    let body = json!({ "email": email, "orgRole": "admin" });
    app.owner().json(Method::POST, path, &body).await.expect(201);
    let mail = mails(app).await.into_iter().rfind(|mail| mail.kind == "invitation").unwrap();
    assert_eq!(mail.to, email);
    mail.link.strip_prefix("http://mishap.test").unwrap().to_owned()
}

fn with_next(path: &str, next: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    format!("{path}?{}", query.append_pair("next", next).finish())
}

async fn members(app: &TestApp) -> i64 {
    app.database.number("SELECT count(*) FROM members WHERE user_id IS NOT NULL").await
}

/// Sends the page's own form.
async fn accept(browser: &mut Browser, link: &str) -> Answer {
    page(browser, link).await.form(link).send(browser).await
}

#[track_caller]
fn assert_invalid(answer: Answer) {
    let shown = Document::of(&answer.expect(404));
    assert_eq!(shown.heading(), "This invitation does not work any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_no_account_makes_one_and_joins() {
    let app = TestApp::start().await;
    let link = invite(&app, JANE).await;
    let mut browser = app.stranger();
    let shown = page(&mut browser, &link).await;
    assert_eq!(shown.heading(), "You are invited");
    for words in ["shop org", "Role: Admin", JANE] {
        assert!(shown.text().contains(words), "{}", shown.text());
    }
    assert_eq!(shown.link("I have an account: sign in"), with_next("/login", &link));
    let sign_up = shown.link("Create an account");
    assert_eq!(sign_up, with_next("/register", &link));
    let form = page(&mut browser, sign_up).await.form("/register");
    let typed = [("email", JANE), ("password", PASSWORD), ("password_again", PASSWORD)];
    expect_led_to(&form.fill(&typed).send(&mut browser).await, &link);
    assert_eq!(members(&app).await, 1, "looking at it changes nothing");
    let joined = Document::of(&accept(&mut browser, &link).await.expect(200));
    assert_eq!(joined.heading(), "You have joined");
    assert!(joined.text().contains("shop org"));
    assert_eq!(joined.link("Continue"), "/");
    assert_eq!(members(&app).await, 2);
    let entry = "SELECT actor FROM audit_log WHERE action = 'member.join'";
    assert_eq!(app.database.rows(entry).await, [json!({ "actor": JANE })]);
    assert_invalid(browser.get(&link).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_an_account_signs_in_and_joins() {
    let app = TestApp::start().await;
    let user = person(&app, "joe@example.com").await;
    let mut conn = app.database.conn().await;
    mishap_storage::accounts::emails::insert(&mut conn, user, JANE, true, false).await.unwrap();
    let link = invite(&app, JANE).await;
    let mut browser = app.stranger();
    let sign_in = page(&mut browser, &link).await.link("I have an account: sign in").to_owned();
    let form = page(&mut browser, &sign_in).await.form("/login");
    // The invited address is one of several.
    let typed = [("email", "joe@example.com"), ("password", PASSWORD)];
    expect_led_to(&form.fill(&typed).send(&mut browser).await, &link);
    let shown = page(&mut browser, &link).await;
    assert!(shown.text().contains("You are signed in as joe@example.com"), "{}", shown.text());
    accept(&mut browser, &link).await.expect(200);
    assert_eq!(members(&app).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_for_somebody_else_is_not_accepted() {
    let app = TestApp::start().await;
    person(&app, "joe@example.com").await;
    person(&app, JANE).await;
    let link = invite(&app, JANE).await;
    let mut browser = signed_in(&app, "joe@example.com").await;
    let looked = browser.get(&link).await.expect(200);
    let forced = browser.post_form(&link, &[]).await.expect(403);
    for answer in [looked, forced] {
        let shown = Document::of(&answer);
        assert_eq!(shown.heading(), "This invitation is for somebody else");
        let words = format!("for {JANE} , and you are signed in as joe@example.com .");
        assert!(shown.text().contains(&words), "{}", shown.text());
        assert!(shown.forms().iter().all(|form| form.action != link));
    }
    // An address that was only claimed makes nobody the one that is meant.
    let claim = "INSERT INTO user_emails (user_id, email)
        SELECT id, 'jane@example.com' FROM users WHERE email = 'joe@example.com'";
    app.database.sql(claim).await;
    browser.post_form(&link, &[]).await.expect(403);
    assert_eq!(members(&app).await, 1);
    // One button leads to the account that it is for.
    let form = page(&mut browser, &link).await.form("/logout");
    expect_led_to(&form.send(&mut browser).await, &link);
    expect_led_to(&sign_in(&mut browser, JANE, PASSWORD).await, "/");
    accept(&mut browser, &link).await.expect(200);
    assert_eq!(members(&app).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_signed_out_meanwhile_is_asked_again() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    let link = invite(&app, JANE).await;
    let form = page(&mut browser, &link).await.form(&link);
    app.database.sql("DELETE FROM sessions").await;
    let shown = Document::of(&form.send(&mut browser).await.expect(403));
    assert_eq!(shown.link("I have an account: sign in"), with_next("/login", &link));
    assert_eq!(members(&app).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_learns_that_there_is_nothing_to_accept() {
    let app = TestApp::start().await;
    let owner = app.tenant.user;
    let mut conn = app.database.conn().await;
    mishap_storage::accounts::emails::insert(&mut conn, owner, JANE, true, false).await.unwrap();
    let link = invite(&app, "joe@example.com").await;
    let mut browser = app.browser(owner).await;
    for answer in [browser.get(&link).await, browser.post_form(&link, &[]).await] {
        let shown = Document::of(&answer);
        assert_eq!(shown.heading(), "You are a member already");
        assert_eq!(shown.form("/logout").value("next"), Some(link.as_str()));
    }
    assert_eq!(members(&app).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_works_for_its_invitation_and_for_15_days() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    let (mine, other) = (invite(&app, JANE).await, invite(&app, "joe@example.com").await);
    let parts = |link: &str| {
        let mut parts = link.trim_matches('/').split('/').skip(1).map(str::to_owned);
        (parts.next().unwrap(), parts.next().unwrap())
    };
    let ((member, _), (_, token)) = (parts(&mine), parts(&other));
    for path in [
        format!("/accept/{member}/{token}/"),
        format!("/accept/{member}/x/"),
        format!("/accept/0/{token}/"),
        "/accept/9223372036854775807/1-1/".to_owned(),
    ] {
        assert_invalid(browser.get(&path).await);
        assert_invalid(browser.post_form(&path, &[]).await);
    }
    browser.get("/accept/99999999999999999999/1-1/").await.expect(404);
    wait(&app, 15 * 86_400 + 1);
    assert_invalid(browser.get(&mine).await);
    assert_eq!(members(&app).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_signs_up_the_page_offers_to_sign_in() {
    let accounts = AccountRules { is_open: false, ..AccountRules::default() };
    let app = TestApp::start_with(Options { accounts, ..Options::default() }).await;
    person(&app, JANE).await;
    let link = invite(&app, JANE).await;
    let shown = page(&mut app.stranger(), &link).await;
    assert_eq!(shown.link("Sign in to accept"), with_next("/login", &link));
    assert!(shown.addresses().iter().all(|address| !address.starts_with("/register")));
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_stay_names() {
    let app = TestApp::start().await;
    let quoted = MARKUP.replace('\'', "''");
    app.database.sql(&format!("UPDATE organizations SET name = '{quoted}'")).await;
    let link = invite(&app, JANE).await;
    let mut browser = app.stranger();
    let stranger = browser.get(&link).await.expect(200);
    let member = jane(&app).await.get(&link).await.expect(200);
    for answer in [stranger, member] {
        assert!(Document::of(&answer).text().contains(MARKUP), "{}", answer.body);
        assert!(!answer.body.contains("<script>alert") && !answer.body.contains("<img"));
    }
}
