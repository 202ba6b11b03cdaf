//! Accounts, as their owners see them.

use mishap_core::access::{Role, Scope};
use mishap_storage::members;
use mishap_testkit::{Account, Options, TestApp};
use mishap_web::config::Instance;
use reqwest::Method;
use serde_json::{Value, json};

use super::{assert_members, assert_problems, assert_refused, audited, take_time};

const ME: &str = "/api/0/users/me/";

const NAMES: [&str; 11] = [
    "id",
    "options",
    "username",
    "dateJoined",
    "email",
    "hasPasswordAuth",
    "identities",
    "lastLogin",
    "isSuperuser",
    "isActive",
    "name",
];

fn path(account: &Account) -> String {
    format!("/api/0/users/{}/", account.user)
}

fn shape(account: &Account) -> Value {
    json!({
        "id": account.user.to_string(),
        "options": {
            "timezone": null,
            "stacktraceOrder": null,
            "language": null,
            "clock24Hours": null,
            "preferredTheme": null,
        },
        "username": account.email,
        "dateJoined": null,
        "email": account.email,
        "hasPasswordAuth": false,
        "identities": [],
        "lastLogin": null,
        "isSuperuser": false,
        "isActive": true,
        "name": "Owner",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn people_see_themselves_alone() {
    let app = TestApp::start().await;
    let account = app.database.account("a@example.com").await;
    let client = app.client(&account.token);
    let answer = client.get("/api/0/users/").await.expect(200);
    assert_members(&answer, &NAMES);
    assert_eq!((answer.header("x-hits"), answer.header("x-max-hits")), ("1", "1000"));
    assert!(answer.header("link").contains("rel=\"next\"; results=\"false\""));
    let mut listed = answer.json();
    take_time(&mut listed[0], "dateJoined");
    assert_eq!(listed, json!([shape(&account)]));
    client.get("/api/0/users/?cursor=x").await.expect(422);

    let mut expected = shape(&account);
    expected["chatwootIdentifierHash"] = json!(null);
    // Whatever number is asked for, it is oneself who is shown.
    for user in ["me".to_owned(), account.user.to_string(), app.tenant.user.to_string()] {
        let answer = client.get(&format!("/api/0/users/{user}/")).await.expect(200);
        assert_members(&answer, &[&NAMES[..], &["chatwootIdentifierHash"]].concat());
        let mut shown = answer.json();
        take_time(&mut shown, "dateJoined");
        assert_eq!(shown, expected, "{user}");
    }
    let answer = client.get("/api/0/users/you/").await.expect(422).json();
    let problem = json!({ "detail": [{
        "type": "int_parsing",
        "loc": ["path", "user_id"],
        "msg": "Input should be 'me' or a valid integer",
    }] });
    assert_eq!(answer, problem);
    for path in ["/api/0/users/", ME] {
        assert_refused(&app.anonymous().get(path).await, 401, "Unauthorized");
        // No scope is asked for.
        app.with_scopes(&[]).await.get(path).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chatwoot_is_proven_who_somebody_is() {
    let instance = Instance {
        chatwoot_website_token: Some("website".to_owned()),
        chatwoot_identity_token: Some("identity".into()),
        ..Instance::default()
    };
    let app = TestApp::start_with(Options { instance: Some(instance), ..Options::default() }).await;
    let shown = app.owner().get(ME).await.expect(200).json();
    let number = app.tenant.user.to_string();
    let expected = mishap_core::signing::hmac_sha256(b"identity", number.as_bytes());
    assert_eq!(shown["chatwootIdentifierHash"], json!(expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn preferences_are_replaced_and_a_name_that_is_left_out_stays() {
    let app = TestApp::start().await;
    let account = app.database.account("a@example.com").await;
    let client = app.client(&account.token);
    let all = json!({
        "timezone": "Europe/Prague",
        "stacktraceOrder": 1,
        "language": "cs",
        "clock24Hours": true,
        "preferredTheme": "dark",
    });
    let body = json!({
        "options": all,
        "name": "Jana",
        // What nobody may choose is not looked at.
        "id": "1", "email": "b@example.com", "isSuperuser": true, "is_superuser": true,
        "is_staff": true, "isStaff": true, "isActive": false, "role": "owner",
        "hasPasswordAuth": true, "password": "secret", "subscribeByDefault": false,
    });
    let answer = client.json(Method::PUT, ME, &body).await.expect(200);
    assert_members(&answer, &NAMES);
    let mut changed = answer.json();
    take_time(&mut changed, "dateJoined");
    let mut expected = shape(&account);
    expected["options"] = all.clone();
    expected["name"] = json!("Jana");
    assert_eq!(changed, expected);
    let stored = "SELECT is_staff, is_superuser, is_active, email, password_hash,
        subscribe_by_default FROM users WHERE email LIKE 'a@%'";
    let untouched = json!({
        "is_staff": false, "is_superuser": false, "is_active": true, "email": "a@example.com",
        "password_hash": null, "subscribe_by_default": true,
    });
    assert_eq!(app.database.rows(stored).await, [untouched]);

    let body = json!({ "options": { "clock24_hours": false, "unknown": 1 }, "name": null });
    let changed = client.json(Method::PUT, &path(&account), &body).await.expect(200).json();
    let none = json!({
        "timezone": null,
        "stacktraceOrder": null,
        "language": null,
        "clock24Hours": false,
        "preferredTheme": null,
    });
    assert_eq!((&changed["options"], &changed["name"]), (&none, &json!("Jana")));
    let entries = audited(&app).await;
    let entry = &entries[0];
    assert_eq!(
        (&entry["action"], &entry["actor"]),
        (&json!("account.update"), &json!(account.email))
    );
    assert_eq!(entry["target_id"], json!(account.user.to_string()));
    assert_eq!(entry["details"], json!({ "options": all, "name": "Jana" }));
    assert_eq!(entries.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_preferences_is_told() {
    let app = TestApp::start().await;
    let put = async |body: Value| app.owner().json(Method::PUT, ME, &body).await;
    assert_problems(&put(json!({})).await, &[("missing", "options")]);
    assert_problems(&put(json!({ "options": 1 })).await, &[("model_type", "options")]);
    let long = json!({ "options": {}, "name": "x".repeat(256) });
    assert_problems(&put(long).await, &[("string_too_long", "name")]);
    let wrong = json!({ "options": { "stacktraceOrder": "first", "timezone": "x".repeat(101) } });
    let answer = put(wrong).await.expect(422).json();
    let places: Vec<_> =
        answer["detail"].as_array().unwrap().iter().map(|problem| &problem["loc"]).collect();
    let place = |name: &str| json!(["body", "payload", "options", name]);
    assert_eq!(places, [&place("timezone"), &place("stacktraceOrder")]);
    let other = app.database.account("a@example.com").await;
    let body = json!({ "options": {} });
    assert_refused(&app.owner().json(Method::PUT, &path(&other), &body).await, 404, "Not Found");
    assert!(audited(&app).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_deleted_by_its_owner_in_person() {
    let app = TestApp::start().await;
    let email = "leaver@example.com";
    let account = app.database.member(app.tenant.organization, email, Role::Owner).await;
    let browser = app.browser(account.user).await.client();
    // A token could have leaked.
    let token = app.client(&account.token);
    assert_refused(&token.delete(ME).await, 403, "CSRF check Failed");
    let other = format!("/api/0/users/{}/", app.tenant.user);
    assert_refused(&browser.delete(&other).await, 404, "Not Found");
    assert_eq!(browser.delete(&path(&account)).await.expect(204).body, "");

    assert_refused(&token.get(ME).await, 401, "Unauthorized");
    assert_refused(&browser.get(ME).await, 401, "Unauthorized");
    for table in ["users", "api_tokens", "members", "sessions"] {
        let column = if table == "users" { "id" } else { "user_id" };
        let count = format!("SELECT count(*) FROM {table} WHERE {column} = {}", account.user);
        assert_eq!(app.database.number(&count).await, 0, "{table}");
    }
    let entries = audited(&app).await;
    assert_eq!(entries.len(), 1);
    assert_eq!(
        (&entries[0]["action"], &entries[0]["actor"]),
        (&json!("account.delete"), &json!(email))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_an_organization_needs_stays() {
    let app = TestApp::start().await;
    let organization = app.tenant.organization;
    let owner = app.browser(app.tenant.user).await.client();
    let text = "User is organization owner. Delete organization or transfer ownership first.";
    assert_refused(&owner.delete(ME).await, 400, text);
    // The primary owner is needed even if there are others, and the last owner even if it is not
    // the primary one.
    let email = "second@example.com";
    let second = app.database.member(organization, email, Role::Owner).await;
    assert_refused(&owner.delete(ME).await, 400, text);
    let mut conn = app.database.conn().await;
    members::put(&mut conn, organization, app.tenant.user, Role::Manager).await.unwrap();
    let last = app.browser(second.user).await.client();
    assert_refused(&last.delete(ME).await, 400, text);
    assert!(audited(&app).await.is_empty());
    // What another organization needs is no matter.
    app.database.tenant("other").await;
    let manager = "manager@example.com";
    let manager = app.database.member(organization, manager, Role::Manager).await;
    app.browser(manager.user).await.client().delete(ME).await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_root_shows_the_same_account_and_the_token_without_what_it_is() {
    let app = TestApp::start().await;
    let client = app.with_scopes(&[Scope::EventRead]).await;
    let root = client.get("/api/0/").await.expect(200).json();
    assert_eq!(root["user"], client.get("/api/0/users/").await.expect(200).json()[0]);
    assert_eq!(root["auth"]["scopes"], json!(["event:read"]));
    let shown = root["auth"]["token"].as_str().unwrap();
    assert!(shown.starts_with('…') && shown.chars().count() == 9, "{shown}");
    let root = app.browser(app.tenant.user).await.client().get("/api/0/").await.expect(200).json();
    assert_eq!(
        (&root["user"]["email"], &root["auth"]),
        (&json!("owner@shop.example.com"), &json!(null))
    );
}
