//! The image runs.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;

use mishap_sandbox::{Postgres, PostgresOptions, Redis, RedisOptions};
use mishap_testkit::{encrypted, free_port, make_certificates, tools};
use tempfile::TempDir;

use crate::archive::Image;
use crate::container::{Container, expect, load, run};
use crate::workspace;

/// The token of the automation account.
const TOKEN: &str = "a-token-for-the-tests-of-the-image";

/// PostgreSQL and Redis that speak to nobody who does not encrypt.
struct GuardedServers {
    postgres: Postgres,
    _redis: Redis,
    redis_port: u16,
    /// `authority.pem` is what the servers are known by.
    certificates: TempDir,
    _data: TempDir,
}

impl GuardedServers {
    fn start() -> Self {
        let certificates = tempfile::tempdir().unwrap();
        let folder = certificates.path();
        make_certificates(folder);
        let rules = "local all all trust\nhostssl all all 127.0.0.1/32 trust\n";
        fs::write(folder.join("hba.conf"), rules).unwrap();
        open_to_servers(folder);
        let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        let setting = |name: &str, value: String| (name.to_owned(), value);
        let options = PostgresOptions {
            durable: true,
            extra: vec![
                setting("ssl", "on".to_owned()),
                setting("ssl_cert_file", path("server.pem")),
                setting("ssl_key_file", path("key.pem")),
                setting("hba_file", path("hba.conf")),
            ],
        };
        let data = tempfile::tempdir().unwrap();
        let postgres = Postgres::start(&tools(), data.path(), &options).unwrap();
        let redis = Redis::start(&tools(), data.path(), &RedisOptions::default()).unwrap();
        let runtime = tokio::runtime::Handle::current();
        let redis_port = runtime.block_on(encrypted(redis.port(), folder));
        Self { postgres, _redis: redis, redis_port, certificates, _data: data }
    }

    /// What programs are told.
    fn environment(&self, web: u16, probes: [u16; 3]) -> Vec<(String, String)> {
        let database = self.postgres.url();
        [
            ("DATABASE_URL", format!("{database}?sslmode=verify-full")),
            ("REDIS_URL", format!("rediss://127.0.0.1:{}/0", self.redis_port)),
            ("SSL_CERT_FILE", "/certificates/authority.pem".to_owned()),
            ("GLITCHTIP_URL", format!("http://127.0.0.1:{web}")),
            ("SECRET_KEY", "a key for the tests of the image".to_owned()),
            ("APPSRE_API_USER_1_EMAIL", "api@example.com".to_owned()),
            ("APPSRE_API_USER_1_TOKEN", TOKEN.to_owned()),
            ("GLITCHTIP_API_USER_TOKEN", TOKEN.to_owned()),
            ("MISHAP_LISTEN", "127.0.0.1".to_owned()),
            ("PORT", web.to_string()),
            ("MISHAP_WEB_METRICS_PORT", probes[0].to_string()),
            ("MISHAP_WORKER_METRICS_PORT", probes[1].to_string()),
            ("MISHAP_BEAT_METRICS_PORT", probes[2].to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }
}

/// Lets the servers' user read what it must, and PostgreSQL be content with who else may.
fn open_to_servers(folder: &Path) {
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    if nix::unistd::geteuid().is_root() {
        let (user, group) = (nobody.uid.as_raw(), nobody.gid.as_raw());
        chown(folder.join("key.pem"), Some(user), Some(group)).unwrap();
    }
    fs::set_permissions(folder.join("key.pem"), fs::Permissions::from_mode(0o600)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_works_for_any_user_on_a_read_only_root_with_encrypted_servers() {
    tokio::task::spawn_blocking(|| {
        let image = Image::built(workspace());
        let name = load(&image.path);
        let servers = GuardedServers::start();
        let (web_port, probes) = (free_port(), [free_port(), free_port(), free_port()]);
        let environment = servers.environment(web_port, probes);
        let certificates = servers.certificates.path();
        let start = |command: &str| Container::start(&name, &[command], &environment, certificates);
        let containers = [start("mishap-web"), start("mishap-worker"), start("mishap-beat")];
        for (container, probes) in containers.iter().zip(probes) {
            container.wait_until_ready(probes);
        }
        let mishap = |arguments: &[&str]| {
            let command = [&["mishap"], arguments].concat();
            expect(&run(&name, &command, &environment, certificates))
        };
        mishap(&["bootstrap", "--email=a@example.com", "--org=Shop", "--project=Shop"]);
        let smoke = mishap(&["smoke", "--json"]);
        assert!(smoke.contains("event_id"), "{smoke}");
        mishap(&["redis"]);
        mishap(&["ensure-api-users"]);
        let accepted = mishap(&["acceptance", "--json"]);
        assert!(accepted.contains("\"passed\":true"), "{accepted}");
        for container in containers.iter().rev() {
            assert_eq!(container.stop(), 0);
        }
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn glitchtip_s_commands_are_there() {
    tokio::task::spawn_blocking(|| {
        let image = Image::built(workspace());
        let name = load(&image.path);
        let servers = GuardedServers::start();
        let environment = servers.environment(free_port(), [free_port(); 3]);
        let certificates = servers.certificates.path();
        for command in [
            &["./bin/run-migrate.sh"][..],
            &["python3", "appsre/create-api-users.py"],
            &["python3", "appsre/cleanup-notifications.py"],
            &["./manage.py", "migrate"],
        ] {
            expect(&run(&name, command, &environment, certificates));
        }
        let users = expect(&run(&name, &["mishap", "user", "list"], &environment, certificates));
        assert!(users.contains("api@example.com"), "{users}");
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_prove_who_it_is_gets_nothing() {
    tokio::task::spawn_blocking(|| {
        let image = Image::built(workspace());
        let name = load(&image.path);
        let servers = GuardedServers::start();
        let mut environment = servers.environment(free_port(), [free_port(); 3]);
        // Only the public authorities that are in the image.
        environment.retain(|(name, _)| name != "SSL_CERT_FILE");
        let certificates = servers.certificates.path();
        let output = run(&name, &["mishap-beat", "migrate"], &environment, certificates);
        assert!(!output.status.success());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("certificate") || said.contains("UnknownIssuer"), "{said}");
    })
    .await
    .unwrap();
}
