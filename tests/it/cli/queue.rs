use mishap_testkit::builders::{EnvelopeBuilder, event_id, message_event};
use mishap_testkit::{Installation, TestApp, TestDatabase, Typed, until};
use serde_json::json;
use tokio::task::block_in_place;

use super::{mishap, mishap_of};

/// Makes dead letters with one event each; returns their numbers.
async fn bury(app: &TestApp, count: usize) -> Vec<String> {
    for _ in 0..count {
        let id = event_id();
        let body = EnvelopeBuilder::of(&id).event(&message_event("unlucky")).build();
        let hex: String = body.iter().map(|byte| format!("{byte:02x}")).collect();
        let (project, size) = (app.tenant.project, body.len());
        let insert = format!(
            "INSERT INTO dead_letters (project_id, received, error, event_id, coding, size, payload)
             VALUES ({project}, now(), 'it hurt', '{id}', 0, {size}, '\\x{hex}')"
        );
        app.database.sql(&insert).await;
    }
    let rows = app.database.rows("SELECT id::text FROM dead_letters ORDER BY id").await;
    rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

/// What was noted in the audit log, the newest first.
fn actions(mishap: &Typed) -> Vec<String> {
    let noted = mishap.run(&["audit", "list", "--json"]).expect(0).json();
    let actions = noted.as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap());
    actions.map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_shows_what_waits() {
    let app = TestApp::start().await;
    let mishap = mishap_of(&app);
    mishap.run(&["send", &app.dsn().to_string()]).expect(0);
    bury(&app, 1).await;
    app.database.sql("INSERT INTO jobs (name, payload) VALUES ('make_partitions', 'null')").await;
    let queue = mishap.run(&["queue", "--json"]).expect(0).json();
    assert_eq!(queue["inbox_rows"], 1);
    assert_eq!(queue["dead_letters"], 1);
    assert_eq!((&queue["jobs_waiting"], &queue["jobs_dead"]), (&json!(1), &json!(0)));
    assert_eq!(queue["jobs"][0]["name"], "make_partitions");
    assert_eq!(queue["redis"], "not used");
    let shown = mishap.run(&["queue"]).expect(0).out;
    assert!(shown.contains("Inbox:         1 envelopes"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_workers_that_listen_now_are_counted() {
    let mut installation = Installation::start().await;
    let mut other = installation.another("mishap-worker", &[]);
    other.spawn();
    let mishap = installation.web.beside("mishap");
    // Nothing is sent to either of them.
    let listen = async |workers: i64, command: &str| {
        until(&format!("{workers} listen, says {command}"), async || {
            mishap.run(&[command, "--json"]).expect(0).json()["workers"] == workers
        })
        .await;
    };
    listen(2, "queue").await;
    block_in_place(|| installation.worker.kill());
    listen(1, "queue").await;
    listen(1, "redis").await;
    block_in_place(|| other.kill());
    listen(0, "redis").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_listed_and_digested_again() {
    let app = TestApp::start().await;
    let mishap = mishap_of(&app);
    let ids = bury(&app, 3).await;
    let listed = mishap.run(&["dead", "list", "--limit", "2", "--json"]).expect(0).json();
    let newest: Vec<_> =
        listed.as_array().unwrap().iter().map(|letter| letter["id"].to_string()).collect();
    assert_eq!(newest, [ids[2].as_str(), ids[1].as_str()]);
    assert_eq!(listed[0]["error"], "it hurt");
    let retried = mishap.run(&["dead", "retry", &ids[0], "--json"]).expect(0).json();
    assert_eq!(retried["retried"], 1);
    assert_eq!(app.database.number("SELECT count(*) FROM dead_letters").await, 2);
    assert_eq!(mishap.run(&["dead", "retry", "--all", "--json"]).expect(0).json()["retried"], 2);
    assert_eq!(app.digest().await, 3);
    assert_eq!(app.database.number("SELECT count(*) FROM events").await, 3);
    assert_eq!(actions(&mishap), ["dead_letter.retry", "dead_letter.retry"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_that_are_dropped_are_counted_as_poison() {
    let mut app = TestApp::start().await;
    let ids = bury(&app, 3).await;
    let dropped = mishap_of(&app).run(&["dead", "drop", &ids[0], &ids[2], "--json"]).expect(0);
    assert_eq!(dropped.json()["dropped"], 2);
    assert_eq!(actions(&mishap_of(&app)), ["dead_letter.drop"]);
    assert_eq!(app.database.number("SELECT count(*) FROM dead_letters").await, 1);
    assert_eq!(app.outcomes().await, [("error".to_owned(), "poison".to_owned(), 2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_set_shown_and_removed_at_every_scope() {
    let database = TestDatabase::new().await;
    let tenant = database.tenant("shop").await;
    let mishap = mishap(&database);
    let key = tenant.public_key.to_string();
    for (scope, of, number) in [
        ("instance", None, 0),
        ("organization", Some("shop-org"), tenant.organization.0),
        ("project", Some("shop-org/shop"), tenant.project.0),
        ("key", Some(key.as_str()), 1),
    ] {
        let name = of;
        let of: Vec<&str> = of.into_iter().flat_map(|of| ["--of", of]).collect();
        let target = [&[scope, "--window", "60", "--categories", "error"][..], &of].concat();
        let set = [&["--json", "quota", "set"][..], &target, &["7"]].concat();
        let shown = mishap.run(&set).expect(0).json();
        let expected = json!([{ "scope": scope, "scope_id": number, "of": name,
            "categories": ["error"], "window_seconds": 60, "limit": 7 }]);
        assert_eq!(shown, expected);
        assert_eq!(mishap.run(&["quota", "list", "--json"]).expect(0).json(), expected);
        let listed = mishap.run(&["quota", "list"]).expect(0).out;
        assert!(listed.contains(name.unwrap_or("instance")), "{listed}");
        let remove = [&["quota", "remove"][..], &target].concat();
        assert!(mishap.run(&remove).expect(0).out.contains("no limits"));
        assert!(mishap.run(&remove).expect(1).err.contains("no such limit"));
    }
    assert_eq!(actions(&mishap), ["quota.change"; 8]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_makes_no_sense_is_refused() {
    let database = TestDatabase::new().await;
    database.tenant("shop").await;
    let mishap = mishap(&database);
    for (words, says) in [
        (&["project", "5"][..], "--of"),
        (&["project", "--of", "shop", "5"], "organization/project"),
        (&["organization", "--of", "nowhere", "5"], "no such organization"),
        (&["key", "--of", "xyz", "5"], "hexadecimal"),
        (&["instance", "--window", "0", "5"], "at least one second"),
        (&["instance", "--categories", "errors", "5"], "no category"),
    ] {
        let said = mishap.run(&[&["quota", "set"][..], words].concat()).expect(1);
        assert!(said.err.contains(says), "{words:?}: {}", said.err);
    }
    assert_eq!(database.number("SELECT count(*) FROM quotas").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_says_how_the_installation_is_doing() {
    let app = TestApp::start().await;
    let mishap = mishap_of(&app);
    mishap.run(&["send", &app.dsn().to_string()]).expect(0);
    app.digest().await;
    let status = mishap.run(&["status", "--json"]).expect(0).json();
    assert_eq!(status["organizations"], 1);
    assert_eq!(status["pending_migrations"], json!([]));
    let counted =
        json!([{ "outcome": "accepted", "reason": "ok", "category": "error", "quantity": 1 }]);
    assert_eq!(status["outcomes"], counted);
    assert!(status["database_bytes"].as_i64().unwrap() > 0);
    assert_eq!(status["queue"]["inbox_rows"], 0);
    let shown = mishap.run(&["status"]).expect(0).out;
    assert!(shown.contains("Organizations: 1") && shown.contains("error accepted"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_of_a_database_without_the_schema_says_what_to_do() {
    let database = TestDatabase::empty().await;
    let said = mishap(&database).run(&["status"]).expect(1);
    assert!(said.err.contains("mishap migrate"), "{}", said.err);
    let migrated = mishap(&database).run(&["migrate", "--json"]).expect(0).json();
    assert!(migrated["applied"].as_i64().unwrap() > 0);
    let again = mishap(&database).run(&["migrate", "--json"]).expect(0).json();
    assert_eq!(again, json!({ "applied": 0, "version": migrated["version"] }));
    mishap(&database).run(&["status"]).expect(0);
}
