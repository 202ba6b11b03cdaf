//! What the operator is told of PostgreSQL and Redis, and how the exit code judges them.

use mishap_sandbox::{Redis, RedisOptions};
use mishap_testkit::sql::execute;
use mishap_testkit::{Servers, TestApp, TestDatabase, Typed, redis_at, tools, until};
use tokio::task::block_in_place;

use super::mishap;

/// `mishap`, for private servers.
fn mishap_at(database_url: &str, redis_url: &str) -> Typed {
    Typed::new("mishap", &[("DATABASE_URL", database_url), ("REDIS_URL", redis_url)])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_takes_writes_is_well() {
    let database = TestDatabase::new().await;
    let said = mishap(&database).run(&["database", "--json"]).expect(0).json();
    assert_eq!((&said["in_recovery"], &said["read_only"]), (&false.into(), &false.into()));
    let port = url::Url::parse(&database.url).unwrap().port().unwrap();
    assert_eq!(said["address"], format!("127.0.0.1:{port}"));
    assert_eq!(said["schema"]["pending"], serde_json::json!([]));
    assert!(said["open_connections"].as_i64().unwrap() > 0);
    let own = said["connections"].as_array().unwrap();
    assert!(own.iter().any(|it| it["program"] == "mishap-cli" && it["state"] == "active"));
    let shown = mishap(&database).run(&["database"]).expect(0).out;
    assert!(shown.contains("Writes:        yes") && shown.contains("as expected"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_read_only_is_shown_and_judged() {
    let database = TestDatabase::new().await;
    let name = database.url.rsplit('/').next().unwrap();
    database.sql(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await;
    let said = mishap(&database).run(&["database"]).expect(1);
    assert!(said.out.contains("no: transactions are read only"), "{}", said.out);
    assert!(said.err.contains("takes no writes"), "{}", said.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_is_too_old_is_judged_and_one_that_is_newer_is_not() {
    let said = mishap(&TestDatabase::empty().await).run(&["database"]).expect(1);
    assert!(said.out.contains("too old, waits for"), "{}", said.out);
    assert!(said.err.contains("mishap migrate"), "{}", said.err);
    let database = TestDatabase::new().await;
    let later = "INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231000000')";
    database.sql(later).await;
    let said = mishap(&database).run(&["database"]).expect(0).out;
    assert!(said.contains("newer than this program") && said.contains("29991231000000"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_blocks_others_is_found_and_ended() {
    let database = TestDatabase::new().await;
    let mut holder = database.connect().await;
    execute(&mut holder, "BEGIN; LOCK TABLE users /* 'a secret value' */").await.unwrap();
    let mut waiter = database.connect().await;
    let mut waiting = tokio::task::JoinSet::new();
    waiting.spawn(
        async move { execute(&mut waiter, "UPDATE users SET name = 'a secret value'").await },
    );
    let mishap = mishap(&database);
    let look = || mishap.run(&["database", "--longer-than", "0", "--json"]).expect(0).json();
    let blocked = || {
        let running = look()["running"].as_array().unwrap().clone();
        running.into_iter().find(|it| it["blocked_by"].is_number())
    };
    until("one is blocked", async || blocked().is_some()).await;
    let (said, blocked) = (look().to_string(), blocked().unwrap());
    assert!(!said.contains("secret"), "{said}");
    assert_eq!(blocked["waits_for"], "Lock");
    assert_eq!(blocked["text"], "UPDATE users SET name = ");
    let pid = blocked["blocked_by"].to_string();
    let said = mishap.run(&["database", "cancel", &pid]).expect(1);
    assert!(said.err.contains(&format!("cancel {pid} --end")), "{}", said.err);
    mishap.run(&["database", "cancel", &pid, "--end"]).expect(0);
    waiting.join_next().await.unwrap().unwrap().unwrap();
    let said = mishap.run(&["database", "cancel", "1"]).expect(1);
    assert!(said.err.contains("no process 1"), "{}", said.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_takes_writes_is_well_and_its_streams_are_counted() {
    let app = TestApp::start().await;
    let servers = block_in_place(Servers::start);
    let redis = redis_at(&servers.redis.url(), "mishap:");
    redis.hint_job().await.unwrap();
    let mishap = mishap_at(&app.database.url, &servers.redis.url());
    let said = mishap.run(&["redis", "--json"]).expect(0).json();
    assert_eq!((&said["role"], &said["takes_writes"]), (&"master".into(), &true.into()));
    assert_eq!((&said["job_hints"], &said["overflow"]), (&1.into(), &0.into()));
    assert_eq!(said["warnings"], serde_json::json!([]));
    let shown = mishap.run(&["redis"]).expect(0).out;
    assert!(shown.contains("Writes:        yes") && shown.contains("noeviction"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_a_replica_full_or_away_is_judged() {
    let database = TestDatabase::new().await;
    let folder = tempfile::tempdir().unwrap();
    let started = |name: &str, extra: &[(&str, &str)]| {
        let folder = folder.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        let extra = extra.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let options = RedisOptions { extra: extra.collect() };
        block_in_place(|| Redis::start(&tools(), &folder, &options)).unwrap()
    };
    let replica = started("replica", &[("replicaof", "127.0.0.1 1")]);
    let said = mishap_at(&database.url, &replica.url()).run(&["redis"]).expect(1);
    assert!(said.out.contains("slave") && said.out.contains("Writes:        no"), "{}", said.out);
    assert!(said.err.contains("takes no writes"), "{}", said.err);

    let full = started("full", &[("maxmemory", "1"), ("maxmemory-policy", "noeviction")]);
    let said = mishap_at(&database.url, &full.url()).run(&["redis"]).expect(1);
    assert!(said.out.contains("OOM") || said.out.contains("memory"), "{}", said.out);
    let said = mishap_at(&database.url, &full.url()).run(&["queue"]).expect(0).out;
    assert!(said.contains("Redis:         takes no writes; 0 hints"), "{said}");

    let loose = [("maxmemory", "100mb"), ("maxmemory-policy", "allkeys-lru")];
    let loose = started("loose", &loose);
    let said = mishap_at(&database.url, &loose.url()).run(&["redis"]).expect(0).out;
    assert!(said.contains("Warning: with this policy"), "{said}");

    let away = mishap_at(&database.url, "redis://:hidden@127.0.0.1:1/0").run(&["redis"]).expect(1);
    assert!(away.err.contains("Redis cannot be asked"), "{}", away.err);
    assert!(!away.err.contains("hidden"), "{}", away.err);
    assert!(away.err.contains("at 127.0.0.1:1 (REDIS_URL)"), "{}", away.err);
    assert_eq!(away.err.matches("Connection refused").count(), 1, "{}", away.err);
    let unused = mishap(&database).run(&["redis"]).expect(0).out;
    assert!(unused.contains("not used"), "{unused}");
}
