//! Jobs: durable rows that workers lease, and the schedule that makes them.
//!
//! Redis carries only hints; a job is done when its row is gone.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{
    BigInt, Bool, Double, Jsonb, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl as _;
use mishap_core::id::JobId;
use mishap_core::page::{Cursor, Page};
use uuid::Uuid;

use crate::error::Result;
use crate::pool::Conn;
use crate::sql::statement;
use crate::tx::transaction;

/// Attempts before a job is given up.
pub const MAX_ATTEMPTS: i16 = 8;

/// A job that was leased.
#[derive(Debug, Clone, QueryableByName)]
pub struct LeasedJob {
    /// Its number.
    #[diesel(sql_type = BigInt)]
    pub id: JobId,
    /// What is to be done.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// With what.
    #[diesel(sql_type = Jsonb)]
    pub payload: serde_json::Value,
    /// How often it was leased, this time included.
    #[diesel(sql_type = SmallInt)]
    pub attempts: i16,
}

/// Makes a job; to be called inside the transaction whose effect it continues.
pub async fn push(conn: &mut Conn, name: &str, payload: serde_json::Value) -> Result<JobId> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        id: JobId,
    }
    let row: Row = statement("INSERT INTO jobs (name, payload) VALUES ($1, $2) RETURNING id")
        .bind::<Text, _>(name)
        .bind::<Jsonb, _>(payload)
        .get_result(conn)
        .await?;
    Ok(row.id)
}

/// Makes a job for a slot of its schedule, unless that slot or a later one had it already.
///
/// The number of callers does not matter: a slot gets one job.
pub async fn push_slot(
    conn: &mut Conn,
    name: &str,
    slot: DateTime<Utc>,
    payload: &serde_json::Value,
) -> Result<Option<JobId>> {
    transaction(conn, async |conn: &mut Conn| {
        let taken = statement(
            "INSERT INTO schedule (name, last_slot) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET last_slot = excluded.last_slot
             WHERE schedule.last_slot < excluded.last_slot",
        )
        .bind::<Text, _>(name)
        .bind::<Timestamptz, _>(slot)
        .execute(conn)
        .await?;
        if taken == 0 {
            return Ok(None);
        }
        push(conn, name, payload.clone()).await.map(Some)
    })
    .await
}

/// The last slot of each schedule.
pub async fn last_slots(conn: &mut Conn) -> Result<Vec<(String, DateTime<Utc>)>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Timestamptz)]
        last_slot: DateTime<Utc>,
    }
    let rows: Vec<Row> = statement("SELECT name, last_slot FROM schedule").load(conn).await?;
    Ok(rows.into_iter().map(|row| (row.name, row.last_slot)).collect())
}

/// Leases the oldest due job for `term`; uses `jobs_due_idx`.
///
/// A job whose lease ran out, because its worker died, is due again.
pub async fn lease(conn: &mut Conn, term: Duration) -> Result<Option<LeasedJob>> {
    let leased = statement(
        "UPDATE jobs SET attempts = attempts + 1,
             leased_until = now() + $1 * interval '1 second'
         WHERE id = (
             SELECT id FROM jobs
             WHERE NOT is_dead AND run_at <= now()
                 AND (leased_until IS NULL OR leased_until < now())
             ORDER BY run_at LIMIT 1 FOR UPDATE SKIP LOCKED)
         RETURNING id, name, payload, attempts",
    )
    .bind::<Double, _>(term.as_secs_f64());
    Ok(leased.load(conn).await?.pop())
}

/// Takes a job away that is done, and notes for the schedule when that was.
pub async fn finish(conn: &mut Conn, job: JobId) -> Result<()> {
    let done = statement(
        "WITH done AS (DELETE FROM jobs WHERE id = $1 RETURNING name)
         UPDATE schedule SET last_success_at = now() FROM done WHERE schedule.name = done.name",
    );
    done.bind::<BigInt, _>(job).execute(conn).await?;
    Ok(())
}

/// When a worker last did each job of the schedule to its end; those are left out that none ever did.
pub async fn last_successes(conn: &mut Conn) -> Result<Vec<(String, DateTime<Utc>)>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Timestamptz)]
        last_success_at: DateTime<Utc>,
    }
    let rows: Vec<Row> = statement(
        "SELECT name, last_success_at FROM schedule
         WHERE last_success_at IS NOT NULL ORDER BY name",
    )
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.name, row.last_success_at)).collect())
}

/// Puts a job back that was not tried to its end, as if it had not been leased.
pub async fn give_back(conn: &mut Conn, job: JobId) -> Result<()> {
    let back =
        statement("UPDATE jobs SET leased_until = NULL, attempts = attempts - 1 WHERE id = $1");
    back.bind::<BigInt, _>(job).execute(conn).await?;
    Ok(())
}

/// Puts a failed job back, to run again after `delay`, or gives it up.
pub async fn fail(
    conn: &mut Conn,
    job: JobId,
    error: &str,
    retry_after: Option<Duration>,
) -> Result<()> {
    statement(
        "UPDATE jobs SET leased_until = NULL, last_error = $1, is_dead = $2,
             run_at = now() + $3 * interval '1 second'
         WHERE id = $4",
    )
    .bind::<Text, _>(mishap_core::text::truncated(error, 2000).replace('\0', ""))
    .bind::<Bool, _>(retry_after.is_none())
    .bind::<Double, _>(retry_after.unwrap_or_default().as_secs_f64())
    .bind::<BigInt, _>(job)
    .execute(conn)
    .await?;
    Ok(())
}

/// A job as an operator sees it.
#[derive(Debug, Clone, QueryableByName)]
pub struct JobRow {
    /// Its number.
    #[diesel(sql_type = BigInt)]
    pub id: JobId,
    /// What is to be done.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// When it is to run.
    #[diesel(sql_type = Timestamptz)]
    pub run_at: DateTime<Utc>,
    /// How often it was tried.
    #[diesel(sql_type = SmallInt)]
    pub attempts: i16,
    /// Whether it was given up.
    #[diesel(sql_type = Bool)]
    pub is_dead: bool,
    /// Why it failed the last time.
    #[diesel(sql_type = Nullable<Text>)]
    pub last_error: Option<String>,
}

/// A job that waits, runs or was given up; nothing if it is done.
pub async fn find(conn: &mut Conn, job: JobId) -> Result<Option<JobRow>> {
    let found =
        statement("SELECT id, name, run_at, attempts, is_dead, last_error FROM jobs WHERE id = $1");
    Ok(found.bind::<BigInt, _>(job).load(conn).await?.pop())
}

/// The jobs that wait or were given up, the oldest first.
pub async fn list(conn: &mut Conn, limit: i64) -> Result<Vec<JobRow>> {
    let jobs = statement(
        "SELECT id, name, run_at, attempts, is_dead, last_error FROM jobs ORDER BY id LIMIT $1",
    );
    Ok(jobs.bind::<BigInt, _>(limit).load(conn).await?)
}

/// How many jobs wait, and how many were given up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, QueryableByName)]
pub struct JobCounts {
    /// Waiting or running.
    #[diesel(sql_type = BigInt)]
    pub waiting: i64,
    /// Given up.
    #[diesel(sql_type = BigInt)]
    pub dead: i64,
    /// For how many seconds the one that waits longest has been due.
    #[diesel(sql_type = BigInt)]
    pub oldest_seconds: i64,
}

/// Counts the jobs.
pub async fn count(conn: &mut Conn) -> Result<JobCounts> {
    let count = statement(
        "SELECT count(*) FILTER (WHERE NOT is_dead) AS waiting,
             count(*) FILTER (WHERE is_dead) AS dead,
             greatest(coalesce(extract(epoch FROM now() - min(run_at) FILTER (
                 WHERE NOT is_dead AND (leased_until IS NULL OR leased_until < now()))), 0), 0)::bigint
                 AS oldest_seconds
         FROM jobs",
    );
    Ok(count.get_result(conn).await?)
}

/// Jobs of one name.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct NamedJobs {
    /// What is to be done.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// How many wait.
    #[diesel(sql_type = BigInt)]
    pub waiting: i64,
    /// How many run.
    #[diesel(sql_type = BigInt)]
    pub running: i64,
    /// How many of those that wait have failed before.
    #[diesel(sql_type = BigInt)]
    pub failing: i64,
    /// How many were given up.
    #[diesel(sql_type = BigInt)]
    pub dead: i64,
    /// Why the newest of those that failed did.
    #[diesel(sql_type = Nullable<Text>)]
    pub last_error: Option<String>,
    /// When one was last due by the schedule.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_slot: Option<DateTime<Utc>>,
    /// When a worker last did one of the schedule to its end.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_success_at: Option<DateTime<Utc>>,
}

/// The jobs by their names, those of the schedule included of which none waits.
pub async fn count_by_name(conn: &mut Conn) -> Result<Vec<NamedJobs>> {
    let rows = statement(
        "SELECT name, coalesce(waiting, 0) AS waiting, coalesce(running, 0) AS running,
             coalesce(failing, 0) AS failing, coalesce(dead, 0) AS dead, last_error, last_slot,
             last_success_at
         FROM (
             SELECT name,
                 count(*) FILTER (WHERE NOT is_dead
                     AND (leased_until IS NULL OR leased_until < now())) AS waiting,
                 count(*) FILTER (WHERE NOT is_dead AND leased_until >= now()) AS running,
                 count(*) FILTER (WHERE NOT is_dead AND last_error IS NOT NULL) AS failing,
                 count(*) FILTER (WHERE is_dead) AS dead,
                 (array_agg(last_error ORDER BY id DESC) FILTER (WHERE last_error IS NOT NULL))[1]
                     AS last_error
             FROM jobs GROUP BY name) AS counted
         FULL JOIN schedule USING (name) ORDER BY name",
    );
    Ok(rows.load(conn).await?)
}

/// A job that was given up.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct FailedJob {
    /// Its number.
    #[diesel(sql_type = BigInt)]
    pub id: JobId,
    /// What was to be done.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it was given up.
    #[diesel(sql_type = Timestamptz)]
    pub run_at: DateTime<Utc>,
    /// How often it was tried.
    #[diesel(sql_type = SmallInt)]
    pub attempts: i16,
    /// Why it failed the last time.
    #[diesel(sql_type = Nullable<Text>)]
    pub last_error: Option<String>,
    /// Who was to be told, if somebody was. The rest of what it works with may be secret.
    #[diesel(sql_type = Nullable<Text>)]
    pub recipient: Option<String>,
}

/// The jobs that were given up, the newest first; uses `jobs_dead_idx`.
pub async fn list_failed(
    conn: &mut Conn,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<Page<FailedJob>> {
    let text = match cursor {
        Some(cursor) if cursor.is_backward => {
            "SELECT id, name, created_at, run_at, attempts, last_error, payload ->> 'to' AS recipient
             FROM jobs WHERE is_dead AND id > $1 ORDER BY id LIMIT $2"
        }
        Some(_) | None => {
            "SELECT id, name, created_at, run_at, attempts, last_error, payload ->> 'to' AS recipient
             FROM jobs WHERE is_dead AND id < $1 ORDER BY id DESC LIMIT $2"
        }
    };
    let found = statement(text)
        .bind::<BigInt, _>(cursor.map_or(i64::MAX, |cursor| cursor.position))
        .bind::<BigInt, _>(limit + 1)
        .load(conn)
        .await?;
    Ok(Page::of(found, limit, cursor, |job: &FailedJob| (job.id.0, 0)))
}

/// The job with this number, if it was given up.
pub async fn find_failed(conn: &mut Conn, job: JobId) -> Result<Option<FailedJob>> {
    let found = statement(
        "SELECT id, name, created_at, run_at, attempts, last_error, payload ->> 'to' AS recipient
         FROM jobs WHERE is_dead AND id = $1",
    );
    Ok(found.bind::<BigInt, _>(job).load(conn).await?.pop())
}

/// Lets jobs that were given up begin again, one of them or all; says how many.
pub async fn retry(conn: &mut Conn, job: Option<JobId>) -> Result<usize> {
    let retried = statement(
        "UPDATE jobs SET is_dead = false, attempts = 0, run_at = now(), leased_until = NULL
         WHERE is_dead AND id = coalesce($1, id)",
    );
    Ok(retried.bind::<Nullable<BigInt>, _>(job).execute(conn).await?)
}

/// Deletes a job that was given up; says whether it was there.
pub async fn delete_failed(conn: &mut Conn, job: JobId) -> Result<bool> {
    let gone = statement("DELETE FROM jobs WHERE is_dead AND id = $1");
    Ok(gone.bind::<BigInt, _>(job).execute(conn).await? > 0)
}

/// A lease on leadership.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Grows each time the lease changes hands.
    pub term: i64,
}

/// Takes or renews a lease for `duration`, by the database's clock; nothing if another one has it.
pub async fn acquire(
    conn: &mut Conn,
    name: &str,
    holder: Uuid,
    duration: Duration,
) -> Result<Option<Lease>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        term: i64,
    }
    let row = statement(
        "INSERT INTO leases AS old (name, holder, expires_at, term)
         VALUES ($1, $2, now() + $3 * interval '1 second', 1)
         ON CONFLICT (name) DO UPDATE SET holder = excluded.holder,
             expires_at = excluded.expires_at,
             term = CASE WHEN old.holder = excluded.holder THEN old.term ELSE old.term + 1 END
         WHERE old.holder = excluded.holder OR old.expires_at < now()
         RETURNING term",
    )
    .bind::<Text, _>(name)
    .bind::<SqlUuid, _>(holder)
    .bind::<Double, _>(duration.as_secs_f64())
    .load::<Row>(conn)
    .await?
    .pop();
    Ok(row.map(|row| Lease { term: row.term }))
}

/// Who has a lease.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Leader {
    /// Who has it, or had it last.
    #[diesel(sql_type = SqlUuid)]
    pub holder: Uuid,
    /// How often it changed hands.
    #[diesel(sql_type = BigInt)]
    pub term: i64,
    /// When it ends unless it is renewed, or when it ended.
    #[diesel(sql_type = Timestamptz)]
    pub expires_at: DateTime<Utc>,
    /// Whether it still holds, by the database's clock.
    #[diesel(sql_type = Bool)]
    pub holds: bool,
}

/// Who has a lease, or had it last; nothing if nobody ever took it.
pub async fn leader(conn: &mut Conn, name: &str) -> Result<Option<Leader>> {
    let found = statement(
        "SELECT holder, term, expires_at, expires_at > now() AS holds FROM leases WHERE name = $1",
    );
    Ok(found.bind::<Text, _>(name).load(conn).await?.pop())
}

/// Gives a lease back, so that another one need not wait for its end.
pub async fn release(conn: &mut Conn, name: &str, holder: Uuid) -> Result<()> {
    statement("UPDATE leases SET expires_at = now() WHERE name = $1 AND holder = $2")
        .bind::<Text, _>(name)
        .bind::<SqlUuid, _>(holder)
        .execute(conn)
        .await?;
    Ok(())
}
