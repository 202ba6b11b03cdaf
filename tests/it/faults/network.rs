//! The network between the programs and their servers is slow, silent, or open by half.

use std::time::Duration;

use mishap_testkit::{Installation, InstallationOptions, Traffic, until};

use super::load::Load;
use super::oracle::{Accounts, check};

/// Clients that send.
const CLIENTS: u64 = 12;

/// How often web could not tell the workers of new envelopes.
fn lost_hints(installation: &Installation) -> f64 {
    installation.web.measured("glitchtip_ingest_hints_lost_total").unwrap_or_default()
}

async fn installation() -> Installation {
    let options = InstallationOptions { with_network: true, ..Default::default() };
    Installation::start_with(&options).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_behind_a_black_hole_is_asked_seldom_and_holds_up_nobody() {
    let installation = installation().await;
    let network = installation.network();
    let load = Load::start(&installation.dsn(), CLIENTS);
    load.goes_on_for(20).await;
    assert!(lost_hints(&installation).abs() < 1.0);
    network.redis.set(Traffic::Swallowed);
    let (acknowledged, connections) = (load.acknowledged(), network.redis.connections());
    load.goes_on_for(400).await;
    until("web knows", async || lost_hints(&installation) > 0.0).await;
    #[expect(clippy::cast_precision_loss, reason = "hundreds")]
    let events = (load.acknowledged() - acknowledged) as f64;
    #[expect(clippy::cast_precision_loss, reason = "dozens")]
    let connections = (network.redis.connections() - connections) as f64;
    let attempts = lost_hints(&installation) + connections;
    assert!(attempts * 4.0 < events, "{attempts} attempts at Redis for {events} events");

    network.redis.set(Traffic::Free);
    let is_up = || installation.web.measured("glitchtip_redis_up") == Some(1.0);
    until("hints are passed on again", async || is_up()).await;
    let sent = load.stop().await;
    installation.until_settled().await;
    check(&installation.database, &sent, Accounts::Exact).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_whose_answers_are_lost_stores_nothing_twice() {
    let installation = installation().await;
    let redis = installation.redis.clone().unwrap();
    let load = Load::start(&installation.dsn(), CLIENTS);
    load.goes_on_for(20).await;
    // What is written is committed, and nobody hears of it: it is written down in Redis as well.
    installation.network().postgres.set(Traffic::AnswersSwallowed);
    until("the overflow takes events", async || redis.count_overflow().await.unwrap() >= 5).await;
    installation.network().postgres.set(Traffic::Free);
    load.goes_on_for(20).await;
    let sent = load.stop().await;
    installation.until_settled().await;
    check(&installation.database, &sent, Accounts::AtLeast).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_died_silently_are_given_up() {
    let installation = installation().await;
    let load = Load::start(&installation.dsn(), CLIENTS);
    load.goes_on_for(20).await;
    installation.network().postgres.forget_connections();
    installation.network().redis.forget_connections();
    load.goes_on_for(20).await;
    // Web and the worker are on new connections: what is sent now is in the inbox, and leaves it.
    let overflowed = || installation.web.measured("glitchtip_ingest_overflow_total");
    until("web writes to PostgreSQL again", async || {
        let before = overflowed();
        load.goes_on_for(4 * CLIENTS).await;
        overflowed() == before
    })
    .await;
    let sent = load.stop().await;
    installation.until_settled().await;
    check(&installation.database, &sent, Accounts::AtLeast).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_servers_slow_nobody_down_for_good() {
    let installation = installation().await;
    let load = Load::start(&installation.dsn(), CLIENTS);
    load.goes_on_for(20).await;
    installation.network().postgres.set(Traffic::Delayed(Duration::from_millis(150)));
    installation.network().redis.set(Traffic::Throttled(20_000));
    load.goes_on_for(60).await;
    installation.network().postgres.set(Traffic::Throttled(200_000));
    installation.network().redis.set(Traffic::Delayed(Duration::from_millis(300)));
    load.goes_on_for(60).await;
    installation.network().postgres.set(Traffic::Free);
    installation.network().redis.set(Traffic::Free);
    let sent = load.stop().await;
    installation.until_settled().await;
    check(&installation.database, &sent, Accounts::AtLeast).await;
}
