//! Another server takes over, and the address leads to it.

use mishap_testkit::{Installation, InstallationOptions, TestDatabase, until};
use tokio::task::block_in_place;

use super::load::Load;
use super::oracle::{Accounts, check};
use super::redis::{say, tell};

/// Clients that send.
const CLIENTS: u64 = 8;

async fn installation() -> Installation {
    let options = InstallationOptions { with_network: true, ..Default::default() };
    Installation::start_with(&options).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_that_takes_over_has_everything_that_was_acknowledged() {
    let mut installation = installation().await;
    let standby = block_in_place(|| installation.servers.standby());
    installation.database.sql("ALTER SYSTEM SET synchronous_standby_names = '*'").await;
    installation.database.sql("SELECT pg_reload_conf()").await;
    let following = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
    until("the standby follows", async || installation.database.number(following).await == 1).await;
    let load = Load::start(&installation.dsn(), CLIENTS);
    load.goes_on_for(60).await;

    block_in_place(|| installation.servers.postgres.kill());
    installation.look_at_database(standby.url());
    installation.database.sql("SELECT pg_promote()").await;
    installation.network().postgres.point_to(standby.port());
    load.goes_on_for(60).await;
    let stored = "SELECT count(*) FROM events";
    let before = installation.database.number(stored).await;
    until("the new primary digests", async || installation.database.number(stored).await > before)
        .await;
    let sent = load.stop().await;
    installation.until_settled().await;
    check(&installation.database, &sent, Accounts::AtLeast).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_was_demoted_and_lives_on_is_left() {
    let mut installation = installation().await;
    let standby = block_in_place(|| installation.servers.standby());
    let load = Load::start(&installation.dsn(), CLIENTS);
    load.goes_on_for(20).await;
    // In order: the old one takes no writes any more, then the new one has them all.
    let database = TestDatabase::at(installation.servers.postgres.url());
    database.sql("ALTER SYSTEM SET default_transaction_read_only = on").await;
    database.sql("SELECT pg_reload_conf()").await;
    let writes = "SELECT count(*) FROM pg_stat_activity WHERE backend_xid IS NOT NULL";
    until("nobody writes", async || database.number(writes).await == 0).await;
    let position = database.rows("SELECT pg_current_wal_flush_lsn()::text AS at").await;
    let position = position[0]["at"].as_str().unwrap().to_owned();
    installation.look_at_database(standby.url());
    let behind = format!("SELECT (pg_last_wal_replay_lsn() < '{position}')::int");
    until("the standby has it", async || installation.database.number(&behind).await == 0).await;
    installation.database.sql("SELECT pg_promote()").await;

    // Connections to the old one stay open, and it goes on answering questions.
    installation.network().postgres.point_to(standby.port());
    let redis = installation.redis.clone().unwrap();
    let overflowed = || installation.web.measured("glitchtip_ingest_overflow_total");
    until("web and the worker write to the new primary", async || {
        let before = overflowed();
        load.goes_on_for(4 * CLIENTS).await;
        overflowed() == before && redis.count_overflow().await.unwrap() == 0
    })
    .await;
    let sent = load.stop().await;
    installation.until_settled().await;
    check(&installation.database, &sent, Accounts::AtLeast).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_became_a_replica_is_left_for_its_successor() {
    let mut installation = installation().await;
    let successor = block_in_place(|| installation.servers.another_redis());
    let old = &installation.servers.redis;
    tell(&successor, &format!("REPLICAOF 127.0.0.1 {}", old.port()));
    let follows = || say(&successor, "INFO replication").contains("master_link_status:up");
    until("it follows", async || follows()).await;
    let load = Load::start(&installation.dsn(), CLIENTS);
    load.goes_on_for(20).await;

    tell(&successor, "REPLICAOF NO ONE");
    tell(old, &format!("REPLICAOF 127.0.0.1 {}", successor.port()));
    let refused = || installation.web.measured("glitchtip_ingest_hints_lost_total");
    until("the old one refuses hints", async || refused().is_some()).await;
    // Connections to the old one stay open, and it refuses whatever is to be written.
    installation.network().redis.point_to(successor.port());
    let is_up = |program: &mishap_testkit::Program| program.measured("glitchtip_redis_up");
    until("hints are passed on and read", async || {
        is_up(&installation.web) == Some(1.0) && is_up(&installation.worker) == Some(1.0)
    })
    .await;
    let hints = || say(&successor, "INFO commandstats").contains("cmdstat_xreadgroup");
    until("they go over the successor", async || hints()).await;
    load.goes_on_for(20).await;
    let sent = load.stop().await;
    installation.look_at_redis(&successor.url());
    installation.until_settled().await;
    check(&installation.database, &sent, Accounts::Exact).await;
}
