//! PostgreSQL takes no writes, or somebody holds its tables.

use std::sync::Arc;

use mishap_testkit::{Client, Installation, sql, until};
use tokio::task::{JoinSet, block_in_place};

use super::load::Load;
use super::oracle::{Accounts, check};

/// Clients that send.
const CLIENTS: u64 = 8;

/// More questions than web has connections to ask them on.
const QUESTIONS: usize = 40;

fn reader(installation: &Installation) -> Client {
    Client::at(installation.url.as_str(), Some(&installation.tenant.token))
}

fn issues(installation: &Installation) -> String {
    format!("/api/0/organizations/{}/issues/", installation.tenant.organization_slug)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_only_reads_is_read_and_brings_down_nobody() {
    let mut installation = Installation::start().await;
    let redis = installation.redis.clone().unwrap();
    let load = Load::start(&installation.dsn(), CLIENTS);
    load.goes_on_for(20).await;
    // Also those who begin meanwhile wait.
    block_in_place(|| installation.beat.kill());
    installation.database.sql("ALTER SYSTEM SET default_transaction_read_only = on").await;
    installation.database.sql("SELECT pg_reload_conf()").await;
    installation.beat.spawn();
    until("the overflow takes events", async || redis.count_overflow().await.unwrap() >= 10).await;
    let reader = reader(&installation);
    for path in [issues(&installation), "/api/0/organizations/".to_owned()] {
        reader.get(&path).await.expect(200);
    }
    block_in_place(|| installation.worker.kill());
    installation.worker.spawn();
    block_in_place(|| installation.web.kill());
    installation.web.spawn();
    load.goes_on_for(20).await;
    reader.get(&issues(&installation)).await.expect(200);
    for program in [&mut installation.web, &mut installation.worker, &mut installation.beat] {
        assert!(program.runs());
        assert!(program.is_alive());
    }

    installation.database.sql("ALTER SYSTEM RESET default_transaction_read_only").await;
    installation.database.sql("SELECT pg_reload_conf()").await;
    block_in_place(|| installation.beat.wait_until_ready());
    load.goes_on_for(20).await;
    let sent = load.stop().await;
    installation.until_settled().await;
    check(&installation.database, &sent, Accounts::AtLeast).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_that_wait_for_a_locked_table_hold_up_no_events() {
    let installation = Installation::start().await;
    let load = Load::start(&installation.dsn(), CLIENTS);
    load.goes_on_for(20).await;
    let mut holder = installation.database.connect().await;
    sql::execute(&mut holder, "BEGIN; LOCK TABLE issues IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let mut asking = JoinSet::new();
    let reader = Arc::new(reader(&installation));
    for _ in 0..QUESTIONS {
        let (reader, issues) = (Arc::clone(&reader), issues(&installation));
        asking.spawn(async move { reader.get(&issues).await.status.as_u16() });
    }
    let waiting = "SELECT count(*) FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND application_name = 'mishap-web'";
    until("web's connections wait", async || installation.database.number(waiting).await > 1).await;
    load.goes_on_for(100).await;
    assert_eq!(installation.web.measured("glitchtip_ingest_overflow_total"), None);
    assert!(installation.web.is_ready());
    // Who has no connection to wait on is told so, while the table is locked.
    assert_eq!(asking.join_next().await.unwrap().unwrap(), 503);
    sql::execute(&mut holder, "COMMIT").await.unwrap();
    let answers = asking.join_all().await;
    assert!(answers.contains(&200), "{answers:?}");
    assert!(answers.iter().all(|status| matches!(status, 200 | 503)), "{answers:?}");
    let sent = load.stop().await;
    assert_eq!(sent.answers.keys().collect::<Vec<_>>(), [&200]);
    installation.until_settled().await;
    check(&installation.database, &sent, Accounts::Exact).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_inbox_is_gone_around() {
    let installation = Installation::start().await;
    let redis = installation.redis.clone().unwrap();
    let load = Load::start(&installation.dsn(), CLIENTS);
    load.goes_on_for(20).await;
    let mut holder = installation.database.connect().await;
    sql::execute(&mut holder, "BEGIN; LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE").await.unwrap();
    until("the overflow takes events", async || redis.count_overflow().await.unwrap() >= 10).await;
    sql::execute(&mut holder, "COMMIT").await.unwrap();
    load.goes_on_for(20).await;
    let sent = load.stop().await;
    installation.until_settled().await;
    // What waited for the lock is written after all, and is in the overflow as well.
    check(&installation.database, &sent, Accounts::AtLeast).await;
}
