//! What is stored, whose it is, who sends most, and whether it is what was counted.

use chrono::TimeDelta;
use mishap_storage::partitions;
use mishap_testkit::TestApp;
use serde_json::json;

use super::mishap_of;

/// An installation with two projects, of which the second has stored as many events.
async fn with_events(first: usize, second: usize) -> TestApp {
    let app = TestApp::start().await;
    let other = app.database.tenant("garden").await;
    for (dsn, count) in [(app.dsn(), first), (other.dsn(&app.url), second)] {
        for _ in 0..count {
            mishap_of(&app).run(&["send", &dsn.to_string()]).expect(0);
        }
    }
    app.digest().await;
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn the_room_that_is_taken_is_shown_by_table_partition_and_organization() {
    let app = with_events(1, 3).await;
    let mishap = mishap_of(&app);
    let said = mishap.run(&["storage", "--limit", "100", "--json"]).expect(0).json();
    let rows = said["partitions"].as_array().unwrap();
    let of = |table: &str| rows.iter().find(|row| row["table"] == table).unwrap();
    assert_eq!(of("events")["current"], 1, "{rows:?}");
    assert_eq!((&of("events")["past"], &of("events")["future"]), (&json!(0), &json!(0)));
    let organizations = said["organizations"].as_array().unwrap();
    assert_eq!(organizations[0]["organization"], "garden-org");
    assert_eq!((&organizations[0]["events"], &organizations[1]["events"]), (&json!(3), &json!(1)));
    let bytes = |place: usize| organizations[place]["bytes"].as_i64().unwrap();
    assert!(bytes(0) > bytes(1) && bytes(1) > 0, "{organizations:?}");
    let tables = said["tables"].as_array().unwrap();
    assert!(tables.iter().any(|table| table["table"] == "events"), "{tables:?}");
    app.database
        .sql(
            "CREATE TABLE events_20200101 PARTITION OF events
        FOR VALUES FROM ('2020-01-01') TO ('2020-01-02')",
        )
        .await;
    let shown = mishap.run(&["storage"]).expect(0).out;
    assert!(shown.contains("events kept: 30 days"), "{shown}");
    let line = shown.lines().find(|line| line.contains("2020-01-01T00:00:00Z")).unwrap();
    assert!(line.starts_with("events "), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sends_most_stands_at_the_top_with_what_became_of_it() {
    let mut app = with_events(2, 3).await;
    let mishap = mishap_of(&app);
    let key = app.tenant.public_key.to_string();
    mishap.run(&["key", "disable", &key]).expect(0);
    app.clock.advance(TimeDelta::minutes(1));
    for _ in 0..4 {
        mishap.run(&["send", &app.dsn().to_string()]).expect(1);
    }
    app.outcomes().await;
    let said = mishap.run(&["top", "--json"]).expect(0).json();
    let (first, second) = (&said["projects"][0], &said["projects"][1]);
    assert_eq!((&first["project"], &first["received"]), (&json!("shop"), &json!(6)));
    assert_eq!(first["outcomes"], json!({ "accepted": 2, "invalid": 4 }));
    assert_eq!(first["reasons"], json!({ "ok": 2, "disabled_project": 4 }));
    assert_eq!((&second["organization"], &second["received"]), (&json!("garden-org"), &json!(3)));
    let shown = mishap.run(&["top", "--limit", "1"]).expect(0).out;
    assert!(shown.contains("shop-org/shop") && !shown.contains("garden"), "{shown}");
    app.database.sql("UPDATE outcomes SET hour = hour - interval '3 hours'").await;
    assert!(mishap.run(&["top"]).expect(0).out.contains("Nothing was received"));
    assert!(mishap.run(&["top", "--hours", "5"]).expect(0).out.contains("shop-org/shop"));
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_and_counted_events_are_compared_hour_by_hour() {
    let app = with_events(2, 1).await;
    let mishap = mishap_of(&app);
    // This hour is not over; two hours ago is.
    let mut conn = app.database.conn().await;
    let now = mishap_storage::now(&mut conn).await.unwrap();
    for ago in [TimeDelta::hours(2), TimeDelta::hours(50)] {
        for table in [partitions::EVENTS, partitions::OUTCOMES] {
            partitions::ensure(&mut conn, &table, now - ago).await.unwrap();
        }
    }
    app.database.sql("UPDATE outcomes SET hour = hour - interval '2 hours'").await;
    app.database.sql("UPDATE events SET received = received - interval '2 hours'").await;
    assert!(mishap.run(&["reconcile"]).expect(0).out.contains("agree"));
    app.database
        .sql(
            "DELETE FROM events WHERE project_id = 1 AND event_id =
        (SELECT min(event_id::text)::uuid FROM events WHERE project_id = 1)",
        )
        .await;
    let said = mishap.run(&["reconcile", "--json"]).expect(1);
    let differences = said.json()["differences"].clone();
    assert_eq!(differences.as_array().unwrap().len(), 1, "{differences}");
    assert_eq!(differences[0]["project"], "shop-org/shop");
    assert_eq!((&differences[0]["stored"], &differences[0]["counted"]), (&json!(1), &json!(2)));
    assert!(said.err.contains("differ in 1 hours"), "{}", said.err);
    // Whoever keeps events for a shorter time has fewer of them than were counted.
    app.database.sql("UPDATE outcomes SET hour = hour - interval '2 days'").await;
    app.database.sql("DELETE FROM events").await;
    mishap.run(&["reconcile"]).expect(1);
    mishap.run(&["reconcile", "--days", "1"]).expect(0);
    app.database.sql("UPDATE organizations SET retention_days = 1").await;
    mishap.run(&["reconcile"]).expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_listed_and_switched_on_and_off_which_is_noted() {
    let app = TestApp::start().await;
    let mishap = mishap_of(&app);
    let (dsn, key) = (app.dsn().to_string(), app.tenant.public_key.to_string());
    mishap.run(&["send", &dsn]).expect(0);
    let said = mishap.run(&["key", "disable", &key]).expect(0).out;
    assert!(said.contains("is off"), "{said}");
    app.clock.advance(TimeDelta::minutes(1));
    mishap.run(&["send", &dsn]).expect(1);
    let listed = mishap.run(&["key", "list", "shop-org", "shop"]).expect(0).out;
    assert!(listed.contains(&key) && listed.contains("off"), "{listed}");
    mishap.run(&["key", "enable", &key]).expect(0);
    app.clock.advance(TimeDelta::minutes(1));
    mishap.run(&["send", &dsn]).expect(0);
    let noted = mishap.run(&["audit", "list", "--action", "key.update", "--json"]).expect(0).json();
    assert_eq!(noted.as_array().unwrap().len(), 2, "{noted}");
    let unknown = "00000000000000000000000000000000";
    assert!(mishap.run(&["key", "disable", unknown]).expect(1).err.contains("no such key"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_is_gone_at_once_and_noted() {
    let app = TestApp::start().await;
    let mishap = mishap_of(&app);
    let words = ["project", "delete", "shop-org", "shop"];
    mishap.run(&words).expect(2);
    mishap.run(&[&words[..], &["--yes"]].concat()).expect(0);
    assert!(mishap.run(&["dsn", "shop-org", "shop"]).expect(1).err.contains("no project shop"));
    let owner = ["user", "delete", "owner@shop.example.com", "--yes"];
    assert!(mishap.run(&owner).expect(1).err.contains("last owner"));
    mishap.run(&["org", "delete", "shop-org", "--yes"]).expect(0);
    mishap.run(&owner).expect(0);
    for table in ["users", "members"] {
        assert_eq!(app.database.number(&format!("SELECT count(*) FROM {table}")).await, 0);
    }
    let noted = mishap.run(&["audit", "list", "--json"]).expect(0).json();
    let actions: Vec<_> =
        noted.as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["account.delete", "organization.delete", "project.delete"]);
}
