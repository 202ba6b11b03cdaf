//! API tokens.

use mishap_testkit::{Client, TestApp};
use serde_json::json;

use super::{assert_audited, audited, staff, text_of};

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_made_for_somebody_and_shown_once() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let path = format!("/admin/users/{}/tokens/new/", app.tenant.user);
    let fields = [
        ("label", "Deployments"),
        ("scope", "org:read"),
        ("scope", "nonsense"),
        ("scope", "project:read"),
        ("ends", "30"),
    ];
    let page = browser.post_form(&path, &fields).await.expect(200);
    assert_eq!(page.header("cache-control"), "no-store");
    let (_, rest) = page.body.split_once("<code id=\"token\">").unwrap();
    let (token, _) = rest.split_once('<').unwrap();
    assert_eq!(token.len(), 64);
    let client = Client::at(app.url.as_str(), Some(token));
    client.get("/api/0/organizations/").await.expect(200);
    client.get("/api/0/organizations/shop-org/issues/").await.expect(403);
    // The newest entry tells what it may do, and not what it is.
    let row = app.database.rows("SELECT expires_at FROM api_tokens ORDER BY id DESC LIMIT 1").await;
    let entry = audited(&app).await.pop().unwrap();
    assert_eq!(entry["action"], "token.create");
    assert_eq!(entry["target"], "Deployments of owner@shop.example.com");
    assert_eq!(entry["details"]["scopes"], json!(["project:read", "org:read"]));
    assert!(!entry.to_string().contains(token) && !row[0]["expires_at"].is_null());
    let list = browser.get("/admin/tokens/").await.expect(200);
    assert!(list.body.contains("Deployments") && !list.body.contains(token));
    assert!(list.body.contains(token.split_at(56).1), "its last characters are shown");

    app.clock.advance(chrono::TimeDelta::days(31));
    client.get("/api/0/organizations/").await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_needs_a_label_and_a_scope() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let path = format!("/admin/users/{}/tokens/new/", app.tenant.user);
    for (fields, problem) in [
        (&[("scope", "org:read"), ("ends", "never")][..], "This field is required."),
        (&[("label", "x"), ("ends", "never")], "Choose one at least."),
        (&[("label", "x"), ("scope", "org:read"), ("ends", "soon")], "Choose one of these."),
    ] {
        let again = browser.post_form(&path, fields).await.expect(422);
        assert!(text_of(&again).contains(problem), "{problem}");
    }
    assert_eq!(app.database.number("SELECT count(*) FROM api_tokens").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_deleted_from_either_page() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let owner = format!("/admin/users/{}/", app.tenant.user);
    for (next, leads_to) in [("tokens", "/admin/tokens/"), ("", owner.as_str())] {
        let label = format!("to {leads_to}");
        let fields = [("label", label.as_str()), ("scope", "org:read"), ("ends", "never")];
        browser.post_form(&format!("{owner}tokens/new/"), &fields).await.expect(200);
        let token = app.database.number("SELECT max(id) FROM api_tokens").await;
        let path = format!("{owner}tokens/{token}/delete/");
        let answer = browser.post_form(&path, &[("next", next)]).await.expect(303);
        assert_eq!(answer.header("location"), format!("{leads_to}?done=token-deleted"));
        let target = format!("{label} of owner@shop.example.com");
        assert_audited(&app, &browser, "token.delete", &target, json!({})).await;
        browser.post_form(&path, &[]).await.expect(404);
    }
    // A token of somebody else is not found under this account.
    let other = app.database.tenant("other").await;
    let query = format!("SELECT id FROM api_tokens WHERE user_id = {}", other.user);
    let token = app.database.number(&query).await;
    browser.post_form(&format!("{owner}tokens/{token}/delete/"), &[]).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_found_by_label_and_owner() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    app.database.tenant("other").await;
    app.database.sql("UPDATE api_tokens SET label = 'Terraform' WHERE id = 1").await;
    for (search, first, second) in [
        ("terra", true, false),
        ("other.example", false, true),
        ("", true, true),
        ("x%", false, false),
    ] {
        let address = format!("/admin/tokens/?search={}", search.replace('%', "%25"));
        let page = browser.get(&address).await.expect(200);
        let found = |email| page.body.contains(&format!("<bdi>owner@{email}.example.com"));
        assert_eq!((found("shop"), found("other")), (first, second), "{search}");
    }
}
