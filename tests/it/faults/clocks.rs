//! Clocks that go wrong: what must agree goes by the database's.

use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::{DateTime, TimeDelta, Utc};
use mishap_core::tally::Tally;
use mishap_storage::inbox::{self, NewEnvelope, PayloadCoding};
use mishap_testkit::builders::{envelope, message_event};
use mishap_testkit::{Installation, InstallationOptions, Program, desk, until};
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::block_in_place;

use super::load::Load;
use super::oracle::{Accounts, check};

/// Longer than anything is kept, and than most things are remembered.
const MONTH: TimeDelta = TimeDelta::days(31);

/// The longest that a worker takes for an event here.
const LONG: f64 = 600.0;

/// Programs whose clocks are all wrong by the same.
struct WrongClock {
    off_by: TimeDelta,
    folder: TempDir,
}

impl WrongClock {
    fn off_by(off_by: TimeDelta) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("it/faults/wrong_clock.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-o"]).arg(library(&folder)).arg(source);
        assert!(compiler.status().unwrap().success(), "cc cannot make a library");
        Self { off_by, folder }
    }

    /// One more program of an installation, with the wrong clock.
    fn start(&self, installation: &Installation, name: &str, own: &[(&str, &str)]) -> Program {
        let (library, off_by) = (library(&self.folder), self.off_by.num_seconds().to_string());
        let mut environment = vec![("CLOCK_IS_OFF_BY", off_by.as_str())];
        environment.push(("LD_PRELOAD", library.to_str().unwrap()));
        environment.extend(own);
        let log = self.folder.path().join(name);
        let mut program = installation.another(name, &environment).logging_to(log.clone());
        program.spawn();
        block_in_place(|| program.wait_until_ready());
        let error = said_first_at(&log) - desk::now() - self.off_by;
        assert!(
            error.abs() < TimeDelta::minutes(5),
            "the clock of {name} is not wrong as it should be"
        );
        program
    }
}

fn library(folder: &TempDir) -> PathBuf {
    folder.path().join("wrong_clock.so")
}

/// When a program began to write its log, by its own clock.
fn said_first_at(log: &Path) -> DateTime<Utc> {
    let text = std::fs::read_to_string(log).unwrap();
    let line: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    line["timestamp"].as_str().unwrap().parse().unwrap()
}

/// Lets a worker whose clock is wrong work beside the installation's own, and in its stead.
async fn a_worker_works_with_its_clock_off_by(off_by: TimeDelta) {
    let mut installation = Installation::start().await;
    let clock = WrongClock::off_by(off_by);
    let worker = clock.start(&installation, "mishap-worker", &[]);
    let load = Load::start(&installation.dsn(), 5);
    load.goes_on_for(20).await;
    // What the other one had is found by age; that must be the database's opinion of it.
    block_in_place(|| installation.worker.kill());
    load.goes_on_for(20).await;
    installation.worker.spawn();
    load.goes_on_for(20).await;
    let sent = load.stop().await;
    installation.until_settled().await;
    check(&installation.database, &sent, Accounts::Exact).await;
    assert!(worker.measured("glitchtip_event_digest_seconds_count") > Some(0.0));
    let waited = worker.measured("glitchtip_event_digest_seconds_sum").unwrap();
    assert!((0.0..LONG * sent.acknowledged.len() as f64).contains(&waited), "{waited} s");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_two_hours_ahead_loses_and_doubles_nothing() {
    a_worker_works_with_its_clock_off_by(TimeDelta::hours(2)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_two_hours_behind_loses_and_doubles_nothing() {
    a_worker_works_with_its_clock_off_by(-TimeDelta::hours(2)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_a_month_ahead_loses_and_doubles_nothing() {
    a_worker_works_with_its_clock_off_by(MONTH).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_a_month_behind_loses_and_doubles_nothing() {
    a_worker_works_with_its_clock_off_by(-MONTH).await;
}

/// Lays an event into the inbox that was received so many days ago.
async fn put_event_of(installation: &Installation, days_ago: i64) {
    let (_, payload) = envelope(&message_event("hello"));
    let envelope = NewEnvelope {
        project: installation.tenant.project,
        event_id: None,
        coding: PayloadCoding::Plain,
        size: u32::try_from(payload.len()).unwrap(),
        skip: Vec::new(),
        client_ip: None,
        user_agent: None,
        received: Some(desk::now() - TimeDelta::days(days_ago)),
        payload: payload.into(),
    };
    let mut conn = installation.database.conn().await;
    inbox::accept(&mut conn, &[envelope], &Tally::default()).await.unwrap();
}

fn stop(program: &mut Program) {
    let (_, was_orderly) = block_in_place(|| program.stop());
    assert!(was_orderly);
}

/// Lets beat and worker whose clocks are wrong run every job that there is.
async fn jobs_run_with_clocks_off_by(off_by: TimeDelta) {
    let environment = vec![("GLITCHTIP_RETENTION_DAYS", "30")];
    let options = InstallationOptions { environment, ..InstallationOptions::default() };
    let mut installation = Installation::start_with(&options).await;
    let database = &installation.database;
    let done = "SELECT count(*) FROM schedule WHERE NOT EXISTS (SELECT 1 FROM jobs)";
    until("jobs are done", async || database.number(done).await > 0).await;
    stop(&mut installation.beat);
    for days_ago in [0, 1, 29, 31, 32] {
        put_event_of(&installation, days_ago).await;
    }
    installation.until_settled().await;
    stop(&mut installation.worker);
    assert_eq!(database.number("SELECT count(*) FROM events").await, 5);
    let days = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'events'::regclass";
    let made = database.number(days).await;
    database.sql("UPDATE schedule SET last_slot = last_slot - interval '2 hours'").await;
    let clock = WrongClock::off_by(off_by);
    let _worker = clock.start(&installation, "mishap-worker", &[]);
    let beat = clock.start(&installation, "mishap-beat", &[]);
    let waiting = "SELECT (SELECT count(*) FROM jobs) + (SELECT count(*) FROM schedule
                    WHERE last_slot < now() - interval '90 minutes')";
    until("all jobs have run", async || database.number(waiting).await == 0).await;
    // Of those that are older than the retention, whole days are gone.
    assert_eq!(database.number("SELECT count(*) FROM events").await, 3);
    assert_eq!(database.number(days).await, made - 2);
    let measured = async || beat.measured("glitchtip_queue_oldest_age_seconds").is_some();
    until("beat has measured", measured).await;
    let metrics = beat.metrics();
    let is_negative = |line: &&str| line.contains("seconds") && line.contains(" -");
    assert_eq!(metrics.lines().filter(|line| !line.starts_with('#')).find(is_negative), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_a_month_ahead_purge_nothing_early() {
    jobs_run_with_clocks_off_by(MONTH).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_a_month_behind_purge_nothing_late() {
    jobs_run_with_clocks_off_by(-MONTH).await;
}

/// Lets a web whose clock is wrong take events while PostgreSQL is away.
async fn web_overflows_with_its_clock_off_by(off_by: TimeDelta) {
    let mut installation = Installation::start().await;
    let redis = installation.redis.clone().unwrap();
    block_in_place(|| installation.web.kill());
    let clock = WrongClock::off_by(off_by);
    let _web = clock.start(&installation, "mishap-web", &[]);
    let load = Load::start(&installation.dsn(), 5);
    load.goes_on_for(20).await;
    block_in_place(|| installation.servers.postgres.stop()).unwrap();
    until("the overflow takes events", async || redis.count_overflow().await.unwrap() >= 10).await;
    block_in_place(|| installation.servers.postgres.restart()).unwrap();
    until("the overflow is empty", async || redis.count_overflow().await.unwrap() == 0).await;
    let sent = load.stop().await;
    installation.until_settled().await;
    check(&installation.database, &sent, Accounts::AtLeast).await;
    let elsewhen = "SELECT count(*) FROM events
                    WHERE received NOT BETWEEN now() - interval '1 hour' AND now()";
    assert_eq!(installation.database.number(elsewhen).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_a_web_a_month_ahead_took_for_postgres_are_not_of_the_future() {
    web_overflows_with_its_clock_off_by(MONTH).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_a_web_a_month_behind_took_for_postgres_are_not_of_the_past() {
    web_overflows_with_its_clock_off_by(-MONTH).await;
}
