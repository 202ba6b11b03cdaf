//! Settings, all from environment variables.
//!
//! Each variable is declared once in the [`catalogue`]: its names, its default and what it means.
//! GlitchTip's names are kept, old and new ones; the first name that is set counts. Any variable
//! `X` may be given as `X_FILE`, the path of a file that holds its value. All problems are reported
//! together, each with the name of its variable, and never with the value of a secret.

pub mod catalogue;
mod environment;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use secrecy::SecretString;
use url::Url;

pub use self::environment::{Environment, Problems};

/// Everything that can be set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address that clients and people use, with a path prefix if there is one.
    pub public_url: Url,
    /// PostgreSQL.
    pub database: DatabaseSettings,
    /// Redis; nothing if it is not to be used.
    pub redis: Option<RedisSettings>,
    /// The web process.
    pub web: WebSettings,
    /// The worker process.
    pub worker: WorkerSettings,
    /// The beat process.
    pub beat: BeatSettings,
    /// What is taken in, and how much.
    pub ingest: IngestSettings,
    /// Days that events are kept.
    pub retention_days: u32,
}

/// Where PostgreSQL is.
#[derive(Debug, Clone)]
pub struct DatabaseSettings {
    /// `postgres://…`
    pub url: SecretString,
    /// libpq's `sslmode`.
    pub ssl_mode: Option<String>,
    /// A file of root certificates.
    pub ssl_root_cert: Option<PathBuf>,
    /// Connections of one process at most.
    pub max_connections: usize,
}

/// Where Redis is.
#[derive(Debug, Clone)]
pub struct RedisSettings {
    /// `redis://…` or `rediss://…`
    pub url: SecretString,
    /// What the names of keys begin with.
    pub prefix: String,
}

/// The web process.
#[derive(Debug, Clone)]
pub struct WebSettings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where its metrics and probes are.
    pub metrics: SocketAddr,
    /// Threads that serve requests.
    pub threads: usize,
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
}

/// The worker process.
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    /// Where its metrics and probes are.
    pub metrics: SocketAddr,
    /// Batches digested at the same time.
    pub concurrency: usize,
}

/// The beat process.
#[derive(Debug, Clone)]
pub struct BeatSettings {
    /// Where its metrics and probes are.
    pub metrics: SocketAddr,
}

/// What is taken in, and how much.
#[derive(Debug, Clone)]
pub struct IngestSettings {
    /// Whether ingest is stopped.
    pub freeze: bool,
    /// The largest event, in bytes.
    pub max_event_bytes: u64,
    /// The largest attachment, in bytes.
    pub max_attachment_bytes: u64,
    /// The largest body as it arrives, in bytes.
    pub max_body_bytes: u64,
    /// The largest body inflated, in bytes.
    pub max_inflated_bytes: u64,
    /// Envelopes waiting to be digested beyond which no more are taken.
    pub max_backlog_rows: u64,
    /// Age of the oldest one beyond which no more are taken, in seconds.
    pub max_backlog_seconds: u64,
}

/// How a program logs; known before everything else, so that problems can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// The least level that is logged, or directives such as `info,mishap_web=debug`.
    pub level: String,
    /// How lines look.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people on a terminal, for machines elsewhere.
    Auto,
    /// JSON, one object a line.
    Json,
    /// For people.
    Text,
}

impl LogSettings {
    /// Reads the settings of logging.
    pub fn read(env: &mut Environment) -> Self {
        let format = env.text(&catalogue::LOG_FORMAT);
        let format = match format.to_ascii_lowercase().as_str() {
            "auto" => LogFormat::Auto,
            "json" => LogFormat::Json,
            "text" => LogFormat::Text,
            _ => {
                env.problem(&catalogue::LOG_FORMAT, "must be auto, json or text");
                LogFormat::Auto
            }
        };
        Self { level: env.text(&catalogue::LOG_LEVEL), format }
    }
}

impl DatabaseSettings {
    /// Reads the settings of the database alone; a migration needs no others.
    pub fn read(env: &mut Environment) -> Self {
        let url = match env.optional(&catalogue::DATABASE_HOST) {
            Some(host) => database_url(env, &host),
            None => env.text(&catalogue::DATABASE_URL),
        };
        Self {
            url: url.into(),
            ssl_mode: env.optional(&catalogue::DATABASE_SSLMODE),
            ssl_root_cert: env.optional(&catalogue::DATABASE_SSLROOTCERT).map(PathBuf::from),
            max_connections: env.number(&catalogue::DATABASE_POOL_MAX_SIZE),
        }
    }
}

/// Makes a URL of its parts, whose characters need no escaping.
fn database_url(env: &mut Environment, host: &str) -> String {
    let port: u16 = env.number(&catalogue::DATABASE_PORT);
    let mut url = Url::parse("postgres://localhost/").unwrap_or_else(|_| unreachable_url());
    let name = env.text(&catalogue::DATABASE_NAME);
    let user = env.text(&catalogue::DATABASE_USER);
    let password = env.optional(&catalogue::DATABASE_PASSWORD);
    let set = url
        .set_host(Some(host))
        .map_err(|_invalid| ())
        .and_then(|()| url.set_port(Some(port)))
        .and_then(|()| url.set_username(&user))
        .and_then(|()| url.set_password(password.as_deref()));
    if set.is_err() {
        env.problem(&catalogue::DATABASE_HOST, "is not a host name");
    }
    url.set_path(&name);
    url.into()
}

fn unreachable_url() -> Url {
    unreachable!("a constant URL can be parsed")
}

fn redis(env: &mut Environment) -> Option<RedisSettings> {
    let prefix = env.text(&catalogue::REDIS_PREFIX);
    let url = match env.optional(&catalogue::REDIS_HOST) {
        Some(host) => {
            let port: u16 = env.number(&catalogue::REDIS_PORT);
            let database: u32 = env.number(&catalogue::REDIS_DATABASE);
            let mut url = Url::parse("redis://localhost/").unwrap_or_else(|_| unreachable_url());
            let password = env.optional(&catalogue::REDIS_PASSWORD);
            let set = url
                .set_host(Some(&host))
                .map_err(|_invalid| ())
                .and_then(|()| url.set_port(Some(port)))
                .and_then(|()| url.set_password(password.as_deref()));
            if set.is_err() {
                env.problem(&catalogue::REDIS_HOST, "is not a host name");
            }
            url.set_path(&database.to_string());
            url.into()
        }
        None => env.text(&catalogue::REDIS_URL),
    };
    (!url.is_empty()).then(|| RedisSettings { url: url.into(), prefix })
}

impl Settings {
    /// Reads every setting; the problems are collected in `env`.
    pub fn read(env: &mut Environment) -> Self {
        let address: IpAddr = env.parsed(&catalogue::LISTEN, "must be an IP address");
        let mut listen = |setting| SocketAddr::new(address, env.number(setting));
        let (web, web_metrics) = (listen(&catalogue::PORT), listen(&catalogue::WEB_METRICS_PORT));
        let worker_metrics = listen(&catalogue::WORKER_METRICS_PORT);
        let beat_metrics = listen(&catalogue::BEAT_METRICS_PORT);
        Self {
            public_url: public_url(env),
            database: DatabaseSettings::read(env),
            redis: redis(env),
            web: WebSettings {
                listen: web,
                metrics: web_metrics,
                threads: env.number(&catalogue::WEB_THREADS),
                trusted_proxies: env
                    .list_of(&catalogue::TRUSTED_PROXIES, "must be networks such as 10.0.0.0/8"),
            },
            worker: WorkerSettings {
                metrics: worker_metrics,
                concurrency: env.number(&catalogue::WORKER_CONCURRENCY),
            },
            beat: BeatSettings { metrics: beat_metrics },
            ingest: IngestSettings {
                freeze: env.bool(&catalogue::MAINTENANCE_EVENT_FREEZE),
                max_event_bytes: env.number(&catalogue::MAX_EVENT_BYTES),
                max_attachment_bytes: env.number(&catalogue::MAX_ATTACHMENT_BYTES),
                max_body_bytes: env.number(&catalogue::MAX_BODY_BYTES),
                max_inflated_bytes: env.number(&catalogue::MAX_INFLATED_BYTES),
                max_backlog_rows: env.number(&catalogue::MAX_BACKLOG_ROWS),
                max_backlog_seconds: env.number(&catalogue::MAX_BACKLOG_SECONDS),
            },
            retention_days: env.number(&catalogue::RETENTION_DAYS),
        }
    }
}

fn public_url(env: &mut Environment) -> Url {
    let text = env.text(&catalogue::PUBLIC_URL);
    match Url::parse(text.trim_end_matches('/')) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => url,
        Ok(_) | Err(_) => {
            env.problem(&catalogue::PUBLIC_URL, "must be an http:// or https:// URL");
            Url::parse("http://localhost").unwrap_or_else(|_| unreachable_url())
        }
    }
}

#[cfg(test)]
mod tests;
