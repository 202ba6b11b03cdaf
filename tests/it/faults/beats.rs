//! Several beats: every slot of the schedule gets one job.

use std::sync::Arc;

use mishap_beat::Leader;
use mishap_beat::schedule::SCHEDULE;
use mishap_core::random::{Random as _, SystemRandom};
use mishap_testkit::{Installation, Program, TestDatabase, until};
use nix::sys::signal::Signal;
use tokio::task::block_in_place;

use super::load::Load;
use super::oracle::{Accounts, check};

/// Slots of the schedule that got their job.
const JOBS_THAT_WERE_PUSHED: &str = "SELECT count(*) FROM schedule WHERE last_slot IS NOT NULL";

/// Makes every job due again, as if nobody had looked for two hours.
async fn make_everything_due(database: &TestDatabase) {
    database.sql("UPDATE schedule SET last_slot = last_slot - interval '2 hours'").await;
}

fn leads(beat: &Program) -> bool {
    beat.metrics().lines().any(|line| line == "glitchtip_beat_leader 1")
}

fn ticks(beat: &Program) -> u64 {
    let metrics = beat.metrics();
    let ticks = metrics.lines().find_map(|line| line.strip_prefix("glitchtip_beat_ticks_total "));
    ticks.unwrap_or("0").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_beat_that_slept_past_its_lease_repeats_no_slot() {
    let mut installation = Installation::start().await;
    // Without a worker, jobs stay where they can be counted.
    block_in_place(|| installation.worker.kill());
    let database = &installation.database;
    database.sql("DELETE FROM jobs").await;
    let mut other = installation.another("mishap-beat", &[]);
    other.spawn();
    block_in_place(|| other.wait_until_ready());
    let (sleeper, other) = (&installation.beat, &other);
    until("the first beat leads", async || leads(sleeper) && ticks(other) > 0).await;
    assert!(!leads(other), "both lead");

    sleeper.signal(Signal::SIGSTOP);
    // The lease ends by the database's clock; here it is the database that is turned.
    database.sql("UPDATE leases SET expires_at = now() - interval '1 second'").await;
    until("the other beat leads", async || leads(other)).await;
    make_everything_due(database).await;
    let jobs = || database.number("SELECT count(*) FROM jobs");
    let all = i64::try_from(SCHEDULE.len()).unwrap();
    until("everything is pushed", async || jobs().await == all).await;

    sleeper.signal(Signal::SIGCONT);
    let before = ticks(sleeper);
    until("the sleeper goes on", async || ticks(sleeper) > before + 1).await;
    assert!(!leads(sleeper), "it thinks that it still leads");
    assert!(leads(other));
    assert_eq!(jobs().await, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn beats_that_all_think_they_lead_push_every_slot_once() {
    let database = TestDatabase::new().await;
    let holder = SystemRandom.uuid();
    // As if leases did not hold: all have the same name.
    let leader = || Leader { pool: database.pool.clone(), redis: None, holder };
    let leaders: Vec<Arc<Leader>> = (0..6).map(|_| Arc::new(leader())).collect();
    for _ in 0..5 {
        database.sql("DELETE FROM jobs").await;
        let mut ticking = tokio::task::JoinSet::new();
        for leader in &leaders {
            let leader = Arc::clone(leader);
            ticking.spawn(async move { leader.tick().await.unwrap() });
        }
        assert_eq!(ticking.join_all().await, [true; 6]);
        let twice =
            "SELECT count(*) FROM (SELECT name FROM jobs GROUP BY name HAVING count(*) > 1) j";
        assert_eq!(database.number(twice).await, 0);
        let jobs = database.number("SELECT count(*) FROM jobs").await;
        assert_eq!(usize::try_from(jobs).unwrap(), SCHEDULE.len());
        make_everything_due(&database).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_beat_that_is_told_to_stop_lets_another_lead_at_once() {
    let mut installation = Installation::start().await;
    let beat = &installation.beat;
    until("beat leads", async || leads(beat)).await;
    block_in_place(|| installation.beat.stop());
    let valid = "SELECT count(*) FROM leases WHERE expires_at > now()";
    assert_eq!(installation.database.number(valid).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn days_that_beat_made_no_partitions_for_take_events_all_the_same() {
    let mut installation = Installation::start().await;
    let database = &installation.database;
    until("beat made some", async || database.number(JOBS_THAT_WERE_PUSHED).await > 0).await;
    until("no job makes more", async || database.number("SELECT count(*) FROM jobs").await == 0)
        .await;
    block_in_place(|| installation.beat.kill());
    // As it is on the first day after the last one that has partitions.
    let parents = "ARRAY['events', 'attachments', 'issue_hours', 'outcomes']::regclass[]";
    let drop = format!(
        "DO $$ DECLARE partition regclass; BEGIN
             FOR partition IN SELECT inhrelid FROM pg_inherits WHERE inhparent = ANY ({parents})
             LOOP EXECUTE format('DROP TABLE %s', partition); END LOOP;
         END $$"
    );
    database.sql(&drop).await;
    let partitions = format!("SELECT count(*) FROM pg_inherits WHERE inhparent = ANY ({parents})");
    assert_eq!(database.number(&partitions).await, 0);
    let load = Load::start(&installation.dsn(), 5);
    load.goes_on_for(20).await;
    let sent = load.stop().await;
    installation.until_settled().await;
    // Those of today: events and their hours, and the outcomes of this month.
    assert!(database.number(&partitions).await >= 3);
    check(&installation.database, &sent, Accounts::Exact).await;
}
