//! What commands work with: the settings, and connections made of them.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use mishap_boot::logs;
use mishap_boot::settings::catalogue::{DATABASE_HOST, DATABASE_URL};
use mishap_boot::settings::{DatabaseSettings, Environment, LogFormat, LogSettings, Settings};
use mishap_core::random::{Random, SystemRandom};
use mishap_storage::{Conn, Pool, PooledConn, migrations};
use mishap_web::config::AppConfig;
use mishap_web::links;

/// Where `mishap dev` says how its servers are reached.
pub(crate) const DEV_ENVIRONMENT: &str = ".local/mishap.env";

/// Connections of a command.
const CONNECTIONS: usize = 4;

/// An operator at the command line.
pub(crate) struct Operator {
    /// What is set.
    pub(crate) settings: Settings,
    /// Connections to PostgreSQL.
    pub(crate) pool: Pool,
    /// Randomness.
    pub(crate) random: Arc<dyn Random>,
}

impl Operator {
    /// Reads the settings and prepares connections.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let settings = settings(Settings::read)?;
        let pool = pool(&settings.database)?;
        Ok(Self { settings, pool, random: Arc::new(SystemRandom) })
    }

    /// A connection.
    pub(crate) async fn conn(&self) -> anyhow::Result<PooledConn> {
        conn(&self.pool, &self.settings.database).await
    }

    /// What web makes links with.
    pub(crate) async fn web_config(&self, conn: &mut Conn) -> anyhow::Result<AppConfig> {
        let security = &self.settings.security;
        let signing_key = links::signing_key(conn, security, self.random.as_ref()).await?;
        Ok(AppConfig::from_settings(&self.settings, signing_key))
    }
}

/// Reads what a command needs to know, and begins to log what goes wrong.
pub(crate) fn settings<S>(read: impl FnOnce(&mut Environment) -> S) -> anyhow::Result<S> {
    let mut env = Environment::of_process();
    if !env.is_set(&DATABASE_URL) && !env.is_set(&DATABASE_HOST) {
        add_dev_environment(&mut env, Path::new(DEV_ENVIRONMENT))?;
    }
    let settings = read(&mut env);
    env.check()?;
    logs::begin(&LogSettings { level: "warn".to_owned(), format: LogFormat::Auto })?;
    Ok(settings)
}

/// Prepares connections.
pub(crate) fn pool(settings: &DatabaseSettings) -> anyhow::Result<Pool> {
    let config = mishap_process::database(settings, "cli", CONNECTIONS)?;
    Ok(Pool::new(&config, &tokio::runtime::Handle::current())?)
}

/// A connection.
pub(crate) async fn conn(pool: &Pool, settings: &DatabaseSettings) -> anyhow::Result<PooledConn> {
    let away = || format!("PostgreSQL cannot be reached at {}", settings.whereabouts());
    pool.get().await.map_err(|error| root_of(error).context(away()))
}

/// What lies behind an error. What stands before it says again that a server cannot be reached.
pub(crate) fn root_of(error: impl Into<anyhow::Error>) -> anyhow::Error {
    anyhow::anyhow!("{}", error.into().root_cause())
}

/// Fails if the schema is older than this program, and says what to do.
pub(crate) async fn expect_schema(conn: &mut Conn) -> anyhow::Result<()> {
    let pending = migrations::pending(conn).await?;
    if !pending.is_empty() {
        let pending = pending.join(", ");
        bail!("the schema is not up to date (run `mishap migrate`): {pending}");
    }
    Ok(())
}

/// Adds what a running `mishap dev` wrote down, if one is running here.
fn add_dev_environment(env: &mut Environment, path: &Path) -> anyhow::Result<()> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
        env.set(name, value);
    }
    Ok(())
}
