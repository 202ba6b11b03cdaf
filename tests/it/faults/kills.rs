//! Everything is killed, again and again, while clients send.

use std::time::Duration;

use mishap_core::random::{Random as _, SeededRandom, SystemRandom};
use mishap_testkit::{Installation, until};
use tokio::task::block_in_place;

use super::load::Load;
use super::oracle::{Accounts, check};

/// How often each victim is killed.
const ROUNDS: usize = 4;

/// Clients that send.
const CLIENTS: u64 = 5;

#[derive(Debug, Clone, Copy)]
enum Victim {
    Web,
    Worker,
    Beat,
    Redis,
    Postgres,
}

impl Victim {
    const ALL: [Self; 5] = [Self::Web, Self::Worker, Self::Beat, Self::Redis, Self::Postgres];

    fn kill(self, installation: &mut Installation) {
        match self {
            Self::Web => installation.web.kill(),
            Self::Worker => installation.worker.kill(),
            Self::Beat => installation.beat.kill(),
            Self::Redis => installation.servers.redis.kill(),
            Self::Postgres => installation.servers.postgres.kill(),
        }
    }

    fn restart(self, installation: &mut Installation) {
        match self {
            Self::Web => installation.web.spawn(),
            Self::Worker => installation.worker.spawn(),
            Self::Beat => installation.beat.spawn(),
            Self::Redis => installation.servers.redis.restart().unwrap(),
            Self::Postgres => installation.servers.postgres.restart().unwrap(),
        }
    }
}

/// Moments and an order that a seed decides.
struct Dice(SeededRandom);

impl Dice {
    fn below(&self, bound: u64) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes) % bound
    }

    async fn wait_up_to(&self, milliseconds: u64) {
        tokio::time::sleep(Duration::from_millis(self.below(milliseconds))).await;
    }

    /// Every victim so often, in any order.
    fn victims(&self) -> Vec<Victim> {
        let mut victims = Victim::ALL.repeat(ROUNDS);
        for place in (1..victims.len()).rev() {
            let other = usize::try_from(self.below(place as u64 + 1)).unwrap();
            victims.swap(place, other);
        }
        victims
    }
}

/// Waits until PostgreSQL takes everything again after it was killed.
///
/// What Redis keeps for PostgreSQL while that is away is nowhere else: losing both at the same time
/// loses it, and that is known.
async fn until_redis_holds_nothing_of_its_own(installation: &Installation, load: &Load) {
    let redis = installation.redis.clone().unwrap();
    let overflowed = || {
        let metrics = installation.web.metrics();
        let is_count = |line: &&str| line.starts_with("glitchtip_ingest_overflow_total ");
        metrics.lines().find(is_count).map(str::to_owned)
    };
    until("PostgreSQL takes everything", async || {
        let before = overflowed();
        load.goes_on_for(4 * CLIENTS).await;
        overflowed() == before && redis.count_overflow().await.is_ok_and(|entries| entries == 0)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_lose_nothing_and_double_nothing() {
    let seed = u64::from(SystemRandom.uuid().as_fields().0);
    println!("seed {seed}");
    let dice = Dice(SeededRandom::new(seed));
    let mut installation = Installation::start().await;
    let load = Load::start(&installation.dsn(), CLIENTS);
    load.goes_on_for(CLIENTS).await;
    for victim in dice.victims() {
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
