//! The whole product as an operator installs it: web, worker and beat as processes of their own, on
//! servers that may be hurt.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use mishap_protocol::dsn::Dsn;
use mishap_queue::Redis;
use mishap_sandbox::PostgresOptions;
use mishap_storage::{Error, inbox, tallies};
use url::Url;

use crate::app::redis_at;
use crate::database::{Tenant, TestDatabase};
use crate::program::{Program, built_program, free_port};
use crate::proxy::Proxy;
use crate::servers::Servers;

/// How long until everything that was sent is digested and counted, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the keys of the programs begin with.
const REDIS_PREFIX: &str = "mishap:";

/// Lines of each log that are shown when a test failed.
const LINES: usize = 40;

/// What an installation is to be.
#[derive(Debug, Clone, Default)]
pub struct InstallationOptions {
    /// Whether its programs know of no Redis.
    pub without_redis: bool,
    /// Whether its programs reach their servers over a network that can be hurt.
    pub with_network: bool,
    /// Bytes of the disk that PostgreSQL's data are on, if they are to have one of their own.
    pub volume: Option<u64>,
    /// Settings of PostgreSQL.
    pub postgres: Vec<(&'static str, String)>,
    /// Variables of the programs.
    pub environment: Vec<(&'static str, &'static str)>,
}

/// The ways from the programs to their servers.
pub struct Network {
    /// To PostgreSQL.
    pub postgres: Proxy,
    /// To Redis.
    pub redis: Proxy,
}

/// The whole product, running.
pub struct Installation {
    /// PostgreSQL and Redis.
    pub servers: Servers,
    /// The network between them and the programs, if it can be hurt.
    network: Option<Network>,
    /// Where web is, also while it is down.
    pub url: Url,
    /// Receives.
    pub web: Program,
    /// Digests.
    pub worker: Program,
    /// Keeps the schedule.
    pub beat: Program,
    /// Its database.
    pub database: TestDatabase,
    /// Its Redis, if its programs know of it.
    pub redis: Option<Redis>,
    /// A first organization.
    pub tenant: Tenant,
    environment: Vec<(String, String)>,
}

impl Installation {
    /// Starts everything, and makes a first organization and project called `shop`.
    pub async fn start() -> Self {
        Self::start_with(&InstallationOptions::default()).await
    }

    /// Starts everything as a test wants it.
    pub async fn start_with(options: &InstallationOptions) -> Self {
        mishap_process::install_encryption();
        let servers = tokio::task::block_in_place(|| servers(options));
        let network = if options.with_network {
            let postgres = Proxy::to(servers.postgres.port()).await;
            Some(Network { postgres, redis: Proxy::to(servers.redis.port()).await })
        } else {
            None
        };
        let port = free_port();
        let url = Url::parse(&format!("http://127.0.0.1:{port}")).unwrap();
        let environment = environment(options, &servers, network.as_ref(), &url);
        let [beat, web, worker] = ["mishap-beat", "mishap-web", "mishap-worker"].map(|name| {
            let mut program = prepared(name, &environment, &servers);
            program.spawn();
            program
        });
        let database = TestDatabase::at(servers.postgres.url());
        let redis = (!options.without_redis).then(|| redis_at(&servers.redis.url(), REDIS_PREFIX));
        let mut programs = [beat, web, worker];
        tokio::task::block_in_place(|| programs.iter_mut().for_each(Program::wait_until_ready));
        let [beat, web, worker] = programs;
        let tenant = database.tenant("shop").await;
        Self { servers, network, url, web, worker, beat, database, redis, tenant, environment }
    }

    /// The network between the servers and the programs. The test itself does not use it.
    pub fn network(&self) -> &Network {
        self.network.as_ref().expect("the installation was started with a network")
    }

    /// Looks for what was written into the database at this URL from now on.
    pub fn look_at_database(&mut self, url: String) {
        self.database = TestDatabase::at(url);
    }

    /// Looks for what waits in the Redis at this URL from now on.
    pub fn look_at_redis(&mut self, url: &str) {
        self.redis = Some(redis_at(url, REDIS_PREFIX));
    }

    /// One more program of the installation, `mishap-worker` for instance, with these variables of
    /// its own; not yet started.
    pub fn another(&self, name: &str, own: &[(&str, &str)]) -> Program {
        let own = own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let environment: Vec<_> = self.environment.iter().cloned().chain(own).collect();
        prepared(name, &environment, &self.servers)
    }

    /// The first project's DSN.
    pub fn dsn(&self) -> Dsn {
        self.tenant.dsn(&self.url)
    }

    /// Waits until everything that was taken is digested and counted.
    pub async fn until_settled(&self) {
        let began = Instant::now();
        while let Some(waiting) = self.waiting().await {
            assert!(began.elapsed() < PATIENCE, "still waiting: {waiting}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What waits, if anything does. Nobody who cannot be asked counts as done.
    async fn waiting(&self) -> Option<String> {
        if let Some(redis) = &self.redis {
            match redis.count_overflow().await {
                Ok(0) => {}
                Ok(entries) => return Some(format!("{entries} in the overflow")),
                Err(error) => return Some(error.to_string()),
            }
        }
        let counted = async {
            let mut conn = self.database.pool.get().await?;
            let backlog = inbox::count(&mut conn).await?;
            Ok::<_, Error>((backlog, tallies::is_empty(&mut conn).await?))
        };
        match counted.await {
            Ok((0, true)) => None,
            Ok((rows, folded)) => Some(format!("{rows} in the inbox; all is counted: {folded}")),
            Err(error) => Some(error.to_string()),
        }
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for name in ["mishap-beat", "mishap-web", "mishap-worker"] {
                show_end_of(name, &log_of(name, &self.servers));
            }
        }
    }
}

fn servers(options: &InstallationOptions) -> Servers {
    let own = options.postgres.iter().cloned();
    let extra = own.map(|(name, value)| (name.to_owned(), value)).collect();
    let postgres = PostgresOptions { durable: true, extra };
    match options.volume {
        Some(bytes) => Servers::start_on_volume(bytes, &postgres),
        None => Servers::start_with(&postgres),
    }
}

/// The variables of all programs.
fn environment(
    options: &InstallationOptions,
    servers: &Servers,
    network: Option<&Network>,
    url: &Url,
) -> Vec<(String, String)> {
    let (mut database_url, mut redis_url) = (servers.postgres.url(), servers.redis.url());
    if let Some(network) = network {
        database_url = network.postgres.url(&database_url);
        redis_url = network.redis.url(&redis_url);
    }
    if options.without_redis {
        redis_url.clear();
    }
    let port = url.port().expect("it has one").to_string();
    let all = [
        ("DATABASE_URL", database_url),
        ("REDIS_URL", redis_url),
        ("PORT", port),
        ("GLITCHTIP_URL", url.to_string()),
        ("LOG_LEVEL", "info".to_owned()),
    ];
    let own = options.environment.iter().map(|(name, value)| (*name, (*value).to_owned()));
    all.into_iter().chain(own).map(|(name, value)| (name.to_owned(), value)).collect()
}

fn prepared(name: &str, environment: &[(String, String)], servers: &Servers) -> Program {
    let environment: Vec<(&str, &str)> =
        environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Program::prepare(&built_program(name), &environment).logging_to(log_of(name, servers))
}

fn log_of(name: &str, servers: &Servers) -> PathBuf {
    servers.dir().join(format!("{name}.log"))
}

#[expect(clippy::print_stderr, reason = "a failed test has something to say")]
fn show_end_of(name: &str, log: &std::path::Path) {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    for line in lines.iter().skip(lines.len().saturating_sub(LINES)) {
        eprintln!("{name}: {line}");
    }
}
