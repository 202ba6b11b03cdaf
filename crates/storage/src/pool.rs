//! Connections to PostgreSQL.
//!
//! A connection is driven by a task of the runtime that opened it. Under actix each worker thread
//! has a runtime of its own, and a thread busy with one request would hold up the queries of all
//! others; so every connection is opened on the one runtime that the pool was given.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use deadpool::managed::{QueueMode, WeakPool};
use diesel::ConnectionError;
use diesel_async::pooled_connection::deadpool::{Object, Pool as DeadPool, PoolError};
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
};
use diesel_async::{AsyncConnection as _, AsyncPgConnection};
use futures_util::FutureExt as _;
use metrics::{counter, histogram};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::runtime::Handle;
use tokio_postgres_rustls::MakeRustlsConnect;
use url::Url;

use crate::error::{Error, Result};
use crate::failures::{self, Failure};
use crate::tls::{self, SslMode, TlsError};
use crate::tx::Body;
use crate::watch::Watch;

/// One connection.
pub type Conn = AsyncPgConnection;

/// A connection that goes back to its pool when dropped.
pub type PooledConn = Object<Conn>;

/// Where the database is and how to talk to it.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// `postgres://user:password@host:port/name`, with libpq's parameters.
    pub url: SecretString,
    /// Overrides the URL's `sslmode`.
    pub ssl_mode: Option<SslMode>,
    /// A file of root certificates; overrides the URL's `sslrootcert`.
    pub ssl_root_cert: Option<PathBuf>,
    /// What the connections are called in `pg_stat_activity`.
    pub application_name: String,
    /// Connections at most.
    pub max_connections: usize,
    /// How long to wait for a free connection.
    pub wait: Duration,
    /// How long one statement may take.
    pub statement_timeout: Duration,
    /// How long a connection stays open that nobody needs.
    pub keep_idle: Duration,
}

/// The database's address or certificates are unusable.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The address cannot be read. It is not repeated here: it may hold a password.
    #[error("the database URL is not a postgres:// URL that can be understood: {0}")]
    Url(String),
    /// The connection cannot be encrypted as asked.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Connections to one database, opened as needed.
///
/// A connection keeps buffers as large as the largest statement that it ever carried, here and in
/// the server. So the one that was used last is used next, and those that come to rest are closed.
#[derive(Clone)]
pub struct Pool {
    inner: DeadPool<Conn>,
    waits: metrics::Histogram,
    timeouts: metrics::Counter,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("status", &self.inner.status()).finish()
    }
}

impl Pool {
    /// A pool whose connections live on `runtime`. Nothing is opened yet.
    pub fn new(config: &DatabaseConfig, runtime: &Handle) -> Result<Self, ConfigError> {
        let (driver, connector) = driver_config(config)?;
        let (opens_on, statement_timeout) = (runtime.clone(), config.statement_timeout);
        let mut manager = ManagerConfig::<Conn>::default();
        manager.recycling_method = RecyclingMethod::Fast;
        manager.custom_setup = Box::new(move |_url| {
            let opened = open_watched(driver.clone(), connector.clone(), statement_timeout);
            let opened = opens_on.spawn(opened);
            async move {
                opened
                    .await
                    .unwrap_or_else(|gone| Err(ConnectionError::BadConnection(gone.to_string())))
            }
            .boxed()
        });
        let manager = AsyncDieselConnectionManager::new_with_config("", manager);
        let inner = DeadPool::builder(manager)
            .max_size(config.max_connections.max(1))
            .queue_mode(QueueMode::Lifo)
            .wait_timeout(Some(config.wait))
            .create_timeout(Some(Duration::from_secs(5)))
            .runtime(deadpool::Runtime::Tokio1)
            .build()
            .map_err(|error| ConfigError::Url(error.to_string()))?;
        runtime.spawn(close_idle(inner.weak(), config.keep_idle));
        let name = config.application_name.trim_start_matches("mishap-").to_owned();
        let waits = histogram!("glitchtip_db_pool_wait_seconds", "pool" => name.clone());
        let timeouts = counter!("glitchtip_db_pool_timeouts_total", "pool" => name);
        timeouts.increment(0);
        Ok(Self { inner, waits, timeouts })
    }

    /// A connection, a free one or a new one.
    pub async fn get(&self) -> Result<PooledConn> {
        let began = Instant::now();
        let conn = self.inner.get().await;
        self.waits.record(began.elapsed());
        conn.map_err(|error| {
            match &error {
                PoolError::Timeout(_) => self.timeouts.increment(1),
                _ => failures::count(Failure::Connection),
            }
            Error::Unavailable(error)
        })
    }

    /// Does something on a connection, within a time that counts from now.
    ///
    /// If it takes longer, the connection is not used again: what it was asked for last may come at
    /// any time, or never.
    #[expect(
        clippy::manual_async_fn,
        reason = "it says that the future is Send; callers cannot infer it"
    )]
    pub fn within<'p, T, F>(
        &'p self,
        time: Duration,
        body: F,
    ) -> impl Future<Output = Result<T>> + Send + use<'p, T, F>
    where
        for<'r> F: AsyncFn(&'r mut Conn) -> Result<T>
            + Body<&'r mut Conn, Result<T>, Future: Send>
            + Send
            + Sync,
        T: Send,
    {
        async move {
            let deadline = tokio::time::Instant::now() + time;
            let conn = tokio::time::timeout_at(deadline, self.get());
            let mut conn = conn.await.map_err(|_elapsed| Error::Timeout)??;
            match tokio::time::timeout_at(deadline, body(&mut conn)).await {
                Ok(result) => result,
                Err(_elapsed) => {
                    drop(Object::take(conn));
                    Err(Error::Timeout)
                }
            }
        }
    }

    /// Connections open, and how many of them are idle.
    pub fn sizes(&self) -> PoolSizes {
        let status = self.inner.status();
        PoolSizes { max: status.max_size, open: status.size, idle: status.available }
    }
}

/// Closes what nobody needs, until the pool is gone.
async fn close_idle(pool: WeakPool<AsyncDieselConnectionManager<Conn>>, keep_idle: Duration) {
    loop {
        tokio::time::sleep(keep_idle / 2).await;
        let Some(pool) = pool.upgrade() else {
            return;
        };
        pool.retain(|_conn, metrics| metrics.last_used() < keep_idle);
    }
}

/// How full a pool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolSizes {
    /// Connections at most.
    pub max: usize,
    /// Connections open.
    pub open: usize,
    /// Connections open and free.
    pub idle: usize,
}

/// One connection outside any pool, opened on the current runtime.
pub async fn connect(config: &DatabaseConfig) -> Result<Conn, ConnectError> {
    let (driver, connector) = driver_config(config)?;
    Ok(open(driver, connector).await?)
}

/// A connection could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The settings are unusable.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The server did not accept it.
    #[error("cannot connect to PostgreSQL")]
    Refused(#[from] ConnectionError),
}

async fn open(
    driver: tokio_postgres::Config,
    connector: MakeRustlsConnect,
) -> Result<Conn, ConnectionError> {
    let (client, connection) =
        driver.connect(connector).await.map_err(|error| not_opened(&error))?;
    Conn::try_from_client_and_connection(client, connection).await
}

/// Opens a connection that ends when it is of no use any more.
async fn open_watched(
    driver: tokio_postgres::Config,
    connector: MakeRustlsConnect,
    statement_timeout: Duration,
) -> Result<Conn, ConnectionError> {
    let (client, connection) =
        driver.connect(connector).await.map_err(|error| not_opened(&error))?;
    let watch = Watch::default();
    #[expect(clippy::disallowed_methods, reason = "it ends with the connection")]
    tokio::spawn(watch.clone().drive(connection, statement_timeout));
    let mut conn = Conn::try_from(client).await?;
    conn.set_instrumentation(watch);
    Ok(conn)
}

fn not_opened(error: &tokio_postgres::Error) -> ConnectionError {
    // The driver's own text says only that a database error happened.
    let text = match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    ConnectionError::BadConnection(text)
}

/// Understands a URL as libpq does, as far as the driver does not.
fn driver_config(
    config: &DatabaseConfig,
) -> Result<(tokio_postgres::Config, MakeRustlsConnect), ConfigError> {
    let unreadable = |error: &dyn std::fmt::Display| ConfigError::Url(error.to_string());
    let mut url = Url::parse(config.url.expose_secret()).map_err(|error| unreadable(&error))?;
    // Django's names for the same thing.
    if matches!(url.scheme(), "postgresql" | "pgsql" | "psql" | "postgis") {
        url.set_scheme("postgres").map_err(|()| unreadable(&"the scheme"))?;
    }
    let mut mode = config.ssl_mode;
    let mut roots = config.ssl_root_cert.clone();
    let mut others = Vec::new();
    for (name, value) in url.query_pairs() {
        match name.as_ref() {
            "sslmode" => {
                mode = Some(match mode {
                    Some(mode) => mode,
                    None => value.parse()?,
                });
            }
            "sslrootcert" => roots = roots.or_else(|| Some(PathBuf::from(value.as_ref()))),
            // What the driver would refuse and what makes no difference here.
            "sslcert" | "sslkey" | "gssencmode" | "sslcrl" | "pool" | "conn_max_age" => {}
            _ => others.push((name.into_owned(), value.into_owned())),
        }
    }
    url.set_query(None);
    if !others.is_empty() {
        url.query_pairs_mut().extend_pairs(others);
    }
    let mode = mode.unwrap_or_default();
    let mut driver: tokio_postgres::Config =
        url.as_str().parse().map_err(|error| unreadable(&error))?;
    driver
        .ssl_mode(mode.negotiation())
        .application_name(&config.application_name)
        .connect_timeout(Duration::from_secs(5))
        .keepalives_idle(Duration::from_secs(30))
        .keepalives_interval(Duration::from_secs(5))
        .keepalives_retries(3)
        .tcp_user_timeout(Duration::from_secs(10));
    let timeout = config.statement_timeout.as_millis();
    // A server that hears no more of us gives back what we have locked.
    let settings = format!(
        "-c statement_timeout={timeout} -c idle_in_transaction_session_timeout={timeout} -c jit=off"
    );
    let options = match driver.get_options() {
        Some(options) => format!("{options} {settings}"),
        None => settings,
    };
    driver.options(&options);
    Ok((driver, tls::connector(mode, roots.as_deref())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: &str) -> DatabaseConfig {
        DatabaseConfig {
            url: url.to_owned().into(),
            ssl_mode: None,
            ssl_root_cert: None,
            application_name: "test".to_owned(),
            max_connections: 1,
            wait: Duration::from_secs(1),
            statement_timeout: Duration::from_secs(1),
            keep_idle: Duration::from_secs(1),
        }
    }

    #[test]
    fn urls_of_django_and_libpq_are_understood() {
        for url in [
            "postgres://u:p@h:5432/db",
            "postgresql://u@h/db?sslmode=require&connect_timeout=3",
            "pgsql://u:p%40ss@h/db?sslmode=verify-full",
            "postgres://u@h/db?pool=true&sslmode=prefer",
        ] {
            driver_config(&config(url)).unwrap();
        }
        let (driver, _) = driver_config(&config("pgsql://u:p%40ss@h:1/db")).unwrap();
        assert_eq!(driver.get_password(), Some("p@ss".as_bytes()));
        assert_eq!(driver.get_ssl_mode(), tokio_postgres::config::SslMode::Prefer);
    }

    #[test]
    fn an_unreadable_url_is_not_repeated() {
        for url in ["secret", "postgres://u:secret@h/db?sslmode=maybe", "mysql://u:secret@h/db"] {
            let error = driver_config(&config(url)).err().unwrap().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
