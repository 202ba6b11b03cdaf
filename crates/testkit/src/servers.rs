//! Private servers: those that all tests of a process share, and those that a test may hurt.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use mishap_sandbox::{Postgres, PostgresOptions, Redis, RedisOptions, Tools};
use tempfile::TempDir;

use crate::volume::Volume;

/// The folder of the workspace.
pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("two folders above")
}

/// Where server programs are found, and kept if they had to be fetched.
pub fn tools() -> Tools {
    #[expect(clippy::disallowed_methods, reason = "tests are started from a shell")]
    let path = std::env::var_os("PATH").unwrap_or_default();
    Tools { path, cache: workspace().join(".local").join("tools") }
}

/// A PostgreSQL and a Redis that belong to one test.
pub struct Servers {
    /// Its data survive a crash.
    pub postgres: Postgres,
    /// It keeps nothing when it dies.
    pub redis: Redis,
    /// What PostgreSQL's data are on, if that is a disk of their own.
    pub volume: Option<Volume>,
    dir: TempDir,
}

impl Servers {
    /// Starts both; takes a fifth of a second.
    pub fn start() -> Self {
        Self::start_with(&PostgresOptions { durable: true, ..PostgresOptions::default() })
    }

    /// Starts both, PostgreSQL as it is told.
    pub fn start_with(options: &PostgresOptions) -> Self {
        Self::start_on(folder(), None, options)
    }

    /// Starts both, PostgreSQL on a disk of its own that holds so many bytes.
    pub fn start_on_volume(bytes: u64, options: &PostgresOptions) -> Self {
        let dir = folder();
        let volume = Volume::at(&dir.path().join("postgres"), bytes);
        Self::start_on(dir, Some(volume), options)
    }

    fn start_on(dir: TempDir, volume: Option<Volume>, options: &PostgresOptions) -> Self {
        let postgres = Postgres::start(&tools(), dir.path(), options).unwrap();
        let redis = Redis::start(&tools(), dir.path(), &RedisOptions::default()).unwrap();
        Self { postgres, redis, volume, dir }
    }

    /// One more PostgreSQL, which follows the first until it is promoted; durable, too.
    pub fn standby(&self) -> Postgres {
        let options = PostgresOptions { durable: true, ..PostgresOptions::default() };
        let dir = self.second("standby");
        Postgres::start_standby(&tools(), &dir, &options, &self.postgres).unwrap()
    }

    /// One more Redis, which knows nothing of the first.
    pub fn another_redis(&self) -> Redis {
        Redis::start(&tools(), &self.second("another"), &RedisOptions::default()).unwrap()
    }

    fn second(&self, name: &str) -> PathBuf {
        let dir = self.dir.path().join(name);
        std::fs::create_dir_all(&dir).unwrap();
        dir
    }

    /// The folder of their data.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }
}

fn folder() -> TempDir {
    tempfile::Builder::new().prefix("mishap-test-").tempdir().unwrap()
}

/// Where the servers are that all tests of this process share.
#[derive(Debug)]
pub struct Shared {
    /// The URL of a database from which others are made.
    pub postgres_url: String,
    /// The URL of Redis; tests have key prefixes of their own.
    pub redis_url: String,
}

/// The servers that all tests of this process share. They end with the process.
pub fn shared() -> &'static Shared {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    SHARED.get_or_init(|| {
        let extra = [("max_connections", "400"), ("autovacuum", "off")];
        let extra = extra.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let servers = Servers::start_with(&PostgresOptions { durable: false, extra });
        let shared =
            Shared { postgres_url: servers.postgres.url(), redis_url: servers.redis.url() };
        end_with_process(servers);
        shared
    })
}

/// Lets servers end when this process does, however it does: a shell waits for the end of a pipe
/// that only this process holds.
fn end_with_process(servers: Servers) {
    let pids = [servers.postgres.pid(), servers.redis.pid()].map(|pid| pid.expect("they run"));
    let dir: PathBuf = servers.dir.path().to_owned();
    let script = r#"cat >/dev/null; kill -QUIT "$0"; kill -KILL "$1"; rm -rf "$2""#;
    let mut shell = Command::new("sh")
        .args(["-c", script, &pids[0].to_string(), &pids[1].to_string()])
        .arg(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    shell.stdin.as_mut().expect("it is piped").flush().unwrap();
    std::mem::forget(shell);
    std::mem::forget(servers);
}
