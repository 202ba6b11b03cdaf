//! API tokens of one's account.

use chrono::TimeDelta;
use mishap_testkit::{Answer, Browser, Client, TestApp};
use serde_json::json;

const TOKENS: &str = "/profile/auth-tokens";

async fn post(browser: &Browser, path: &str, fields: &[(&str, &str)]) -> Answer {
    browser.clone().post_form(path, fields).await
}

/// The token that a page shows.
fn shown(page: &Answer) -> String {
    let (_, rest) = page.body.split_once("<code id=\"token\">").unwrap();
    rest.split('<').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_made_shown_once_used_and_deleted() {
    let app = TestApp::start().await;
    let account = app.database.account("jane@example.com").await;
    app.database.sql("DELETE FROM api_tokens").await;
    let browser = app.browser(account.user).await;
    let empty = browser.client().get(TOKENS).await.expect(200);
    assert!(empty.body.contains("No tokens yet") && empty.body.contains("value=\"project:read\""));

    let fields = [
        ("label", " <b>Ship it</b> "),
        ("scope", "project:read"),
        ("scope", "org:read"),
        ("ends", "30"),
    ];
    let made = post(&browser, TOKENS, &fields).await.expect(200);
    assert_eq!(made.header("cache-control"), "no-store");
    let token = shown(&made);
    assert!(made.body.contains("&lt;b&gt;Ship it&lt;/b&gt;"), "{}", made.body);
    assert!(!made.body.contains("<b>Ship"));
    let client = Client::at(app.url.as_str(), Some(&token));
    let auth = client.get("/api/0/").await.expect(200).json()["auth"].clone();
    assert_eq!(auth["scopes"], json!(["project:read", "org:read"]));
    client.get("/api/0/organizations/").await.expect(200);
    client.get("/api/0/organizations/shop-org/issues/").await.expect(403);
    let again = browser.client().get(TOKENS).await.expect(200);
    assert!(!again.body.contains(&token) && again.body.contains(token.split_at(56).1));
    assert!(again.body.contains("project:read, org:read"));

    app.clock.advance(TimeDelta::days(30));
    client.get("/api/0/").await.expect(200);
    client.get("/api/0/organizations/").await.expect(401);
    let browser = app.browser(account.user).await;
    assert!(browser.client().get(TOKENS).await.expect(200).body.contains("Ended"));

    let id = app.database.number("SELECT id FROM api_tokens").await.to_string();
    let stranger = app.browser(app.tenant.user).await;
    let delete = format!("{TOKENS}/delete");
    post(&stranger, &delete, &[("token", &id)]).await.expect(404);
    post(&browser, &delete, &[("token", "x")]).await.expect(404);
    let gone = post(&browser, &delete, &[("token", &id)]).await.expect(200);
    assert!(gone.body.contains("is deleted") && gone.body.contains("No tokens yet"));
    post(&browser, &delete, &[("token", &id)]).await.expect(404);
    let told = app.database.rows("SELECT action, details->'scopes' AS s FROM audit_log").await;
    let scopes = json!(["project:read", "org:read"]);
    assert_eq!(
        told,
        ["token.create", "token.delete"].map(|action| json!({ "action": action, "s": scopes }))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_token_is_told_beside_what_was_typed() {
    let app = TestApp::start().await;
    let browser = app.browser(app.tenant.user).await;
    let before = app.database.number("SELECT count(*) FROM api_tokens").await;
    let long = "x".repeat(256);
    let cases: [(&[(&str, &str)], &str); 4] = [
        (&[("scope", "org:read"), ("ends", "never")], "This field is required."),
        (&[("label", &long), ("scope", "org:read"), ("ends", "never")], "At most 255 characters."),
        (&[("label", "mine"), ("scope", "root"), ("ends", "never")], "Choose one at least."),
        (&[("label", "mine"), ("scope", "org:read"), ("ends", "-1")], "Choose one of these."),
    ];
    for (fields, says) in cases {
        let page = post(&browser, TOKENS, fields).await.expect(422);
        assert!(page.body.contains(says), "{says}");
        assert_eq!(page.body.contains("value=\"mine\""), fields[0].1 == "mine", "{says}");
    }
    assert_eq!(app.database.number("SELECT count(*) FROM api_tokens").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_whoever_is_signed_in_here_makes_tokens() {
    let app = TestApp::start().await;
    let fields = [("label", "mine"), ("scope", "org:read"), ("ends", "never")];
    let before = app.database.number("SELECT count(*) FROM api_tokens").await;
    let led = app.anonymous().get(TOKENS).await.expect(303);
    assert_eq!(led.header("location"), "/login?next=%2Fprofile%2Fauth-tokens");
    assert_eq!(
        app.owner().get(TOKENS).await.expect(303).header("location"),
        led.header("location")
    );
    let mut stranger = app.stranger();
    stranger.get("/login").await;
    post(&stranger, TOKENS, &fields).await.expect(303);
    let forger = Browser {
        origin: Some("https://evil.example.com".to_owned()),
        ..app.browser(app.tenant.user).await
    };
    post(&forger, TOKENS, &fields).await.expect(403);
    assert_eq!(app.database.number("SELECT count(*) FROM api_tokens").await, before);
}
