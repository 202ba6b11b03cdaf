//! Many workers at once.

use std::sync::Arc;

use mishap_storage::tallies;
use mishap_testkit::builders::{error_event, event_id};
use mishap_testkit::sql::{execute, texts};
use mishap_testkit::{Desk, TestDatabase};
use serde_json::json;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

/// How often PostgreSQL had to break a circle of waiting transactions in this database.
async fn deadlocks(database: &TestDatabase) -> i64 {
    // Sessions tell what they counted at the latest when they end.
    let end = "SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let mut conn = database.connect().await;
    execute(&mut conn, end).await.unwrap();
    let count = "SELECT deadlocks::text AS json FROM pg_stat_database \
                 WHERE datname = current_database()";
    texts(&mut conn, count.to_owned()).await.unwrap()[0].parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadlock_would_be_counted() {
    let database = TestDatabase::new().await;
    let mut sessions = JoinSet::new();
    let barrier = Arc::new(Barrier::new(2));
    for (first, second) in [(1, 2), (2, 1)] {
        let (mut conn, barrier) = (database.connect().await, Arc::clone(&barrier));
        sessions.spawn(async move {
            let lock = |key: i32| format!("SELECT pg_advisory_xact_lock({key})");
            let begin = format!("SET deadlock_timeout = '10ms'; BEGIN; {}", lock(first));
            execute(&mut conn, &begin).await.unwrap();
            barrier.wait().await;
            execute(&mut conn, &lock(second)).await.is_err()
        });
    }
    assert!(sessions.join_all().await.contains(&true));
    assert_eq!(deadlocks(&database).await, 1);
}

/// Digests batches of `envelopes` with several workers at once, while others fold.
async fn digest_together(
    desk: &Desk,
    envelopes: &[mishap_storage::inbox::NewEnvelope],
    batch: usize,
) {
    let tickets = Arc::new(desk.put(envelopes).await);
    let mut tasks = JoinSet::new();
    for lane in 0..6 {
        let (worker, tickets) = (desk.colleague(), Arc::clone(&tickets));
        tasks.spawn(async move {
            for batch in tickets.chunks(batch).skip(lane).step_by(6) {
                worker.digest(batch.to_vec()).await.unwrap();
            }
        });
    }
    for _ in 0..2 {
        let pool = desk.database.pool.clone();
        tasks.spawn(async move {
            for _ in 0..20 {
                let mut conn = pool.get().await.unwrap();
                tallies::fold(&mut conn).await.unwrap();
                tokio::task::yield_now().await;
            }
        });
    }
    tasks.join_all().await;
    desk.fold().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_over_the_same_issues_never_deadlock_and_the_counters_equal_the_rows() {
    let desk = Desk::new().await;
    let kinds = ["Ape", "Bee", "Cat", "Dog", "Elk", "Fox", "Gnu", "Hen", "Ibex", "Jay"];
    let envelopes: Vec<_> = (0..480)
        .map(|n: usize| {
            // Each batch meets the issues in another order, and several releases.
            let kind = kinds[(n * 7 + n / 10) % kinds.len()];
            let mut event = error_event(kind, "it failed");
            event["release"] = json!(format!("shop@{}", n % 4));
            event["user"] = json!({ "id": n % 9 });
            desk.envelope_of(&event_id(), &event)
        })
        .collect();
    digest_together(&desk, &envelopes, 10).await;

    assert_eq!(desk.issues().await.len(), kinds.len());
    let differing = "SELECT count(*) FROM issues i WHERE events <> 48
         OR events <> (SELECT count(*) FROM events e WHERE e.issue_id = i.id)
         OR events <> (SELECT sum(h.events) FROM issue_hours h WHERE h.issue_id = i.id)
         OR events <> (SELECT sum(t.events) FROM issue_tags t
                       WHERE t.issue_id = i.id AND t.key = 'release')
         OR 9 <> (SELECT people FROM issue_people p WHERE p.issue_id = i.id)
         OR first_seen <> (SELECT min(received) FROM events e WHERE e.issue_id = i.id)
         OR last_seen <> (SELECT max(received) FROM events e WHERE e.issue_id = i.id)";
    assert_eq!(desk.database.number(differing).await, 0);
    assert_eq!(desk.outcomes().await, [("error/ok".to_owned(), 480)].into());
    desk.assert_all_accounted_for().await;
    assert_eq!(deadlocks(&desk.database).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn issues_are_numbered_without_gaps_however_many_are_founded_at_once() {
    let desk = Desk::new().await;
    let letters: Vec<char> = ('a'..='z').collect();
    let envelopes: Vec<_> = (0..260)
        .map(|n: usize| {
            // Every kind occurs in several batches at once.
            let kind = n % 52;
            let name = format!("Error{}{}", letters[kind % 26], letters[kind / 26]);
            desk.envelope_of(&event_id(), &error_event(&name, "it failed"))
        })
        .collect();
    digest_together(&desk, &envelopes, 13).await;
    let numbers: Vec<i64> =
        desk.issues().await.iter().map(|issue| issue["number"].as_i64().unwrap()).collect();
    assert_eq!(numbers, (1..=52).collect::<Vec<_>>());
    assert_eq!(desk.database.number("SELECT count(*) FROM issue_changes").await, 52);
    desk.assert_all_accounted_for().await;
    assert_eq!(deadlocks(&desk.database).await, 0);
}
