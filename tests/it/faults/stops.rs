//! Programs that are told to stop end in order, and quickly enough for their supervisor.

use std::time::Duration;

use mishap_boot::shutdown::CancellationToken;
use mishap_protocol::dsn::Dsn;
use mishap_testkit::{Installation, Program, Wire, free_port, until};
use nix::sys::signal::Signal;
use tokio::task::{JoinSet, block_in_place};
use url::Url;

use super::load::Load;
use super::oracle::{Accounts, check};

/// When the supervisor would kill a program that does not stop.
const TERM: Duration = Duration::from_secs(25);

/// Clients that send.
const CLIENTS: u64 = 6;

/// Clients that read.
const READERS: usize = 2;

pub(super) fn stop(program: &mut Program) {
    let (took, was_orderly) = block_in_place(|| program.stop());
    assert!(was_orderly);
    assert!(took < TERM, "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_that_are_replaced_one_by_one_fail_no_request() {
    let mut installation = Installation::start().await;
    let port = free_port();
    let mut other_web = installation.another("mishap-web", &[("PORT", &port.to_string())]);
    other_web.spawn();
    block_in_place(|| other_web.wait_until_ready());
    let other_url = Url::parse(&format!("http://127.0.0.1:{port}")).unwrap();
    let servers: Vec<Dsn> = vec![installation.dsn(), installation.tenant.dsn(&other_url)];
    let load = Load::start_at(servers, CLIENTS);
    let reading = CancellationToken::new();
    let mut readers = JoinSet::new();
    for _ in 0..READERS {
        let token = installation.tenant.token.clone();
        let urls = vec![installation.url.clone(), other_url.clone()];
        readers.spawn(read(urls, token, reading.clone()));
    }
    for _ in 0..2 {
        for web in [&mut installation.web, &mut other_web] {
            load.goes_on_for(20).await;
            stop(web);
            load.goes_on_for(20).await;
            web.spawn();
            block_in_place(|| web.wait_until_ready());
        }
        for program in [&mut installation.worker, &mut installation.beat] {
            stop(program);
            program.spawn();
            block_in_place(|| program.wait_until_ready());
        }
    }
    let sent = load.stop().await;
    reading.cancel();
    let statuses: Vec<u16> = sent.answers.keys().copied().collect();
    assert_eq!((statuses, sent.unanswered), (vec![200], 0));
    assert!(readers.join_all().await.into_iter().all(|answers| answers > 10));
    installation.until_settled().await;
    check(&installation.database, &sent, Accounts::Exact).await;
}

/// Reads from servers until it is told to stop, on connections that it keeps; goes to the next when
/// it cannot connect. Says how many answers it got, all of which must be good ones.
pub(super) async fn read(urls: Vec<Url>, token: String, stop: CancellationToken) -> u64 {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let (mut server, mut answers) = (0, 0);
    while !stop.is_cancelled() {
        let url = urls[server % urls.len()].join("/api/0/organizations/").unwrap();
        match http.get(url).bearer_auth(&token).send().await {
            Ok(answer) => {
                assert_eq!(answer.status().as_u16(), 200);
                answer.bytes().await.unwrap();
                answers += 1;
            }
            Err(error) => {
                assert!(error.is_connect(), "a request that was taken failed: {error:?}");
                server += 1;
            }
        }
    }
    answers
}

/// A second web of an installation, which drains for so many seconds, and where it is.
fn draining_web(installation: &Installation, seconds: &str) -> (Program, Url) {
    let port = free_port().to_string();
    let own = [("PORT", port.as_str()), ("MISHAP_DRAIN_SECONDS", seconds)];
    let mut web = installation.another("mishap-web", &own);
    web.spawn();
    block_in_place(|| web.wait_until_ready());
    (web, Url::parse(&format!("http://127.0.0.1:{port}")).unwrap())
}

/// Asks once more on a connection, and says what the answer says of it.
async fn asked_on(connection: &mut Wire) -> String {
    assert!(connection.write("GET /_health/ HTTP/1.1\r\nHost: localhost\r\n\r\n").await);
    let answer = connection.answer().await.unwrap();
    assert_eq!(answer.status, 200);
    answer.header("connection").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_that_drains_is_not_ready_and_answers_on_each_connection_once_more() {
    let installation = Installation::start().await;
    let (mut web, url) = draining_web(&installation, "5");
    let mut kept = Wire::connect(&url).await;
    assert_eq!(asked_on(&mut kept).await, "");
    web.signal(Signal::SIGTERM);
    until("it is not ready", async || !web.is_ready()).await;
    assert_eq!(web.why_not_ready(), "web was told to stop");
    let mut new = Wire::connect(&url).await;
    for connection in [&mut kept, &mut new] {
        assert_eq!(asked_on(connection).await, "close");
        connection.closed().await;
    }
    assert!(block_in_place(|| web.wait_until_ended()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_that_drains_ends_at_once_when_it_is_told_again() {
    let installation = Installation::start().await;
    let (mut web, _) = draining_web(&installation, "30");
    web.signal(Signal::SIGTERM);
    until("it is not ready", async || !web.is_ready()).await;
    let (_, was_orderly) = block_in_place(|| web.stop());
    assert!(!was_orderly);
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_are_replaced_under_load_lose_nothing() {
    let mut installation = Installation::start().await;
    let load = Load::start(&installation.dsn(), CLIENTS);
    for _ in 0..3 {
        load.goes_on_for(20).await;
        stop(&mut installation.worker);
        load.goes_on_for(10).await;
        installation.worker.spawn();
        block_in_place(|| installation.worker.wait_until_ready());
    }
    let sent = load.stop().await;
    installation.until_settled().await;
    check(&installation.database, &sent, Accounts::Exact).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_that_stops_writes_down_what_it_refused() {
    let mut installation = Installation::start().await;
    let path = format!("{}api/{}/envelope/", installation.url, installation.tenant.project);
    let client = mishap_testkit::Client::at(&path, None);
    let unknown = "Sentry sentry_key=00000000000000000000000000000000";
    client.send("", &[("X-Sentry-Auth", unknown)], b"{}\n".to_vec()).await;
    stop(&mut installation.web);
    installation.until_settled().await;
    let counted = installation.database.number("SELECT sum(quantity) FROM outcomes").await;
    assert_eq!(counted, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn beat_and_everything_else_stop_while_the_servers_are_away() {
    let mut installation = Installation::start().await;
    block_in_place(|| {
        installation.servers.redis.kill();
        installation.servers.postgres.kill();
    });
    for program in [&mut installation.web, &mut installation.worker, &mut installation.beat] {
        stop(program);
    }
}
