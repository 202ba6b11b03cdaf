//! Too much at once: more than workers digest, than servers let in, or than memory holds.

use std::sync::Arc;

use mishap_core::random::{Random as _, SystemRandom};
use mishap_testkit::builders::{EnvelopeBuilder, message_event};
use mishap_testkit::compress::gzip;
use mishap_testkit::{
    Client, Installation, InstallationOptions, MemoryLimit, Program, proc, sql, until,
};
use nix::sys::signal::Signal;
use serde_json::json;
use tokio::task::{JoinSet, block_in_place};

use super::load::Load;
use super::oracle::{Accounts, check};

/// Clients that send.
const CLIENTS: u64 = 12;

/// Envelopes that may wait before clients are told to.
const BACKLOG: &str = "150";

/// What a container of the product gets, in bytes.
const CONTAINER: u64 = 256 << 20;

/// By how much a program may grow while it refuses what it cannot keep, in bytes.
const GROWTH: u64 = 24 << 20;

/// Bytes of an attachment that is nearly as large as attachments may be, and how many come at once.
const LARGE: usize = 9 << 20;
const FLOOD: usize = 32;

/// Bytes of an attachment that is sent in a few thousand, and how many of those come at once.
const INFLATED: usize = 7 << 20;
const SWARM: usize = 300;

/// Clients that come all at once when a server is back.
const HERD: u64 = 300;

/// Workers that come back with them.
const WORKERS: u64 = 4;

/// Connections of the programs as they are documented (web's pool, a worker's lanes and four more,
/// beat's two), those of this test, and three that PostgreSQL keeps for its operator.
const CONNECTIONS: u64 = 10 + WORKERS * 6 + 2 + 12 + 3;

#[tokio::test(flavor = "multi_thread")]
async fn while_workers_stand_still_clients_are_told_to_wait_and_web_does_not_grow() {
    let environment = vec![("MISHAP_MAX_BACKLOG_ROWS", BACKLOG)];
    let options = InstallationOptions { environment, ..Default::default() };
    let installation = Installation::start_with(&options).await;
    let load = Load::start(&installation.dsn(), CLIENTS);
    load.goes_on_for(20).await;
    installation.worker.signal(Signal::SIGSTOP);
    until("clients are told to wait", async || load.refused() > 0).await;
    let before = proc::memory(installation.web.pid());
    until("they ask again and again", async || load.refused() > 500).await;
    let grown = proc::memory(installation.web.pid()).saturating_sub(before);
    assert!(grown < GROWTH, "{grown} bytes more");
    assert!(installation.web.is_ready());

    installation.worker.signal(Signal::SIGCONT);
    load.goes_on_for(100).await;
    let sent = load.stop().await;
    assert!(sent.answers.keys().all(|status| matches!(status, 200 | 429)), "{:?}", sent.answers);
    installation.until_settled().await;
    check(&installation.database, &sent, Accounts::Exact).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_herd_that_comes_back_at_once_takes_no_more_connections_than_there_are() {
    let postgres = vec![("max_connections", CONNECTIONS.to_string())];
    let options = InstallationOptions { postgres, ..Default::default() };
    let mut installation = Installation::start_with(&options).await;
    let mut others: Vec<Program> =
        (1..WORKERS).map(|_| installation.another("mishap-worker", &[])).collect();
    others.iter_mut().for_each(Program::spawn);
    block_in_place(|| others.iter_mut().for_each(Program::wait_until_ready));
    block_in_place(|| installation.servers.postgres.kill());
    let load = Load::start(&installation.dsn(), HERD);
    let came = || load.acknowledged() + load.refused();
    until("the herd is there", async || came() >= HERD).await;
    block_in_place(|| installation.servers.postgres.restart()).unwrap();
    load.goes_on_for(2 * HERD).await;
    let sent = load.stop().await;
    installation.until_settled().await;
    check(&installation.database, &sent, Accounts::AtLeast).await;

    let log = installation.servers.postgres.folder().join("server.log");
    let log = std::fs::read_to_string(log).unwrap();
    let refused = ["too many clients", "remaining connection slots"];
    let refused = log.lines().find(|line| refused.iter().any(|words| line.contains(words)));
    assert_eq!(refused, None);
}

/// An event that is nearly as large as events may be.
fn large_event(number: u64) -> serde_json::Value {
    let word = SystemRandom.uuid().to_string();
    let lines: Vec<String> =
        (0..14_000).map(|line| format!("{line} of {number}: {word}")).collect();
    json!({"message": "large", "extra": {"lines": lines}})
}

/// So many bytes that cannot be made smaller.
fn noise(bytes: usize) -> Vec<u8> {
    let mut noise = vec![0; bytes];
    SystemRandom.fill(&mut noise);
    noise
}

#[tokio::test(flavor = "multi_thread")]
async fn no_program_takes_more_memory_than_its_container_has() {
    let installation = Installation::start().await;
    let programs = [&installation.web, &installation.worker, &installation.beat];
    let limits = programs.map(|program| MemoryLimit::on(program, CONTAINER));
    let pids = programs.map(Program::pid);
    let load = Load::start(&installation.dsn(), CLIENTS);
    let mut large = JoinSet::new();
    let client = Arc::new(Client::at(installation.dsn().envelope_url().as_ref(), None));
    for number in 0..CLIENTS {
        let (dsn, client) = (installation.dsn(), Arc::clone(&client));
        large.spawn(async move {
            for round in 0..6 {
                let id = SystemRandom.uuid().simple().to_string();
                let event = large_event(number * 100 + round);
                let body = EnvelopeBuilder::of(&id).event(&event).build();
                let auth = dsn.auth_header("test/1");
                client.send("", &[("X-Sentry-Auth", &auth)], body).await.expect(200);
            }
        });
    }
    large.join_all().await;
    let sent = load.stop().await;
    installation.until_settled().await;
    let large = installation.database.number("SELECT count(*) FROM issues WHERE title = 'large'");
    assert_eq!(large.await, 1);
    assert!(!sent.acknowledged.is_empty());
    // What they take is counted; beat has nothing to do with events, and may take nothing more.
    let peaks: Vec<u64> = limits.iter().map(MemoryLimit::peak).collect();
    println!("bytes at most of web, worker and beat: {peaks:?}");
    assert!(peaks[0] > 0 && peaks[1] > 0, "{peaks:?}");
    for ((limit, program), pid) in limits.iter().zip(programs).zip(pids) {
        assert_eq!(limit.kills(), 0);
        assert_eq!(program.pid(), pid);
        assert!(program.is_alive());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_that_cannot_be_written_are_refused_before_memory_is_short() {
    let options = InstallationOptions { without_redis: true, ..Default::default() };
    let installation = Installation::start_with(&options).await;
    let web = &installation.web;
    let limit = MemoryLimit::on(web, CONTAINER);
    let load = Load::start(&installation.dsn(), 1);
    load.goes_on_for(1).await;
    let mut holder = installation.database.connect().await;
    sql::execute(&mut holder, "BEGIN; LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let content = Arc::new(noise(LARGE));
    let mut sending = JoinSet::new();
    for _ in 0..FLOOD {
        let (dsn, content) = (installation.dsn(), Arc::clone(&content));
        let request =
            http.post(dsn.envelope_url()).header("X-Sentry-Auth", dsn.auth_header("test/1"));
        sending.spawn(async move {
            let id = SystemRandom.uuid().simple().to_string();
            let header = json!({"type": "attachment", "filename": "core"});
            let body = EnvelopeBuilder::of(&id).item_with(&header, &*content).build();
            request.body(body).send().await.map(|answer| answer.status().as_u16())
        });
    }
    // Who is refused before everything was sent may not hear of it.
    let answers = sending.join_all().await;
    let refused = answers.iter().filter(|answer| matches!(answer, Ok(503))).count();
    assert!(refused > 0 && !answers.iter().any(|answer| matches!(answer, Ok(200))), "{answers:?}");
    sql::execute(&mut holder, "COMMIT").await.unwrap();
    println!("web had {} bytes at most", limit.peak());
    assert_eq!(limit.kills(), 0);
    load.goes_on_for(1).await;
    load.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn small_bodies_that_become_large_are_refused_before_memory_is_short() {
    let installation = Installation::start().await;
    let limit = MemoryLimit::on(&installation.web, CONTAINER);
    // Its event has no id in the envelope's header, so all of it is looked into.
    let header = json!({"type": "attachment", "filename": "core"});
    let body = EnvelopeBuilder::new(&json!({}))
        .event(&message_event("small"))
        .item_with(&header, vec![0; INFLATED])
        .build();
    let body = gzip(&body);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut sending = JoinSet::new();
    for _ in 0..SWARM {
        let dsn = installation.dsn();
        let request = http
            .post(dsn.envelope_url())
            .header("X-Sentry-Auth", dsn.auth_header("test/1"))
            .header("Content-Encoding", "gzip")
            .body(body.clone());
        sending.spawn(async move { request.send().await.unwrap().status().as_u16() });
    }
    let answers = sending.join_all().await;
    println!("web had {} bytes at most", limit.peak());
    assert_eq!(limit.kills(), 0);
    assert!(answers.contains(&200), "{answers:?}");
    assert!(answers.iter().all(|status| matches!(status, 200 | 503)), "{answers:?}");
    installation.until_settled().await;
}
