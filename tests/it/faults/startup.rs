//! Programs start in any order, before or after the schema is there.

use mishap_testkit::sql::execute;
use mishap_testkit::{Installation, Program, TestDatabase, Typed, built_program, free_port, until};
use serde_json::Value;
use tokio::task::block_in_place;

use super::load::Load;
use super::oracle::{Accounts, check};

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
    let waiting = ["web", "worker"].map(|it| format!("{it} waits for the schema to be migrated"));
    until("both say for what they wait", async || {
        programs.each_ref().map(Program::why_not_ready) == waiting
    })
    .await;
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
async fn a_web_that_begins_while_postgres_takes_no_writes_waits_for_what_it_must_write() {
    let database = TestDatabase::new().await;
    let name = url::Url::parse(&database.url).unwrap().path().trim_start_matches('/').to_owned();
    let setting = "default_transaction_read_only";
    database.sql(&format!("ALTER DATABASE {name} SET {setting} = on")).await;
    let port = free_port().to_string();
    let environment = [
        ("DATABASE_URL", database.url.as_str()),
        ("REDIS_URL", ""),
        ("PORT", port.as_str()),
        ("LOG_LEVEL", "error"),
    ];
    let mut web = Program::prepare(&built_program("mishap-web"), &environment);
    web.spawn();
    // Its own secret is missing, and cannot be written down.
    let asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
        AND application_name = 'mishap-web' AND query LIKE 'INSERT INTO instance_secrets%'";
    until("it has tried", async || database.number(asked).await > 0).await;
    assert!(web.runs() && !web.is_ready());
    let writing = "SET transaction_read_only = off";
    database.sql(&format!("{writing}; ALTER DATABASE {name} RESET {setting}")).await;
    block_in_place(|| web.wait_until_ready());
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

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_is_newer_than_the_programs_is_worked_with() {
    let mut installation = Installation::start().await;
    // What a newer version's migrations leave behind; they only expand.
    installation
        .database
        .sql(
            "INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231235959');
             ALTER TABLE issues ADD COLUMN of_tomorrow text DEFAULT 'new';
             CREATE TABLE of_tomorrow (id bigint)",
        )
        .await;
    for program in [&mut installation.beat, &mut installation.web, &mut installation.worker] {
        block_in_place(|| {
            program.kill();
            program.spawn();
            program.wait_until_ready();
        });
    }
    let load = Load::start(&installation.dsn(), 5);
    load.goes_on_for(20).await;
    let sent = load.stop().await;
    installation.until_settled().await;
    check(&installation.database, &sent, Accounts::Exact).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_that_are_newer_than_the_schema_write_nothing_until_it_is_theirs() {
    let mut installation = Installation::start().await;
    block_in_place(|| {
        installation.beat.kill();
        installation.worker.kill();
    });
    let load = Load::start(&installation.dsn(), 5);
    load.goes_on_for(20).await;
    let sent = load.stop().await;
    block_in_place(|| installation.web.kill());
    let database = &installation.database;
    let rows =
        database.rows("SELECT max(version) AS version FROM __diesel_schema_migrations").await;
    let newest = rows[0]["version"].as_str().unwrap();
    let forget = format!("DELETE FROM __diesel_schema_migrations WHERE version = '{newest}'");
    database.sql(&forget).await;
    installation.web.spawn();
    installation.worker.spawn();
    for program in ["mishap-web", "mishap-worker"] {
        let asked = async || {
            let asked = "SELECT coalesce(max(query_start)::text, '') AS at FROM pg_stat_activity
                WHERE application_name";
            let rows = database.rows(&format!("{asked} = '{program}'")).await;
            rows[0]["at"].as_str().unwrap().to_owned()
        };
        // Again and again, and without doing anything about it.
        for _ in 0..3 {
            let before = asked().await;
            until("it has looked", async || asked().await > before).await;
        }
    }
    assert!(!installation.web.is_ready() && !installation.worker.is_ready());
    let waiting = i64::try_from(sent.acknowledged.len()).unwrap();
    assert_eq!(database.number("SELECT count(*) FROM inbox").await, waiting);
    let note = format!("INSERT INTO __diesel_schema_migrations (version) VALUES ('{newest}')");
    database.sql(&note).await;
    block_in_place(|| {
        installation.web.wait_until_ready();
        installation.worker.wait_until_ready();
    });
    installation.until_settled().await;
    check(&installation.database, &sent, Accounts::Exact).await;
}
