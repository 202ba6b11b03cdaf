//! Whether as many events are stored as were counted.
//!
//! An event and the tally that counts it are written in one transaction, so they can only disagree
//! when something else than this program wrote or took rows, such as a restore of some tables only.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Integer, SmallInt, Timestamptz};
use diesel_async::RunQueryDsl as _;
use mishap_core::id::ProjectId;
use mishap_core::outcome::Reason;
use mishap_core::tally::category_code;
use mishap_protocol::envelope::DataCategory;

use crate::error::Result;
use crate::pool::Conn;
use crate::sql::statement;

/// Hours in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Hours {
    /// When the first begins.
    #[diesel(sql_type = Timestamptz)]
    pub since: DateTime<Utc>,
    /// When the last ends.
    #[diesel(sql_type = Timestamptz)]
    pub until: DateTime<Utc>,
}

/// The hours of the last `days` that can be compared: they are over, all their events are kept, and
/// their tallies are folded.
pub async fn comparable(conn: &mut Conn, days: i32) -> Result<Hours> {
    let hours = statement(
        "WITH hours AS (
             SELECT date_trunc('hour', now() - $1 * interval '1 day', 'UTC') + interval '1 hour'
                     AS since,
                 date_trunc('hour', least(now(), (SELECT min(written_at) FROM tallies)), 'UTC')
                     AS until)
         SELECT least(since, until) AS since, until FROM hours",
    );
    Ok(hours.bind::<Integer, _>(days).get_result(conn).await?)
}

/// An hour of a project in which another number of events is stored than was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Difference {
    /// The project.
    #[diesel(sql_type = BigInt)]
    pub project: ProjectId,
    /// The hour.
    #[diesel(sql_type = Timestamptz)]
    pub hour: DateTime<Utc>,
    /// Events that are stored.
    #[diesel(sql_type = BigInt)]
    pub stored: i64,
    /// Events that were counted as stored.
    #[diesel(sql_type = BigInt)]
    pub counted: i64,
}

/// The hours of projects that disagree, the oldest first. Projects that keep their events for a
/// shorter time are looked at for that time only, and deleted ones not at all. Reads every event of
/// these hours, so a day is enough for one call.
pub async fn differences(conn: &mut Conn, hours: Hours) -> Result<Vec<Difference>> {
    let Hours { since, until } = hours;
    let rows = statement(
        "WITH stored AS (
             SELECT project_id, date_trunc('hour', received, 'UTC') AS hour, count(*) AS events
             FROM events WHERE received >= $1 AND received < $2 GROUP BY 1, 2),
         counted AS (
             SELECT project_id, hour, sum(quantity)::bigint AS events FROM outcomes
             WHERE reason = $3 AND category <> $4 AND hour >= $5 AND hour < $6 GROUP BY 1, 2)
         SELECT p.id AS project, hour, coalesce(stored.events, 0) AS stored,
             coalesce(counted.events, 0) AS counted
         FROM stored FULL JOIN counted USING (project_id, hour)
         JOIN projects p ON p.id = project_id JOIN organizations o ON o.id = p.organization_id
         WHERE coalesce(stored.events, 0) <> coalesce(counted.events, 0) AND p.deleted_at IS NULL
             AND hour > now() - interval '1 day'
                 * coalesce(p.retention_days, o.retention_days, 1000000)
         ORDER BY hour, p.id",
    )
    .bind::<Timestamptz, _>(since)
    .bind::<Timestamptz, _>(until)
    .bind::<SmallInt, _>(Reason::Ok.code())
    .bind::<SmallInt, _>(category_code(DataCategory::Attachment))
    .bind::<Timestamptz, _>(since)
    .bind::<Timestamptz, _>(until);
    Ok(rows.load(conn).await?)
}
