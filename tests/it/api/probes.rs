//! Probes, metrics, request ids and logs: what operators see.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use mishap_boot::metrics::Description;
use mishap_testkit::builders::{envelope, error_event, event_id};
use mishap_testkit::{
    Client, Program, Tenant, TestApp, TestDatabase, built_program, free_port, until,
};
use serde_json::{Value, json};
use tokio::task::block_in_place;
use url::Url;

use crate::deploy::measured::descriptions;

/// A database's password; the private PostgreSQL asks for none.
const PASSWORD: &str = "hidden-database-password";

#[tokio::test(flavor = "multi_thread")]
async fn health_is_answered_without_asking_anybody() {
    let app = TestApp::start().await;
    app.database.sql("ALTER TABLE organizations RENAME TO away").await;
    for path in ["/_health/", "/_health"] {
        assert_eq!(app.anonymous().get(path).await.expect(200).body, "ok");
    }
    let answer = app.anonymous().get("/api/0/internal/health").await.expect(200);
    assert_eq!(answer.json(), json!({ "healthy": {}, "problems": [] }));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_the_request_s_id_or_one_of_its_own() {
    let app = TestApp::start().await;
    let id = |headers: &'static [(&str, &str)]| {
        let client = app.anonymous();
        async move { client.send("/api/0/", headers, vec![]).await.header("x-request-id").to_owned() }
    };
    assert_eq!(id(&[("X-Request-Id", "abc-123")]).await, "abc-123");
    let (first, second) = (id(&[]).await, id(&[]).await);
    assert_ne!(first, second);
    assert_eq!(first.len(), 32);
    // What could break a log line or a header is not repeated.
    for wrong in ["with space", "semi;colon", "quote\"d"] {
        let request = app.anonymous().request(reqwest::Method::GET, "/_health/");
        let request = request.header("X-Request-Id", wrong);
        let answer = mishap_testkit::Answer::of(request).await;
        assert_eq!(answer.header("x-request-id").len(), 32, "{wrong}");
    }
    for path in ["/nothing", "/api/0/organizations/"] {
        assert_eq!(app.anonymous().get(path).await.header("x-request-id").len(), 32, "{path}");
    }
}

/// The three programs, logging everything into one folder.
struct Programs {
    web: Program,
    worker: Program,
    beat: Program,
    client: Client,
    anonymous: Client,
    tenant: Tenant,
    database: TestDatabase,
}

async fn start(folder: &Path) -> Programs {
    let database = TestDatabase::new().await;
    let tenant = database.tenant("shop").await;
    let port = free_port().to_string();
    let url = format!("http://127.0.0.1:{port}");
    let mut database_url = Url::parse(&database.url).unwrap();
    database_url.set_password(Some(PASSWORD)).unwrap();
    let environment = [
        ("DATABASE_URL", database_url.as_str()),
        ("REDIS_URL", mishap_testkit::shared().redis_url.as_str()),
        ("MISHAP_REDIS_PREFIX", tenant.token.as_str()),
        ("PORT", port.as_str()),
        ("GLITCHTIP_URL", url.as_str()),
        ("LOG_LEVEL", "debug"),
        ("LOG_FORMAT", "json"),
    ];
    let programs = ["mishap-web", "mishap-worker", "mishap-beat"].map(|name| {
        let program = Program::prepare(&built_program(name), &environment);
        let mut program = program.logging_to(folder.join(name));
        program.spawn();
        block_in_place(|| program.wait_until_ready());
        program
    });
    let [web, worker, beat] = programs;
    let client = Client::at(&url, Some(&tenant.token));
    Programs { web, worker, beat, client, anonymous: Client::at(&url, None), tenant, database }
}

impl Programs {
    /// Sends an event with things that are nobody's business, and waits until it can be read.
    async fn digest_an_event(&self) {
        let mut event = error_event("ContentOfException", "content-of-value");
        event["user"] = json!({ "email": "content@example.com" });
        event["tags"] = json!({ "content-of-key": "content-of-tag" });
        event["breadcrumbs"] = json!([{ "message": "content-of-breadcrumb" }]);
        let (id, body) = envelope(&event);
        let path = format!("/api/{}/envelope/", self.tenant.project);
        let auth = format!("Sentry sentry_key={}", self.tenant.public_key);
        self.anonymous.send(&path, &[("X-Sentry-Auth", &auth)], body).await.expect(200);
        let path = format!("/api/0/projects/shop-org/shop/events/{id}/");
        until("the event can be read", async || self.client.get(&path).await.status == 200).await;
    }
}

/// The names of metrics, and those that have a text and a type.
fn described(metrics: &str) -> (BTreeSet<&str>, BTreeSet<&str>) {
    let is_comment = |line: &&str| line.starts_with('#');
    let series = metrics.lines().filter(|line| !is_comment(line) && !line.is_empty());
    let names = series.map(|line| line.split(['{', ' ']).next().unwrap()).collect();
    let help = metrics.lines().filter_map(|line| line.strip_prefix("# HELP "));
    let helped = help.filter(|line| line.split_once(' ').is_some_and(|(_, text)| text.len() > 5));
    (names, helped.map(|line| line.split(' ').next().unwrap()).collect())
}

/// What a series may be a part of.
fn bases_of(name: &str) -> impl Iterator<Item = &str> {
    ["", "_bucket", "_sum", "_count"].into_iter().filter_map(|end| name.strip_suffix(end))
}

/// The names of all metrics that programs say they have.
fn declared() -> BTreeSet<&'static str> {
    descriptions().map(Description::name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_have_the_names_that_dashboards_and_autoscalers_ask_for() {
    let folder = tempfile::tempdir().unwrap();
    let programs = start(folder.path()).await;
    programs.digest_an_event().await;
    for program in [&programs.web, &programs.worker, &programs.beat] {
        assert!(program.is_alive() && program.is_ready());
    }
    let web = programs.web.metrics();
    for series in [
        r#"django_http_requests_total_by_view_transport_method_total{view="api:event_envelope",transport="http",method="POST"} 1"#,
        r#"django_http_requests_total_by_method_total{method="POST"} 1"#,
        r#"django_http_requests_total_by_transport_total{transport="http"} "#,
        r#"django_http_requests_latency_seconds_by_view_method_bucket{view="api:event_envelope",method="POST",le="0.5"} "#,
        r#"django_http_requests_latency_seconds_by_view_method_bucket{view="api:event_envelope",method="POST",le="+Inf"} 1"#,
        r#"django_http_requests_latency_including_middlewares_seconds_bucket{le="+Inf"} "#,
        r#"django_http_responses_total_by_status_total{status="200"} "#,
        r#"django_http_responses_total_by_status_view_method_total{status="200",view="api:event_envelope",method="POST"} 1"#,
        r#"django_http_responses_body_total_bytes_bucket{le="+Inf"} "#,
        r#"glitchtip_ingest_items_total{type="error",outcome="accepted",reason="ok"} 1"#,
    ] {
        assert!(web.lines().any(|line| line.starts_with(series)), "{series} in {web}");
    }
    let measured = async || programs.beat.metrics().contains("\nglitchtip_events{");
    until("beat has measured the installation", measured).await;
    let beat = programs.beat.metrics();
    for series in [
        "glitchtip_organizations 1",
        r#"glitchtip_projects{organization="shop-org"} 1"#,
        r#"glitchtip_events{organization="shop-org",project="shop"} "#,
        "glitchtip_beat_leader 1",
        r#"glitchtip_queue_depth{stream="inbox",state="ready"} 0"#,
        r#"glitchtip_queue_oldest_age_seconds{stream="inbox"} 0"#,
        r#"glitchtip_partitions{table="events",state="current"} "#,
        r#"glitchtip_job_last_success_timestamp_seconds{job="make_partitions"} "#,
        "glitchtip_dead_letters 0",
        "glitchtip_db_size_bytes ",
        "glitchtip_accounting_gap_events 0",
    ] {
        assert!(beat.lines().any(|line| line.starts_with(series)), "{series} in {beat}");
    }
    let path = "/api/0/observability/django/";
    programs.database.sql("UPDATE users SET is_staff = true").await;
    let answer = programs.client.get(path).await.expect(200);
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    // What beat has measured is there too, once for all.
    for series in ["glitchtip_organizations 1", r#"glitchtip_projects{organization="shop-org"} 1"#]
    {
        assert!(answer.body.lines().any(|line| line == series), "{series} in {}", answer.body);
        assert!(!web.contains(series), "{series} in {web}");
    }
    let requests = r#"django_http_requests_total_by_method_total{method="POST"} 1"#;
    assert!(answer.body.lines().any(|line| line == requests), "{}", answer.body);
    let worker = programs.worker.metrics();
    for series in [
        r#"glitchtip_events_digested_total{result="stored"} 1"#,
        "glitchtip_event_digest_seconds_count 1",
    ] {
        assert!(worker.lines().any(|line| line == series), "{series} in {worker}");
    }
    for (role, metrics) in [("web", &web), ("worker", &worker), ("beat", &beat)] {
        for series in [
            r#"glitchtip_db_errors_total{class="readonly"} 0"#,
            "glitchtip_schema_version 2026",
            "process_cpu_seconds_total ",
            "process_resident_memory_bytes ",
            "tokio_busy_seconds_total ",
        ] {
            assert!(metrics.lines().any(|line| line.starts_with(series)), "{series} in {metrics}");
        }
        let build = metrics.lines().find(|line| line.starts_with("glitchtip_build_info{")).unwrap();
        assert!(build.contains(&format!("role=\"{role}\"")), "{build}");
        let (names, helped) = described(metrics);
        for name in names {
            let is_helped = bases_of(name).any(|base| helped.contains(base));
            assert!(is_helped, "{role}: {name} has no text");
            let is_declared = bases_of(name).any(|base| declared().contains(base));
            assert!(is_declared, "{role}: {name} is in no list of metrics");
        }
        assert_nothing_private(metrics, &programs.tenant, role);
        assert_read_without_complaint(metrics);
    }
}

/// Lets Prometheus' own tool read metrics, which knows the customs of naming them, too.
fn assert_read_without_complaint(metrics: &str) {
    let started = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut promtool = started.unwrap_or_else(|error| {
        panic!("promtool cannot be started ({error}); install it (Debian: prometheus)")
    });
    promtool.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let said = promtool.wait_with_output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
}

/// Checks that a text holds no secret and nothing of what events say.
#[track_caller]
fn assert_nothing_private(text: &str, tenant: &Tenant, what: &str) {
    let key = tenant.public_key.to_string();
    for private in [
        PASSWORD,
        &tenant.token,
        &key,
        "wrong-token",
        "content-of-",
        "ContentOf",
        "content@",
        "broken-content",
    ] {
        let line = text.lines().find(|line| line.contains(private));
        assert_eq!(line, None, "{what} tells {private}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_json_and_tell_no_secret_and_nothing_of_events() {
    let folder = tempfile::tempdir().unwrap();
    let mut programs = start(folder.path()).await;
    programs.digest_an_event().await;
    let path = format!("/api/{}/envelope/", programs.tenant.project);
    let known = format!("Sentry sentry_key={}", programs.tenant.public_key);
    let unknown = format!("Sentry sentry_key={}", event_id());
    for (auth, body) in [
        (&known, "broken-content"),
        (&known, "{}\n{\"type\":\"event\"}\n{\"message\":\"broken-content"),
        (&unknown, "{}\n"),
    ] {
        let headers = [("X-Sentry-Auth", auth.as_str())];
        programs.anonymous.send(&path, &headers, body.as_bytes().to_vec()).await;
    }
    let wrong = programs.anonymous.request(reqwest::Method::GET, "/api/0/projects/");
    mishap_testkit::Answer::of(wrong.bearer_auth("wrong-token")).await.expect(401);
    // What cannot be digested is logged as well.
    programs.database.sql("ALTER TABLE issues RENAME TO away").await;
    let (_, body) = envelope(&error_event("ContentOfException", "content-of-value"));
    programs.anonymous.send(&path, &[("X-Sentry-Auth", &known)], body).await.expect(200);
    let buried = "SELECT count(*) FROM dead_letters";
    until("it is buried", async || programs.database.number(buried).await == 1).await;
    programs.client.get("/api/0/organizations/shop-org/issues/").await.expect(500);
    for program in [&mut programs.web, &mut programs.worker, &mut programs.beat] {
        block_in_place(|| program.stop());
    }
    for name in ["mishap-web", "mishap-worker", "mishap-beat"] {
        let log = std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(log.lines().count() > 3, "{name} says little: {log}");
        for line in log.lines() {
            let line: Value =
                serde_json::from_str(line).unwrap_or_else(|_| panic!("{name}: {line}"));
            assert!(line["level"].is_string() && line["timestamp"].is_string(), "{name}: {line}");
        }
        assert_nothing_private(&log, &programs.tenant, name);
    }
}
