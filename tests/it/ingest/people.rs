//! Checklist: "IP rules with {{auto}}, REMOTE_ADDR, scrub; cookies removed". Where an event came
//! from, and what is kept out of it.

use mishap_testkit::builders::{EnvelopeBuilder, event_id};
use mishap_testkit::{Options, TestApp};
use serde_json::{Value, json};

use super::fields::check;

const CLIENT: &str = "203.0.113.77";

/// Behind a proxy that is trusted, and not scrubbing addresses.
async fn with_addresses() -> TestApp {
    let settings = vec![("TRUSTED_PROXIES", "127.0.0.0/8")];
    let app = TestApp::start_with(Options { settings, ..Options::default() }).await;
    app.database.sql("UPDATE projects SET scrub_ip_addresses = false").await;
    app
}

/// The address that is stored for an event that came from [`CLIENT`].
async fn address(app: &TestApp, event: &Value) -> Value {
    let id = event_id();
    let body = EnvelopeBuilder::of(&id).event(event).build();
    app.send_to("envelope", &[("X-Forwarded-For", CLIENT)], body).await.expect(200);
    app.digest().await;
    app.stored_event(&id).await.pointer("/user/ip_address").cloned().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_of_a_user_is_found_by_the_rules() {
    let app = with_addresses().await;
    let auto = json!({ "ip_address": "{{auto}}" });
    let remote = json!({ "env": { "REMOTE_ADDR": "198.51.100.9" } });
    for (event, expected) in [
        (json!({ "user": { "ip_address": "192.0.2.1" } }), json!("192.0.2.1")),
        (json!({ "user": { "ip_address": "2001:db8::1" } }), json!("2001:db8::1")),
        (json!({ "user": auto }), json!(CLIENT)),
        (json!({ "user": auto, "request": remote }), json!(CLIENT)),
        (json!({ "request": remote }), json!("198.51.100.9")),
        (json!({ "platform": "javascript" }), json!(CLIENT)),
        (json!({ "platform": "cocoa" }), json!(CLIENT)),
        (json!({ "platform": "python" }), json!(null)),
        (json!({ "platform": "python", "user": { "id": 7 } }), json!(null)),
        (
            json!({ "platform": "python", "sdk": { "settings": { "infer_ip": "auto" } } }),
            json!(CLIENT),
        ),
        (
            json!({ "platform": "javascript", "sdk": { "settings": { "infer_ip": "never" } } }),
            json!(null),
        ),
        (json!({ "user": { "ip_address": "here" } }), json!(null)),
    ] {
        assert_eq!(address(&app, &event).await, expected, "{event}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarded_address_is_believed_of_trusted_proxies_only() {
    let app = TestApp::start().await;
    app.database.sql("UPDATE projects SET scrub_ip_addresses = false").await;
    let event = json!({ "user": { "ip_address": "{{auto}}" } });
    assert_eq!(address(&app, &event).await, "127.0.0.1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_scrubs_addresses_keeps_none_whole() {
    let app = with_addresses().await;
    app.database.sql("UPDATE projects SET scrub_ip_addresses = true").await;
    let event = json!({
        "platform": "javascript",
        "user": { "ip_address": "{{auto}}", "geo": { "city": "Berlin" } },
        "request": { "headers": { "X-Forwarded-For": CLIENT, "X-Real-Ip": CLIENT },
            "env": { "REMOTE_ADDR": CLIENT } },
    });
    let id = event_id();
    let body = EnvelopeBuilder::of(&id).event(&event).build();
    app.send_to("envelope", &[("X-Forwarded-For", CLIENT)], body).await.expect(200);
    assert_eq!(
        app.database.rows("SELECT client_ip FROM inbox").await,
        [json!({ "client_ip": "203.0.113.0" })]
    );
    app.digest().await;
    let stored = app.stored_event(&id).await;
    assert_eq!(stored["user"]["ip_address"], "203.0.113.0");
    assert!(!stored.to_string().contains(CLIENT), "{stored}");
    assert!(stored["user"]["geo"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_filtered_wherever_they_stand() {
    let app = TestApp::start().await;
    let secret = "hunter2-is-secret";
    let id = event_id();
    let event = json!({
        "request": {
            "url": format!("https://u:{secret}@example.com/?token={secret}&a=1"),
            "headers": { "Cookie": format!("a={secret}"), "Authorization": format!("Bearer {secret}"),
                "Set-Cookie": secret, "X-Api-Key": secret, "X-Csrf-Token": secret },
            "cookies": { "theme": secret },
            "query_string": format!("password={secret}"),
            "data": format!("{{\"password\": \"{secret}\"}}"),
            "env": { "SECRET_KEY": secret },
        },
        "extra": { "user": { "passwd": secret, "deep": [{ "api_key": secret }] } },
        "contexts": { "app": { "auth_token": secret } },
        "tags": { "session_id": secret },
        "breadcrumbs": [{ "message": "m", "data": { "Authorization": secret } }],
        "exception": { "type": "E", "value": "v", "stacktrace": { "frames": [
            { "function": "f", "vars": { "password": secret, "pairs": [["token", secret]] } }] } },
        "user": { "id": 7, "credentials": secret },
        "private_key": secret,
    });
    app.send_envelope(EnvelopeBuilder::of(&id).event(&event).build()).await.expect(200);
    app.digest().await;
    let stored = app.stored_event(&id).await.to_string();
    assert!(!stored.contains(secret), "{stored}");
    let shown = app.shown_event(&id).await.to_string();
    assert!(!shown.contains(secret), "{shown}");
    assert!(stored.contains("[Filtered]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_sounds_like_a_secret_is_kept() {
    let app = TestApp::start().await;
    check(
        &app,
        [(
            json!({ "modules": { "token": "1.0" }, "extra": { "token_count": 7, "monkey": "k" },
                "debug_meta": { "images": [{ "type": "elf", "auth": "x" }] } }),
            vec![
                ("/modules/token", json!("1.0")),
                ("/extra/token_count", json!(7)),
                ("/extra/monkey", json!("k")),
                ("/debug_meta/images/0/auth", json!("x")),
            ],
        )],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_kept_with_whatever_is_known() {
    let app = TestApp::start().await;
    check(
        &app,
        [
            (
                json!({ "user": { "id": 7, "email": "a@example.com", "username": "a",
                    "name": "A", "segment": "x", "data": { "k": 1 } } }),
                vec![
                    ("/user/id", json!("7")),
                    ("/user/email", json!("a@example.com")),
                    ("/user/name", json!("A")),
                    ("/user/segment", json!("x")),
                    ("/user/data/k", json!(1)),
                ],
            ),
            (json!({ "user": {} }), vec![("/user", Value::Null)]),
        ],
    )
    .await;
}
