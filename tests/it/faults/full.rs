//! No room is left: in the memory of Redis, and on the disk of PostgreSQL.

use mishap_testkit::{Installation, InstallationOptions, until};
use tokio::task::block_in_place;

use super::load::Load;
use super::oracle::{Accounts, check};
use super::redis;

/// Clients that send.
const CLIENTS: u64 = 8;

/// The disk of PostgreSQL: room for an empty database and its log, and a little more.
const DISK: u64 = 160 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_full_redis_is_seen_and_loses_nothing() {
    let mut installation = Installation::start().await;
    let load = Load::start(&installation.dsn(), CLIENTS);
    load.goes_on_for(20).await;
    let says = |installation: &Installation, value: f64| {
        installation.web.measured("glitchtip_redis_up") == Some(value)
    };
    until("hints are passed on", async || says(&installation, 1.0)).await;
    redis::fill(&installation.servers.redis);
    until("web says so", async || says(&installation, 0.0)).await;
    until("the worker looks for work itself", async || {
        installation.log_of_worker().contains("there are no hints; looking for work instead")
    })
    .await;
    load.goes_on_for(40).await;
    // Without PostgreSQL as well, there is no room anywhere.
    block_in_place(|| installation.servers.postgres.stop()).unwrap();
    let refused = || load.refused();
    until("nothing is acknowledged that is kept nowhere", async || refused() > CLIENTS).await;
    block_in_place(|| installation.servers.postgres.restart()).unwrap();
    load.goes_on_for(20).await;
    redis::make_room(&installation.servers.redis);
    until("hints are passed on again", async || says(&installation, 1.0)).await;
    until("the worker listens again", async || {
        installation.log_of_worker().matches("listening for hints").count() > 1
    })
    .await;
    let sent = load.stop().await;
    installation.until_settled().await;
    check(&installation.database, &sent, Accounts::AtLeast).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_brings_down_nobody_and_loses_nothing() {
    let options = InstallationOptions {
        volume: Some(DISK),
        postgres: [("min_wal_size", "32MB"), ("max_wal_size", "48MB")]
            .map(|(name, value)| (name, value.to_owned()))
            .into(),
        ..Default::default()
    };
    let mut installation = Installation::start_with(&options).await;
    let redis = installation.redis.clone().unwrap();
    let load = Load::start(&installation.dsn(), CLIENTS);
    load.goes_on_for(20).await;
    block_in_place(|| installation.servers.volume.as_ref().unwrap().fill());
    until("PostgreSQL has no room", async || redis.count_overflow().await.unwrap() >= 10).await;
    load.goes_on_for(20).await;
    for program in [&mut installation.web, &mut installation.worker, &mut installation.beat] {
        assert!(program.runs());
        assert!(program.is_alive());
    }
    installation.servers.volume.as_ref().unwrap().make_room();
    // If it had no room for its log either it has stopped, and whoever runs it starts it again.
    block_in_place(|| installation.servers.postgres.restart()).unwrap();
    load.goes_on_for(20).await;
    let sent = load.stop().await;
    installation.until_settled().await;
    check(&installation.database, &sent, Accounts::AtLeast).await;
}
