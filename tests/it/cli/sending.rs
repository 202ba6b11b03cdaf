use std::collections::BTreeSet;

use mishap_testkit::builders::{EnvelopeBuilder, envelope, error_event, event_id, message_event};
use mishap_testkit::{TestApp, free_port};
use serde_json::json;

use super::mishap_of;

#[tokio::test(flavor = "multi_thread")]
async fn a_test_event_that_was_sent_is_listed_as_an_issue() {
    let app = TestApp::start().await;
    let mishap = mishap_of(&app);
    let dsn = app.dsn().to_string();
    let sent = mishap.run(&["send", &dsn, "--message", "Oh no", "--json"]).expect(0).json();
    let id = sent["event_ids"][0].as_str().unwrap();
    assert_eq!(app.digest().await, 1);
    let issues = mishap.run(&["issues", "--json"]).expect(0).json();
    let issue = issues[0].clone();
    assert_eq!(issue["title"], "TestError: Oh no");
    assert_eq!((&issue["short_id"], &issue["events"]), (&json!("SHOP-1"), &json!(1)));
    let shown = mishap.run(&["issues", "shop-org", "--project", "shop"]).expect(0).out;
    assert!(shown.contains("SHOP-1") && shown.contains("TestError: Oh no"), "{shown}");
    let path = format!("/api/0/projects/shop-org/shop/events/{id}/");
    app.owner().get(&path).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_events_and_of_envelopes_are_sent() {
    let app = TestApp::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (own_id, (envelope_id, envelope_body)) = (event_id(), envelope(&message_event("b")));
    let mut with_id = error_event("A", "a");
    with_id["event_id"] = own_id.as_str().into();
    std::fs::write(folder.path().join("one.json"), with_id.to_string()).unwrap();
    std::fs::write(folder.path().join("two.envelope"), envelope_body).unwrap();
    std::fs::write(folder.path().join("three.json"), message_event("c").to_string()).unwrap();
    let mishap = mishap_of(&app).in_folder(folder.path());
    let dsn = app.dsn().to_string();
    let words = ["--json", "send", &dsn, "one.json", "two.envelope", "three.json"];
    let sent = mishap.run(&words).expect(0).json();
    let ids: Vec<&str> =
        sent["event_ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    assert_eq!(ids[..2], [own_id.as_str(), envelope_id.as_str()]);
    assert_eq!((ids.len(), ids[2].len()), (3, 32));
    app.digest().await;
    assert_eq!(app.database.number("SELECT count(*) FROM events").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_on_standard_input_is_sent() {
    let app = TestApp::start().await;
    let id = event_id();
    let body = EnvelopeBuilder::of(&id).event(&message_event("from a pipe")).build();
    let mishap = mishap_of(&app);
    let dsn = app.dsn().to_string();
    let sent = tokio::task::block_in_place(|| {
        mishap.run_with_input(&["--json", "send", &dsn, "-"], &body)
    });
    assert_eq!(sent.expect(0).json(), json!({ "event_ids": [id] }));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_refuses_is_said() {
    let app = TestApp::start().await;
    let mishap = mishap_of(&app);
    let unknown = format!("http://{}@{}/1", "0".repeat(32), app.url.authority());
    let said = mishap.run(&["send", &unknown]).expect(1);
    assert!(said.err.contains("403") && said.err.contains("this key"), "{}", said.err);
    let nobody = format!("http://{}@127.0.0.1:{}/1", "0".repeat(32), free_port());
    let said = mishap.run(&["send", &nobody]).expect(1);
    assert!(said.err.contains("cannot be reached"), "{}", said.err);
    let said = mishap.run(&["send", &app.dsn().to_string(), "missing.json"]).expect(1);
    assert!(said.err.contains("missing.json"), "{}", said.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_smoke_test_fails_if_its_event_cannot_be_read_in_time() {
    let app = TestApp::start().await;
    let mishap = mishap_of(&app);
    // Nobody digests.
    let said = mishap.run(&["smoke", "--timeout", "1"]).expect(1);
    assert!(said.err.contains("cannot be read after 1 s"), "{}", said.err);
    let (dsn, token) = (app.dsn().to_string(), app.tenant.token.clone());
    let said = mishap.run(&["smoke", "--dsn", &dsn, "--token", &token, "--timeout", "1"]).expect(1);
    assert!(said.err.contains("cannot be read after 1 s"), "{}", said.err);
    let said = mishap.run(&["smoke", "--dsn", &dsn, "--token", "wrong"]).expect(1);
    assert!(said.err.contains("401"), "{}", said.err);
    assert_eq!(app.digest().await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_smoke_test_leaves_deleted_projects_alone() {
    let app = TestApp::start().await;
    app.database.tenant("garden").await;
    let mishap = mishap_of(&app);
    mishap.run(&["project", "delete", "shop-org", "shop", "--yes"]).expect(0);
    // It is taken, and nobody digests.
    let said = mishap.run(&["smoke", "--timeout", "0"]).expect(1);
    assert!(said.err.contains("cannot be read after"), "{}", said.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_load_generator_writes_down_what_was_acknowledged() {
    let app = TestApp::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("acknowledged");
    let dsn = app.dsn().to_string();
    let words = [
        "--json",
        "load",
        &dsn,
        "--events",
        "30",
        "--connections",
        "3",
        "--issues",
        "5",
        "--no-wait",
        "--acknowledged",
        file.to_str().unwrap(),
    ];
    let report = mishap_of(&app).run(&words).expect(0).json();
    assert_eq!(report["acknowledged"], 30);
    assert_eq!(report["statuses"], json!({ "200": 30 }));
    assert_eq!(report["connection_errors"], 0);
    let text = std::fs::read_to_string(&file).unwrap();
    let acknowledged: BTreeSet<&str> = text.lines().collect();
    assert_eq!(acknowledged.len(), 30);
    app.digest().await;
    let query = "SELECT replace(event_id::text, '-', '') AS id FROM events";
    let stored = app.database.rows(query).await;
    let stored: BTreeSet<&str> = stored.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(stored, acknowledged);
    assert_eq!(app.database.number("SELECT count(*) FROM issues").await, 5);
}
