//! How many connections are open, and which is used next.

use std::collections::BTreeSet;
use std::time::Duration;

use mishap_storage::{DatabaseConfig, Pool, PooledConn};
use mishap_testkit::{TestDatabase, config, sql, until};
use tokio::runtime::Handle;

/// A pool of ten.
fn pool(database: &TestDatabase, keep_idle: Duration) -> Pool {
    mishap_process::install_encryption();
    let config = DatabaseConfig { keep_idle, ..config(&database.url, 10) };
    Pool::new(&config, &Handle::current()).unwrap()
}

/// The process that serves a connection.
async fn server_process(conn: &mut PooledConn) -> String {
    let processes = sql::texts(conn, "SELECT pg_backend_pid()::text AS json".to_owned()).await;
    processes.unwrap().concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connection_that_was_used_last_is_used_next() {
    let database = TestDatabase::new().await;
    let pool = pool(&database, Duration::from_secs(60));
    let three = (pool.get().await, pool.get().await, pool.get().await);
    drop(three);
    assert_eq!(pool.sizes().open, 3);
    let mut used = BTreeSet::new();
    for _ in 0..5 {
        used.insert(server_process(&mut pool.get().await.unwrap()).await);
    }
    assert_eq!(used.len(), 1, "{used:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_nobody_needs_are_closed() {
    let database = TestDatabase::new().await;
    let pool = pool(&database, Duration::from_millis(20));
    let mut needed = pool.get().await.unwrap();
    let process = server_process(&mut needed).await;
    drop((pool.get().await, pool.get().await));
    until("only the one that is in use is open", async || pool.sizes().open == 1).await;
    assert_eq!(server_process(&mut needed).await, process);
    drop(needed);
    until("none is open", async || pool.sizes().open == 0).await;
    assert_ne!(server_process(&mut pool.get().await.unwrap()).await, process);
}
