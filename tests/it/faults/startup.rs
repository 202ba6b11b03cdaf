//! Programs start in any order, before or after the schema is there.

use mishap_testkit::sql::execute;
use mishap_testkit::{Installation, Program, TestDatabase, Typed, built_program, free_port, until};
use serde_json::Value;
use tokio::task::block_in_place;

fn migrate(database: &TestDatabase) -> Typed {
    // Everything but the database's settings is unusable, and must not matter.
    let nonsense = [("PORT", "x"), ("REDIS_URL", "nonsense"), ("GLITCHTIP_URL", "nonsense")];
    let environment: Vec<_> =
        [("DATABASE_URL", database.url.as_str())].into_iter().chain(nonsense).collect();
    Typed::new("mishap-beat", &environment)
}

/// The schema with everything that a change to it would change.
async fn schema(database: &TestDatabase) -> Vec<Value> {
    let query = "SELECT relname, oid::bigint, relfilenode::bigint, xmin::text FROM pg_class
         WHERE relnamespace = 'public'::regnamespace
         UNION ALL
         SELECT version, 0, 0, run_on::text FROM __diesel_schema_migrations
         ORDER BY 1";
    database.rows(query).await
}

#[tokio::test(flavor = "multi_thread")]
async fn web_and_worker_wait_for_the_schema_and_are_not_ready_before() {
    let database = TestDatabase::empty().await;
    let port = free_port().to_string();
    let environment = [
        ("DATABASE_URL", database.url.as_str()),
        ("REDIS_URL", ""),
        ("PORT", port.as_str()),
        ("LOG_LEVEL", "error"),
    ];
    let mut programs = ["mishap-web", "mishap-worker"].map(|name| {
        let mut program = Program::prepare(&built_program(name), &environment);
        program.spawn();
        program
    });
    for program in &programs {
        until("it lives", async || program.is_alive()).await;
        assert!(!program.is_ready());
    }
    let looked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
        AND application_name IN ('mishap-web', 'mishap-worker')";
    until("both have looked", async || database.number(looked).await == 2).await;
    assert!(!programs.iter().any(Program::is_ready));
    migrate(&database).run(&["migrate"]).expect(0);
    block_in_place(|| programs.iter_mut().for_each(Program::wait_until_ready));
}

#[tokio::test(flavor = "multi_thread")]
async fn web_waits_for_a_postgres_that_goes_away_while_it_starts() {
    let mut installation = Installation::start().await;
    installation.web.kill();
    let mut blocker = installation.database.connect().await;
    execute(&mut blocker, "BEGIN; LOCK TABLE users").await.unwrap();
    installation.web.spawn();
    goes_away_while_it_waits(&mut installation, "mishap-web").await;
    block_in_place(|| installation.web.wait_until_ready());
}

#[tokio::test(flavor = "multi_thread")]
async fn beat_waits_for_a_postgres_that_goes_away_while_it_migrates() {
    let mut installation = Installation::start().await;
    installation.beat.kill();
    let mut blocker = installation.database.connect().await;
    execute(&mut blocker, "BEGIN; LOCK TABLE __diesel_schema_migrations").await.unwrap();
    installation.beat.spawn();
    goes_away_while_it_waits(&mut installation, "mishap-migrate").await;
    block_in_place(|| installation.beat.wait_until_ready());
}

/// Restarts PostgreSQL as soon as a connection waits for a lock.
async fn goes_away_while_it_waits(installation: &mut Installation, connection: &str) {
    let waiting = format!(
        "SELECT count(*) FROM pg_stat_activity
         WHERE application_name = '{connection}' AND wait_event_type = 'Lock'"
    );
    until("it waits", async || installation.database.number(&waiting).await > 0).await;
    block_in_place(|| {
        installation.servers.postgres.kill();
        installation.servers.postgres.restart().unwrap();
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn migrating_needs_only_the_database_and_changes_nothing_the_second_time() {
    let database = TestDatabase::empty().await;
    let migrate = migrate(&database);
    migrate.run(&["migrate"]).expect(0);
    let before = schema(&database).await;
    assert!(before.iter().any(|row| row["relname"] == "issues"));
    migrate.run(&["migrate"]).expect(0);
    assert_eq!(schema(&database).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_that_begin_at_the_same_time_all_end_well() {
    let database = TestDatabase::empty().await;
    let mut migrating = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let migrate = migrate(&database);
        migrating.spawn_blocking(move || migrate.run_with_input(&["migrate"], &[]));
    }
    for said in migrating.join_all().await {
        said.expect(0);
    }
    let applied = "SELECT count(*) - count(DISTINCT version) FROM __diesel_schema_migrations";
    assert_eq!(database.number(applied).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn migrating_a_database_that_is_away_fails_and_says_so() {
    let url = format!("postgres://mishap:hidden@127.0.0.1:{}/mishap", free_port());
    let said = Typed::new("mishap-beat", &[("DATABASE_URL", &url)]).run(&["migrate"]).expect(1);
    assert!(said.err.contains("PostgreSQL"), "{}", said.err);
    assert!(!said.err.contains("hidden"), "{}", said.err);
}
