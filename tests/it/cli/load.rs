//! A load test, against a whole installation. How fast this one is decides nothing here.

use mishap_protocol::dsn::Dsn;
use mishap_testkit::{Installation, Program, Said, Typed, encrypted, make_certificates};
use serde_json::Value;
use tokio::task::block_in_place;
use url::Url;

/// A short load test, with these words besides.
fn load(installation: &Installation, more: &[&str]) -> Said {
    load_at(installation, &installation.dsn(), &[], more)
}

/// A short load test of a DSN, with these variables and words besides.
fn load_at(
    installation: &Installation,
    dsn: &Dsn,
    variables: &[(&str, &str)],
    more: &[&str],
) -> Said {
    let (postgres, redis) = (installation.servers.postgres.url(), installation.servers.redis.url());
    let url = installation.url.as_str();
    let environment =
        [("DATABASE_URL", postgres.as_str()), ("REDIS_URL", &redis), ("GLITCHTIP_URL", url)];
    let environment = [&environment, variables].concat();
    let dsn = dsn.to_string();
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

/// How many envelopes were sent of a kind.
fn sent(report: &Value, kind: &str) -> i64 {
    let mut all = report["envelopes"].as_array().unwrap().iter();
    let envelopes = all.find(|it| it["kind"] == kind);
    let requests = envelopes.unwrap_or_else(|| panic!("no {kind}: {report}"))["requests"].as_i64();
    requests.unwrap()
}

/// Checks that all views were looked at, and shown.
fn check_reads(reads: &Value) {
    let reads = reads.as_array().unwrap();
    let views: Vec<_> = reads.iter().map(|it| it["view"].as_str().unwrap()).collect();
    assert_eq!(views, ["issue_list", "issue_detail", "search", "project_list"]);
    for read in reads {
        assert_eq!(read["statuses"]["200"], read["requests"], "{read}");
        assert!(read["latency_ms"]["max"].as_f64().unwrap() > 0.0, "{read}");
    }
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
    assert_eq!(sent(&report, "malformed"), malformed);
    let attachments = sent(&report, "event_with_attachment");
    let events = sent(&report, "event") + attachments;
    let unkept = ["transaction", "session", "client_report"].map(|kind| sent(&report, kind));
    assert_eq!(events + unkept.iter().sum::<i64>(), acknowledged);
    assert_eq!(accounting["acknowledged"], events);
    assert_eq!(accounting["stored"], events);
    assert_eq!((&accounting["gap"], &accounting["waiting"]), (&0.into(), &0.into()));
    let database = &installation.database;
    assert_eq!(database.number("SELECT count(*) FROM events").await, events);
    assert_eq!(report["attachments"]["stored"], attachments);
    let large = "SELECT count(*) FROM attachments WHERE size BETWEEN 100 << 10 AND 5 << 20";
    assert_eq!(database.number(large).await, attachments);
    for items in report["items"].as_array().unwrap() {
        assert_eq!((&items["gap"], &items["refused"]), (&0.into(), &0.into()), "{items}");
    }
    check_reads(&report["reads"]);
    check_reads(&phases[1]["reads"]);
    let readers = "SELECT count(*) FROM users WHERE email LIKE 'load-test-%'";
    assert_eq!(database.number(readers).await, 0);
    for what in [
        "answers of 5xx, and none at all, in the steady phase",
        "envelopes not taken in the steady phase",
        "malformed envelopes that were not refused",
        "reads not answered with 200 in the steady phase",
        "attachments acknowledged and nowhere",
        "items without exactly one outcome",
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
    let account = format!("\n{events} acknowledged = {events} stored + 0 duplicates");
    assert!(shown.contains(&account), "{shown}");
    let account = format!("{attachments} acknowledged = {attachments} stored + 0 not kept; gap 0.");
    assert!(shown.contains(&account), "{shown}");
    for row in ["| event with an attachment |", "| issue detail |", "| search |", "| transaction |"]
    {
        assert!(shown.contains(row), "no {row}: {shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_test_speaks_https_with_servers_whose_certificate_is_good() {
    let installation = Installation::start().await;
    let folder = tempfile::tempdir().unwrap();
    make_certificates(folder.path());
    let port = encrypted(installation.url.port().unwrap(), folder.path()).await;
    let url = Url::parse(&format!("https://127.0.0.1:{port}")).unwrap();
    let dsn = installation.tenant.dsn(&url);
    let authority = folder.path().join("authority.pem");
    let said = load_at(&installation, &dsn, &[("SSL_CERT_FILE", authority.to_str().unwrap())], &[]);
    assert!(matches!(said.code, Some(0 | 1)), "{said:?}");
    let report = said.json();
    assert_eq!(report["configuration"]["server"], url.as_str());
    let accounting = &report["accounting"];
    assert_eq!((&accounting["refused"], &accounting["unanswered"]), (&0.into(), &0.into()));
    assert!(accounting["stored"].as_i64().unwrap() > 0, "{accounting}");
    assert_eq!(accounting["stored"], accounting["acknowledged"]);
    check_reads(&report["reads"]);

    let words = ["load", &dsn.to_string(), "--json", "--no-wait", "--events=3", "--issues=1"];
    let unknown = Typed::new("mishap", &[]).run(&words).expect(1);
    assert!(unknown.err.contains("0 requests were refused, and 3 were not"), "{}", unknown.err);
    let unknown = unknown.json();
    assert_eq!((&unknown["acknowledged"], &unknown["connection_errors"]), (&0.into(), &3.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_during_a_load_test_that_is_told_so() {
    let installation = Installation::start().await;
    let report = load(&installation, &["--reads=0"]).json();
    assert_eq!(report["reads"], Value::Array(Vec::new()));
    assert_eq!(verdict(&report, "read in the steady phase, p99"), "not_measured");
    let accounts = "SELECT count(*) FROM audit_log WHERE action LIKE 'account%'";
    assert_eq!(installation.database.number(accounts).await, 0);
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
    assert_eq!(verdict(&report, "attachments acknowledged and nowhere"), "passed");
    assert_eq!(verdict(&report, "items without exactly one outcome"), "not_measured");
    let accounting = &report["accounting"];
    assert_eq!(accounting["waiting"], accounting["acknowledged"]);
    assert_eq!(report["backlog"]["drained_after_seconds"], Value::Null);

    let said = load(&installation, &[&component("worker", &installation.worker)]).expect(1);
    assert!(said.err.contains("no metrics of worker at "), "{}", said.err);
    assert!(said.out.is_empty(), "it does not begin: {}", said.out);
}
