//! What clients of the API hear when something cannot be done, by status.

use mishap_core::access::{Role, Scope, Scopes};
use mishap_core::random::SystemRandom;
use mishap_core::secret::ApiToken;
use mishap_storage::accounts::tokens;
use mishap_storage::members;
use mishap_testkit::{Answer, Client, Options, TestApp};
use mishap_web::config::AccountRules;
use reqwest::Method;
use serde_json::{Value, json};

const ORGANIZATION: &str = "/api/0/organizations/shop-org/";
const MEMBERS: &str = "/api/0/organizations/shop-org/members/";

async fn send(client: &Client, method: Method, path: &str, body: impl Into<String>) -> Answer {
    Answer::of(client.request(method, path).body(body.into())).await
}

#[track_caller]
fn check(answer: Answer, status: u16, detail: &Value) {
    let answer = answer.expect(status);
    assert_eq!(answer.json(), json!({ "detail": detail }));
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
}

fn invitation(email: &str) -> String {
    json!({ "email": email, "orgRole": "member", "teamRoles": [] }).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_json_is_400() {
    let app = TestApp::start().await;
    for body in ["", "{", "name=x", "{\"name\": \"x\"} and more", "\u{feff}{}", "'x'"] {
        let answer = send(&app.owner(), Method::PUT, ORGANIZATION, body).await;
        check(answer, 400, &json!("Cannot parse request body"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_nobody_hears_401_when_reading_and_403_when_changing() {
    let app = TestApp::start().await;
    let wrong = Client::at(app.url.as_str(), Some("wrong"));
    for client in [&app.anonymous(), &wrong] {
        check(client.get(ORGANIZATION).await, 401, &json!("Unauthorized"));
        for (method, path) in
            [(Method::POST, MEMBERS), (Method::PUT, ORGANIZATION), (Method::DELETE, ORGANIZATION)]
        {
            // Nobody's body is read.
            check(send(client, method, path, "nonsense").await, 403, &json!("CSRF check Failed"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_hears_why_with_403() {
    let app = TestApp::start().await;
    let token = ApiToken::generate(&SystemRandom);
    let mut conn = app.database.conn().await;
    let scopes = Scopes::of(&[Scope::EventRead]);
    tokens::upsert(&mut conn, app.tenant.user, &token, "", scopes).await.unwrap();
    let reader = Client::at(app.url.as_str(), Some(token.reveal()));
    check(reader.get(ORGANIZATION).await, 403, &json!("Permission denied"));
    let answer = send(&reader, Method::PUT, ORGANIZATION, r#"{"name": "x"}"#).await;
    check(answer, 403, &json!("Permission denied"));
    let (organization, user) = (app.tenant.organization, app.tenant.user);
    members::put(&mut conn, organization, user, Role::Member).await.unwrap();
    let answer = send(&app.owner(), Method::PUT, ORGANIZATION, r#"{"name": "x"}"#).await;
    check(answer, 403, &json!("forbidden"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_or_not_the_caller_s_is_404() {
    let app = TestApp::start().await;
    let other = app.database.tenant("other").await;
    let stranger = Client::at(app.url.as_str(), Some(&other.token));
    for (client, path) in [
        (&stranger, ORGANIZATION),
        (&app.owner(), "/api/0/organizations/none/"),
        (&app.owner(), "/api/0/organizations/shop-org/members/999999/"),
        (&app.owner(), "/api/0/organizations/shop-org/members/9223372036854775808/"),
        (&app.owner(), "/api/0/issues/999999/"),
        (&app.owner(), "/api/0/nothing/"),
    ] {
        check(client.get(path).await, 404, &json!("Not Found"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_already_is_409_and_too_often_429() {
    let accounts = AccountRules { max_invitations: 2, ..AccountRules::default() };
    let app = TestApp::start_with(Options { accounts, ..Options::default() }).await;
    let invite =
        async |email: &str| send(&app.owner(), Method::POST, MEMBERS, invitation(email)).await;
    let already = "The user owner@shop.example.com is already a member";
    check(invite("owner@shop.example.com").await, 409, &json!(already));
    for email in ["a@example.com", "b@example.com"] {
        invite(email).await.expect(201);
    }
    let third = invite("c@example.com").await;
    assert_eq!(third.header("retry-after"), "");
    check(third, 429, &json!("Too many requests."));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_end_is_413() {
    let app = TestApp::start().await;
    let body = format!("{{\"name\": \"{}\"}}", "x".repeat(1 << 20));
    let answer = send(&app.owner(), Method::PUT, ORGANIZATION, body).await;
    check(answer, 413, &json!("Request body is too large"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_understood_is_422_with_each_place() {
    let app = TestApp::start().await;
    let missing = json!([{
        "type": "missing", "loc": ["body", "payload", "name"], "msg": "Field required",
    }]);
    for body in ["{}", "[]", "null", "7"] {
        check(send(&app.owner(), Method::PUT, ORGANIZATION, body).await, 422, &missing);
    }
    let too_long = json!([{
        "type": "string_too_long",
        "loc": ["body", "payload", "name"],
        "msg": "String should have at most 200 characters",
        "ctx": { "max_length": 200 },
    }]);
    let body = json!({ "name": "x".repeat(201) }).to_string();
    check(send(&app.owner(), Method::PUT, ORGANIZATION, body).await, 422, &too_long);
    let query = json!([{
        "type": "int_parsing",
        "loc": ["query", "limit"],
        "msg": "Input should be a valid integer, unable to parse string as an integer",
    }]);
    check(app.owner().get("/api/0/projects/?limit=many").await, 422, &query);
    let path = json!([{
        "type": "uuid_parsing",
        "loc": ["path", "event_id"],
        "msg": "Input should be a valid UUID",
    }]);
    let event = "/api/0/projects/shop-org/shop/events/nonsense/";
    check(app.owner().get(event).await, 422, &path);
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_fault_is_500_and_says_nothing_of_it() {
    let app = TestApp::start().await;
    app.database.sql("ALTER TABLE projects RENAME TO away").await;
    check(app.owner().get("/api/0/projects/").await, 500, &json!("Internal Error"));
}
