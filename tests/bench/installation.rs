//! The product as an operator would run it: private servers and the real programs.

use std::process::{Command, Stdio};

use mishap_sandbox::PostgresOptions;
use mishap_testkit::{Program, Servers, TestDatabase, built_program, free_port};
use serde::Deserialize;

/// How large the database is.
pub(crate) const DATABASE_BYTES: &str = "SELECT pg_database_size(current_database())";

/// Servers, programs, and who owns the first project.
pub(crate) struct Installation {
    pub(crate) servers: Servers,
    pub(crate) web: Program,
    pub(crate) worker: Program,
    pub(crate) beat: Program,
    pub(crate) database: TestDatabase,
    pub(crate) owner: Bootstrapped,
    /// Bytes of the database before anything was received.
    pub(crate) empty_bytes: i64,
    environment: Vec<(String, String)>,
}

/// What `mishap bootstrap` prints.
#[derive(Debug, Deserialize)]
pub(crate) struct Bootstrapped {
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) organization: String,
    pub(crate) project: String,
    pub(crate) dsn: String,
}

/// What `mishap load` prints.
#[derive(Debug, Deserialize)]
pub(crate) struct Loaded {
    pub(crate) acknowledged: u64,
    pub(crate) digested: u64,
    pub(crate) digested_per_second: f64,
    pub(crate) digested_after_seconds: f64,
    pub(crate) connection_errors: u64,
    pub(crate) bytes_per_request: f64,
    pub(crate) latency_ms: Latency,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

impl Installation {
    pub(crate) async fn start() -> Self {
        // What an operator of a small server would set; whatever is committed is on the disk.
        let extra =
            [("shared_buffers", "512MB"), ("max_wal_size", "4GB"), ("wal_compression", "on")];
        let extra = extra.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let servers = Servers::start_with(&PostgresOptions { durable: true, extra });
        let port = free_port();
        let environment: Vec<(String, String)> = [
            ("DATABASE_URL", servers.postgres.url()),
            ("REDIS_URL", servers.redis.url()),
            ("PORT", port.to_string()),
            ("GLITCHTIP_DOMAIN", format!("http://127.0.0.1:{port}")),
            ("SECRET_KEY", "a secret key that only the bench knows".to_owned()),
            // As in the image.
            ("MIMALLOC_PURGE_DELAY", "0".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec();
        let borrowed: Vec<(&str, &str)> =
            environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let beat = Program::start("mishap-beat", &borrowed);
        let worker = Program::start("mishap-worker", &borrowed);
        let web = Program::start("mishap-web", &borrowed);
        let database = TestDatabase::at(servers.postgres.url());
        let owner = bootstrap(&environment, "bench");
        let empty_bytes = database.number(DATABASE_BYTES).await;
        Self { servers, web, worker, beat, database, owner, empty_bytes, environment }
    }

    /// Another project of the organization.
    pub(crate) fn another_project(&self, name: &str) -> Bootstrapped {
        bootstrap(&self.environment, name)
    }

    /// Loads the first project until everything is digested. `arguments` are those of `mishap load`.
    pub(crate) fn load(&self, arguments: &[&str]) -> Loaded {
        let all = [&["load", &self.owner.dsn, "--json"], arguments].concat();
        let loaded: Loaded = serde_json::from_str(&mishap(&self.environment, &all)).unwrap();
        assert_eq!(loaded.digested, loaded.acknowledged, "everything acknowledged is stored");
        assert_eq!(loaded.connection_errors, 0);
        loaded
    }
}

fn bootstrap(environment: &[(String, String)], project: &str) -> Bootstrapped {
    let arguments = [
        "bootstrap",
        "--email",
        "bench@example.com",
        "--password",
        "only-for-the-bench",
        "--org",
        "Bench",
        "--project",
        project,
        "--json",
    ];
    serde_json::from_str(&mishap(environment, &arguments)).unwrap()
}

/// What the operator's command prints.
fn mishap(environment: &[(String, String)], arguments: &[&str]) -> String {
    let output = Command::new(built_program("mishap"))
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "mishap {arguments:?} ended with {}", output.status);
    String::from_utf8(output.stdout).unwrap()
}
