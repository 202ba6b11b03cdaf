//! Programs that are told to stop end in order, and quickly enough for their supervisor.

use std::time::Duration;

use mishap_protocol::dsn::Dsn;
use mishap_testkit::{Installation, Program, free_port};
use tokio::task::block_in_place;
use url::Url;

use super::load::Load;
use super::oracle::{Accounts, check};

/// When the supervisor would kill a program that does not stop.
const TERM: Duration = Duration::from_secs(25);

/// Clients that send.
const CLIENTS: u64 = 6;

fn stop(program: &mut Program) {
    let (took, was_orderly) = block_in_place(|| program.stop());
    assert!(was_orderly);
    assert!(took < TERM, "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn webs_that_are_replaced_one_by_one_fail_no_request() {
    let mut installation = Installation::start().await;
    let port = free_port();
    let mut other_web = installation.another("mishap-web", &[("PORT", &port.to_string())]);
    other_web.spawn();
    block_in_place(|| other_web.wait_until_ready());
    let other_url = Url::parse(&format!("http://127.0.0.1:{port}")).unwrap();
    let servers: Vec<Dsn> = vec![installation.dsn(), installation.tenant.dsn(&other_url)];
    let load = Load::start_at(servers, CLIENTS);
    for _ in 0..2 {
        for web in [&mut installation.web, &mut other_web] {
            load.goes_on_for(20).await;
            stop(web);
            load.goes_on_for(20).await;
            web.spawn();
            block_in_place(|| web.wait_until_ready());
        }
    }
    let sent = load.stop().await;
    let statuses: Vec<u16> = sent.answers.keys().copied().collect();
    assert_eq!((statuses, sent.unanswered), (vec![200], 0));
    installation.until_settled().await;
    check(&installation.database, &sent, Accounts::Exact).await;
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
