//! Connections to Redis.
//!
//! Like those to PostgreSQL, a connection lives on the runtime that opened it; all calls are made
//! from tasks of the main runtime.

use std::time::Duration;

use deadpool_redis::{Connection, Manager, Pool, PoolError, Runtime};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, IntoConnectionInfo as _, RedisError};
use secrecy::{ExposeSecret as _, SecretString};

use crate::keys::Keys;

/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long to wait for an answer. Past it Redis counts as away: nobody's request waits longer.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(500);

/// How long a reader waits for something to read.
pub(crate) const BLOCK: Duration = Duration::from_secs(1);

/// Connections shared by all who do not wait for something to read.
const MAX_CONNECTIONS: usize = 4;

/// Where Redis is.
#[derive(Debug, Clone)]
pub struct RedisConfig {
    /// `redis://` or `rediss://`.
    pub url: SecretString,
    /// The names of its keys.
    pub keys: Keys,
}

/// The address is unusable.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not an address. It is not repeated here: it may hold a password.
    #[error("the Redis URL is not a redis:// or rediss:// URL that can be understood")]
    Url(#[source] RedisError),
    /// The pool cannot be made.
    #[error("the Redis pool cannot be made")]
    Pool(#[source] deadpool_redis::BuildError),
}

/// Redis did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no connection, or no answer in time.
    #[error("Redis cannot be reached")]
    Unreachable(#[source] PoolError),
    /// Redis refused a command, for instance because it is full.
    #[error("Redis refused a command")]
    Refused(#[from] RedisError),
    /// An entry is none that this version can have written.
    #[error("an entry in Redis is not what it should be")]
    Inconsistent(#[source] postcard::Error),
}

/// What a Redis says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Server {
    /// Its version.
    pub version: String,
    /// Commands since it began to count, of all clients.
    pub commands: u64,
    /// Bytes of what it holds.
    pub memory_bytes: u64,
}

/// Redis, opened as needed. Cheap to clone.
#[derive(Clone)]
pub struct Redis {
    pool: Pool,
    client: Client,
    pub(crate) keys: Keys,
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis").finish_non_exhaustive()
    }
}

impl Redis {
    /// Prepares connections; nothing is opened yet.
    pub fn new(config: &RedisConfig) -> Result<Self, ConfigError> {
        let info = config.url.expose_secret().into_connection_info().map_err(ConfigError::Url)?;
        let client = Client::open(info.clone()).map_err(ConfigError::Url)?;
        let options = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(RESPONSE_TIMEOUT));
        let manager = Manager::new_with_config(info, options).map_err(ConfigError::Url)?;
        let pool = Pool::builder(manager)
            .max_size(MAX_CONNECTIONS)
            .wait_timeout(Some(RESPONSE_TIMEOUT))
            .create_timeout(Some(CONNECT_TIMEOUT))
            .recycle_timeout(Some(RESPONSE_TIMEOUT))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(ConfigError::Pool)?;
        Ok(Self { pool, client, keys: config.keys.clone() })
    }

    /// Whether Redis answers.
    pub async fn ping(&self) -> Result<(), Error> {
        let mut conn = self.get().await?;
        redis::cmd("PING").query_async::<()>(&mut conn).await?;
        Ok(())
    }

    /// What the server says of itself.
    pub async fn server(&self) -> Result<Server, Error> {
        let mut conn = self.get().await?;
        let info: redis::InfoDict = redis::cmd("INFO").query_async(&mut conn).await?;
        Ok(Server {
            version: info.get("redis_version").unwrap_or_default(),
            commands: info.get("total_commands_processed").unwrap_or_default(),
            memory_bytes: info.get("used_memory").unwrap_or_default(),
        })
    }

    pub(crate) async fn get(&self) -> Result<Connection, Error> {
        self.pool.get().await.map_err(Error::Unreachable)
    }

    /// A connection for one reader, which may wait for [`BLOCK`] and still hears when Redis is gone.
    pub(crate) async fn reader(&self) -> Result<MultiplexedConnection, Error> {
        let options = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(BLOCK + RESPONSE_TIMEOUT));
        Ok(self.client.get_multiplexed_async_connection_with_config(&options).await?)
    }
}
