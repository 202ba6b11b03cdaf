//! Everything that can go wrong, at random, one after the other and together, under load.
//!
//! `make soak` runs this for ten minutes, `make test` for as long as it takes to break a handful of
//! things. The seed is told, and `SOAK_SEED` takes it; `SOAK_SECONDS` says how long.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use mishap_testkit::{Installation, InstallationOptions, Program, Traffic, sql};
use nix::sys::signal::Signal;
use tokio::task::block_in_place;

use super::dice::Dice;
use super::kills::{Victim, until_redis_holds_nothing_of_its_own};
use super::load::Load;
use super::oracle::{Accounts, check};
use super::redis;

/// Clients that send all the time.
const CLIENTS: u64 = 6;

/// Clients that come all at once, and go again.
const HERD: u64 = 60;

/// How long the soak takes in `make test`, in seconds.
const SHORT: u64 = 20;

/// How long a fault lasts at most, and how long all is well before the next, in milliseconds.
const LASTS: u64 = 3_000;
const PAUSE: u64 = 2_000;

/// Something that goes wrong.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// A program or a server dies, and comes back.
    Killed(Victim),
    /// A program or a server stands still for a while.
    Stopped(Victim),
    /// A program is told to stop, and comes back.
    Replaced(Victim),
    /// The network is bad.
    Network(End, Traffic),
    /// Connections are cut.
    Cut(End),
    /// Connections are forgotten by somebody between their ends.
    Forgotten(End),
    /// Redis forgets everything.
    Flushed,
    /// Redis forgets hints.
    Trimmed,
    /// Redis has no memory left.
    Full,
    /// PostgreSQL takes no writes.
    OnlyRead,
    /// Somebody holds a table.
    Locked(&'static str),
    /// Many clients come at once.
    Herd,
}

/// The end of a network.
#[derive(Debug, Clone, Copy)]
enum End {
    Postgres,
    Redis,
}

/// The whole set.
fn faults() -> Vec<Fault> {
    let mut faults = vec![
        Fault::Flushed,
        Fault::Trimmed,
        Fault::Full,
        Fault::OnlyRead,
        Fault::Locked("issues"),
        Fault::Locked("inbox"),
        Fault::Herd,
    ];
    for victim in Victim::ALL {
        faults.extend([Fault::Killed(victim), Fault::Stopped(victim)]);
    }
    faults.extend([Victim::Web, Victim::Worker, Victim::Beat].map(Fault::Replaced));
    for end in [End::Postgres, End::Redis] {
        let traffic = [
            Traffic::Delayed(Duration::from_millis(200)),
            Traffic::Throttled(50_000),
            Traffic::Swallowed,
            Traffic::AnswersSwallowed,
            Traffic::Refused,
        ];
        faults.extend(traffic.map(|traffic| Fault::Network(end, traffic)));
        faults.extend([Fault::Cut(end), Fault::Forgotten(end)]);
    }
    faults
}

impl Fault {
    /// Whether Redis loses what it holds for PostgreSQL, if it holds anything.
    fn empties_redis(self) -> bool {
        matches!(self, Self::Killed(Victim::Redis) | Self::Flushed)
    }

    /// Lets it happen, and ends it.
    async fn happen(self, installation: &mut Installation, dice: &Dice) {
        match self {
            Self::Killed(victim) => {
                block_in_place(|| victim.kill(installation));
                dice.wait_up_to(LASTS).await;
                block_in_place(|| victim.restart(installation));
            }
            Self::Stopped(victim) => {
                stand_still(victim, installation);
                dice.wait_up_to(LASTS).await;
                go_on(victim, installation);
            }
            Self::Replaced(victim) => {
                let program = program(victim, installation).unwrap();
                let (_took, was_orderly) = block_in_place(|| program.stop());
                assert!(was_orderly, "{victim:?} did not end well");
                program.spawn();
            }
            Self::Network(end, traffic) => {
                end.of(installation).set(traffic);
                dice.wait_up_to(LASTS).await;
                end.of(installation).set(Traffic::Free);
            }
            Self::Cut(end) => end.of(installation).cut(),
            Self::Forgotten(end) => end.of(installation).forget_connections(),
            Self::Flushed => redis::tell(&installation.servers.redis, "FLUSHALL"),
            Self::Trimmed => redis::trim_hints(&installation.servers.redis),
            Self::Full => {
                redis::fill(&installation.servers.redis);
                dice.wait_up_to(LASTS).await;
                redis::make_room(&installation.servers.redis);
            }
            Self::OnlyRead => {
                let database = &installation.database;
                database.sql("ALTER SYSTEM SET default_transaction_read_only = on").await;
                database.sql("SELECT pg_reload_conf()").await;
                dice.wait_up_to(LASTS).await;
                database.sql("ALTER SYSTEM RESET default_transaction_read_only").await;
                database.sql("SELECT pg_reload_conf()").await;
            }
            Self::Locked(table) => {
                let mut holder = installation.database.connect().await;
                let lock = format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
                sql::execute(&mut holder, &lock).await.unwrap();
                dice.wait_up_to(LASTS).await;
                sql::execute(&mut holder, "COMMIT").await.unwrap();
            }
            Self::Herd => {}
        }
    }
}

impl End {
    fn of(self, installation: &Installation) -> &mishap_testkit::Proxy {
        match self {
            Self::Postgres => &installation.network().postgres,
            Self::Redis => &installation.network().redis,
        }
    }
}

fn program(victim: Victim, installation: &mut Installation) -> Option<&mut Program> {
    match victim {
        Victim::Web => Some(&mut installation.web),
        Victim::Worker => Some(&mut installation.worker),
        Victim::Beat => Some(&mut installation.beat),
        Victim::Redis | Victim::Postgres => None,
    }
}

fn stand_still(victim: Victim, installation: &mut Installation) {
    match victim {
        Victim::Redis => block_in_place(|| installation.servers.redis.pause()),
        Victim::Postgres => block_in_place(|| installation.servers.postgres.pause()),
        _ => program(victim, installation).unwrap().signal(Signal::SIGSTOP),
    }
}

fn go_on(victim: Victim, installation: &mut Installation) {
    match victim {
        Victim::Redis => installation.servers.redis.resume(),
        Victim::Postgres => installation.servers.postgres.resume(),
        _ => program(victim, installation).unwrap().signal(Signal::SIGCONT),
    }
}

fn number(variable: &str) -> Option<u64> {
    #[expect(clippy::disallowed_methods, reason = "tests are started from a shell")]
    let text = std::env::var(variable).ok().filter(|text| !text.is_empty());
    text.map(|text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_nothing_is_lost_and_nothing_is_doubled() {
    let dice = number("SOAK_SEED").map_or_else(Dice::any, Dice::new);
    let lasts = Duration::from_secs(number("SOAK_SECONDS").unwrap_or(SHORT));
    let options = InstallationOptions { with_network: true, ..Default::default() };
    let mut installation = Installation::start_with(&options).await;
    let load = Load::start(&installation.dsn(), CLIENTS);
    load.goes_on_for(CLIENTS).await;
    let (began, mut counts) = (Instant::now(), BTreeMap::<String, u64>::new());
    let mut herds = super::load::Sent::default();
    let mut coming: Vec<Fault> = Vec::new();
    while began.elapsed() < lasts {
        if coming.is_empty() {
            coming = faults();
            dice.shuffle(&mut coming);
        }
        let fault = coming.pop().unwrap();
        let at = began.elapsed().as_secs();
        println!("{at:>4} s, {:>6} acknowledged: {fault:?}", load.acknowledged());
        if fault.empties_redis() {
            until_redis_holds_nothing_of_its_own(&installation, &load).await;
        }
        if let Fault::Herd = fault {
            let herd = Load::start(&installation.dsn(), HERD);
            herd.goes_on_for(HERD).await;
            herds.add(herd.stop().await);
        }
        fault.happen(&mut installation, &dice).await;
        *counts.entry(format!("{fault:?}")).or_default() += 1;
        dice.wait_up_to(PAUSE).await;
        for victim in [Victim::Web, Victim::Worker, Victim::Beat] {
            assert!(program(victim, &mut installation).unwrap().runs(), "{victim:?} ended itself");
        }
    }
    load.goes_on_for(CLIENTS).await;
    let mut sent = load.stop().await;
    sent.add(herds);
    let settling = Instant::now();
    installation.until_settled().await;
    println!(
        "{} faults of {} kinds; {} events acknowledged, {} not; answers {:?}, {} requests without; \
         settled after {:.1} s",
        counts.values().sum::<u64>(),
        counts.len(),
        sent.acknowledged.len(),
        sent.abandoned.len(),
        sent.answers,
        sent.unanswered,
        settling.elapsed().as_secs_f64()
    );
    check(&installation.database, &sent, Accounts::AtLeast).await;
}
