//! Jobs, their schedule, and who leads.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use mishap_beat::Leader;
use mishap_beat::schedule::SCHEDULE;
use mishap_storage::jobs::{
    Lease, acquire, count, fail, finish, last_slots, lease, list, push, push_slot, release,
};
use mishap_testkit::{TestDatabase, desk};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

const TERM: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_leased_by_one_worker_however_many_look() {
    let database = TestDatabase::new().await;
    let mut conn = database.conn().await;
    for n in 0..40 {
        push(&mut conn, "count", json!(n)).await.unwrap();
    }
    let mut workers = JoinSet::new();
    for _ in 0..4 {
        let pool = database.pool.clone();
        workers.spawn(async move {
            let mut conn = pool.get().await.unwrap();
            let mut done = Vec::new();
            while let Some(job) = lease(&mut conn, TERM).await.unwrap() {
                done.push(job.payload.as_i64().unwrap());
                finish(&mut conn, job.id).await.unwrap();
            }
            done
        });
    }
    let mut done = workers.join_all().await.concat();
    done.sort_unstable();
    assert_eq!(done, (0..40).collect::<Vec<_>>());
    assert_eq!(list(&mut conn, 10).await.unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_a_worker_that_died_is_due_again_when_its_term_is_over() {
    let database = TestDatabase::new().await;
    let mut conn = database.conn().await;
    let id = push(&mut conn, "count", Value::Null).await.unwrap();
    assert_eq!(lease(&mut conn, TERM).await.unwrap().unwrap().attempts, 1);
    assert!(lease(&mut conn, TERM).await.unwrap().is_none());
    database.sql("UPDATE jobs SET leased_until = now() - interval '1 second'").await;
    let again = lease(&mut conn, TERM).await.unwrap().unwrap();
    assert_eq!((again.id, again.attempts), (id, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_job_waits_and_one_that_is_given_up_stays_to_be_seen() {
    let database = TestDatabase::new().await;
    let mut conn = database.conn().await;
    let id = push(&mut conn, "count", Value::Null).await.unwrap();
    lease(&mut conn, TERM).await.unwrap().unwrap();
    fail(&mut conn, id, "no \0 luck", Some(TERM)).await.unwrap();
    assert!(lease(&mut conn, TERM).await.unwrap().is_none());
    database.sql("UPDATE jobs SET run_at = now()").await;
    lease(&mut conn, TERM).await.unwrap().unwrap();
    fail(&mut conn, id, "no luck at all", None).await.unwrap();
    database.sql("UPDATE jobs SET run_at = now()").await;
    assert!(lease(&mut conn, TERM).await.unwrap().is_none());
    let jobs = list(&mut conn, 10).await.unwrap();
    assert_eq!(jobs[0].last_error.as_deref(), Some("no luck at all"));
    assert!(jobs[0].is_dead);
    let counts = count(&mut conn).await.unwrap();
    assert_eq!((counts.waiting, counts.dead), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_gets_one_job_however_many_push_it() {
    let database = TestDatabase::new().await;
    let start = desk::now();
    let mut pushers = JoinSet::new();
    for _ in 0..4 {
        let pool = database.pool.clone();
        pushers.spawn(async move {
            let mut conn = pool.get().await.unwrap();
            let mut pushed = 0;
            for minute in 0..20 {
                let slot = start + TimeDelta::minutes(minute);
                let job = push_slot(&mut conn, "tick", slot, &Value::Null).await.unwrap();
                pushed += usize::from(job.is_some());
            }
            pushed
        });
    }
    let pushed: usize = pushers.join_all().await.into_iter().sum();
    let mut conn = database.conn().await;
    // One who was late skips slots that a later one took the place of; none has two.
    assert!(pushed <= 20, "{pushed}");
    assert_eq!(list(&mut conn, 100).await.unwrap().len(), pushed);
    let last = start + TimeDelta::minutes(19);
    assert_eq!(last_slots(&mut conn).await.unwrap(), [("tick".to_owned(), last)]);
    assert!(push_slot(&mut conn, "tick", last, &Value::Null).await.unwrap().is_none());
    let earlier = start + TimeDelta::minutes(3);
    assert!(push_slot(&mut conn, "tick", earlier, &Value::Null).await.unwrap().is_none());
    assert!(push_slot(&mut conn, "tock", earlier, &Value::Null).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_leads_until_its_lease_ends_or_is_given_back() {
    let database = TestDatabase::new().await;
    let mut conn = database.conn().await;
    let (first, second) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let leads = |term| Some(Lease { term });
    let mut take = async |holder| acquire(&mut conn, "beat", holder, TERM).await.unwrap();
    assert_eq!(take(first).await, leads(1));
    assert_eq!(take(second).await, None);
    assert_eq!(take(first).await, leads(1));
    // It died, and its lease ran out.
    database.sql("UPDATE leases SET expires_at = now() - interval '1 second'").await;
    assert_eq!(take(second).await, leads(2));
    assert_eq!(take(first).await, None);
    let mut other = database.conn().await;
    release(&mut other, "beat", first).await.unwrap();
    assert_eq!(take(first).await, None);
    release(&mut other, "beat", second).await.unwrap();
    assert_eq!(take(first).await, leads(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_beats_that_start_at_once_push_each_job_once() {
    let database = TestDatabase::new().await;
    let beat = |n| Leader { pool: database.pool.clone(), redis: None, holder: Uuid::from_u128(n) };
    let mut beats = JoinSet::new();
    for n in 1..=4 {
        let leader = beat(n);
        beats.spawn(async move { leader.tick().await.unwrap() });
    }
    let led = beats.join_all().await;
    assert_eq!(led.iter().filter(|led| **led).count(), 1);
    let mut conn = database.conn().await;
    assert_eq!(list(&mut conn, 100).await.unwrap().len(), SCHEDULE.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_that_every_beat_missed_is_caught_up_once() {
    let database = TestDatabase::new().await;
    let leader = Leader { pool: database.pool.clone(), redis: None, holder: Uuid::from_u128(1) };
    assert!(leader.tick().await.unwrap());
    let mut conn = database.conn().await;
    database
        .sql("DELETE FROM jobs; UPDATE schedule SET last_slot = now() - interval '5 hours'")
        .await;
    assert!(leader.tick().await.unwrap());
    let mut names: Vec<_> =
        list(&mut conn, 100).await.unwrap().into_iter().map(|job| job.name).collect();
    names.sort_unstable();
    let mut expected: Vec<_> = SCHEDULE.iter().map(|entry| entry.job.name().to_owned()).collect();
    expected.sort_unstable();
    // Hours were missed, and one job each makes up for them.
    assert_eq!(names, expected);
    for (name, slot) in last_slots(&mut conn).await.unwrap() {
        let age: TimeDelta = desk::now().with_timezone(&Utc) - slot;
        assert!(age < TimeDelta::hours(2), "{name}: {age}");
    }
}
