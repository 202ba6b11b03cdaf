//! What is measured on a running installation.

use std::time::{Duration, Instant};

use mishap_storage::{measures, partitions};
use mishap_testkit::{Client, proc, until};

use crate::Options;
use crate::installation::{DATABASE_BYTES, Installation, Loaded};
use crate::table::Table;
use crate::usage::{Usage, per_thousand};

/// Days that the stored events are spread over.
const STORED_DAYS: i64 = 20;

/// How often a list is read.
const READS: usize = 500;

/// From the start of web until it takes an event, and memory while nothing happens.
pub(crate) async fn start(installation: &mut Installation, table: &mut Table) {
    let idle =
        |name: &str, pid: u32| (format!("memory idle: {name}"), mebibytes(proc::memory(pid)));
    let Installation { web, worker, beat, .. } = installation;
    let rows = [
        (idle("beat", beat.pid()), "12 MiB"),
        (idle("web", web.pid()), "30 MiB"),
        (idle("worker", worker.pid()), "40 MiB"),
    ];
    for ((what, measured), good) in rows {
        table.add(what, measured, good, "");
    }
    let mut starts = Vec::new();
    for _ in 0..5 {
        web.stop();
        let began = Instant::now();
        web.spawn();
        web.wait_until_ready();
        starts.push(began.elapsed());
    }
    starts.sort_unstable();
    table.add("start of web to ready (median of 5)", millis(starts[2]), "500 ms", "");
}

/// 500 events a second, whatever the server does.
pub(crate) async fn accept(installation: &Installation, table: &mut Table) {
    installation.load(&["--events", "2000"]);
    let before = Usage::of(installation);
    let began = Instant::now();
    let loaded = installation.load(&["--rate", "500", "--seconds", "30"]);
    let used = Usage::of(installation).since(before);
    let latency = &loaded.latency_ms;
    table.add("accept at 500/s: p50", format!("{} ms", latency.p50), "8 ms", "");
    table.add("accept at 500/s: p99", format!("{} ms", latency.p99), "20 ms", "");
    let share = used.all().as_secs_f64() / began.elapsed().as_secs_f64();
    table.add("CPUs in use at 500/s, servers included", format!("{share:.2}"), "", "");
}

/// CPU of an event, in seconds for 1,000.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    all: f64,
}

/// As many events as the installation takes.
pub(crate) async fn digest(installation: &Installation, seconds: u64, table: &mut Table) -> Cost {
    // A first look at each issue, and time for the dictionary.
    installation.load(&["--events", "4000"]);
    train(installation).await;
    let (loaded, used) = loaded(installation, seconds);
    let Installation { web, worker, servers, .. } = installation;
    let full = |pid: u32| mebibytes(proc::peak_memory(pid));
    let events = loaded.digested;
    let rate = format!("{:.0}/s", loaded.digested_per_second);
    table.add("digested, end to end", rate, "2,500/s", "4,000/s");
    let tail = loaded.digested_after_seconds - seconds as f64;
    table.add("backlog empty after the load", format!("{tail:.1} s"), "", "");
    table.add("bytes of a request", format!("{:.0}", loaded.bytes_per_request), "", "");
    table.add("request p50", format!("{} ms", loaded.latency_ms.p50), "", "");
    table.add("request p99", format!("{} ms", loaded.latency_ms.p99), "25 ms", "");
    table.add("request max", format!("{} ms", loaded.latency_ms.max), "", "");
    let cpu = |cpu: Duration| format!("{:.3} s", per_thousand(cpu, events));
    table.add("CPU per 1,000: web", cpu(used.web), "", "");
    table.add("CPU per 1,000: worker", cpu(used.worker), "", "");
    table.add("CPU per 1,000: web + worker", cpu(used.web + used.worker), "0.35 s", "0.22 s");
    table.add("CPU per 1,000: PostgreSQL", cpu(used.postgres), "0.20 s", "0.08 s");
    table.add("CPU per 1,000: Redis", cpu(used.redis), "0.05 s", "0.02 s");
    table.add("memory at full load: web", full(web.pid()), "64 MiB", "");
    table.add("memory at full load: worker", full(worker.pid()), "96 MiB", "");
    let redis = servers.redis.pid().map(proc::memory).unwrap_or_default();
    table.add("memory at full load: Redis", mebibytes(redis), "", "");

    installation.database.sql("VACUUM").await;
    let body = "SELECT avg(octet_length(body))::bigint FROM events WHERE dictionary_id IS NOT NULL";
    let body = installation.database.number(body).await;
    table.add("body of an event, packed", format!("{body} bytes"), "", "");
    let stored = installation.database.number("SELECT count(*) FROM events").await;
    let mut conn = installation.database.conn().await;
    for size in measures::table_sizes(&mut conn).await.unwrap().iter().take(6) {
        let each = size.bytes / stored.max(1);
        println!("    {} {each} bytes per event", size.name);
    }
    drop(conn);
    let each = (database_bytes(installation).await - installation.empty_bytes) / stored.max(1);
    table.add("disk per event, all in", format!("{each} bytes"), "3,000", "1,000");
    Cost { all: per_thousand(used.all(), events) }
}

fn loaded(installation: &Installation, seconds: u64) -> (Loaded, Usage) {
    let before = Usage::of(installation);
    let loaded = installation.load(&["--seconds", &seconds.to_string()]);
    (loaded, Usage::of(installation).since(before))
}

/// Lets the worker train a dictionary now, as it would by itself within minutes, and waits until it is used.
async fn train(installation: &Installation) {
    let database = &installation.database;
    let is_zero = async |query: &str| database.number(query).await == 0;
    until("the tallies are folded", async || is_zero("SELECT count(*) FROM tallies").await).await;
    database.sql("INSERT INTO jobs (name, payload) VALUES ('train_dictionaries', 'null')").await;
    let left = "SELECT count(*) FROM jobs WHERE name = 'train_dictionaries'";
    until("a dictionary is trained", async || is_zero(left).await).await;
    let dictionaries = database.number("SELECT count(*) FROM dictionaries").await;
    assert_eq!(dictionaries, 1, "the events of the project are alike");
    let packed = "SELECT count(*) FROM events WHERE dictionary_id IS NOT NULL";
    until("the dictionary is used", async || {
        installation.load(&["--events", "100"]);
        !is_zero(packed).await
    })
    .await;
}

/// The cost of an event with many stored, against the cost with few.
pub(crate) async fn flat(
    installation: &Installation,
    options: &Options,
    empty: Cost,
    table: &mut Table,
) {
    let database = &installation.database;
    let mut conn = database.conn().await;
    let now = mishap_storage::now(&mut conn).await.unwrap();
    for day in 0..=STORED_DAYS {
        let time = now - chrono::TimeDelta::days(day);
        partitions::ensure(&mut conn, &partitions::EVENTS, time).await.unwrap();
    }
    drop(conn);
    while database.number("SELECT count(*) FROM events").await < options.stored {
        database
            .sql(&format!(
                "INSERT INTO events (project_id, issue_id, received, event_id, dictionary_id, level,
                     body)
                 SELECT project_id, issue_id, received - (1 + n % {STORED_DAYS}) * interval '1 day',
                     gen_random_uuid(), dictionary_id, level, body
                 FROM (SELECT * FROM events ORDER BY received DESC LIMIT 5000) AS sample,
                     generate_series(1, {STORED_DAYS}) AS n"
            ))
            .await;
    }
    database.sql("ANALYZE").await;
    let stored = database.number("SELECT count(*) FROM events").await;
    let (loaded, used) = loaded(installation, options.seconds);
    let cost = per_thousand(used.all(), loaded.digested);
    table.add(
        format!("CPU per 1,000, all processes, with {stored} events stored"),
        format!(
            "{cost:.3} s ({:.3} s when empty: {:+.0} %)",
            empty.all,
            (cost / empty.all - 1.0) * 100.0
        ),
        "+15 %",
        "",
    );
    let rate = format!("{:.0}/s", loaded.digested_per_second);
    table.add(format!("digested with {stored} events stored"), rate, "", "");
}

/// The list of issues of a project that has many.
pub(crate) async fn list(installation: &Installation, issues: i64, table: &mut Table) {
    let many = installation.another_project("many");
    installation
        .database
        .sql(&format!(
            "INSERT INTO issues (organization_id, project_id, number, mechanism, issue_type, level,
                 platform, title, culprit, metadata, first_seen, last_seen, events)
             SELECT p.organization_id, p.id, n, 2, 1, 4, 'python', 'ValueError: number ' || n,
                 '/api/' || n, '{{\"type\":\"ValueError\",\"value\":\"number\"}}',
                 now() - interval '30 days', now() - n * interval '20 seconds', n % 1000 + 1
             FROM projects p, generate_series(1, {issues}) AS n WHERE p.slug = '{}'",
            many.project
        ))
        .await;
    installation.database.sql("ANALYZE issues").await;
    let client = Client::at(&many.url, Some(&many.token));
    let organization = &many.organization;
    for (name, query) in [
        ("newest first", String::new()),
        ("unresolved", "?query=is:unresolved".to_owned()),
        ("a page of 100", "?limit=100".to_owned()),
    ] {
        let path = format!("/api/0/projects/{organization}/{}/issues/{query}", many.project);
        let times = read_times(&client, &path).await;
        let title = format!("list of {issues} issues, {name}: p50, p99");
        table.add(title, times, "p99 20 ms", "");
    }
}

/// Members of the organization whose lists are read.
const MEMBERS: i64 = 50_000;

/// Its projects.
const PROJECTS: i64 = 5_000;

/// Its teams: each has a hundred members and some projects.
const TEAMS: i64 = 500;

/// The lists of an organization that has many of everything.
pub(crate) async fn tenants(installation: &Installation, table: &mut Table) {
    let (database, owner) = (&installation.database, &installation.owner);
    database
        .sql(&format!(
            "INSERT INTO users (email, name)
                 SELECT 'person-' || n || '@example.com', 'Person ' || n
                 FROM generate_series(1, {MEMBERS}) AS n;
             INSERT INTO user_emails (user_id, email, is_verified, is_primary)
                 SELECT id, email, true, true FROM users WHERE email LIKE 'person-%';
             INSERT INTO members (organization_id, user_id, role)
                 SELECT o.id, u.id, u.id % 4 FROM organizations o, users u
                 WHERE o.slug = '{organization}' AND u.email LIKE 'person-%';
             INSERT INTO projects (organization_id, name, slug, platform)
                 SELECT o.id, 'Project ' || n, 'project-' || n, 'python'
                 FROM organizations o, generate_series(1, {PROJECTS}) AS n
                 WHERE o.slug = '{organization}';
             INSERT INTO teams (organization_id, slug)
                 SELECT o.id, 'team-' || n FROM organizations o, generate_series(1, {TEAMS}) AS n
                 WHERE o.slug = '{organization}';
             INSERT INTO team_members (team_id, member_id)
                 SELECT t.id, m.id FROM teams t, members m
                 WHERE t.organization_id = m.organization_id AND m.id % {TEAMS} = t.id % {TEAMS};
             INSERT INTO project_teams (project_id, team_id)
                 SELECT p.id, t.id FROM projects p, teams t
                 WHERE p.organization_id = t.organization_id
                     AND (p.id % {TEAMS} = t.id % {TEAMS} OR p.id % {TEAMS} = (t.id + 1) % {TEAMS});
             ANALYZE",
            organization = owner.organization
        ))
        .await;
    let client = Client::at(&owner.url, Some(&owner.token));
    let organization = &owner.organization;
    for (name, path) in [
        ("members", format!("organizations/{organization}/members/?limit=100")),
        ("projects", format!("organizations/{organization}/projects/?limit=100")),
        ("projects of all organizations", "projects/?limit=100".to_owned()),
        ("teams", format!("organizations/{organization}/teams/?limit=100")),
        ("members of a team", format!("teams/{organization}/team-7/members/?limit=100")),
        ("projects of a team", format!("teams/{organization}/team-7/projects/?limit=100")),
        ("organizations", "organizations/?limit=100".to_owned()),
        ("one organization with all its projects", format!("organizations/{organization}/")),
    ] {
        let times = read_times(&client, &format!("/api/0/{path}")).await;
        let title =
            format!("list of {name}, of {MEMBERS} members and {PROJECTS} projects: p50, p99");
        let good = if name.starts_with("one") { "" } else { "p99 50 ms" };
        table.add(title, times, good, "");
    }
}

/// How long reading takes: p50 and p99.
async fn read_times(client: &Client, path: &str) -> String {
    let mut times = Vec::with_capacity(READS);
    for _ in 0..READS {
        let began = Instant::now();
        client.get(path).await.expect(200);
        times.push(began.elapsed());
    }
    times.sort_unstable();
    let at = |percent: usize| millis(times[READS * percent / 100]);
    format!("{}, {}", at(50), at(99))
}

async fn database_bytes(installation: &Installation) -> i64 {
    installation.database.number(DATABASE_BYTES).await
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}
