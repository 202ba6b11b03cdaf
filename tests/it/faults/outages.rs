//! PostgreSQL or Redis is away, forgets everything, or says nothing.

use std::time::Duration;

use mishap_testkit::{Installation, InstallationOptions, until};
use tokio::task::block_in_place;

use super::load::Load;
use super::oracle::{Accounts, check};
use super::redis;

/// Clients that send.
const CLIENTS: u64 = 5;

/// Clients that send while PostgreSQL is away: each is answered more slowly then.
const PATIENT_CLIENTS: u64 = 12;

/// How long PostgreSQL stays away once the overflow is in use.
fn outage() -> Duration {
    #[expect(clippy::disallowed_methods, reason = "tests are started from a shell")]
    let is_long = std::env::var_os("MISHAP_LONG_FAULTS").is_some();
    Duration::from_secs(if is_long { 60 } else { 2 })
}

#[tokio::test(flavor = "multi_thread")]
async fn while_postgres_is_away_redis_keeps_what_is_acknowledged() {
    let mut installation = Installation::start().await;
    let redis = installation.redis.clone().unwrap();
    let load = Load::start(&installation.dsn(), PATIENT_CLIENTS);
    load.goes_on_for(20).await;
    block_in_place(|| installation.servers.postgres.stop()).unwrap();
    until("the overflow takes events", async || redis.count_overflow().await.unwrap() >= 10).await;
    tokio::time::sleep(outage()).await;
    load.goes_on_for(1).await;
    block_in_place(|| installation.servers.postgres.restart()).unwrap();
    until("the overflow is empty", async || redis.count_overflow().await.unwrap() == 0).await;
    load.goes_on_for(20).await;
    let sent = load.stop().await;
    installation.until_settled().await;
    let moved = installation.database.number("SELECT count(*) FROM overflow_drained").await;
    assert!(moved >= 10, "{moved} came from the overflow");
    check(&installation.database, &sent, Accounts::AtLeast).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_says_nothing_loses_and_doubles_nothing() {
    let installation = Installation::start().await;
    let redis = installation.redis.clone().unwrap();
    let load = Load::start(&installation.dsn(), PATIENT_CLIENTS);
    load.goes_on_for(20).await;
    block_in_place(|| installation.servers.postgres.pause());
    // What is being written now is done when PostgreSQL goes on, and has been told to Redis as well.
    until("the overflow takes events", async || redis.count_overflow().await.unwrap() >= 5).await;
    installation.servers.postgres.resume();
    load.goes_on_for(20).await;
    let sent = load.stop().await;
    installation.until_settled().await;
    check(&installation.database, &sent, Accounts::AtLeast).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_postgres_and_redis_nothing_is_acknowledged() {
    let mut installation = Installation::start().await;
    let load = Load::start(&installation.dsn(), CLIENTS);
    load.goes_on_for(10).await;
    block_in_place(|| {
        installation.servers.redis.kill();
        installation.servers.postgres.kill();
    });
    // Those that were underway.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = load.acknowledged();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(load.acknowledged(), before);
    block_in_place(|| {
        installation.servers.redis.restart().unwrap();
        installation.servers.postgres.restart().unwrap();
    });
    load.goes_on_for(10).await;
    let sent = load.stop().await;
    assert!(sent.answers.contains_key(&503), "{:?}", sent.answers);
    installation.until_settled().await;
    check(&installation.database, &sent, Accounts::AtLeast).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_forgets_everything_loses_nothing() {
    let installation = Installation::start().await;
    let load = Load::start(&installation.dsn(), CLIENTS);
    for _ in 0..5 {
        load.goes_on_for(12).await;
        redis::tell(&installation.servers.redis, "FLUSHALL");
    }
    let sent = load.stop().await;
    installation.until_settled().await;
    check(&installation.database, &sent, Accounts::Exact).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_drops_what_nobody_has_read_loses_nothing() {
    let installation = Installation::start().await;
    let load = Load::start(&installation.dsn(), CLIENTS);
    load.goes_on_for(CLIENTS).await;
    let goal = load.acknowledged() + 100;
    while load.acknowledged() < goal {
        redis::trim_hints(&installation.servers.redis);
    }
    // It is less bad if it takes the whole streams, with the group that reads them.
    redis::tell(&installation.servers.redis, "CONFIG SET maxmemory-policy allkeys-lru");
    redis::tell(&installation.servers.redis, "CONFIG SET maxmemory 1mb");
    load.goes_on_for(20).await;
    let sent = load.stop().await;
    installation.until_settled().await;
    check(&installation.database, &sent, Accounts::Exact).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_says_nothing_holds_up_nobody() {
    let installation = Installation::start().await;
    let load = Load::start(&installation.dsn(), CLIENTS);
    load.goes_on_for(10).await;
    block_in_place(|| installation.servers.redis.pause());
    load.goes_on_for(60).await;
    installation.servers.redis.resume();
    let sent = load.stop().await;
    installation.until_settled().await;
    check(&installation.database, &sent, Accounts::Exact).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_works_without_redis() {
    let options = InstallationOptions { without_redis: true, ..Default::default() };
    let mut installation = Installation::start_with(&options).await;
    block_in_place(|| installation.servers.redis.kill());
    let load = Load::start(&installation.dsn(), CLIENTS);
    load.goes_on_for(30).await;
    let jobs = "SELECT count(*) FROM schedule WHERE NOT EXISTS (SELECT 1 FROM jobs)";
    until("jobs are done", async || installation.database.number(jobs).await > 0).await;
    let sent = load.stop().await;
    installation.until_settled().await;
    check(&installation.database, &sent, Accounts::Exact).await;
}
