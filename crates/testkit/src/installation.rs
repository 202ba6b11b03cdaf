//! The whole product as an operator installs it: web, worker and beat as processes of their own, on
//! servers that may be hurt.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mishap_core::id::{OrganizationId, ProjectId, UserId};
use mishap_protocol::dsn::Dsn;
use mishap_queue::Redis;
use mishap_sandbox::PostgresOptions;
use mishap_storage::{Error, inbox, tallies};
use url::Url;

use crate::app::redis_at;
use crate::command::Typed;
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
    /// The release that its programs are of, if not this one.
    pub release: Option<Release>,
}

/// The programs of a release of the product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release(PathBuf);

impl Release {
    /// The one whose programs are in a folder.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// The one that is tested.
    pub fn this() -> Self {
        let program = built_program("mishap");
        Self(program.parent().expect("it is in a folder").to_owned())
    }

    /// One of its programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
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
        let release = options.release.clone().unwrap_or_else(Release::this);
        let [beat, web, worker] = ["mishap-beat", "mishap-web", "mishap-worker"].map(|name| {
            let mut program = prepared(&release.program(name), &environment, &servers);
            program.spawn();
            program
        });
        let database = TestDatabase::at(servers.postgres.url());
        let redis = (!options.without_redis).then(|| redis_at(&servers.redis.url(), REDIS_PREFIX));
        let mut programs = [beat, web, worker];
        tokio::task::block_in_place(|| programs.iter_mut().for_each(Program::wait_until_ready));
        let [beat, web, worker] = programs;
        let tenant = match &options.release {
            None => database.tenant("shop").await,
            Some(release) => tenant_of(release, &environment, &database).await,
        };
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
        self.another_of(&Release::this(), name, own)
    }

    /// The same, of another release.
    pub fn another_of(&self, release: &Release, name: &str, own: &[(&str, &str)]) -> Program {
        let own = own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let environment: Vec<_> = self.environment.iter().cloned().chain(own).collect();
        prepared(&release.program(name), &environment, &self.servers)
    }

    /// What the worker has logged.
    pub fn log_of_worker(&self) -> String {
        fs::read_to_string(log_of("mishap-worker", &self.servers)).unwrap_or_default()
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

fn prepared(path: &Path, environment: &[(String, String)], servers: &Servers) -> Program {
    let name = path.file_name().and_then(OsStr::to_str).expect("it is a program of ours");
    Program::prepare(path, &borrowed(environment)).logging_to(log_of(name, servers))
}

fn borrowed(environment: &[(String, String)]) -> Vec<(&str, &str)> {
    environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// Makes the first organization as the release itself does: the schema is the release's.
async fn tenant_of(
    release: &Release,
    environment: &[(String, String)],
    database: &TestDatabase,
) -> Tenant {
    let mishap = Typed::at(release.program("mishap"), &borrowed(environment));
    let made = mishap.run(&[
        "--json",
        "bootstrap",
        "--email=owner@shop.example.com",
        "--org=shop org",
        "--project=shop",
    ]);
    let made = made.expect(0).json();
    let text = |field: &str| made[field].as_str().expect("it is told").to_owned();
    let dsn: Dsn = text("dsn").parse().expect("it is a DSN");
    Tenant {
        organization: OrganizationId(database.number("SELECT id FROM organizations").await),
        organization_slug: text("organization"),
        project: ProjectId(dsn.project_id()),
        project_slug: text("project"),
        public_key: dsn.public_key(),
        user: UserId(database.number("SELECT id FROM users").await),
        token: text("token"),
    }
}

fn log_of(name: &str, servers: &Servers) -> PathBuf {
    servers.dir().join(format!("{name}.log"))
}

#[expect(clippy::print_stderr, reason = "a failed test has something to say")]
fn show_end_of(name: &str, log: &Path) {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    for line in lines.iter().skip(lines.len().saturating_sub(LINES)) {
        eprintln!("{name}: {line}");
    }
}
