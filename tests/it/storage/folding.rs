//! Tallies: written with what they count, folded once.

use chrono::{DateTime, Utc};
use mishap_core::id::ProjectId;
use mishap_core::outcome::Reason;
use mishap_core::tally::Tally;
use mishap_protocol::envelope::DataCategory;
use mishap_storage::{outcomes, tallies};
use mishap_testkit::sql::execute;
use mishap_testkit::{TestDatabase, desk};
use tokio::task::JoinSet;

fn tally(project: i64, received: DateTime<Utc>, quantity: u64) -> Tally {
    let mut tally = Tally::default();
    let category = DataCategory::Error;
    tally.count(ProjectId(project), received, category, Reason::Throttled, quantity);
    tally
}

async fn total(database: &TestDatabase, project: Option<i64>) -> i64 {
    let mut conn = database.conn().await;
    let totals = outcomes::totals(&mut conn, project.map(ProjectId)).await.unwrap();
    totals.iter().map(|total| total.quantity).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_tally_is_folded_once_however_many_fold() {
    let database = TestDatabase::new().await;
    let now = desk::now();
    let mut writers = JoinSet::new();
    // More than one fold takes.
    for project in 1..=3 {
        let pool = database.pool.clone();
        writers.spawn(async move {
            let mut conn = pool.get().await.unwrap();
            for _ in 0..900 {
                tallies::write(&mut conn, &tally(project, now, 2)).await.unwrap();
            }
        });
    }
    for _ in 0..2 {
        let pool = database.pool.clone();
        writers.spawn(async move {
            let mut conn = pool.get().await.unwrap();
            for _ in 0..50 {
                tallies::fold(&mut conn).await.unwrap();
            }
        });
    }
    writers.join_all().await;
    let mut conn = database.conn().await;
    while tallies::fold(&mut conn).await.unwrap().tallies > 0 {}
    assert_eq!(total(&database, None).await, 3 * 900 * 2);
    assert_eq!(total(&database, Some(2)).await, 900 * 2);
    assert_eq!(database.number("SELECT count(*) FROM tallies").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fold_says_whether_more_is_waiting() {
    let database = TestDatabase::new().await;
    let mut conn = database.conn().await;
    assert_eq!(tallies::fold(&mut conn).await.unwrap(), tallies::Folded::default());
    tallies::write(&mut conn, &tally(1, desk::now(), 5)).await.unwrap();
    let copy = "INSERT INTO tallies (body) SELECT body FROM tallies, generate_series(1, 2000)";
    database.sql(copy).await;
    let first = tallies::fold(&mut conn).await.unwrap();
    assert_eq!(first, tallies::Folded { tallies: 2000, more: true });
    let second = tallies::fold(&mut conn).await.unwrap();
    assert_eq!(second, tallies::Folded { tallies: 1, more: false });
    assert_eq!(total(&database, None).await, 2001 * 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_one_folds_at_a_time_and_the_other_does_not_wait() {
    let database = TestDatabase::new().await;
    let (mut first, mut second) = (database.connect().await, database.connect().await);
    tallies::write(&mut first, &tally(1, desk::now(), 1)).await.unwrap();
    // The first one folds inside a transaction that is still open.
    execute(&mut first, "BEGIN; SELECT pg_advisory_xact_lock(x'74616c6c6965'::bigint)")
        .await
        .unwrap();
    assert_eq!(tallies::fold(&mut second).await.unwrap(), tallies::Folded::default());
    execute(&mut first, "COMMIT").await.unwrap();
    assert_eq!(tallies::fold(&mut second).await.unwrap().tallies, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tally_goes_with_the_transaction_that_it_counts() {
    let database = TestDatabase::new().await;
    let mut conn = database.connect().await;
    execute(&mut conn, "BEGIN").await.unwrap();
    tallies::write(&mut conn, &tally(1, desk::now(), 1)).await.unwrap();
    execute(&mut conn, "ROLLBACK").await.unwrap();
    assert_eq!(tallies::fold(&mut conn).await.unwrap().tallies, 0);
    assert_eq!(total(&database, None).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tally_that_cannot_be_folded_is_kept() {
    let database = TestDatabase::new().await;
    let mut conn = database.connect().await;
    tallies::write(&mut conn, &tally(1, desk::now(), 1)).await.unwrap();
    // As a newer version may have written it.
    database.sql(r"INSERT INTO tallies (body) VALUES ('\x63')").await;
    assert!(tallies::fold(&mut conn).await.is_err());
    assert_eq!(database.number("SELECT count(*) FROM tallies").await, 2);
    assert_eq!(total(&database, None).await, 0);
}
