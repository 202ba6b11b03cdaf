use mishap_testkit::{Said, TestDatabase};
use serde_json::{Value, json};

use super::mishap;

/// Entries of three days, and of three people.
async fn log() -> TestDatabase {
    let database = TestDatabase::new().await;
    database
        .sql(
            "INSERT INTO audit_log (at, actor, actor_id, action, target_kind, target_id, target,
                 client_ip, details)
             SELECT timestamptz '2026-03-01 12:00Z' + n * interval '1 day', actor, n, action,
                 'token', n, 'CI', '10.0.0.1', '{\"n\": 1}'
             FROM (VALUES (0, 'eve@example.com', 'token.create'), (1, 'a_b@example.com',
                 'token.delete'), (2, E'Eve\\x1b', 'tokens_of.others')) AS e (n, actor, action)",
        )
        .await;
    database
}

fn lines(said: &Said) -> Vec<Value> {
    said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_listed_the_newest_first_and_chosen() {
    let database = log().await;
    let mishap = mishap(&database);
    for (words, ids) in [
        (&[][..], &[2, 1, 0][..]),
        (&["--limit", "1"], &[2]),
        (&["--since", "2026-03-02"], &[2, 1]),
        (&["--since", "2026-03-02T12:00:01Z"], &[2]),
        (&["--action", "token."], &[1, 0]),
        (&["--action", "token.delete"], &[1]),
        (&["--actor", "EVE"], &[2, 0]),
        (&["--actor", "a_b"], &[1]),
        (&["--actor", "e%e"], &[]),
    ] {
        let listed = mishap.run(&[&["audit", "list", "--json"], words].concat()).expect(0).json();
        let listed: Vec<_> =
            listed.as_array().unwrap().iter().map(|entry| entry["actor_id"].clone()).collect();
        assert_eq!(listed, ids, "{words:?}");
    }
    let said = mishap.run(&["audit", "list"]).expect(0).out;
    assert!(said.contains("2026-03-01T12:00:00Z") && said.contains("10.0.0.1"), "{said}");
    assert!(!said.contains('\u{1b}'), "{said}");
    assert!(mishap.run(&["audit", "list", "--actor", "x"]).expect(0).out.contains("no such"));
    assert_eq!(database.number("SELECT count(*) FROM audit_log").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_lines_of_json_and_notes_itself() {
    let database = log().await;
    let mishap = mishap(&database);
    let said = mishap.run(&["audit", "export", "--action", "token.", "--since", "2026-03-01"]);
    let exported = lines(&said.expect(0));
    let mut first = exported[0].clone();
    first["id"].take();
    assert_eq!(
        first,
        json!({
            "id": null,
            "at": "2026-03-01T12:00:00Z",
            "actor": "eve@example.com",
            "actor_id": 0,
            "action": "token.create",
            "target_kind": "token",
            "target_id": "0",
            "target": "CI",
            "organization_id": null,
            "client_ip": "10.0.0.1",
            "details": { "n": 1 },
        })
    );
    assert_eq!((exported.len(), &exported[1]["actor_id"]), (2, &json!(1)));
    let whole = lines(&mishap.run(&["audit", "export", "--json"]).expect(0));
    let noted: Vec<_> = whole.iter().filter(|entry| entry["action"] == "audit.export").collect();
    assert_eq!((whole.len(), noted.len()), (5, 2));
    assert_eq!(noted[0]["actor"], "operator");
    assert_eq!(noted[0]["details"]["action"], "token.");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_of_many_pages_is_whole_and_in_order() {
    let database = TestDatabase::new().await;
    database
        .sql(
            "INSERT INTO audit_log (actor, action, target_kind, target_id, target)
             SELECT 'x', 'token.create', 'token', n, '' FROM generate_series(1, 2500) n",
        )
        .await;
    let exported = lines(&mishap(&database).run(&["audit", "export"]).expect(0));
    let ids: Vec<_> = exported.iter().map(|entry| entry["target_id"].as_str().unwrap()).collect();
    let expected: Vec<_> = (1..=2500).map(|n| n.to_string()).collect();
    assert_eq!(ids[..2500], expected);
    assert_eq!((ids.len(), ids[2500]), (2501, ""));
}
