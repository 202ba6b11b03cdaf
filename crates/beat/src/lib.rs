//! Migrates the schema, and says when it is time for what.
//!
//! Beat does no work itself: it pushes jobs, which workers do. It also measures what concerns the
//! installation as a whole.

mod initial_user;
mod lead;
mod measure;
mod program;
pub mod schedule;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use mishap_boot::health::Readiness;
use mishap_boot::settings::{DatabaseSettings, Environment, InitialUser};
use mishap_core::random::SystemRandom;
use mishap_process::Process;
use mishap_storage::migrations::{self, MigrationError, WaitsFor};
use mishap_storage::{ConnectError, Error, ErrorClass, Pool};

pub use self::lead::Leader;
pub use self::measure::METRICS;
use self::measure::Measured;
pub use self::program::{main, migrate};

/// How often is looked for what is due.
const TICK: Duration = Duration::from_secs(1);

/// How often queues are measured.
const MEASURE_QUEUES: Duration = Duration::from_secs(5);

/// How often stores are measured.
const MEASURE_STORES: Duration = Duration::from_secs(60);

/// How often what is stored is compared with what was counted: it reads an hour's events.
const MEASURE_ACCOUNTS: Duration = Duration::from_secs(600);

/// Connections to PostgreSQL.
const CONNECTIONS: usize = 2;

/// How long a look at the schedule may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long giving the lease back may take.
const RELEASE: Duration = Duration::from_secs(3);

/// How long to wait before PostgreSQL is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// What must be done before anything can run.
#[derive(Debug, Clone)]
pub struct Migration {
    /// Where the database is.
    pub database: DatabaseSettings,
    /// Who is to be a superuser of a new database.
    pub initial_user: Option<InitialUser>,
}

impl Migration {
    /// Reads what a migration needs to know, and nothing else.
    pub fn read(env: &mut Environment) -> Self {
        Self { database: DatabaseSettings::read(env), initial_user: InitialUser::read(env) }
    }

    /// Brings the schema up to date, and makes the first superuser of a database without accounts; says
    /// how many migrations that took. `begins` is called when PostgreSQL has let it in.
    pub async fn run(&self, begins: impl FnOnce()) -> anyhow::Result<usize> {
        let config = mishap_process::database(&self.database, "migrate", 1)?;
        let conn = mishap_storage::connect(&config).await.context("cannot migrate")?;
        begins();
        let applied = migrations::run(conn).await?;
        match applied {
            0 => tracing::info!("the schema is up to date"),
            applied => tracing::info!(applied, "migrated the schema"),
        }
        if let Some(user) = &self.initial_user {
            let mut conn = mishap_storage::connect(&config).await.context("cannot migrate")?;
            if initial_user::make(&mut conn, user, &SystemRandom).await? {
                tracing::info!("made the superuser that INITIAL_USER_EMAIL names");
            }
        }
        Ok(applied)
    }
}

/// Runs the beat process until it is told to stop.
pub async fn run(process: &Process) -> anyhow::Result<()> {
    mishap_boot::metrics::describe(METRICS);
    let ready = process.health.part("beat");
    process.touch_health_file();
    let migration = Migration {
        database: process.settings.database.clone(),
        initial_user: process.settings.accounts.initial_user.clone(),
    };
    tokio::select! {
        () = process.stop().cancelled() => return Ok(()),
        migrated = migrate_in_the_end(&migration, &ready) => migrated?,
    }
    let pool = process.pool("beat", CONNECTIONS)?;
    let leads = Arc::new(AtomicBool::new(false));
    measure(process, &pool, &leads);
    let leader = Leader { pool, redis: process.redis.clone(), holder: process.random.uuid() };
    ready.ready();
    while !process.stop().is_cancelled() {
        // A server that says nothing must not keep beat from ending.
        let ticked = tokio::time::timeout(PATIENCE, leader.tick()).await;
        let leads_now = ticked.unwrap_or_else(|late| Err(late.into())).unwrap_or_else(|error| {
            tracing::warn!("the schedule cannot be followed: {error:#}");
            false
        });
        if leads.swap(leads_now, Ordering::Relaxed) != leads_now {
            tracing::info!(leads = leads_now, "leadership changed");
        }
        tokio::select! {
            () = process.stop().cancelled() => {}
            () = tokio::time::sleep(TICK) => {}
        }
    }
    ready.not_ready("was told to stop");
    if leads.load(Ordering::Relaxed) {
        // If it cannot be given back, the lease ends by itself.
        let released = tokio::time::timeout(RELEASE, leader.release()).await;
        told(released.unwrap_or_else(|late| Err(late.into())));
    }
    Ok(())
}

/// Measures what concerns the installation as a whole, as long as this beat leads.
fn measure(process: &Process, pool: &Pool, leads: &Arc<AtomicBool>) {
    let measured = Measured::default();
    let found = measured.clone();
    process.metrics.ask(move || found.families());
    let days = process.settings.retention_days;
    let (pool, redis, leads) = (pool.clone(), process.redis.clone(), Arc::clone(leads));
    let (mut stores_at, mut accounts_at) = (None, None);
    process.tasks.every("measures", MEASURE_QUEUES, move || {
        let leads = leads.load(Ordering::Relaxed);
        let stores = leads && is_due(&mut stores_at, MEASURE_STORES);
        let accounts = leads && is_due(&mut accounts_at, MEASURE_ACCOUNTS);
        if !leads {
            (stores_at, accounts_at) = (None, None);
        }
        let (measured, pool, redis) = (measured.clone(), pool.clone(), redis.clone());
        async move {
            if !leads {
                return measured.forget();
            }
            told(measured.queues(&pool, redis.as_ref()).await);
            if stores {
                told(measured.stores(&pool, days).await);
            }
            if accounts {
                told(measured.accounts(&pool).await);
            }
        }
    });
}

/// Whether something is due again; if so, it counts as done now.
fn is_due(last: &mut Option<Instant>, period: Duration) -> bool {
    let due = last.is_none_or(|at| at.elapsed() >= period);
    if due {
        *last = Some(Instant::now());
    }
    due
}

/// Migrates, waiting for PostgreSQL as long as it takes. A migration that fails is not tried again.
async fn migrate_in_the_end(migration: &Migration, ready: &Readiness) -> anyhow::Result<()> {
    let mut was_told = false;
    loop {
        match migration.run(|| ready.not_ready("migrates the schema")).await {
            Ok(_) => return Ok(()),
            Err(error) if is_away(&error) => {
                ready.not_ready(WaitsFor::Server.phrase());
                if !was_told {
                    tracing::warn!("waiting for PostgreSQL: {error:#}");
                    was_told = true;
                }
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Whether PostgreSQL cannot be reached, or takes no writes.
fn is_away(error: &anyhow::Error) -> bool {
    let class = error
        .downcast_ref::<MigrationError>()
        .map(MigrationError::class)
        .or_else(|| error.downcast_ref::<Error>().map(Error::class));
    class == Some(ErrorClass::Unavailable)
        || matches!(error.downcast_ref::<ConnectError>(), Some(ConnectError::Refused(_)))
}

fn told(result: anyhow::Result<()>) {
    if let Err(error) = result {
        tracing::debug!("something cannot be measured or given back: {error:#}");
    }
}
