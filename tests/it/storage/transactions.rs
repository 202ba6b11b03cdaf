//! Transactions begin again when somebody else was faster, and only then.

use std::sync::atomic::{AtomicUsize, Ordering};

use mishap_storage::{Conn, ErrorClass, Result, transaction};
use mishap_testkit::TestDatabase;
use mishap_testkit::sql::execute;

/// Writes a row, then fails with this code in the first `failures` attempts; how many there were.
async fn attempts(database: &TestDatabase, code: &str, failures: usize) -> (usize, Result<()>) {
    let attempts = AtomicUsize::new(0);
    let fail = format!("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$");
    let mut conn = database.connect().await;
    let result = transaction(&mut conn, async |conn: &mut Conn| {
        execute(conn, "INSERT INTO leases VALUES ('test', gen_random_uuid(), now(), 1)").await?;
        if attempts.fetch_add(1, Ordering::Relaxed) < failures {
            execute(conn, &fail).await?;
        }
        Ok(())
    })
    .await;
    (attempts.into_inner(), result)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_conflicted_begins_again_from_its_beginning() {
    let database = TestDatabase::new().await;
    let (attempts, result) = attempts(&database, "40001", 2).await;
    result.unwrap();
    assert_eq!(attempts, 3);
    assert_eq!(database.number("SELECT count(*) FROM leases").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_conflicts_for_ever_is_given_up() {
    let database = TestDatabase::new().await;
    let (attempts, result) = attempts(&database, "40001", 1000).await;
    assert_eq!(result.unwrap_err().class(), ErrorClass::Conflict);
    assert!(attempts < 10, "{attempts}");
    assert_eq!(database.number("SELECT count(*) FROM leases").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_is_at_fault_itself_is_not_tried_again() {
    let database = TestDatabase::new().await;
    let (attempts, result) = attempts(&database, "22012", 1000).await;
    assert_eq!(result.unwrap_err().class(), ErrorClass::Fault);
    assert_eq!(attempts, 1);
    assert_eq!(database.number("SELECT count(*) FROM leases").await, 0);
}
