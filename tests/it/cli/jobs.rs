//! The schedule, one of its jobs now, and what programs say of themselves.

use mishap_testkit::{Installation, Program, TestApp, TestDatabase, Typed, free_port};
use tokio::task::block_in_place;

use super::{mishap, mishap_of};

#[tokio::test(flavor = "multi_thread")]
async fn the_schedule_is_shown_with_how_its_jobs_are_doing() {
    let app = TestApp::start().await;
    app.database
        .sql(
            "INSERT INTO schedule VALUES
                 ('make_partitions', now() - interval '1 hour', '2026-01-02T03:04:05Z');
             INSERT INTO jobs (name, payload, is_dead, last_error)
                 VALUES ('apply_retention', 'null', true, 'it hurt'),
                     ('send_mail', '{}', true, 'no server')",
        )
        .await;
    let said = mishap_of(&app).run(&["job", "list", "--json"]).expect(0).json();
    let of = |name: &str| said.as_array().unwrap().iter().find(|it| it["name"] == name).unwrap();
    assert_eq!(of("make_partitions")["state"], "done");
    assert_eq!(of("make_partitions")["last_done"], "2026-01-02T03:04:05Z");
    assert!(of("make_partitions")["next_due"].is_string());
    assert_eq!(of("apply_retention")["state"], "given up");
    assert_eq!(of("purge_deleted")["state"], "never ran");
    assert_eq!(of("send_mail")["last_error"], "no server");
    let retried = mishap_of(&app).run(&["job", "retry", "--json"]).expect(0).json();
    assert_eq!(retried["retried"], 2);
    assert_eq!(app.database.number("SELECT count(*) FROM jobs WHERE is_dead").await, 0);
    let shown = mishap_of(&app).run(&["job", "list"]).expect(0).out;
    assert!(shown.lines().any(|line| line.starts_with("send_mail")), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_runs_when_it_is_told_to_and_is_waited_for() {
    let installation = Installation::start().await;
    let url = installation.database.url.clone();
    let redis = installation.servers.redis.url();
    let mishap = Typed::new("mishap", &[("DATABASE_URL", &url), ("REDIS_URL", &redis)]);
    let old = "CREATE TABLE events_20200101 PARTITION OF events
        FOR VALUES FROM ('2020-01-01') TO ('2020-01-02')";
    installation.database.sql(old).await;
    mishap.run(&["job", "run", "apply_retention", "--wait"]).expect(0);
    let left = "SELECT count(*) FROM pg_class WHERE relname = 'events_20200101'";
    assert_eq!(installation.database.number(left).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_nobody_does_or_that_does_not_exist_is_told_of() {
    let database = TestDatabase::new().await;
    let words = ["job", "run", "make_partitions", "--wait", "--timeout", "0"];
    let said = mishap(&database).run(&words).expect(1);
    assert!(said.err.contains("does a worker run?"), "{}", said.err);
    let said = mishap(&database).run(&["job", "run", "send_mail"]).expect(1);
    assert!(said.err.contains("no job"), "{}", said.err);
    assert_eq!(database.number("SELECT count(*) FROM jobs").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_asked_at_its_own_probes() {
    let database = TestDatabase::new().await;
    let environment = [("DATABASE_URL", database.url.as_str()), ("REDIS_URL", "")];
    let mut beat = block_in_place(|| Program::start("mishap-beat", &environment));
    let mishap = beat.beside("mishap");
    let said = mishap.run(&["probe", "beat"]).expect(0).out;
    assert!(said.contains("is alive and ready"), "{said}");
    let port = beat.probes;
    assert!(said.contains(&format!("127.0.0.1:{port}")), "{said}");
    let metrics = mishap.run(&["probe", "beat", "--metrics"]).expect(0).out;
    assert!(metrics.contains("glitchtip_beat_ticks_total"), "{metrics}");
    let only = ["probe", "beat", "--metrics", "--name", "glitchtip_build_info"];
    let only = mishap.run(&only).expect(0).out;
    assert!(only.lines().all(|line| line.contains("glitchtip_build_info")), "{only}");
    // Without a database it lives and is never ready.
    let away = format!("postgres://mishap@127.0.0.1:{}/mishap", free_port());
    for name in ["worker", "beat"] {
        let built = mishap_testkit::built_program(&format!("mishap-{name}"));
        let mut waiting = Program::prepare(&built, &[("DATABASE_URL", &away)]);
        waiting.spawn();
        mishap_testkit::until("it lives", async || waiting.is_alive()).await;
        let told = format!("is alive and not ready: {name} waits for PostgreSQL.");
        mishap_testkit::until("it says for what it waits", async || {
            waiting.beside("mishap").run(&["probe", name]).expect(1).out.contains(&told)
        })
        .await;
    }
    block_in_place(|| beat.kill());
    let said = mishap.run(&["probe", "beat"]).expect(1);
    assert!(said.err.contains("nobody answers"), "{}", said.err);
}
