//! How PostgreSQL itself is doing, as an operator asks it.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Double, Integer, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl as _;

use crate::error::Result;
use crate::pool::Conn;
use crate::sql::statement;

/// The server that answers.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Vitals {
    /// Its version, as it says it.
    #[diesel(sql_type = Text)]
    pub version: String,
    /// Its own address and port; after a failover it is another one behind the same name. Nothing
    /// where it is reached through a socket.
    #[diesel(sql_type = Nullable<Text>)]
    pub address: Option<String>,
    /// When it started.
    #[diesel(sql_type = Timestamptz)]
    pub started_at: DateTime<Utc>,
    /// Whether it is a standby, which takes no writes.
    #[diesel(sql_type = Bool)]
    pub in_recovery: bool,
    /// Whether transactions may not write, for this or another reason.
    #[diesel(sql_type = Bool)]
    pub read_only: bool,
    /// Connections that may be open.
    #[diesel(sql_type = BigInt)]
    pub max_connections: i64,
    /// Bytes of the database on disk.
    #[diesel(sql_type = BigInt)]
    pub database_bytes: i64,
    /// Bytes of the log that a replication slot keeps back at most; nothing without slots.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub slot_bytes: Option<i64>,
}

/// Asks the server how it is.
pub async fn vitals(conn: &mut Conn) -> Result<Vitals> {
    let row = statement(
        "SELECT split_part(current_setting('server_version'), ' ', 1) AS version,
             host(inet_server_addr()) || ':' || inet_server_port() AS address,
             pg_postmaster_start_time() AS started_at,
             pg_is_in_recovery() AS in_recovery,
             current_setting('transaction_read_only')::boolean AS read_only,
             current_setting('max_connections')::bigint AS max_connections,
             pg_database_size(current_database()) AS database_bytes,
             CASE WHEN pg_is_in_recovery() THEN NULL ELSE (
                 SELECT max(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn))::bigint
                 FROM pg_replication_slots) END AS slot_bytes",
    );
    Ok(row.get_result(conn).await?)
}

/// Connections of one program that are in the same state.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Connections {
    /// What the program calls itself.
    #[diesel(sql_type = Text)]
    pub program: String,
    /// `active`, `idle`, `idle in transaction`, …
    #[diesel(sql_type = Text)]
    pub state: String,
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub connections: i64,
}

/// All clients' connections, the most frequent first.
pub async fn connections(conn: &mut Conn) -> Result<Vec<Connections>> {
    let rows = statement(
        "SELECT coalesce(nullif(application_name, ''), '-') AS program,
             coalesce(state, 'hidden') AS state, count(*) AS connections
         FROM pg_stat_activity WHERE backend_type = 'client backend'
         GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2",
    );
    Ok(rows.load(conn).await?)
}

/// A statement, or a transaction between two statements, that takes long.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct Running {
    /// The number of the server's process.
    #[diesel(sql_type = Integer)]
    pub pid: i32,
    /// What the program calls itself.
    #[diesel(sql_type = Text)]
    pub program: String,
    /// `active`, or `idle in transaction`.
    #[diesel(sql_type = Text)]
    pub state: String,
    /// Since when, in seconds.
    #[diesel(sql_type = Double)]
    pub seconds: f64,
    /// What it waits for, such as `Lock`.
    #[diesel(sql_type = Nullable<Text>)]
    pub waits_for: Option<String>,
    /// The process that keeps it waiting.
    #[diesel(sql_type = Nullable<Integer>)]
    pub blocked_by: Option<i32>,
    /// Its first words, up to the first value that is written out.
    #[diesel(sql_type = Text)]
    pub text: String,
}

/// What has been running for at least so many seconds in this database, the longest first.
pub async fn running(conn: &mut Conn, seconds: f64, limit: i64) -> Result<Vec<Running>> {
    let rows = statement(
        "SELECT pid, coalesce(nullif(application_name, ''), '-') AS program, state,
             extract(epoch FROM now() - since)::float8 AS seconds,
             wait_event_type AS waits_for, (pg_blocking_pids(pid))[1] AS blocked_by,
             left(regexp_replace(substring(query FROM '^[^''0-9]*'), '\\s+', ' ', 'g'), 80) AS text
         FROM (
             SELECT *, CASE state WHEN 'active' THEN query_start ELSE xact_start END AS since
             FROM pg_stat_activity
             WHERE backend_type = 'client backend' AND datname = current_database()
                 AND pid <> pg_backend_pid() AND state LIKE ANY ('{active,idle in transaction%}'))
             AS busy
         WHERE since < now() - $1 * interval '1 second' ORDER BY since LIMIT $2",
    );
    let rows = rows.bind::<Double, _>(seconds).bind::<BigInt, _>(limit);
    Ok(rows.load(conn).await?)
}

/// What became of the wish to cancel something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// It is done.
    Done,
    /// The process runs no statement.
    Idle,
    /// There is no such process.
    Unknown,
}

/// Cancels the statement that a process of the server runs; with `end`, its connection too.
pub async fn cancel(conn: &mut Conn, pid: i32, end: bool) -> Result<Cancelled> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Nullable<Bool>)]
        done: Option<bool>,
    }
    let text = match end {
        true => "SELECT pg_terminate_backend($1) AS done",
        false => {
            "SELECT CASE WHEN EXISTS (
                 SELECT FROM pg_stat_activity WHERE pid = $1 AND state LIKE 'idle%')
             THEN NULL ELSE pg_cancel_backend($1) END AS done"
        }
    };
    let row: Row = statement(text).bind::<Integer, _>(pid).get_result(conn).await?;
    Ok(match row.done {
        Some(true) => Cancelled::Done,
        Some(false) => Cancelled::Unknown,
        None => Cancelled::Idle,
    })
}
