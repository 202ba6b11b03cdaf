//! How received items ended.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Double, Integer, Nullable, SmallInt, Text, Timestamptz};
use diesel_async::RunQueryDsl as _;
use mishap_core::id::ProjectId;
use mishap_core::outcome::Reason;
use mishap_core::tally::{category_code, category_of};
use mishap_protocol::envelope::DataCategory;

use crate::error::Result;
use crate::pool::Conn;
use crate::sql::statement;

/// Items that ended alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutcomeTotal {
    /// What they count as.
    pub category: DataCategory,
    /// Why they ended as they did.
    pub reason: Reason,
    /// How many.
    pub quantity: i64,
}

/// Sums over all hours kept, of one project or of all.
///
/// What has not been folded yet is missing; see [`crate::tallies`].
pub async fn totals(conn: &mut Conn, project: Option<ProjectId>) -> Result<Vec<OutcomeTotal>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SmallInt)]
        category: i16,
        #[diesel(sql_type = SmallInt)]
        reason: i16,
        #[diesel(sql_type = BigInt)]
        quantity: i64,
    }
    let rows: Vec<Row> = statement(
        "SELECT category, reason, sum(quantity)::bigint AS quantity FROM outcomes
         WHERE project_id = coalesce($1, project_id) GROUP BY 1, 2 ORDER BY 1, 2",
    )
    .bind::<Nullable<BigInt>, _>(project)
    .load(conn)
    .await?;
    let total = |row: Row| {
        Some(OutcomeTotal {
            category: category_of(row.category)?,
            reason: Reason::from_code(row.reason)?,
            quantity: row.quantity,
        })
    };
    Ok(rows.into_iter().filter_map(total).collect())
}

/// Hours in a row, both ends included, and how they are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    /// The first hour.
    pub first: DateTime<Utc>,
    /// The last hour.
    pub last: DateTime<Utc>,
    /// Length of an interval, in seconds; the first begins with the first hour.
    pub interval: u32,
}

/// What was stored of these categories, by the beginnings of intervals; those without anything are
/// left out. Uses the primary key.
pub async fn stored(
    conn: &mut Conn,
    projects: &[ProjectId],
    categories: &[DataCategory],
    hours: Hours,
) -> Result<Vec<(DateTime<Utc>, i64)>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Timestamptz)]
        begins: DateTime<Utc>,
        #[diesel(sql_type = BigInt)]
        quantity: i64,
    }
    let rows: Vec<Row> = statement(
        "SELECT date_bin($1 * interval '1 second', hour, $2) AS begins,
             sum(quantity)::bigint AS quantity
         FROM outcomes
         WHERE project_id = ANY($3) AND hour BETWEEN $4 AND $5 AND category = ANY($6)
             AND reason = $7
         GROUP BY 1",
    )
    .bind::<Double, _>(f64::from(hours.interval))
    .bind::<Timestamptz, _>(hours.first)
    .array::<BigInt, _>(projects.to_vec())
    .bind::<Timestamptz, _>(hours.first)
    .bind::<Timestamptz, _>(hours.last)
    .array::<SmallInt, _>(categories.iter().map(|category| category_code(*category)).collect())
    .bind::<SmallInt, _>(Reason::Ok.code())
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.begins, row.quantity)).collect())
}

/// Items of a project that ended alike lately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// The organization's and the project's names in URLs; nothing for what came without a valid key.
    pub project: Option<(String, String)>,
    /// Why they ended as they did.
    pub reason: Reason,
    /// How many.
    pub quantity: i64,
}

/// What became of the items of the last `hours`, the present one included, of the `limit` projects
/// that received most, in that order.
pub async fn flows(conn: &mut Conn, hours: i32, limit: i64) -> Result<Vec<Flow>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Nullable<Text>)]
        organization: Option<String>,
        #[diesel(sql_type = Nullable<Text>)]
        project: Option<String>,
        #[diesel(sql_type = SmallInt)]
        reason: i16,
        #[diesel(sql_type = BigInt)]
        quantity: i64,
    }
    let rows: Vec<Row> = statement(
        "WITH recent AS (
             SELECT project_id, reason, sum(quantity)::bigint AS quantity FROM outcomes
             WHERE hour > date_trunc('hour', now(), 'UTC') - $1 * interval '1 hour'
             GROUP BY 1, 2),
         busiest AS (
             SELECT project_id, sum(quantity) AS items FROM recent
             GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT $2)
         SELECT o.slug AS organization, p.slug AS project, reason, quantity
         FROM busiest JOIN recent USING (project_id)
         LEFT JOIN projects p ON p.id = project_id
         LEFT JOIN organizations o ON o.id = p.organization_id
         ORDER BY items DESC, project_id, quantity DESC, reason",
    )
    .bind::<Integer, _>(hours)
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    let flow = |row: Row| {
        let project = row.organization.zip(row.project);
        Some(Flow { project, reason: Reason::from_code(row.reason)?, quantity: row.quantity })
    };
    Ok(rows.into_iter().filter_map(flow).collect())
}
