//! API tokens.

use chrono::{SecondsFormat, TimeDelta};
use mishap_core::access::Scope;
use mishap_testkit::{Answer, Client, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

use super::{assert_members, assert_problems, assert_refused, audited, take_time};

const TOKENS: &str = "/api/0/api-tokens/";

const NAMES: [&str; 7] = ["id", "label", "scopes", "token", "created", "expires", "lastUsed"];

async fn create(client: &Client, body: &Value) -> Answer {
    client.json(Method::POST, TOKENS, body).await
}

/// A browser of somebody who has no token yet.
async fn signed_in(app: &TestApp) -> Client {
    app.database.sql("DELETE FROM api_tokens").await;
    app.browser(app.tenant.user).await.client()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_token_is_is_told_once() {
    let app = TestApp::start().await;
    let client = signed_in(&app).await;
    let body = json!({
        "label": "CI",
        "scopes": ["team:read", "project:read"],
        // What nobody may choose is not looked at.
        "token": "chosen", "id": 7, "user": 1, "created": "2000-01-01",
    });
    let answer = create(&client, &body).await.expect(201);
    assert_members(&answer, &NAMES);
    let mut made = answer.json();
    take_time(&mut made, "created");
    let (id, secret) = (made["id"].clone(), made["token"].as_str().unwrap().to_owned());
    assert!(id.is_i64());
    let is_hexadecimal = |letter: char| matches!(letter, '0'..='9' | 'a'..='f');
    assert!(secret.len() == 64 && secret.chars().all(is_hexadecimal), "{secret}");
    let mut expected = json!({
        "id": id,
        "label": "CI",
        "scopes": ["project:read", "team:read"],
        "token": secret,
        "created": null,
        "expires": null,
        "lastUsed": null,
    });
    assert_eq!(made, expected);

    let answer = client.get(TOKENS).await.expect(200);
    assert_members(&answer, &NAMES);
    assert_eq!((answer.header("x-hits"), answer.header("x-max-hits")), ("1", "1000"));
    let mut listed = answer.json();
    take_time(&mut listed[0], "created");
    let (_, end) = secret.split_at(56);
    expected["token"] = json!(format!("…{end}"));
    assert_eq!(listed, json!([expected]));

    app.client(&secret).get("/api/0/projects/").await.expect(200);
    assert_refused(
        &app.client(&secret).get("/api/0/organizations/").await,
        403,
        "Permission denied",
    );
    let mut listed = client.get(TOKENS).await.json();
    take_time(&mut listed[0], "lastUsed");

    let entries = audited(&app).await;
    assert_eq!(entries.len(), 1);
    assert_eq!(
        (&entries[0]["action"], &entries[0]["target"]),
        (&json!("token.create"), &json!("CI"))
    );
    let details = json!({ "scopes": ["project:read", "team:read"], "expires": null });
    assert_eq!(entries[0]["details"], details);
    assert!(!json!(entries).to_string().contains(&secret));
    let stored = app.database.rows("SELECT * FROM api_tokens").await;
    assert!(!json!(stored).to_string().contains(&secret));
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_are_named_or_summed_up() {
    let app = TestApp::start().await;
    let client = signed_in(&app).await;
    let all: Vec<_> = Scope::ALL.iter().map(|scope| scope.name()).collect();
    for (scopes, expected) in [
        (json!([]), json!([])),
        (json!(0), json!([])),
        (json!(129), json!(["project:read", "event:read"])),
        (json!(["event:read", "event:read"]), json!(["event:read"])),
        (json!(65535), json!(all)),
        (json!(all), json!(all)),
    ] {
        let made = create(&client, &json!({ "scopes": scopes })).await.expect(201).json();
        assert_eq!((&made["scopes"], &made["label"]), (&expected, &json!("")), "{scopes}");
    }
    let invalid = json!({ "detail": [{ "scopes": "Invalid scope" }] });
    for scopes in [
        json!(["root"]),
        json!(["event:read", ""]),
        json!(["org:integrations"]),
        json!(65536),
        json!(-1),
    ] {
        let answer = create(&client, &json!({ "scopes": scopes })).await.expect(422);
        assert_eq!(answer.json(), invalid, "{scopes}");
    }
    let listed = client.get(TOKENS).await.json();
    assert_eq!(listed.as_array().unwrap().len(), 6);
    assert_eq!(listed[5]["scopes"], json!([]), "the newest comes first");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_token_is_told() {
    let app = TestApp::start().await;
    let client = signed_in(&app).await;
    assert_problems(&create(&client, &json!({})).await, &[("missing", "scopes")]);
    for (scopes, kind) in [
        (json!(null), "list_type"),
        (json!("event:read"), "list_type"),
        (json!(0.5), "int_parsing"),
        (json!(vec!["event:read"; 101]), "too_long"),
    ] {
        let answer = create(&client, &json!({ "scopes": scopes })).await;
        assert_problems(&answer, &[(kind, "scopes")]);
    }
    let long = json!({ "scopes": 0, "label": "x".repeat(256) });
    assert_problems(&create(&client, &long).await, &[("string_too_long", "label")]);
    let never = json!({ "scopes": 0, "expiresAt": "never" });
    assert_problems(&create(&client, &never).await, &[("datetime_from_date_parsing", "expiresAt")]);
    let past = json!({ "scopes": 0, "expiresAt": "2020-01-01T00:00:00Z" });
    assert_refused(&create(&client, &past).await, 422, "expiresAt must be in the future");
    assert!(audited(&app).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_counts_until_it_expires() {
    let app = TestApp::start().await;
    let client = signed_in(&app).await;
    let end = app.now() + TimeDelta::hours(1);
    let body = json!({ "scopes": ["project:read"], "expiresAt": end });
    let made = create(&client, &body).await.expect(201).json();
    let shown = end.to_rfc3339_opts(SecondsFormat::Millis, true);
    assert_eq!(made["expires"], shown);
    let token = app.client(made["token"].as_str().unwrap());
    app.clock.advance(TimeDelta::minutes(59));
    token.get("/api/0/projects/").await.expect(200);
    app.clock.advance(TimeDelta::minutes(1));
    assert_refused(&token.get("/api/0/projects/").await, 401, "Unauthorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_deleted_by_its_owner() {
    let app = TestApp::start().await;
    let other = app.database.account("other@example.com").await;
    let stranger = app.browser(other.user).await.client();
    let client = app.browser(app.tenant.user).await.client();
    let listed = client.get(TOKENS).await.expect(200).json();
    let path = format!("{TOKENS}{}/", listed[0]["id"]);
    assert_refused(&stranger.delete(&path).await, 404, "Not Found");
    app.owner().get("/api/0/projects/").await.expect(200);
    assert_eq!(client.delete(&path).await.expect(204).body, "");
    assert_refused(&client.delete(&path).await, 404, "Not Found");
    assert_refused(&app.owner().get("/api/0/projects/").await, 401, "Unauthorized");
    assert_eq!(client.get(TOKENS).await.json(), json!([]));
    let entries = audited(&app).await;
    assert_eq!(entries.len(), 1);
    assert_eq!(
        (&entries[0]["action"], &entries[0]["target"]),
        (&json!("token.delete"), &json!("test"))
    );
    let answer = client.delete(&format!("{TOKENS}x/")).await.expect(422).json();
    assert_eq!(answer["detail"][0]["loc"], json!(["path", "token_id"]));
    assert_eq!(client.get(&path).await.expect(405).body, "Method not allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_makes_shows_or_deletes_tokens() {
    let app = TestApp::start().await;
    let client = app.owner();
    assert_refused(&client.get(TOKENS).await, 401, "Unauthorized");
    let made = create(&client, &json!({ "scopes": 65535 })).await;
    assert_refused(&made, 403, "CSRF check Failed");
    assert_refused(&client.delete(&format!("{TOKENS}1/")).await, 403, "CSRF check Failed");
    assert_refused(&app.anonymous().get(TOKENS).await, 401, "Unauthorized");
}
