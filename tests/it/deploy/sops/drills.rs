//! Installations are broken as the pages describe, and mended by following them.
//!
//! Each drill sees the trouble with the page's own checks, does what the page says, and lets the page
//! verify it.

use mishap_testkit::builders::{EnvelopeBuilder, event_id, message_event};
use mishap_testkit::sql::execute;
use mishap_testkit::{Client, Program, free_port, until};
use reqwest::Method;
use tokio::task::{JoinSet, block_in_place};

use super::page::Page;
use super::site::Site;

#[tokio::test(flavor = "multi_thread")]
async fn redis_goes_and_comes_back_empty() {
    let (mut site, page) = (Site::start().await, Page::read("redis-down"));
    block_in_place(|| site.installation.servers.redis.kill());
    let trouble = site.shows_trouble(&page, "Checks", 1);
    assert!(trouble.contains("Redis cannot be asked"), "{trouble}");
    site.shows_trouble(&page, "Checks", 2);
    site.holds(&page, "Checks", 3);
    // Nobody suffers meanwhile.
    site.holds(&page, "Verification", 2);
    block_in_place(|| site.installation.servers.redis.restart()).unwrap();
    site.comes_true(&page, "Verification", 1).await;
    site.holds(&page, "Verification", 2);
    site.mend(&page, 3);
    site.holds(&page, "Verification", 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_goes_and_the_overflow_keeps_what_is_sent() {
    let (mut site, page) = (Site::start().await, Page::read("postgres-failover"));
    // Keys that were used lately are known while PostgreSQL is away.
    site.send(1).await;
    block_in_place(|| site.installation.servers.postgres.stop()).unwrap();
    let trouble = site.shows_trouble(&page, "Checks", 1);
    assert!(trouble.contains("PostgreSQL cannot be reached"), "{trouble}");
    site.send(3).await;
    let trouble = site.shows_trouble(&page, "Checks", 2);
    assert!(trouble.contains("Overflow:      3 envelopes"), "{trouble}");
    block_in_place(|| site.installation.servers.postgres.restart()).unwrap();
    site.comes_true(&page, "Verification", 1).await;
    site.comes_true(&page, "Verification", 2).await;
    for number in [3, 4, 5] {
        site.comes_true(&page, "Verification", number).await;
    }
    site.installation.until_settled().await;
    let kept = format!("SELECT count(*) FROM events WHERE project_id = {}", site.subject.project);
    assert_eq!(site.installation.database.number(&kept).await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_takes_no_writes_is_told_from_one_that_does() {
    let (site, page) = (Site::start().await, Page::read("postgres-failover"));
    let set = |value: &str| format!("ALTER SYSTEM SET default_transaction_read_only = {value}");
    let database = &site.installation.database;
    database.sql(&set("on")).await;
    database.sql("SELECT pg_reload_conf()").await;
    until("it is read only", async || site.mishap(&["database"]).code == Some(1)).await;
    let trouble = site.shows_trouble(&page, "Checks", 1);
    assert!(trouble.contains("no: transactions are read only"), "{trouble}");
    let writable = "SET default_transaction_read_only = off";
    let mut conn = database.connect().await;
    for statement in [writable, &set("off"), "SELECT pg_reload_conf()"] {
        execute(&mut conn, statement).await.unwrap();
    }
    for number in 1..=5 {
        site.comes_true(&page, "Verification", number).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_wait_while_no_worker_runs() {
    let (mut site, page) = (Site::start().await, Page::read("queue-backlog"));
    block_in_place(|| site.installation.worker.kill());
    site.send(5).await;
    site.holds(&page, "Checks", 1);
    let queue = site.installation.web.beside("mishap").run(&["queue"]).expect(0).out;
    assert!(queue.contains("Inbox:         5 envelopes"), "{queue}");
    let trouble = site.shows_trouble(&page, "Checks", 2);
    assert!(trouble.contains("nobody answers"), "{trouble}");
    site.mend(&page, 1);
    site.installation.until_settled().await;
    for number in [1, 2] {
        site.holds(&page, "Verification", number);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_digested_once_what_killed_them_is_mended() {
    let (mut site, page) = (Site::start().await, Page::read("queue-backlog"));
    let id = event_id();
    let body = EnvelopeBuilder::of(&id).event(&message_event("unlucky")).build();
    let hex: String = body.iter().map(|byte| format!("{byte:02x}")).collect();
    let (project, size) = (site.subject.project, body.len());
    let bury = format!(
        "INSERT INTO dead_letters (project_id, received, error, event_id, coding, size, payload)
         VALUES ({project}, now(), 'it hurt', '{id}', 0, {size}, '\\x{hex}')"
    );
    site.installation.database.sql(&bury).await;
    site.shows_trouble(&page, "Checks", 1);
    let trouble = site.shows_trouble(&page, "Checks", 5);
    assert!(trouble.contains("it hurt"), "{trouble}");
    site.mend(&page, 5);
    site.installation.until_settled().await;
    site.holds(&page, "Verification", 1);
    let stored = format!("SELECT count(*) FROM events WHERE event_id = '{id}'");
    assert_eq!(site.installation.database.number(&stored).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_floods_is_found_limited_and_let_in_again() {
    let (mut site, page) = (Site::start().await, Page::read("quota-abuse"));
    site.send(50).await;
    site.installation.until_settled().await;
    for number in [1, 2, 3, 4] {
        site.holds(&page, "Checks", number);
    }
    site.mend(&page, 1);
    // A limit that the flood has used up already, by the same command.
    let of = format!("{}/{}", site.subject.organization_slug, site.subject.project_slug);
    site.mishap(&["quota", "set", "project", "--of", &of, "--window", "60", "0"]).expect(0);
    let dsn = site.dsn().to_string();
    let refused = || site.mishap(&["send", &dsn]);
    until("the limit counts", async || refused().err.contains("429")).await;
    // Others are let in.
    site.holds(&page, "Verification", 1);
    site.mend(&page, 3);
    let refused = || site.mishap(&["send", &dsn]);
    until("the key is off", async || refused().err.contains("403")).await;
    let top = || site.mishap(&["top", "--json"]).json()["projects"][0]["outcomes"].clone();
    until("what was refused is counted", async || {
        top()["rate_limited"].as_i64() > Some(0) && top()["invalid"].as_i64() > Some(0)
    })
    .await;
    site.mend(&page, 4);
    until("events are taken", async || site.mishap(&["send", &dsn]).code == Some(0)).await;
    for number in [1, 2] {
        site.holds(&page, "Verification", number);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_to_be_deleted_leaves_no_row() {
    let (mut site, page) = (Site::start().await, Page::read("data-deletion-request"));
    site.send(20).await;
    site.installation.until_settled().await;
    for number in [1, 2, 3] {
        site.holds(&page, "Checks", number);
    }
    for number in [2, 3, 4] {
        site.mend(&page, number);
    }
    // Ten minutes later.
    for table in ["projects", "organizations"] {
        let ago = format!("UPDATE {table} SET deleted_at = deleted_at - interval '11 minutes'");
        site.installation.database.sql(&ago).await;
    }
    site.mend(&page, 5);
    for number in [1, 2] {
        site.holds(&page, "Verification", number);
    }
    let storage = site.mishap(&["storage"]).expect(0).out;
    assert!(!storage.contains("shop-org"), "{storage}");
    let (project, organization) = (site.subject.project, site.subject.organization);
    let left = format!(
        "SELECT (SELECT count(*) FROM events WHERE project_id = {project})
             + (SELECT count(*) FROM issues WHERE project_id = {project})
             + (SELECT count(*) FROM projects WHERE id = {project})
             + (SELECT count(*) FROM organizations WHERE id = {organization})
             + (SELECT count(*) FROM users WHERE email = 'owner@shop.example.com')"
    );
    assert_eq!(site.installation.database.number(&left).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_restored_to_a_new_database_and_redis_is_left_as_it_is() {
    let (mut site, page) = (Site::start().await, Page::read("backup-restore"));
    site.send(12).await;
    site.installation.until_settled().await;
    for number in [1, 2, 4] {
        site.holds(&page, "Checks", number);
    }
    // The disaster. What is sent after the copy is lost with the database, and what workers were told
    // of it is still in Redis.
    let restored = site.make_room().await;
    block_in_place(|| site.installation.worker.kill());
    site.send(3).await;
    site.installation.database.sql("DELETE FROM organizations").await;
    site.mend(&page, 1);
    site.holds(&page, "Mitigation", 2);
    site.point_at(&restored);
    site.mend(&page, 3);
    for number in [1, 2, 3, 4] {
        site.comes_true(&page, "Verification", number).await;
    }
    let status = site.mishap(&["status", "--json"]).expect(0).json();
    assert_eq!(status["organizations"], 2);
    let issues = site.mishap(&["issues", "shop-org", "--json"]).expect(0).json();
    let events = issues.as_array().unwrap().iter().map(|issue| issue["events"].as_i64().unwrap());
    assert_eq!(events.sum::<i64>(), 12);
}

fn leads(beat: &Program) -> bool {
    beat.metrics().lines().any(|line| line == "glitchtip_beat_leader 1")
}

#[tokio::test(flavor = "multi_thread")]
async fn another_beat_leads_when_one_is_started() {
    let (mut site, page) = (Site::start().await, Page::read("beat-leader"));
    until("it leads", async || leads(&site.installation.beat)).await;
    block_in_place(|| site.installation.beat.stop());
    for number in [1, 2] {
        site.shows_trouble(&page, "Checks", number);
    }
    site.holds(&page, "Checks", 4);
    // What cannot wait is done without a leader.
    site.mend(&page, 4);
    site.mend(&page, 1);
    for number in [1, 2] {
        site.comes_true(&page, "Verification", number).await;
    }
}

pub(super) fn client(site: &Site) -> Client {
    Client::at(site.installation.url.as_str(), None)
}

/// Asks for a link to a new password, as the frontend does.
async fn forget_password(site: &Site, email: &str) {
    let client = client(site);
    let config = client.request(Method::GET, "/_allauth/browser/v1/config").send().await.unwrap();
    let cookie = config.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap();
    let token = cookie.split_once('=').unwrap().1.to_owned();
    let path = "/_allauth/browser/v1/auth/password/request";
    let request = client.request(Method::POST, path).header("cookie", cookie);
    let request = request.header("x-csrftoken", token);
    let answer = request.json(&serde_json::json!({ "email": email })).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_that_were_given_up_go_out_once_there_is_a_server() {
    let (mut site, page) = (Site::start().await, Page::read("mail-or-webhook-delivery"));
    site.mishap(&["user", "create", "eve@example.com"]).expect(0);
    site.set("EMAIL", "eve@example.com");
    let nobody = free_port().to_string();
    let settings = [("EMAIL_HOST", "127.0.0.1"), ("EMAIL_PORT", nobody.as_str())];
    site.installation.worker = site.installation.another("mishap-worker", &settings);
    site.mend(&page, 2);
    forget_password(&site, "eve@example.com").await;
    let jobs = || site.mishap(&["job", "list", "--json"]).expect(0).json();
    let mails = || jobs().as_array().unwrap().iter().find(|it| it["name"] == "send_mail").cloned();
    until("it fails", async || mails().is_some_and(|it| it["state"] == "failing")).await;
    assert!(mails().unwrap()["last_error"].as_str().unwrap().contains("refused"), "{:?}", mails());
    // Eight attempts later.
    let given_up = "UPDATE jobs SET is_dead = true WHERE name = 'send_mail'";
    site.installation.database.sql(given_up).await;
    site.shows_trouble(&page, "Verification", 1);
    site.mend(&page, 1);
    let folder = tempfile::tempdir().unwrap();
    let url = format!("filemail://{}", folder.path().display());
    site.installation.worker = site.installation.another("mishap-worker", &[("EMAIL_URL", &url)]);
    for number in [2, 3] {
        site.mend(&page, number);
    }
    let sent = || folder.path().read_dir().unwrap().count();
    until("the mail is sent", async || sent() == 1).await;
    site.comes_true(&page, "Verification", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_older_than_the_retention_goes_when_its_job_is_told_to_run() {
    let (mut site, page) = (Site::start().await, Page::read("disk-db-growth"));
    // The schedule begins with a run of everything.
    let done = "SELECT count(*) FROM schedule WHERE NOT EXISTS (SELECT 1 FROM jobs)";
    until("that is over", async || site.installation.database.number(done).await > 5).await;
    let old = "CREATE TABLE events_20200101 PARTITION OF events
        FOR VALUES FROM ('2020-01-01') TO ('2020-01-02')";
    site.installation.database.sql(old).await;
    let given_up = "INSERT INTO jobs (name, payload, is_dead, last_error)
        VALUES ('make_partitions', 'null', true, 'it hurt')";
    site.installation.database.sql(given_up).await;
    let storage = || site.mishap(&["storage"]).expect(0).out;
    assert!(storage().contains("2020-01-01T00:00:00Z"));
    let jobs = || site.mishap(&["job", "list"]).expect(0).out;
    assert!(jobs().contains("it hurt"), "{}", jobs());
    for number in [1, 2] {
        site.mend(&page, number);
    }
    site.holds(&page, "Verification", 1);
    let said = site.mishap(&["storage", "--json"]).expect(0).json();
    let events = said["partitions"].as_array().unwrap().iter().find(|it| it["table"] == "events");
    let events = events.unwrap();
    assert_eq!(events["past"], 0, "{events}");
    assert!(events["future"].as_i64().unwrap() >= 2, "{events}");
    until("the job is done", async || !site.mishap(&["job", "list"]).out.contains("it hurt")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_holds_up_the_digest_is_found_and_cancelled() {
    let (mut site, page) = (Site::start().await, Page::read("glitchtip-latency"));
    let mut holder = site.installation.database.connect().await;
    let mut holding = JoinSet::new();
    holding.spawn(async move {
        let hold = "BEGIN; LOCK TABLE issues; SELECT pg_sleep(600)";
        execute(&mut holder, hold).await
    });
    let running = || {
        let words = ["database", "--longer-than", "0", "--json"];
        site.mishap(&words).expect(0).json()["running"].as_array().unwrap().clone()
    };
    let holds = |it: &serde_json::Value| it["text"].as_str().unwrap().contains("LOCK TABLE issues");
    until("it holds", async || running().iter().any(holds)).await;
    site.send(1).await;
    let blocked = |it: &serde_json::Value| it["blocked_by"].is_number();
    until("the digest waits", async || running().iter().any(blocked)).await;
    let pid = running().iter().find(|it| blocked(it)).unwrap()["blocked_by"].to_string();
    site.set("PID", &pid);
    site.mend(&page, 1);
    assert!(holding.join_next().await.unwrap().unwrap().is_err(), "it goes on");
    site.installation.until_settled().await;
    for number in [1, 2] {
        site.comes_true(&page, "Verification", number).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_comes_back_runs_on_the_newer_schema() {
    let (mut site, page) = (Site::start().await, Page::read("upgrade-rollback"));
    for number in [1, 3, 4] {
        site.holds(&page, "Checks", number);
    }
    // What the release that goes leaves behind.
    let newer = "INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231000000')";
    site.installation.database.sql(newer).await;
    site.mend(&page, 2);
    let schema = site.mishap(&["database"]).expect(0).out;
    assert!(schema.contains("newer than this program ("), "{schema}");
    for number in [1, 2] {
        site.holds(&page, "Verification", number);
    }
}
