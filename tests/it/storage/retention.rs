//! What is kept for so many days, and then goes.

use std::time::Duration;

use chrono::TimeDelta;
use mishap_boot::shutdown::CancellationToken;
use mishap_outbound::mail::Transport;
use mishap_storage::inbox::NewEnvelope;
use mishap_storage::{attempts, issues, jobs, partitions};
use mishap_testkit::builders::{EnvelopeBuilder, error_event, event_id};
use mishap_testkit::{Desk, desk, mail_room};
use mishap_worker::jobs::{JobContext, run_due};
use serde_json::Value;

fn context(desk: &Desk) -> JobContext {
    JobContext {
        pool: desk.database.pool.clone(),
        redis: None,
        retention_days: 30,
        mail: mail_room(Transport::Nowhere),
        audit_days: 365,
    }
}

async fn run(desk: &Desk, job: &str) {
    let mut conn = desk.database.conn().await;
    jobs::push(&mut conn, job, Value::Null).await.unwrap();
    run_due(&context(desk), &CancellationToken::new()).await.unwrap();
    assert_eq!(jobs::list(&mut conn, 10).await.unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_older_than_the_retention_goes_and_the_rest_stays() {
    let desk = Desk::new().await;
    // An issue that ended, one that lasts, and one of today.
    for (kind, days) in
        [("OldError", 40), ("OldError", 33), ("LongError", 35), ("LongError", 2), ("NewError", 0)]
    {
        let id = event_id();
        let envelope =
            EnvelopeBuilder::of(&id).event(&error_event(kind, "it failed")).item("attachment", "x");
        let mut envelope = desk.envelope(&id, envelope.build());
        envelope.received = Some(desk::now() - TimeDelta::days(days));
        desk.put(&[envelope]).await;
        desk.digest().await;
    }
    run(&desk, "apply_retention").await;
    let counts =
        async |table: &str| desk.database.number(&format!("SELECT count(*) FROM {table}")).await;
    for (table, left) in [("events", 2), ("attachments", 2), ("issue_hours", 2), ("issues", 2)] {
        assert_eq!(counts(table).await, left, "{table}");
    }
    let titles: Vec<_> = desk.issues().await.iter().map(|issue| issue["title"].clone()).collect();
    assert_eq!(titles, ["LongError: it failed", "NewError: it failed"]);
    // What hung on the old issue went with it; how everything ended is still known.
    assert_eq!(counts("issue_hashes").await, 4);
    assert_eq!(counts("issue_changes").await, 2);
    desk.assert_all_accounted_for().await;
    run(&desk, "apply_retention").await;
    assert_eq!(counts("issues").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_keeps_its_events_for_less_if_it_or_its_organization_wants_it_so() {
    let desk = Desk::new().await;
    let organization = desk.tenant.organization;
    let short = desk.database.project(organization, "short").await;
    let long = desk.database.project(organization, "long").await;
    for project in [desk.tenant.project, short.id, long.id] {
        for (kind, days) in [("OldError", 25), ("OldError", 12), ("NewError", 3)] {
            let id = event_id();
            let envelope = EnvelopeBuilder::of(&id)
                .event(&error_event(kind, "it failed"))
                .item("attachment", "x");
            let envelope = NewEnvelope {
                project,
                received: Some(desk::now() - TimeDelta::days(days)),
                ..desk.envelope(&id, envelope.build())
            };
            desk.put(&[envelope]).await;
        }
    }
    desk.digest().await;
    let days = format!(
        "UPDATE organizations SET retention_days = 20 WHERE id = {organization};
         UPDATE projects SET retention_days = 7 WHERE id = {};
         UPDATE projects SET retention_days = 1000 WHERE id = {}",
        short.id, long.id
    );
    desk.database.sql(&days).await;
    run(&desk, "apply_retention").await;
    for (project, events, issues) in
        [(desk.tenant.project, 2, 2), (short.id, 1, 1), (long.id, 3, 2)]
    {
        for (table, left) in [("events", events), ("attachments", events), ("issues", issues)] {
            let count = format!("SELECT count(*) FROM {table} WHERE project_id = {project}");
            assert_eq!(desk.database.number(&count).await, left, "{table} of {project}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issue_stays_as_long_as_one_of_its_events_does() {
    let desk = Desk::new().await;
    let seen = desk::now() - TimeDelta::days(3);
    desk.put_event_at(&event_id(), &error_event("OldError", "it failed"), seen).await;
    desk.digest().await;
    let mut conn = desk.database.conn().await;
    let horizon = seen + TimeDelta::hours(1);
    assert_eq!(issues::delete_stale(&mut conn, horizon, 10).await.unwrap(), 0);
    desk.database.sql("DELETE FROM events").await;
    assert_eq!(issues::delete_stale(&mut conn, seen, 10).await.unwrap(), 0);
    assert_eq!(issues::delete_stale(&mut conn, horizon, 10).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_are_kept_for_a_year_and_more() {
    let desk = Desk::new().await;
    let mut conn = desk.database.conn().await;
    for days in [10, 300, 440, 500] {
        let time = desk::now() - TimeDelta::days(days);
        partitions::ensure(&mut conn, &partitions::OUTCOMES, time).await.unwrap();
    }
    run(&desk, "apply_retention").await;
    assert_eq!(partitions::list(&mut conn, &partitions::OUTCOMES).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_days_ahead_have_partitions_before_they_come() {
    let desk = Desk::new().await;
    run(&desk, "make_partitions").await;
    let mut conn = desk.database.conn().await;
    let made = partitions::list(&mut conn, &partitions::EVENTS).await.unwrap();
    assert!(made.last().unwrap().from > desk::now() + TimeDelta::days(2));
    run(&desk, "make_partitions").await;
    assert_eq!(partitions::list(&mut conn, &partitions::EVENTS).await.unwrap().len(), made.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_drained_from_the_overflow_is_forgotten_after_a_day() {
    let desk = Desk::new().await;
    desk.database
        .sql(
            "INSERT INTO overflow_drained (id, drained_at)
             SELECT gen_random_uuid(), now() - n * interval '20 hours' FROM generate_series(0, 3) n",
        )
        .await;
    run(&desk, "forget_expired").await;
    assert_eq!(desk.database.number("SELECT count(*) FROM overflow_drained").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_did_what_is_kept_for_a_time_of_its_own() {
    let desk = Desk::new().await;
    desk.database
        .sql(
            "INSERT INTO audit_log (at, actor, action, target_kind, target_id, target)
             SELECT now() - days * interval '1 day', 'operator', 'account.create', 'account', days, ''
             FROM unnest(ARRAY[0, 31, 364, 366, 800]) days",
        )
        .await;
    let kept = "SELECT target_id FROM audit_log ORDER BY id";
    for _ in 0..2 {
        run(&desk, "apply_retention").await;
        let kept = desk.database.rows(kept).await;
        let days: Vec<_> = kept.iter().map(|entry| entry["target_id"].as_str().unwrap()).collect();
        assert_eq!(days, ["0", "31", "364"]);
    }
    // Nobody but the job may.
    let mut conn = desk.database.connect().await;
    let delete = "DELETE FROM audit_log";
    assert!(mishap_testkit::sql::execute(&mut conn, delete).await.is_err());
    assert_eq!(desk.database.number("SELECT count(*) FROM audit_log").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ended_is_forgotten_and_what_goes_on_is_not() {
    let desk = Desk::new().await;
    desk.database
        .sql(
            "INSERT INTO sessions (key_hash, expires_at)
             SELECT int4send(minutes), now() + minutes * interval '1 minute'
             FROM unnest(ARRAY[-1, 1, -9999, 9999]) minutes;
             INSERT INTO wizards (hash, expires_at)
             SELECT minutes, now() + minutes * interval '1 minute'
             FROM unnest(ARRAY[-1, 1]) minutes",
        )
        .await;
    let (mut conn, now) = (desk.database.conn().await, desk::now());
    let (short, long) = (Duration::from_secs(60), Duration::from_secs(90 * 86_400));
    let hour = TimeDelta::hours(1);
    // A window of the operator's may be months long, and goes on although it began long ago.
    for (kind, window, at) in [(1, short, now - hour), (2, short, now + hour), (3, long, now)] {
        attempts::count(&mut conn, kind, b"somebody", window, at).await.unwrap();
    }
    let counts =
        async |table: &str| desk.database.number(&format!("SELECT count(*) FROM {table}")).await;
    for _ in 0..2 {
        run(&desk, "forget_expired").await;
        assert_eq!(counts("sessions WHERE expires_at > now()").await, 2);
        assert_eq!(counts("sessions").await, 2);
        assert_eq!(counts("wizards WHERE hash = '1'").await, 1);
        assert_eq!(counts("wizards").await, 1);
        assert_eq!(counts("attempts WHERE kind IN (2, 3)").await, 2);
        assert_eq!(counts("attempts").await, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_another_version_is_put_back_with_its_error() {
    let desk = Desk::new().await;
    let mut conn = desk.database.conn().await;
    jobs::push(&mut conn, "brand_new", Value::Null).await.unwrap();
    run_due(&context(&desk), &CancellationToken::new()).await.unwrap();
    let waiting = jobs::list(&mut conn, 10).await.unwrap();
    assert_eq!((waiting.len(), waiting[0].attempts, waiting[0].is_dead), (1, 1, false));
    assert!(waiting[0].last_error.as_deref().unwrap().contains("no such job"));
    assert!(waiting[0].run_at > desk::now());
    desk.database.sql("UPDATE jobs SET run_at = now(), attempts = 7").await;
    run_due(&context(&desk), &CancellationToken::new()).await.unwrap();
    assert!(jobs::list(&mut conn, 10).await.unwrap()[0].is_dead);
}
