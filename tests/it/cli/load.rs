//! A load test, against a whole installation. How fast this one is decides nothing here.

use mishap_testkit::{Installation, Program, Said, Typed};
use serde_json::Value;
use tokio::task::block_in_place;

/// A short load test, with these words besides.
fn load(installation: &Installation, more: &[&str]) -> Said {
    let (postgres, redis) = (installation.servers.postgres.url(), installation.servers.redis.url());
    let url = installation.url.as_str();
    let environment =
        [("DATABASE_URL", postgres.as_str()), ("REDIS_URL", &redis), ("GLITCHTIP_URL", url)];
    let dsn = installation.dsn().to_string();
    let words = ["load", &dsn, "--json", "--profile=ci", "--seconds=4", "--rate=20", "--issues=20"];
    Typed::new("mishap", &environment).run(&[&words, more].concat())
}

fn component(name: &str, program: &Program) -> String {
    format!("--component={name}=http://127.0.0.1:{}", program.probes)
}

fn verdict<'r>(report: &'r Value, what: &str) -> &'r str {
    let mut criteria = report["criteria"].as_array().unwrap().iter();
    let criterion = criteria.find(|it| it["what"] == what);
    criterion.unwrap_or_else(|| panic!("nothing about {what}"))["verdict"].as_str().unwrap()
}

fn sum(phases: &Value, field: &str, of: impl Fn(&str) -> bool) -> i64 {
    let counts = phases.as_array().unwrap().iter().flat_map(|it| it[field].as_object().unwrap());
    counts.filter(|(status, _)| of(status)).map(|(_, count)| count.as_i64().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_test_finds_everything_again_that_was_acknowledged() {
    let installation = Installation::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("today");
    let said = load(
        &installation,
        &[
            &component("web", &installation.web),
            &component("worker", &installation.worker),
            "--memory-limit=web=4096",
            &format!("--report={}", path.display()),
        ],
    );
    // A busy machine may be too slow to pass.
    assert!(matches!(said.code, Some(0 | 1)), "{said:?}");
    let report = said.json();
    assert_eq!(report["passed"], said.code == Some(0), "{}", said.err);

    let phases = &report["phases"];
    let names: Vec<_> = phases.as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert_eq!(names, ["warm-up", "steady", "spike", "recovery"]);
    let accounting = &report["accounting"];
    let acknowledged = sum(phases, "statuses", |status| status == "200");
    let malformed = sum(phases, "malformed", |_| true);
    assert!(malformed > 0 && malformed == sum(phases, "malformed", |it| it.starts_with('4')));
    // 4, 20, 100 and 4 a second, for 0.4, 4, 0.4 and 2 seconds.
    assert_eq!(acknowledged + malformed, 2 + 80 + 40 + 8);
    assert_eq!(accounting["acknowledged"], acknowledged);
    assert_eq!(accounting["stored"], acknowledged);
    assert_eq!((&accounting["gap"], &accounting["waiting"]), (&0.into(), &0.into()));
    assert_eq!(installation.database.number("SELECT count(*) FROM events").await, acknowledged);
    for what in [
        "answers of 5xx, and none at all, in the steady phase",
        "events not taken in the steady phase",
        "malformed envelopes that were not refused",
        "everything digested at the end",
        "events acknowledged and nowhere",
        "duplicates",
        "dead letters",
        "programs that began anew",
        "memory of web",
    ] {
        assert_eq!(verdict(&report, what), "passed", "{what}");
    }
    assert_eq!(verdict(&report, "memory of worker"), "not_measured");

    let digested = phases[1]["digested_per_second"].as_f64().unwrap();
    assert!(digested > 0.0, "workers are asked what they did");
    for component in report["components"].as_array().unwrap() {
        assert!(component["memory_mebibytes_most"].as_f64().unwrap() > 1.0, "{component}");
        assert!(component["cpu_seconds"].as_f64().unwrap() > 0.0, "{component}");
    }
    let postgresql = &report["postgresql"];
    assert!(postgresql["transactions"].as_i64().unwrap() > 0, "{postgresql}");
    assert!(postgresql["wal_bytes_per_event"].as_f64().unwrap() > 0.0, "{postgresql}");
    assert!(postgresql["connections_most"].as_i64().unwrap() > 0, "{postgresql}");
    assert!(report["redis"]["commands"].as_i64().unwrap() > 0);
    assert!(!report["backlog"]["timeline"].as_array().unwrap().is_empty());

    let written = std::fs::read_to_string(folder.path().join("today.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), report);
    let shown = std::fs::read_to_string(folder.path().join("today.md")).unwrap();
    assert!(shown.starts_with("# Load test `ci`: "), "{shown}");
    let account = format!("\n{acknowledged} acknowledged = {acknowledged} stored + 0 duplicates");
    assert!(shown.contains(&account), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_digests_nothing_does_not_pass_though_nothing_is_lost() {
    let mut installation = Installation::start().await;
    block_in_place(|| installation.worker.kill());
    let said = load(&installation, &["--patience=1"]).expect(1);
    assert!(said.err.contains("not passed: "), "{}", said.err);
    assert!(said.err.contains("everything digested at the end"), "{}", said.err);
    let report = said.json();
    assert_eq!(report["passed"], false);
    assert_eq!(verdict(&report, "everything digested at the end"), "failed");
    assert_eq!(verdict(&report, "caught up after the spike"), "failed");
    assert_eq!(verdict(&report, "events acknowledged and nowhere"), "passed");
    let accounting = &report["accounting"];
    assert_eq!(accounting["waiting"], accounting["acknowledged"]);
    assert_eq!(report["backlog"]["drained_after_seconds"], Value::Null);

    let said = load(&installation, &[&component("worker", &installation.worker)]).expect(1);
    assert!(said.err.contains("no metrics of worker at "), "{}", said.err);
    assert!(said.out.is_empty(), "it does not begin: {}", said.out);
}
