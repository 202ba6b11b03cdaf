//! From settings to connections.

use std::time::Duration;

use anyhow::Context as _;
use mishap_boot::settings::{DatabaseSettings, RedisSettings};
use mishap_queue::{Keys, Redis, RedisConfig};
use mishap_storage::DatabaseConfig;

/// How long to wait for a free connection.
const WAIT: Duration = Duration::from_secs(5);

/// How long one statement may take.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a connection stays open that nobody needs.
const KEEP_IDLE: Duration = Duration::from_secs(60);

/// Where PostgreSQL is, for one purpose.
pub fn database(
    settings: &DatabaseSettings,
    purpose: &str,
    max_connections: usize,
) -> anyhow::Result<DatabaseConfig> {
    let ssl_mode = settings.ssl_mode.as_deref().map(str::parse).transpose();
    Ok(DatabaseConfig {
        url: settings.url.clone(),
        ssl_mode: ssl_mode.context("DATABASE_SSLMODE")?,
        ssl_root_cert: settings.ssl_root_cert.clone(),
        application_name: format!("mishap-{purpose}"),
        max_connections,
        wait: WAIT,
        statement_timeout: STATEMENT_TIMEOUT,
        keep_idle: KEEP_IDLE,
    })
}

/// Connections to Redis.
pub fn redis(settings: &RedisSettings) -> anyhow::Result<Redis> {
    let keys = Keys::new(settings.prefix.as_str());
    Ok(Redis::new(&RedisConfig { url: settings.url.clone(), keys })?)
}
