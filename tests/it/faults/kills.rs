//! Everything is killed, again and again, while clients send.

use mishap_testkit::{Installation, until};
use tokio::task::block_in_place;

use super::dice::Dice;
use super::load::Load;
use super::oracle::{Accounts, check};

/// How often each victim is killed.
const ROUNDS: usize = 4;

/// Clients that send.
const CLIENTS: u64 = 5;

/// What can be killed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Victim {
    Web,
    Worker,
    Beat,
    Redis,
    Postgres,
}

impl Victim {
    pub(crate) const ALL: [Self; 5] =
        [Self::Web, Self::Worker, Self::Beat, Self::Redis, Self::Postgres];

    pub(crate) fn kill(self, installation: &mut Installation) {
        match self {
            Self::Web => installation.web.kill(),
            Self::Worker => installation.worker.kill(),
            Self::Beat => installation.beat.kill(),
            Self::Redis => installation.servers.redis.kill(),
            Self::Postgres => installation.servers.postgres.kill(),
        }
    }

    pub(crate) fn restart(self, installation: &mut Installation) {
        match self {
            Self::Web => installation.web.spawn(),
            Self::Worker => installation.worker.spawn(),
            Self::Beat => installation.beat.spawn(),
            Self::Redis => installation.servers.redis.restart().unwrap(),
            Self::Postgres => installation.servers.postgres.restart().unwrap(),
        }
    }
}

/// Waits until PostgreSQL takes everything again after it was killed.
///
/// What Redis keeps for PostgreSQL while that is away is nowhere else: losing both at the same time
/// loses it, and that is known.
pub(crate) async fn until_redis_holds_nothing_of_its_own(installation: &Installation, load: &Load) {
    let redis = installation.redis.clone().unwrap();
    let overflowed = || installation.web.measured("glitchtip_ingest_overflow_total");
    until("PostgreSQL takes everything", async || {
        let before = overflowed();
        load.goes_on_for(4 * CLIENTS).await;
        overflowed() == before && redis.count_overflow().await.is_ok_and(|entries| entries == 0)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_lose_nothing_and_double_nothing() {
    let dice = Dice::any();
    let mut victims = Victim::ALL.repeat(ROUNDS);
    dice.shuffle(&mut victims);
    let mut installation = Installation::start().await;
    let load = Load::start(&installation.dsn(), CLIENTS);
    load.goes_on_for(CLIENTS).await;
    for victim in victims {
        dice.wait_up_to(600).await;
        if let Victim::Redis = victim {
            until_redis_holds_nothing_of_its_own(&installation, &load).await;
        }
        block_in_place(|| victim.kill(&mut installation));
        dice.wait_up_to(300).await;
        block_in_place(|| victim.restart(&mut installation));
    }
    load.goes_on_for(CLIENTS).await;
    let sent = load.stop().await;
    installation.until_settled().await;
    check(&installation.database, &sent, Accounts::AtLeast).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_again_and_again_makes_every_event_count_once() {
    let mut installation = Installation::start().await;
    let load = Load::start(&installation.dsn(), CLIENTS);
    for _ in 0..5 {
        load.goes_on_for(10).await;
        block_in_place(|| installation.worker.kill());
        load.goes_on_for(5).await;
        installation.worker.spawn();
    }
    let sent = load.stop().await;
    installation.until_settled().await;
    check(&installation.database, &sent, Accounts::Exact).await;
}
