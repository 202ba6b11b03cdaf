//! An event counts once, however often it is delivered.

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use mishap_storage::inbox::NewEnvelope;
use mishap_testkit::builders::{error_event, event_id};
use mishap_testkit::sql::execute;
use mishap_testkit::{Desk, desk, until};
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread")]
async fn a_redelivered_batch_changes_nothing() {
    let desk = Desk::new().await;
    let envelopes: Vec<_> = ["CartError", "PayError", "CartError"]
        .map(|kind| desk.envelope_of(&event_id(), &error_event(kind, "it failed")))
        .into();
    let tickets = desk.put(&envelopes).await;
    let worker = desk.colleague();
    assert_eq!(worker.digest(tickets.clone()).await.unwrap(), 3);
    desk.fold().await;
    let (contents, outcomes) = (desk.contents().await, desk.outcomes().await);
    assert_eq!(contents["events"].len(), 3);

    assert_eq!(worker.digest(tickets.clone()).await.unwrap(), 0);
    assert_eq!(desk.colleague().digest(tickets).await.unwrap(), 0);
    desk.fold().await;
    assert_eq!(desk.contents().await, contents);
    assert_eq!(desk.outcomes().await, outcomes);
    desk.assert_all_accounted_for().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_on_the_same_rows_store_each_once() {
    let desk = Desk::new().await;
    let envelopes: Vec<_> = (0..120)
        .map(|n| desk.envelope_of(&event_id(), &error_event(["A", "B", "C"][n % 3], "it failed")))
        .collect();
    let tickets = desk.put(&envelopes).await;
    let mut workers = JoinSet::new();
    for _ in 0..2 {
        let (worker, tickets) = (desk.colleague(), tickets.clone());
        workers.spawn(async move {
            let mut rows = 0;
            for batch in tickets.chunks(10) {
                rows += worker.digest(batch.to_vec()).await.unwrap();
            }
            rows
        });
    }
    let rows: usize = workers.join_all().await.into_iter().sum();
    // A row that one of them had locked is left to that one.
    assert_eq!(rows, 120);
    desk.fold().await;
    assert_eq!(desk.outcomes().await, [("error/ok".to_owned(), 120)].into());
    assert_eq!(desk.database.number("SELECT count(*) FROM events").await, 120);
    assert_eq!(desk.database.number("SELECT sum(events) FROM issues").await, 120);
    assert_eq!(desk.database.number("SELECT sum(events) FROM issue_hours").await, 120);
    desk.assert_all_accounted_for().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_of_the_same_event_id_changes_nothing() {
    let same = error_event("CartError", "the cart is empty");
    let other = error_event("OtherError", "something else under the same id");
    for retried in [&same, &other] {
        let desk = Desk::new().await;
        let id = event_id();
        let attachment = |event: &serde_json::Value| {
            let envelope = mishap_testkit::builders::EnvelopeBuilder::of(&id).event(event);
            desk.envelope(&id, envelope.item("attachment", "bytes").build())
        };
        desk.put(&[attachment(&same)]).await;
        assert_eq!(desk.digest().await, 1);
        let contents = desk.contents().await;
        assert_eq!((contents["events"].len(), contents["attachments"].len()), (1, 1));

        desk.put(&[attachment(retried), attachment(retried)]).await;
        assert_eq!(desk.digest().await, 2);
        assert_eq!(desk.contents().await, contents);
        let expected = [
            ("attachment/duplicate", 2),
            ("attachment/ok", 1),
            ("error/duplicate", 2),
            ("error/ok", 1),
        ];
        assert_eq!(
            desk.outcomes().await,
            expected.map(|(key, count)| (key.to_owned(), count)).into()
        );
        desk.assert_all_accounted_for().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_in_the_same_batch_is_a_duplicate() {
    let desk = Desk::new().await;
    let envelope = desk.envelope_of(&event_id(), &error_event("CartError", "the cart is empty"));
    desk.put(&[envelope.clone(), envelope]).await;
    assert_eq!(desk.digest().await, 2);
    assert_eq!(desk.events().await.len(), 1);
    assert_eq!(desk.issues().await[0]["events"], 1);
    assert_eq!(desk.outcomes().await["error/duplicate"], 1);
    desk.assert_all_accounted_for().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_in_another_project_is_another_event() {
    let desk = Desk::new().await;
    let other = desk.database.tenant("other").await;
    let envelope = desk.envelope_of(&event_id(), &error_event("CartError", "the cart is empty"));
    desk.put(&[envelope.clone(), NewEnvelope { project: other.project, ..envelope }]).await;
    desk.digest().await;
    assert_eq!(desk.events().await.len(), 2);
    assert_eq!(desk.outcomes().await, [("error/ok".to_owned(), 2)].into());
    desk.assert_all_accounted_for().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_around_midnight_is_a_duplicate_in_whatever_order_the_two_are_digested() {
    let desk = Desk::new().await;
    // The last one that is long enough ago for what came after it to be over.
    let yesterday = desk::now() - TimeDelta::days(1);
    let midnight: DateTime<Utc> = yesterday.date_naive().and_time(NaiveTime::MIN).and_utc();
    let times = [
        (TimeDelta::seconds(-5), TimeDelta::seconds(5)),
        (TimeDelta::hours(-20), TimeDelta::hours(3)),
    ];
    let event = error_event("CartError", "the cart is empty");
    for (before, after) in times {
        for (first, second) in [(before, after), (after, before)] {
            let id = event_id();
            let stored = desk.events().await.len();
            for received in [first, second] {
                desk.put_event_at(&id, &event, midnight + received).await;
                desk.digest().await;
            }
            assert_eq!(desk.events().await.len(), stored + 1, "{first} {second}");
        }
    }
    let expected = [("error/duplicate".to_owned(), 4), ("error/ok".to_owned(), 4)];
    assert_eq!(desk.outcomes().await, expected.into());
    desk.assert_all_accounted_for().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_broken_off_never_happened() {
    let desk = Desk::new().await;
    let envelope = desk.envelope_of(&event_id(), &error_event("CartError", "the cart is empty"));
    let tickets = desk.put(&[envelope]).await;
    let empty = desk.contents().await;
    let mut blocker = desk.database.connect().await;
    // The issue is founded by then, and the batch in the middle of its transaction.
    execute(&mut blocker, "BEGIN; LOCK TABLE events IN EXCLUSIVE MODE").await.unwrap();
    let mut workers = JoinSet::new();
    let (worker, batch) = (desk.colleague(), tickets.clone());
    workers.spawn(async move { worker.digest(batch).await });
    let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                  AND pid <> pg_backend_pid() AND state = 'active'";
    until("the batch waits for the lock", async || {
        let waiting = format!("{others} AND wait_event_type = 'Lock'");
        desk.database.number(&waiting).await == 1
    })
    .await;
    workers.abort_all();
    while workers.join_next().await.is_some() {}
    execute(&mut blocker, "ROLLBACK").await.unwrap();
    until("nobody works on it", async || desk.database.number(others).await == 0).await;
    until("the row is free", async || {
        let locks = "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) \
                     WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() \
                     AND l.locktype = 'relation'";
        desk.database.number(locks).await == 0
    })
    .await;
    assert_eq!(desk.contents().await, empty);
    assert_eq!(desk.colleague().digest(tickets).await.unwrap(), 1);
    assert_eq!(desk.events().await.len(), 1);
    assert_eq!(desk.issues().await[0]["events"], 1);
    desk.fold().await;
    assert_eq!(desk.outcomes().await, [("error/ok".to_owned(), 1)].into());
    desk.assert_all_accounted_for().await;
}
