//! What sentry-wizard does.

use chrono::TimeDelta;
use mishap_core::access::Scope;
use mishap_testkit::{Answer, Client, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

use super::{assert_members, assert_problems, assert_refused, audited, take_time};

async fn begin(app: &TestApp) -> String {
    let answer = app.anonymous().get("/api/0/wizard/").await.expect(200);
    answer.json()["hash"].as_str().unwrap().to_owned()
}

fn path(hash: &str) -> String {
    format!("/api/0/wizard/{hash}/")
}

async fn agree(client: &Client, hash: &str) -> Answer {
    client.json(Method::POST, "/api/0/wizard-set-token/", &json!({ "hash": hash })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wizard_fetches_what_a_person_agreed_to() {
    let app = TestApp::start().await;
    app.database.tenant("other").await;
    app.database.project(app.tenant.organization, "bare").await;
    let wizard = app.anonymous();
    let hash = begin(&app).await;
    let is_plain = |letter: char| matches!(letter, '0'..='9' | 'a'..='z');
    assert!(hash.len() == 64 && hash.chars().all(is_plain), "{hash}");
    assert_refused(&wizard.get(&path(&hash)).await, 400, "Hash is empty, set it first");

    let person = app.browser(app.tenant.user).await.client();
    assert_eq!(agree(&person, &hash).await.expect(200).json(), Value::Null);
    let answer = wizard.get(&path(&hash)).await.expect(200);
    assert_members(&answer, &["apiKeys", "id", "label", "scopes", "token", "projects", "keys"]);
    let mut fetched = answer.json();
    let token = fetched["apiKeys"].take();
    assert_eq!(token["scopes"], json!(["project:releases"]));
    let shown = person.get("/api/0/api-tokens/").await.json()[0].take();
    assert_eq!((&shown["id"], &shown["label"]), (&token["id"], &json!("sentry-wizard")));
    let secret = token["token"].as_str().unwrap();
    let client = app.client(secret);
    assert_eq!(client.get("/api/0/").await.json()["auth"]["id"], token["id"]);
    assert_refused(&client.get("/api/0/projects/").await, 403, "Permission denied");

    let mut expected = app.owner().get("/api/0/projects/").await.expect(200).json();
    expected[0]["keys"] = json!([]);
    let keys = app.owner().get("/api/0/projects/shop-org/shop/keys/").await.expect(200).json();
    expected[1]["keys"] = keys;
    assert_eq!(fetched["projects"], expected);
    assert_eq!(expected[1]["keys"].as_array().unwrap().len(), 1);

    let entries = audited(&app).await;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["action"], "token.create");
    assert_eq!(entries[0]["target"], "sentry-wizard");
    assert!(!json!(entries).to_string().contains(secret));

    assert_eq!(wizard.delete(&path(&hash)).await.expect(200).json(), Value::Null);
    assert_refused(&wizard.get(&path(&hash)).await, 404, "Not Found");
    assert_eq!(app.database.number("SELECT count(*) FROM wizards").await, 0);
    // The token goes on: it is the person's.
    client.get("/api/0/users/me/").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wizard_waits_for_ten_minutes_and_fetches_for_ten() {
    let app = TestApp::start().await;
    let (first, second) = (begin(&app).await, begin(&app).await);
    assert_ne!(first, second);
    app.clock.advance(TimeDelta::seconds(599));
    agree(&app.owner(), &first).await.expect(200);
    app.clock.advance(TimeDelta::seconds(1));
    assert_refused(&app.anonymous().get(&path(&second)).await, 404, "Not Found");
    assert_refused(&agree(&app.owner(), &second).await, 400, "Token not found");
    app.clock.advance(TimeDelta::seconds(598));
    app.anonymous().get(&path(&first)).await.expect(200);
    app.clock.advance(TimeDelta::seconds(1));
    assert_refused(&app.anonymous().get(&path(&first)).await, 404, "Not Found");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_agrees_to_a_wizard_that_does_not_wait() {
    let app = TestApp::start().await;
    let unknown = "0".repeat(64);
    assert_refused(&agree(&app.owner(), &unknown).await, 400, "Token not found");
    for (hash, kind) in [("0".repeat(63), "string_too_short"), ("0".repeat(65), "string_too_long")]
    {
        assert_problems(&agree(&app.owner(), &hash).await, &[(kind, "hash")]);
    }
    assert_refused(&agree(&app.anonymous(), &unknown).await, 403, "CSRF check Failed");
    let hash = begin(&app).await;
    agree(&app.owner(), &hash).await.expect(200);
    // Nobody else puts theirs in its place.
    let other = app.database.tenant("other").await;
    assert_refused(&agree(&app.client(&other.token), &hash).await, 400, "Token not found");
    let fetched = app.anonymous().get(&path(&hash)).await.expect(200).json();
    assert_eq!(fetched["projects"][0]["slug"], "shop");
    // To agree once more is no failure.
    agree(&app.owner(), &hash).await.expect(200);
    assert_eq!(app.database.number("SELECT count(*) FROM api_tokens").await, 4);
    for hash in ["", "x", "%00", "'"] {
        app.anonymous().get(&format!("/api/0/wizard/{hash}x/")).await.expect(404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_makes_no_token_that_may_more_or_lives_longer() {
    let app = TestApp::start().await;
    let hash = begin(&app).await;
    let read = app.with_scopes(&[Scope::EventAdmin, Scope::OrgAdmin]).await;
    assert_refused(&agree(&read, &hash).await, 403, "Permission denied");
    let client = app.with_scopes(&[Scope::ProjectReleases]).await;
    let end = app.now() + TimeDelta::minutes(5);
    app.database.sql(&format!("UPDATE api_tokens SET expires_at = '{}'", end.to_rfc3339())).await;
    agree(&client, &hash).await.expect(200);
    let mut fetched = app.anonymous().get(&path(&hash)).await.expect(200).json();
    take_time(&mut fetched["apiKeys"], "expires");
    app.clock.advance(TimeDelta::minutes(6));
    assert_refused(&app.anonymous().get(&path(&hash)).await, 404, "Not Found");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_thought_better_of_it_deletes_the_token() {
    let app = TestApp::start().await;
    let hash = begin(&app).await;
    let person = app.browser(app.tenant.user).await.client();
    agree(&person, &hash).await.expect(200);
    let listed = person.get("/api/0/api-tokens/").await.json();
    person.delete(&format!("/api/0/api-tokens/{}/", listed[0]["id"])).await.expect(204);
    assert_refused(&app.anonymous().get(&path(&hash)).await, 404, "Not Found");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_lets_too_many_wizards_wait() {
    let app = TestApp::start().await;
    for _ in 0..20 {
        begin(&app).await;
    }
    let refused = app.anonymous().get("/api/0/wizard/").await;
    assert_refused(&refused, 429, "Too many requests.");
    app.clock.advance(TimeDelta::seconds(60));
    begin(&app).await;
}
