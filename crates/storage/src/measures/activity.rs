//! What the database server has done so far, and what became of a project's events: measured before
//! and after a load test.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, SmallInt, Text};
use diesel_async::RunQueryDsl as _;
use mishap_core::id::ProjectId;
use mishap_core::outcome::Reason;

use crate::error::Result;
use crate::pool::Conn;
use crate::sql::statement;

/// What the server has done since it began to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Activity {
    /// Transactions of this database, however they ended.
    #[diesel(sql_type = BigInt)]
    pub transactions: i64,
    /// Blocks that were found in the server's own memory.
    #[diesel(sql_type = BigInt)]
    pub hits: i64,
    /// Blocks that were not.
    #[diesel(sql_type = BigInt)]
    pub reads: i64,
    /// Bytes of the log that is written ahead, of all databases of the server.
    #[diesel(sql_type = BigInt)]
    pub wal_bytes: i64,
}

/// What the server has done since it began to count.
pub async fn activity(conn: &mut Conn) -> Result<Activity> {
    let row = statement(
        "SELECT xact_commit + xact_rollback AS transactions, blks_hit AS hits, blks_read AS reads,
             pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint AS wal_bytes
         FROM pg_stat_database WHERE datname = current_database()",
    );
    Ok(row.get_result(conn).await?)
}

/// A setting of the server.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Setting {
    /// What it is called.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// As an administrator would write it.
    #[diesel(sql_type = Text)]
    pub value: String,
}

/// The settings of the server that decide how fast it is, by name.
pub async fn settings(conn: &mut Conn) -> Result<Vec<Setting>> {
    let rows = statement(
        "SELECT name, current_setting(name) AS value FROM pg_settings
         WHERE name IN ('fsync', 'full_page_writes', 'max_connections', 'max_wal_size',
             'shared_buffers', 'synchronous_commit', 'wal_compression', 'work_mem')
         ORDER BY name",
    );
    Ok(rows.load(conn).await?)
}

/// What has become of everything that was acknowledged for a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Fates {
    /// Events that its issues count.
    #[diesel(sql_type = BigInt)]
    pub stored: i64,
    /// Events that were known already, as far as this is folded into the statistics.
    #[diesel(sql_type = BigInt)]
    pub duplicates: i64,
    /// Files that came with its events.
    #[diesel(sql_type = BigInt)]
    pub attachments: i64,
    /// Dead letters.
    #[diesel(sql_type = BigInt)]
    pub dead: i64,
    /// Envelopes in the inbox.
    #[diesel(sql_type = BigInt)]
    pub waiting: i64,
}

/// What has become of everything that was acknowledged for a project, at one moment.
pub async fn fates(conn: &mut Conn, project: ProjectId) -> Result<Fates> {
    let row = statement(
        "WITH project AS (SELECT $1 AS id)
         SELECT (SELECT coalesce(sum(i.events), 0)::bigint FROM issues i
                 WHERE i.project_id = p.id) AS stored,
             (SELECT coalesce(sum(o.quantity), 0)::bigint FROM outcomes o
                 WHERE o.project_id = p.id AND o.reason = $2) AS duplicates,
             (SELECT count(*) FROM attachments a WHERE a.project_id = p.id) AS attachments,
             (SELECT count(*) FROM dead_letters d WHERE d.project_id = p.id) AS dead,
             (SELECT count(*) FROM inbox b WHERE b.project_id = p.id) AS waiting
         FROM project p",
    )
    .bind::<BigInt, _>(project)
    .bind::<SmallInt, _>(Reason::Duplicate.code());
    Ok(row.get_result(conn).await?)
}
