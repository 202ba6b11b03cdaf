//! Clocks that go wrong: what must agree goes by the database's.

use std::sync::Arc;

use mishap_boot::shutdown::CancellationToken;
use mishap_boot::tasks::Tasks;
use mishap_core::clock::{Clock, ManualClock, SystemClock};
use mishap_outbound::mail::Transport;
use mishap_testkit::{Installation, mail_room, until};
use mishap_worker::WorkerConfig;
use tokio::task::block_in_place;

use super::load::Load;
use super::oracle::{Accounts, check};

/// Runs a worker whose clock is so many hours off beside the installation's own.
async fn worker_with_its_clock_off_by(hours: i64) {
    let mut installation = Installation::start().await;
    let clock = ManualClock::new(SystemClock.now());
    clock.advance(chrono::TimeDelta::hours(hours));
    let tasks = Tasks::new(CancellationToken::new());
    let config = WorkerConfig {
        pool: installation.database.pool.clone(),
        redis: installation.redis.clone(),
        clock: Arc::new(clock),
        name: "worker-off".to_owned(),
        concurrency: 1,
        retention_days: 30,
        mail: mail_room(Transport::Nowhere),
        audit_days: 365,
    };
    mishap_worker::start(config, &tasks);
    let jobs = "SELECT count(*) FROM schedule WHERE NOT EXISTS (SELECT 1 FROM jobs)";
    until("jobs are done", async || installation.database.number(jobs).await > 0).await;
    let load = Load::start(&installation.dsn(), 5);
    load.goes_on_for(20).await;
    // What the other one had is found by age; that must be the database's opinion of it.
    block_in_place(|| installation.worker.kill());
    load.goes_on_for(20).await;
    installation.worker.spawn();
    load.goes_on_for(20).await;
    let sent = load.stop().await;
    installation.until_settled().await;
    tasks.stop().cancel();
    assert!(tasks.finish(std::time::Duration::from_secs(20)).await);
    check(&installation.database, &sent, Accounts::Exact).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_two_hours_ahead_loses_and_doubles_nothing() {
    worker_with_its_clock_off_by(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_two_hours_behind_loses_and_doubles_nothing() {
    worker_with_its_clock_off_by(-2).await;
}
