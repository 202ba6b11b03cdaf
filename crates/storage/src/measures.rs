//! What an operator watches: how much there is of everything.

pub mod activity;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Jsonb, SmallInt, Text};
use diesel_async::RunQueryDsl as _;
use mishap_core::id::ProjectId;
use mishap_core::outcome::Reason;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::pool::Conn;
use crate::sql::statement;

/// Sizes of the whole installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Totals {
    /// Organizations.
    #[diesel(sql_type = BigInt)]
    pub organizations: i64,
    /// Dead letters.
    #[diesel(sql_type = BigInt)]
    pub dead_letters: i64,
    /// Bytes of the database on disk.
    #[diesel(sql_type = BigInt)]
    pub database_bytes: i64,
}

/// Sizes of the whole installation.
pub async fn totals(conn: &mut Conn) -> Result<Totals> {
    let totals = statement(
        "SELECT (SELECT count(*) FROM organizations WHERE deleted_at IS NULL) AS organizations,
             (SELECT count(*) FROM dead_letters) AS dead_letters,
             pg_database_size(current_database()) AS database_bytes",
    );
    Ok(totals.get_result(conn).await?)
}

/// A project and how many events it stored in the hours that are kept.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName, Serialize, Deserialize)]
pub struct ProjectEvents {
    /// The organization's name in URLs.
    #[diesel(sql_type = Text)]
    pub organization: String,
    /// The project's name in URLs.
    #[diesel(sql_type = Text)]
    pub project: String,
    /// Events stored.
    #[diesel(sql_type = BigInt)]
    pub events: i64,
}

/// Every project with its events of the last `days`.
pub async fn project_events(conn: &mut Conn, days: i32) -> Result<Vec<ProjectEvents>> {
    let rows = statement(
        "SELECT o.slug AS organization, p.slug AS project,
             coalesce((SELECT sum(quantity)::bigint FROM outcomes
                 WHERE project_id = p.id AND reason = $1
                     AND hour > now() - $2 * interval '1 day'), 0) AS events
         FROM projects p JOIN organizations o ON o.id = p.organization_id
         WHERE p.deleted_at IS NULL ORDER BY o.slug, p.slug",
    )
    .bind::<SmallInt, _>(Reason::Ok.code())
    .bind::<diesel::sql_types::Integer, _>(days)
    .load(conn)
    .await?;
    Ok(rows)
}

/// What is measured once for all processes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tenants {
    /// Organizations.
    pub organizations: i64,
    /// Every project.
    pub projects: Vec<ProjectEvents>,
}

/// Keeps what was measured, in place of what was measured before.
pub async fn keep_tenants(conn: &mut Conn, tenants: &Tenants) -> Result<()> {
    let projects = serde_json::to_value(&tenants.projects)
        .map_err(|error| Error::Inconsistent { table: "measures", what: error.to_string() })?;
    statement(
        "INSERT INTO measures (taken_at, organizations, projects) VALUES (now(), $1, $2)
         ON CONFLICT (is_latest) DO UPDATE SET taken_at = excluded.taken_at,
             organizations = excluded.organizations, projects = excluded.projects",
    )
    .bind::<BigInt, _>(tenants.organizations)
    .bind::<Jsonb, _>(projects)
    .execute(conn)
    .await?;
    Ok(())
}

/// What was last measured; nothing if that was more than `hours` ago, or never.
pub async fn latest_tenants(conn: &mut Conn, hours: i32) -> Result<Option<Tenants>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        organizations: i64,
        #[diesel(sql_type = Jsonb)]
        projects: serde_json::Value,
    }
    let row: Option<Row> = statement(
        "SELECT organizations, projects FROM measures
         WHERE taken_at > now() - $1 * interval '1 hour'",
    )
    .bind::<diesel::sql_types::Integer, _>(hours)
    .load(conn)
    .await?
    .pop();
    row.map(|row| {
        let projects = serde_json::from_value(row.projects)
            .map_err(|error| Error::Inconsistent { table: "measures", what: error.to_string() })?;
        Ok(Tenants { organizations: row.organizations, projects })
    })
    .transpose()
}

/// How large the partitions of a table are together.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct TableSize {
    /// The table.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Bytes on disk, indexes included.
    #[diesel(sql_type = BigInt)]
    pub bytes: i64,
}

/// The sizes of all tables, the largest first; a partitioned table counts with all its partitions.
pub async fn table_sizes(conn: &mut Conn) -> Result<Vec<TableSize>> {
    let rows = statement(
        "SELECT coalesce(p.relname, c.relname)::text AS name,
             sum(pg_total_relation_size(c.oid))::bigint AS bytes
         FROM pg_class c
         LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
         LEFT JOIN pg_class p ON p.oid = i.inhparent
         WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
         GROUP BY 1 ORDER BY 2 DESC, 1",
    );
    Ok(rows.load(conn).await?)
}

/// How large a table is, in parts.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct TableParts {
    /// The table.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Rows, as the database guesses.
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
    /// Bytes on disk without indexes.
    #[diesel(sql_type = BigInt)]
    pub bytes: i64,
    /// Bytes of its indexes.
    #[diesel(sql_type = BigInt)]
    pub index_bytes: i64,
}

/// The largest tables, the largest first; a partitioned table counts with all its partitions.
pub async fn largest_tables(conn: &mut Conn, limit: i64) -> Result<Vec<TableParts>> {
    let rows = statement(
        "SELECT coalesce(p.relname, c.relname)::text AS name,
             sum(greatest(c.reltuples, 0))::bigint AS rows,
             sum(pg_table_size(c.oid))::bigint AS bytes,
             sum(pg_indexes_size(c.oid))::bigint AS index_bytes
         FROM pg_class c
         LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
         LEFT JOIN pg_class p ON p.oid = i.inhparent
         WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
         GROUP BY 1 ORDER BY sum(pg_total_relation_size(c.oid)) DESC, 1 LIMIT $1",
    );
    Ok(rows.bind::<BigInt, _>(limit).load(conn).await?)
}

/// What is known of the database server.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Server {
    /// Its version, as it says it.
    #[diesel(sql_type = Text)]
    pub version: String,
    /// Bytes of the database on disk.
    #[diesel(sql_type = BigInt)]
    pub database_bytes: i64,
    /// Connections that are open, of everybody's.
    #[diesel(sql_type = BigInt)]
    pub connections: i64,
    /// Connections that may be open.
    #[diesel(sql_type = BigInt)]
    pub max_connections: i64,
}

/// What is known of the database server.
pub async fn server(conn: &mut Conn) -> Result<Server> {
    let row = statement(
        "SELECT split_part(current_setting('server_version'), ' ', 1) AS version,
             pg_database_size(current_database()) AS database_bytes,
             (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')
                 AS connections,
             current_setting('max_connections')::bigint AS max_connections",
    );
    Ok(row.get_result(conn).await?)
}

/// Items of a minute, as they were lately.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, QueryableByName)]
pub struct Rates {
    /// Events stored.
    #[diesel(sql_type = BigInt)]
    pub accepted: i64,
    /// Items that were not taken, whatever the reason.
    #[diesel(sql_type = BigInt)]
    pub refused: i64,
}

/// Items of a minute, on average of this hour and the one before, as far as they are folded; looks at
/// each project through the key of `outcomes`.
pub async fn rates(conn: &mut Conn) -> Result<Rates> {
    let accepted: Vec<i16> = [Reason::Ok, Reason::Duplicate].map(Reason::code).to_vec();
    let row = statement(
        "SELECT (coalesce(sum(quantity) FILTER (WHERE o.reason = $1), 0) / minutes)::bigint
                 AS accepted,
             (coalesce(sum(quantity) FILTER (WHERE o.reason <> ALL($2)), 0) / minutes)::bigint
                 AS refused
         FROM (
             SELECT date_trunc('hour', now(), 'UTC') - interval '1 hour' AS since,
                 60 + extract(minute FROM now()) AS minutes) AS lately
         LEFT JOIN (
             SELECT o.* FROM (SELECT id FROM projects UNION ALL SELECT 0) AS p
             JOIN outcomes o ON o.project_id = p.id
                 AND o.hour >= date_trunc('hour', now(), 'UTC') - interval '1 hour') AS o
             ON o.hour >= since
         GROUP BY minutes",
    )
    .bind::<SmallInt, _>(Reason::Ok.code())
    .array::<SmallInt, _>(accepted);
    Ok(row.get_result(conn).await?)
}

/// Events that a project's issues count.
pub async fn events_of_issues(conn: &mut Conn, project: ProjectId) -> Result<i64> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        events: i64,
    }
    let row: Row = statement(
        "SELECT coalesce(sum(events), 0)::bigint AS events FROM issues WHERE project_id = $1",
    )
    .bind::<BigInt, _>(project)
    .get_result(conn)
    .await?;
    Ok(row.events)
}
