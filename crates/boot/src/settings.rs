//! Settings, all from environment variables.
//!
//! Each variable is declared once in the [`catalogue`]: its names, its type, its default and what it
//! means. GlitchTip's names are kept, old and new ones; the first name that is set counts. Any
//! variable `X` may be given as `X_FILE`, the path of a file that holds its value. All problems are
//! reported together, each with the name of its variable, and never with the value of a secret. What
//! need not stop a program is a warning.

mod acceptance;
mod accounts;
pub mod catalogue;
mod effective;
mod environment;
mod instance;
mod kind;
mod logging;
mod mail;
mod reference;
mod security;
mod sign_in;
mod unknown;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

pub use self::acceptance::AcceptanceSettings;
pub use self::accounts::{AccountSettings, ApiUser, InitialUser, InviteLimit};
use self::catalogue::State;
pub use self::effective::{Effective, effective};
pub use self::environment::{Environment, Problems, Source};
pub use self::instance::{Features, InstanceSettings, ReportSettings};
pub use self::kind::{Kind, Unit};
pub use self::logging::{LogFormat, LogSettings};
pub use self::mail::{MailEncryption, MailSettings, MailTransport, SmtpServer};
pub use self::reference::reference;
pub use self::security::{
    ContentSecurityPolicy, Cors, Hsts, SameSite, SecuritySettings, SessionCookie,
};
pub use self::sign_in::{GroupRole, SignInKind, SignInProvider};

/// Everything that can be set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address that clients and people use, with a path prefix if there is one.
    pub public_url: Url,
    /// What the container is meant to be.
    pub server_role: Option<ServerRole>,
    /// What the installation is, and what clients are told of it.
    pub instance: InstanceSettings,
    /// Where our own failures are reported.
    pub reports: ReportSettings,
    /// Who gets an account, and how.
    pub accounts: AccountSettings,
    /// What signs, what browsers are told, and whose pages may do what.
    pub security: SecuritySettings,
    /// How mail is sent.
    pub mail: MailSettings,
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
    /// What worker and beat touch while they live.
    pub health_file: Option<PathBuf>,
    /// What is taken in, and how much.
    pub ingest: IngestSettings,
    /// Days that events are kept.
    pub retention_days: u32,
    /// Days that it is kept who changed what.
    pub audit_days: u32,
    /// All of this as it is set, to be shown to people.
    pub effective: Vec<Effective>,
}

/// What a container is meant to be, for GlitchTip's start script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerRole {
    /// It serves.
    Web,
    /// It digests.
    Worker,
    /// It keeps the schedule.
    Beat,
    /// It digests and keeps the schedule.
    WorkerWithBeat,
    /// Everything.
    AllInOne,
}

/// Where PostgreSQL is.
#[derive(Debug, Clone)]
pub struct DatabaseSettings {
    /// `postgres://…`
    pub url: SecretString,
    /// The variable that says where it is.
    pub variable: String,
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
    /// The variable that says where it is.
    pub variable: String,
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
    /// Networks whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// How long it takes new connections after it was told to stop.
    pub drain: Duration,
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

impl DatabaseSettings {
    /// Reads the settings of the database alone; a migration needs no others.
    pub fn read(env: &mut Environment) -> Self {
        let (url, setting) = match env.optional(&catalogue::DATABASE_HOST) {
            Some(host) => (database_url(env, &host), &catalogue::DATABASE_HOST),
            None => (env.text(&catalogue::DATABASE_URL), &catalogue::DATABASE_URL),
        };
        if url.is_empty() {
            env.problem(&catalogue::DATABASE_URL, "must not be empty");
        }
        let ssl_mode = env.word(&catalogue::DATABASE_SSLMODE);
        Self {
            url: url.into(),
            variable: env.variable_of(setting),
            ssl_mode: Some(ssl_mode).filter(|mode| !mode.is_empty()),
            ssl_root_cert: env.optional(&catalogue::DATABASE_SSLROOTCERT).map(PathBuf::from),
            max_connections: env.number(&catalogue::DATABASE_POOL_MAX_SIZE),
        }
    }
}

/// Where a server is, for people: the host and the port of its URL, and which variable says so. The
/// password is left out.
fn whereabouts(url: &SecretString, port: u16, variable: &str) -> String {
    let url = Url::parse(url.expose_secret()).ok();
    let host = url.as_ref().and_then(Url::host_str).filter(|host| !host.is_empty());
    let port = url.as_ref().and_then(Url::port).unwrap_or(port);
    match host {
        Some(host) => format!("{host}:{port} ({variable})"),
        None => format!("the address in {variable}"),
    }
}

impl DatabaseSettings {
    /// Where it is, for people.
    pub fn whereabouts(&self) -> String {
        whereabouts(&self.url, 5432, &self.variable)
    }
}

impl RedisSettings {
    /// Where it is, for people.
    pub fn whereabouts(&self) -> String {
        whereabouts(&self.url, 6379, &self.variable)
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
    let (url, setting) = match env.optional(&catalogue::REDIS_HOST) {
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
            (String::from(url), &catalogue::REDIS_HOST)
        }
        None => (env.text(&catalogue::REDIS_URL), &catalogue::REDIS_URL),
    };
    let variable = env.variable_of(setting);
    (!url.is_empty()).then(|| RedisSettings { url: url.into(), variable, prefix })
}

impl IngestSettings {
    fn read(env: &mut Environment) -> Self {
        Self {
            freeze: env.bool(&catalogue::MAINTENANCE_EVENT_FREEZE),
            max_event_bytes: env.number(&catalogue::MAX_EVENT_BYTES),
            max_attachment_bytes: env.number(&catalogue::MAX_ATTACHMENT_BYTES),
            max_body_bytes: env.number(&catalogue::MAX_BODY_BYTES),
            max_inflated_bytes: env.number(&catalogue::MAX_INFLATED_BYTES),
            max_backlog_rows: env.number(&catalogue::MAX_BACKLOG_ROWS),
            max_backlog_seconds: env.number(&catalogue::MAX_BACKLOG_SECONDS),
        }
    }
}

impl WebSettings {
    fn read(env: &mut Environment) -> Self {
        let (host, port) = kind::listen(env.text(&catalogue::PORT).trim()).unwrap_or_default();
        let metrics_host: IpAddr = env.number(&catalogue::WEB_METRICS_HOST);
        Self {
            listen: SocketAddr::new(host.unwrap_or(env.number(&catalogue::WEB_HOST)), port),
            metrics: SocketAddr::new(metrics_host, env.number(&catalogue::WEB_METRICS_PORT)),
            threads: env.number(&catalogue::WEB_THREADS),
            trusted_proxies: trusted_proxies(env),
            drain: Duration::from_secs(env.number(&catalogue::WEB_DRAIN)),
        }
    }
}

/// `*` is every address there is.
fn trusted_proxies(env: &mut Environment) -> Vec<IpNet> {
    let all = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
    let proxies = env.list(&catalogue::TRUSTED_PROXIES);
    let networks = proxies.iter().flat_map(|item| match item.as_str() {
        "*" => all.iter().filter_map(|address| IpNet::new(*address, 0).ok()).collect(),
        item => Vec::from_iter(kind::network(item)),
    });
    networks.collect()
}

impl Settings {
    /// Reads every setting; what is wrong, and what is to be said, is collected in `env`.
    pub fn read(env: &mut Environment) -> Self {
        let address: IpAddr = env.number(&catalogue::LISTEN);
        let mut metrics = |port| SocketAddr::new(address, env.number(port));
        let worker_metrics = metrics(&catalogue::WORKER_METRICS_PORT);
        let beat_metrics = metrics(&catalogue::BEAT_METRICS_PORT);
        let public_url = public_url(env);
        let security = SecuritySettings::read(env, public_url.scheme() == "https");
        let settings = Self {
            public_url,
            server_role: ServerRole::read(env),
            instance: InstanceSettings::read(env),
            reports: ReportSettings::read(env),
            accounts: AccountSettings::read(env),
            security,
            mail: MailSettings::read(env),
            database: DatabaseSettings::read(env),
            redis: redis(env),
            web: WebSettings::read(env),
            worker: WorkerSettings {
                metrics: worker_metrics,
                concurrency: env.number(&catalogue::WORKER_CONCURRENCY),
            },
            beat: BeatSettings { metrics: beat_metrics },
            health_file: env.optional(&catalogue::HEALTH_FILE).map(PathBuf::from),
            ingest: IngestSettings::read(env),
            retention_days: env.number(&catalogue::EVENT_RETENTION_DAYS),
            audit_days: env.number(&catalogue::AUDIT_DAYS),
            effective: effective(env),
        };
        let later = catalogue::all().filter(|setting| matches!(setting.state, State::Later(_)));
        later.for_each(|setting| env.look_at(setting));
        unknown::warn_of_unknown_names(env);
        unknown::warn_of_contradictions(env);
        settings
    }
}

impl ServerRole {
    /// Reads what the container is meant to be; nothing if it is not said.
    pub fn read(env: &mut Environment) -> Option<Self> {
        match env.word(&catalogue::SERVER_ROLE).as_str() {
            "web" => Some(Self::Web),
            "worker" => Some(Self::Worker),
            "beat" => Some(Self::Beat),
            "worker_with_beat" => Some(Self::WorkerWithBeat),
            "all_in_one" | "all-in-one" => Some(Self::AllInOne),
            _ => None,
        }
    }
}

/// With BASE_PATH behind it, if it has no path of its own.
fn public_url(env: &mut Environment) -> Url {
    let text = env.text(&catalogue::PUBLIC_URL);
    let mut url = match Url::parse(text.trim().trim_end_matches('/')) {
        Ok(url) if url.has_host() => url,
        Ok(_) | Err(_) => {
            env.problem(&catalogue::PUBLIC_URL, format!("must be {}", catalogue::PUBLIC_URL.kind));
            return Url::parse("http://localhost").unwrap_or_else(|_| unreachable_url());
        }
    };
    let prefix = env.text(&catalogue::BASE_PATH);
    if url.path() == "/" {
        url.set_path(prefix.trim().trim_matches('/'));
    }
    url
}

#[cfg(test)]
mod tests;
