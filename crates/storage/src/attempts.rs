//! How often somebody tried something that must not be tried too often, such as passwords.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Binary, Integer, SmallInt, Timestamptz};
use diesel_async::RunQueryDsl as _;

use crate::error::Result;
use crate::pool::Conn;
use crate::sql::statement;

/// Counts an attempt in the window that `now` is in; says how many there were, this one included.
pub async fn count(
    conn: &mut Conn,
    kind: i16,
    subject: &[u8],
    window: Duration,
    now: DateTime<Utc>,
) -> Result<i32> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Integer)]
        attempts: i32,
    }
    let row: Row = statement(
        "INSERT INTO attempts (kind, subject, window_start, window_end, attempts)
         VALUES ($1, $2, $3, $4, 1)
         ON CONFLICT (kind, subject, window_start)
         DO UPDATE SET attempts = attempts.attempts + 1 RETURNING attempts",
    )
    .bind::<SmallInt, _>(kind)
    .bind::<Binary, _>(subject)
    .bind::<Timestamptz, _>(window_start(now, window))
    .bind::<Timestamptz, _>(window_start(now, window) + window)
    .get_result(conn)
    .await?;
    Ok(row.attempts)
}

/// Takes an attempt back that was counted in the window that `now` is in.
pub async fn uncount(
    conn: &mut Conn,
    kind: i16,
    subject: &[u8],
    window: Duration,
    now: DateTime<Utc>,
) -> Result<()> {
    statement(
        "UPDATE attempts SET attempts = attempts - 1
         WHERE kind = $1 AND subject = $2 AND window_start = $3 AND attempts > 0",
    )
    .bind::<SmallInt, _>(kind)
    .bind::<Binary, _>(subject)
    .bind::<Timestamptz, _>(window_start(now, window))
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets the attempts at something, after one succeeded.
pub async fn forget(conn: &mut Conn, kind: i16, subject: &[u8]) -> Result<()> {
    statement("DELETE FROM attempts WHERE kind = $1 AND subject = $2")
        .bind::<SmallInt, _>(kind)
        .bind::<Binary, _>(subject)
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets windows that have ended, which nobody counts in any more; says how many.
pub async fn forget_ended(conn: &mut Conn, now: DateTime<Utc>) -> Result<usize> {
    let delete = statement("DELETE FROM attempts WHERE window_end <= $1");
    Ok(delete.bind::<Timestamptz, _>(now).execute(conn).await?)
}

fn window_start(now: DateTime<Utc>, window: Duration) -> DateTime<Utc> {
    let seconds = i64::try_from(window.as_secs()).unwrap_or(i64::MAX).max(1);
    let start = now.timestamp().div_euclid(seconds) * seconds;
    DateTime::from_timestamp(start, 0).unwrap_or(now)
}
