//! Who may make an account, and with which address.

use super::*;
use crate::allauth::assert_problem;

/// How it says whether an account may be made: not.
fn closed() -> AccountRules {
    AccountRules { is_open_for_providers: false, ..AccountRules::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_stay_out_where_accounts_are_made_by_invitation() {
    let (app, provider) = (app_with(closed()).await, IdentityProvider::start().await);
    set_up(&app, "corp", "openid_connect", json!({ "server_url": provider.url })).await;
    let mut browser = visitor(&app).await;
    provider.knows("jane", &json!({ "email": JANE, "email_verified": true })).await;
    provider.knows("nobody", &json!({})).await;
    for sub in ["jane", "nobody"] {
        let answer = come_from(&mut browser, &provider, sub).await;
        assert_refused(&mut browser, answer, "signup_closed", "by invitation only").await;
    }
    assert_eq!(users(&app).await, 1);
    // Whoever has an account comes in.
    person(&app, JANE).await;
    come_from(&mut browser, &provider, "jane").await.expect(303);
    get(&mut browser, "auth/session").await.expect(200);
    // An address that the provider does not vouch for opens none.
    let mut browser = visitor(&app).await;
    provider.knows("mallory", &json!({ "email": JANE, "email_verified": false })).await;
    let answer = come_from(&mut browser, &provider, "mallory").await;
    assert_refused(&mut browser, answer, "email_taken", "Sign in as usual").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_person_may_come_from_a_provider_everywhere() {
    let (app, provider) = (app_with(closed()).await, IdentityProvider::start().await);
    set_up(&app, "corp", "openid_connect", json!({ "server_url": provider.url })).await;
    app.database.sql("DELETE FROM users").await;
    provider.knows("jane", &json!({ "email": JANE, "email_verified": true })).await;
    let mut browser = visitor(&app).await;
    come_from(&mut browser, &provider, "jane").await.expect(303);
    assert_eq!(users(&app).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_found_by_an_address_that_both_sides_have_proven() {
    let (app, provider) = app_and_provider().await;
    let accounts =
        "INSERT INTO users (email) VALUES ('proven@example.com'), ('claimed@example.com'),
        ('bare@example.com');
        INSERT INTO user_emails (user_id, email, is_verified, is_primary)
        SELECT id, email, email LIKE 'proven%', true FROM users WHERE email NOT LIKE 'bare%'";
    app.database.sql(accounts).await;
    let before = users(&app).await;
    for (sub, email, is_verified, is_let_in) in [
        ("1", "proven@example.com", json!(false), false),
        ("2", "proven@example.com", Value::Null, false),
        ("3", "claimed@example.com", json!(true), false),
        ("4", "bare@example.com", json!(true), false),
        ("5", "PROVEN@example.com", json!(true), true),
    ] {
        provider.knows(sub, &json!({ "email": email, "email_verified": is_verified })).await;
        let mut browser = visitor(&app).await;
        let answer = come_from(&mut browser, &provider, sub).await.expect(303);
        let (path, status) = match is_let_in {
            true => ("/profile/security", 200),
            false => ("/login/provider", 401),
        };
        assert!(
            answer.header("location").starts_with(path),
            "{sub}: {}",
            answer.header("location")
        );
        get(&mut browser, "auth/session").await.expect(status);
        if !is_let_in {
            let page = browser.get(answer.header("location")).await.expect(200);
            assert!(page.body.contains(&format!("<bdi>{email}</bdi>")), "{sub}: {}", page.body);
            assert!(page.body.contains("Example SSO"));
        }
    }
    assert_eq!(users(&app).await, before);
    assert_eq!(app.database.number("SELECT count(*) FROM identities").await, 1);
}

/// A browser that is back from the provider, which told no address.
async fn guest(app: &TestApp, provider: &IdentityProvider) -> Browser {
    provider.knows("jane-4711", &json!({ "name": "Jane Doe", "preferred_username": "jane" })).await;
    let mut browser = visitor(app).await;
    let answer = come_from(&mut browser, provider, "jane-4711").await.expect(303);
    let next = "next=%2Fprofile%2Fsecurity%3Ffrom%3Dsign-in";
    assert_eq!(answer.header("location"), format!("/login/provider?{next}"));
    browser
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_without_an_address_is_asked_for_one() {
    let (app, provider) = app_and_provider().await;
    let mut browser = guest(&app, &provider).await;
    let shown = json!({
        "id": "corp",
        "name": "Example SSO",
        "flows": ["provider_redirect"],
        "client_id": "mishap",
        "openid_configuration_url": format!("{}/.well-known/openid-configuration", provider.url),
    });
    let session = get(&mut browser, "auth/session").await.expect(401).json();
    let flow = json!({ "id": "provider_signup", "provider": shown, "is_pending": true });
    assert_eq!(session["data"]["flows"].as_array().unwrap().last(), Some(&flow));
    let told = get(&mut browser, "auth/provider/signup").await.expect(200).json();
    let expected = json!({
        "email": [],
        "account": { "uid": "jane-4711", "provider": shown, "display": "jane" },
        "user": { "display": "Jane Doe", "has_usable_password": false },
    });
    assert_eq!(told["data"], expected);
    let sign_up = async |browser: &mut Browser, email: &str| {
        post(browser, "auth/provider/signup", json!({ "email": email })).await
    };
    assert_problem(sign_up(&mut browser, "").await, "required", Some("email"));
    assert_problem(sign_up(&mut browser, "nonsense").await, "invalid", Some("email"));
    let taken = sign_up(&mut browser, "OWNER@shop.example.com").await;
    assert_problem(taken, "email_taken", Some("email"));
    let session = sign_up(&mut browser, JANE).await.expect(200).json();
    assert_eq!(session["data"]["user"]["email"], JANE);
    assert_eq!(session["data"]["methods"][0]["uid"], "jane-4711");
    // It is only typed so far.
    let address = app.database.rows("SELECT email, is_verified FROM user_emails").await;
    assert_eq!(address, [json!({ "email": JANE, "is_verified": false })]);
    let mail = mails(&app).await.pop().unwrap();
    assert_eq!((mail.to.as_str(), mail.kind.as_str()), (JANE, "confirm_address"));
    assert_eq!(audited(&app).await, ["account.create", "account.sign_in"]);
    // Nobody is waited for any more.
    assert_bare(sign_up(&mut browser, "other@example.com").await, 409);
    let mut browser = visitor(&app).await;
    come_from(&mut browser, &provider, "jane-4711").await.expect(303);
    get(&mut browser, "auth/session").await.expect(200);
    assert_eq!(users(&app).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_asks_for_an_address_too() {
    let (app, provider) = app_and_provider().await;
    let mut browser = guest(&app, &provider).await;
    let page = browser.get("/login/provider?next=/api/docs").await.expect(200);
    assert!(page.body.contains("told no e-mail address"), "{}", page.body);
    let fields = [("email", "owner@shop.example.com"), ("next", "/api/docs")];
    let again = browser.post_form("/login/provider", &fields).await.expect(422);
    assert!(again.body.contains("signs in with this address already"));
    assert!(again.body.contains("value=\"owner@shop.example.com\""));
    let fields = [("email", JANE), ("next", "https://evil.example.com/")];
    let answer = browser.post_form("/login/provider", &fields).await.expect(303);
    assert_eq!(answer.header("location"), "/");
    get(&mut browser, "auth/session").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_waited_for_for_long() {
    let (app, provider) = app_and_provider().await;
    let mut late = guest(&app, &provider).await;
    let mut stranger = visitor(&app).await;
    wait(&app, 900);
    for browser in [&mut late, &mut stranger] {
        assert_bare(get(browser, "auth/provider/signup").await, 409);
        assert_bare(post(browser, "auth/provider/signup", json!({ "email": JANE })).await, 409);
        let answer = browser.get("/login/provider").await.expect(303);
        assert_eq!(answer.header("location"), "/login");
        let answer = browser.post_form("/login/provider", &[("email", JANE)]).await.expect(303);
        assert_eq!(answer.header("location"), "/login");
        let session = get(browser, "auth/session").await.expect(401);
        assert!(!session.body.contains("provider_signup"));
    }
    assert_eq!(users(&app).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_nobody_vouches_for_must_be_confirmed() {
    let (app, provider) = app_and_provider().await;
    provider.knows("jane", &json!({ "email": JANE, "email_verified": false })).await;
    let mut browser = visitor(&app).await;
    come_from(&mut browser, &provider, "jane").await.expect(303);
    get(&mut browser, "auth/session").await.expect(200);
    let address = app.database.rows("SELECT email, is_verified FROM user_emails").await;
    assert_eq!(address, [json!({ "email": JANE, "is_verified": false })]);
    assert_eq!(mails(&app).await.pop().unwrap().to, JANE);
}
