//! The schema's versions.

use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Text};
use diesel_async::{AsyncMigrationHarness, RunQueryDsl as _, SimpleAsyncConnection as _};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};
use mishap_core::causes::Causes;

use crate::complaints;
use crate::error::{Error, ErrorClass, Result, class_of};
use crate::pool::{Conn, Pool};
use crate::sql::statement;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// Whoever migrates holds this advisory lock.
const LOCK: i64 = 0x6d69_7368_6170;

/// The schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// A statement around the migrations failed.
    #[error("cannot prepare the migrations")]
    Prepare(#[source] Error),
    /// A migration failed; it was rolled back.
    #[error("a migration failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl MigrationError {
    /// What a caller can do about it.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Prepare(error) => error.class(),
            Self::Failed(error) => match error.downcast_ref() {
                Some(error) => class_of(error),
                // What wraps a migration's own failure cannot be named outside its crate.
                None => complaints::of_text(&error.to_string()).1,
            },
        }
    }
}

/// Applies what is missing, and says how many migrations that were.
///
/// Only one process migrates at a time; the others wait for it and then find nothing to do. Needs a
/// multi-threaded runtime.
pub async fn run(mut conn: Conn) -> Result<usize, MigrationError> {
    // No statement of a migration may wait long for a lock: behind it everybody else would wait.
    let prepare = "SET lock_timeout = '5s'; SET statement_timeout = '15min'";
    let prepared = async {
        conn.batch_execute(prepare).await?;
        lock(&mut conn).await?;
        pending(&mut conn).await
    };
    // Even to note that nothing is to be done, the database would have to take writes.
    if prepared.await.map_err(MigrationError::Prepare)?.is_empty() {
        return Ok(0);
    }
    let mut harness = AsyncMigrationHarness::new(conn);
    let applied = harness.run_pending_migrations(MIGRATIONS);
    applied.map(|versions| versions.len()).map_err(MigrationError::Failed)
    // The lock goes with the connection.
}

/// Takes every migration back, the newest first. For tests.
pub async fn revert_all(conn: Conn) -> Result<usize, MigrationError> {
    let mut harness = AsyncMigrationHarness::new(conn);
    let reverted = harness.revert_all_migrations(MIGRATIONS);
    reverted.map(|versions| versions.len()).map_err(MigrationError::Failed)
}

/// Waits for the lock without holding up the one who has it.
async fn lock(conn: &mut Conn) -> Result<()> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        locked: bool,
    }
    loop {
        let try_lock =
            statement("SELECT pg_try_advisory_lock($1) AS locked").bind::<BigInt, _>(LOCK);
        if try_lock.get_result::<Row>(conn).await?.locked {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Versions that this program brings and the database does not have.
pub async fn pending(conn: &mut Conn) -> Result<Vec<String>> {
    Ok(differences(conn).await?.pending)
}

/// How the schema and this program differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differences {
    /// Versions that this program brings and the database does not have.
    pub pending: Vec<String>,
    /// Versions that the database has and this program does not know: a newer one was here.
    pub unknown: Vec<String>,
}

/// How the schema and this program differ.
pub async fn differences(conn: &mut Conn) -> Result<Differences> {
    #[derive(QueryableByName)]
    struct Exists {
        #[diesel(sql_type = Bool)]
        exists: bool,
    }
    #[derive(QueryableByName)]
    struct Version {
        #[diesel(sql_type = Text)]
        version: String,
    }
    let table = statement("SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL AS exists");
    let applied = if table.get_result::<Exists>(conn).await?.exists {
        let versions = statement("SELECT version FROM __diesel_schema_migrations ORDER BY version");
        versions.load::<Version>(conn).await?
    } else {
        Vec::new()
    };
    let (brought, applied) = (brought(), applied.into_iter().map(|row| row.version));
    let (known, unknown): (Vec<_>, Vec<_>) = applied.partition(|it| brought.contains(it));
    let pending = brought.into_iter().filter(|it| !known.contains(it)).collect();
    Ok(Differences { pending, unknown })
}

/// The newest version that this program brings.
pub fn newest() -> String {
    brought().pop().unwrap_or_default()
}

/// Says which version this program brings, as the number that it is.
pub fn report_newest() {
    let version: f64 = newest().parse().unwrap_or_default();
    metrics::gauge!("glitchtip_schema_version").set(version);
}

fn brought() -> Vec<String> {
    use diesel::migration::MigrationSource;
    let migrations = MigrationSource::<diesel::pg::Pg>::migrations(&MIGRATIONS).unwrap_or_default();
    let mut versions: Vec<_> =
        migrations.iter().map(|migration| migration.name().version().to_string()).collect();
    versions.sort_unstable();
    versions
}

/// What a program that waits for the schema waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitsFor {
    /// PostgreSQL cannot be asked.
    Server,
    /// The schema is older than the program.
    Migrations,
}

impl WaitsFor {
    /// A phrase that goes on after the program's name.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Server => "waits for PostgreSQL",
            Self::Migrations => "waits for the schema to be migrated",
        }
    }
}

/// Waits until the schema is at least as new as this program; tells for what, and when that changes.
pub async fn wait_until_current(pool: &Pool, tell: impl Fn(WaitsFor)) {
    let mut waits_for = None;
    loop {
        let state = match pool.get().await {
            Ok(mut conn) => pending(&mut conn).await,
            Err(error) => Err(error),
        };
        let now = match &state {
            Ok(pending) if pending.is_empty() => return,
            Ok(_) => WaitsFor::Migrations,
            Err(_) => WaitsFor::Server,
        };
        if waits_for.replace(now) != Some(now) {
            tell(now);
            match state {
                Ok(pending) => tracing::info!(?pending, "waiting for the schema to be migrated"),
                Err(error) => tracing::warn!(error = %Causes(&error), "waiting for PostgreSQL"),
            }
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
