//! Partitions: made ahead and on demand, by many at once.

use chrono::{DateTime, TimeDelta, Utc};
use mishap_storage::partitions::{
    ALL, ATTACHMENTS, EVENTS, ISSUE_HOURS, OUTCOMES, drop_before, ensure, ensure_ahead, is_empty,
    list,
};
use mishap_testkit::TestDatabase;
use mishap_testkit::sql::execute;
use tokio::task::JoinSet;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_are_made_for_the_days_ahead_and_only_once() {
    let database = TestDatabase::new().await;
    let mut conn = database.conn().await;
    let now = at("2031-01-30T23:59:59Z");
    let made = ensure_ahead(&mut conn, now, 3).await.unwrap();
    // Three tables by the day; outcomes by the month, of which the days ahead touch two.
    for (table, expected) in [(EVENTS, 4), (ATTACHMENTS, 4), (ISSUE_HOURS, 4), (OUTCOMES, 2)] {
        assert_eq!(made.iter().filter(|name| **name == table.table).count(), expected);
    }
    assert_eq!(ensure_ahead(&mut conn, now, 3).await.unwrap(), Vec::<&str>::new());
    let partitions = list(&mut conn, &EVENTS).await.unwrap();
    let times: Vec<_> = partitions.iter().map(|partition| (partition.from, partition.to)).collect();
    let day = |n| at("2031-01-30T00:00:00Z") + TimeDelta::days(n);
    assert_eq!(times, [0, 1, 2, 3].map(|n| (day(n), day(n + 1))));
    let months = list(&mut conn, &OUTCOMES).await.unwrap();
    assert_eq!((months[0].from, months[0].to), (at("2031-01-01T00:00:00Z"), months[1].from));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_need_the_same_partition_make_it_once_and_nobody_fails() {
    let database = TestDatabase::new().await;
    for table in ALL {
        let mut tasks = JoinSet::new();
        for _ in 0..8 {
            let pool = database.pool.clone();
            tasks.spawn(async move {
                let mut conn = pool.get().await.unwrap();
                ensure(&mut conn, &table, at("2031-05-01T12:00:00Z")).await.unwrap()
            });
        }
        let made = tasks.join_all().await;
        assert_eq!(made.iter().filter(|made| **made).count(), 1, "{}", table.table);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_of_events_takes_an_id_of_a_project_once() {
    let database = TestDatabase::new().await;
    let mut conn = database.conn().await;
    ensure(&mut conn, &EVENTS, at("2031-05-01T12:00:00Z")).await.unwrap();
    let insert = "INSERT INTO events (project_id, issue_id, received, event_id, level, body)
        SELECT n, 1, '2031-05-01 03:00Z', '00000000-0000-4000-8000-000000000001', 1, ''
        FROM generate_series(1, 2) AS n ON CONFLICT DO NOTHING";
    execute(&mut conn, insert).await.unwrap();
    execute(&mut conn, insert).await.unwrap();
    assert_eq!(database.number("SELECT count(*) FROM events").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_that_end_before_the_horizon_are_dropped() {
    let database = TestDatabase::new().await;
    let mut conn = database.conn().await;
    ensure_ahead(&mut conn, at("2031-05-01T12:00:00Z"), 3).await.unwrap();
    let dropped = drop_before(&mut conn, &EVENTS, at("2031-05-03T00:00:00Z")).await.unwrap();
    assert_eq!(dropped, ["events_20310501", "events_20310502"]);
    assert_eq!(list(&mut conn, &EVENTS).await.unwrap().len(), 2);
    assert_eq!(list(&mut conn, &ATTACHMENTS).await.unwrap().len(), 4);
    let again = drop_before(&mut conn, &EVENTS, at("2031-05-03T23:59:59Z")).await.unwrap();
    assert_eq!(again, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_knows_whether_it_is_empty() {
    let database = TestDatabase::new().await;
    let mut conn = database.conn().await;
    ensure(&mut conn, &OUTCOMES, at("2031-05-01T12:00:00Z")).await.unwrap();
    let partition = list(&mut conn, &OUTCOMES).await.unwrap().remove(0);
    assert!(is_empty(&mut conn, &partition).await.unwrap());
    database.sql("INSERT INTO outcomes VALUES (1, '2031-05-31 23:00Z', 1, 0, 1)").await;
    assert!(!is_empty(&mut conn, &partition).await.unwrap());
}
