//! Connecting and disconnecting accounts that people have elsewhere.

use super::*;
use crate::allauth::{assert_problem, jane};

/// Connects the account that is signed in; the answer is that to the way back.
async fn connect(browser: &mut Browser, provider: &IdentityProvider, sub: &str) -> Answer {
    let page = depart(browser, "corp", "connect").await;
    let back = provider.authorize(&page, sub).await;
    browser.get(&back).await
}

async fn disconnect(browser: &mut Browser, slug: &str, uid: &str) -> Answer {
    delete(browser, "account/providers", json!({ "provider": slug, "account": uid })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_connected_and_disconnected() {
    let (app, provider) = app_and_provider().await;
    provider.knows("jane-4711", &json!({ "email": "doe@elsewhere.example" })).await;
    let mut browser = jane(&app).await;
    let page = browser.get("/profile/security").await.expect(200);
    assert!(page.body.contains("Connected accounts") && page.body.contains("Not connected"));
    let answer = connect(&mut browser, &provider, "jane-4711").await.expect(303);
    assert_eq!(answer.header("location"), "/profile/security?from=sign-in");
    let listed = get(&mut browser, "account/providers").await.expect(200).json();
    let identity = &listed["data"][0];
    assert_eq!(
        (&identity["uid"], &identity["display"], &identity["provider"]["id"]),
        (&json!("jane-4711"), &json!("doe@elsewhere.example"), &json!("corp"))
    );
    let page = browser.get("/profile/security").await.expect(200);
    assert!(page.body.contains("doe@elsewhere.example") && !page.body.contains("Not connected"));
    // The account is found by it, whatever address it has there.
    let mut other = visitor(&app).await;
    come_from(&mut other, &provider, "jane-4711").await.expect(303);
    let session = get(&mut other, "auth/session").await.expect(200).json();
    assert_eq!(session["data"]["user"]["email"], JANE);

    let answer = disconnect(&mut browser, "corp", "somebody else").await;
    assert_problem(answer, "account_not_found", Some("account"));
    let left = disconnect(&mut browser, "corp", "jane-4711").await.expect(200).json();
    assert_eq!(left["data"], json!([]));
    let told = audited(&app).await;
    assert_eq!(told.iter().filter(|action| *action == "account.identity_change").count(), 2);
    connect(&mut browser, &provider, "jane-4711").await.expect(303);
    let fields = [("provider", "corp"), ("account", "jane-4711")];
    let page = browser.post_form("/profile/security/providers/remove", &fields).await.expect(200);
    assert!(page.body.contains("not connected any more") && page.body.contains("Not connected"));
    let page = browser.post_form("/profile/security/providers/remove", &fields).await.expect(422);
    assert!(page.body.contains("You are not linked with that."));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_of_another_account_stays_there() {
    let (app, provider) = app_and_provider().await;
    provider.knows("taken", &json!({ "email": "john@example.com", "email_verified": true })).await;
    come_from(&mut visitor(&app).await, &provider, "taken").await.expect(303);
    let identities = "SELECT user_id, email, last_login_at FROM identities";
    let before = app.database.rows(identities).await;
    provider.knows("taken", &json!({ "email": "changed@example.com" })).await;
    let mut browser = jane(&app).await;
    let answer = connect(&mut browser, &provider, "taken").await.expect(302);
    let address = "/profile/security?socialLoginError=true&error=identity_taken";
    assert_eq!(answer.header("location"), address);
    let page = browser.get(address).await.expect(200);
    assert!(page.body.contains("belongs to another account already"), "{}", page.body);
    assert_eq!(app.database.rows(identities).await, before, "nothing was noted");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_way_to_sign_in_cannot_be_removed() {
    let (app, provider) = app_and_provider().await;
    provider.knows("jane", &json!({ "email": JANE, "email_verified": true })).await;
    let mut browser = visitor(&app).await;
    come_from(&mut browser, &provider, "jane").await.expect(303);
    let answer = disconnect(&mut browser, "corp", "jane").await;
    assert_problem(answer, "no_password", Some("account"));
    let fields = [("provider", "corp"), ("account", "jane")];
    let page = browser.post_form("/profile/security/providers/remove", &fields).await.expect(422);
    assert!(page.body.contains("Set a password first"));
    // One through which nobody can come any more is no other way.
    let other = "INSERT INTO identities (user_id, provider, uid)
        SELECT user_id, 'gone', 'jane' FROM identities";
    app.database.sql(other).await;
    let answer = disconnect(&mut browser, "corp", "jane").await;
    assert_problem(answer, "no_password", Some("account"));
    let page = browser.get("/profile/security").await.expect(200);
    assert!(page.body.contains("Not offered any more"));
    // Nor is a password for an address that nobody has proven: it may be mistyped.
    let password =
        "UPDATE users SET password_hash = 'x'; UPDATE user_emails SET is_verified = false";
    app.database.sql(password).await;
    let answer = disconnect(&mut browser, "corp", "jane").await;
    assert_problem(answer, "no_verified_email", Some("account"));
    app.database.sql("UPDATE user_emails SET is_verified = true").await;
    disconnect(&mut browser, "corp", "jane").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_ways_one_can_be_removed() {
    let (app, provider) = app_and_provider().await;
    set_up(&app, "other", "openid_connect", json!({ "server_url": provider.url })).await;
    provider.knows("jane", &json!({ "email": JANE, "email_verified": true })).await;
    let mut browser = visitor(&app).await;
    come_from(&mut browser, &provider, "jane").await.expect(303);
    let page = depart(&mut browser, "other", "connect").await;
    let back = provider.authorize(&page, "jane").await;
    browser.get(&back).await.expect(303);
    let left = disconnect(&mut browser, "corp", "jane").await.expect(200).json();
    assert_eq!(left["data"].as_array().unwrap().len(), 1);
    assert_problem(disconnect(&mut browser, "other", "jane").await, "no_password", Some("account"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_whoever_is_signed_in_connects() {
    let (app, _provider) = app_and_provider().await;
    let mut browser = visitor(&app).await;
    let fields = [("provider", "corp"), ("process", "connect"), ("callback_url", "/")];
    let answer = browser.post_form(REDIRECT, &fields).await.expect(303);
    assert_eq!(answer.header("location"), "/login?next=%2Fprofile%2Fsecurity");
    get(&mut browser, "account/providers").await.expect(401);
    disconnect(&mut browser, "corp", "jane").await.expect(401);
    let fields = [("provider", "corp"), ("account", "jane")];
    browser.post_form("/profile/security/providers/remove", &fields).await.expect(303);
    let client = browser.client();
    client
        .json(Method::POST, "/_allauth/browser/v1/auth/provider/token", &json!({}))
        .await
        .expect(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_signs_out_on_the_way_connects_nothing() {
    let (app, provider) = app_and_provider().await;
    provider.knows("jane-4711", &json!({ "email": "doe@elsewhere.example" })).await;
    let mut browser = jane(&app).await;
    let page = depart(&mut browser, "corp", "connect").await;
    let back = provider.authorize(&page, "jane-4711").await;
    delete(&mut browser, "auth/session", json!({})).await.expect(401);
    let answer = browser.get(&back).await;
    assert_refused(&mut browser, answer, "unknown_state", "Try again").await;
    assert_eq!(app.database.number("SELECT count(*) FROM identities").await, 0);
}
