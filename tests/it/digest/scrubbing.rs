//! Secrets go before anything is stored.

use mishap_storage::inbox::NewEnvelope;
use mishap_testkit::Desk;
use mishap_testkit::builders::event_id;
use serde_json::{Value, json};

const SECRET: &str = "correct-horse-battery";
const CARD: &str = "4111111111111111";
const ADDRESS: &str = "203.0.113.77";

/// An event with secrets wherever SDKs put them.
fn event() -> Value {
    json!({
        "platform": "python",
        "level": "error",
        "transaction": "/pay",
        "exception": { "values": [{
            "type": "PayError",
            "value": format!("cannot charge {CARD}"),
            "stacktrace": { "frames": [{
                "function": "pay",
                "module": "shop.pay",
                "in_app": true,
                "vars": { "password": SECRET, "nested": { "api_key": SECRET } },
            }]},
        }]},
        "request": {
            "url": format!("https://shop.example.com/pay?token={SECRET}"),
            "query_string": [["token", SECRET]],
            "method": "POST",
            "headers": [["Authorization", format!("Bearer {SECRET}")], ["X-Forwarded-For", ADDRESS]],
            "cookies": { "sessionid": SECRET },
            "data": { "password": SECRET, "card": CARD },
            "env": { "REMOTE_ADDR": ADDRESS },
        },
        "extra": { "db": { "passwd": SECRET } },
        "contexts": { "pay": { "secret": SECRET } },
        "user": { "id": "7", "ip_address": ADDRESS, "data": { "access_token": SECRET } },
        "breadcrumbs": { "values": [{ "category": "http", "data": { "auth": SECRET } }]},
        "tags": { "auth_token": SECRET },
    })
}

/// Everything in the database but the inbox, with bodies opened.
async fn everything(desk: &Desk) -> String {
    let tables = desk.database.rows(
        "SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace
             AND relkind = 'r' AND relname NOT LIKE 'inbox%'",
    );
    let mut text = String::new();
    for table in tables.await {
        let table = table["name"].as_str().unwrap();
        for row in desk.database.rows(&format!("SELECT * FROM {table}")).await {
            text.push_str(&row.to_string());
        }
    }
    for event in desk.events().await {
        text.push_str(&event.body.to_string());
    }
    text
}

async fn digested(settings: &str) -> String {
    let desk = Desk::new().await;
    desk.database.sql(&format!("UPDATE projects SET {settings}")).await;
    let envelope = desk.envelope_of(&event_id(), &event());
    desk.put(&[NewEnvelope { client_ip: Some(ADDRESS.parse().unwrap()), ..envelope }]).await;
    desk.digest().await;
    assert_eq!(desk.outcomes().await, [("error/ok".to_owned(), 1)].into());
    everything(&desk).await
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_and_no_address_reaches_any_table() {
    let stored = digested("scrub_secrets = true, scrub_ip_addresses = true").await;
    assert!(stored.contains("[Filtered]"));
    for secret in [SECRET, CARD, ADDRESS] {
        assert!(!stored.contains(secret), "{secret}: {stored}");
        assert!(!stored.contains(&hex(secret)), "{secret}: {stored}");
    }
    assert!(stored.contains("203.0.113.0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_wants_nothing_scrubbed_finds_what_was_sent() {
    let stored = digested("scrub_secrets = false, scrub_ip_addresses = false").await;
    for secret in [SECRET, CARD, ADDRESS] {
        assert!(stored.contains(secret), "{secret}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_can_insist_on_scrubbing_addresses() {
    let desk = Desk::new().await;
    desk.database.sql("UPDATE projects SET scrub_ip_addresses = false").await;
    desk.database.sql("UPDATE organizations SET scrub_ip_addresses = true").await;
    desk.put_event(&event()).await;
    desk.digest().await;
    assert!(!everything(&desk).await.contains(ADDRESS));
}
