//! Tables partitioned by time: made ahead, made on demand, dropped as a whole.
//!
//! A partition is made as a table of its own and then attached, which needs no lock that readers
//! or writers of the parent would wait for. Its name carries the time it begins at.

use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, NaiveTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncConnection as _, RunQueryDsl as _, SimpleAsyncConnection as _};
use mishap_core::causes::Causes;

use crate::error::{ErrorClass, Result};
use crate::pool::Conn;
use crate::sql::statement;

/// How long a partition's time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// A day.
    Day,
    /// A month.
    Month,
}

/// A table that is partitioned by time.
#[derive(Debug, Clone, Copy)]
pub struct Partitioned {
    /// Its name.
    pub table: &'static str,
    /// The column it is partitioned by.
    column: &'static str,
    /// How long a partition's time is.
    pub span: Span,
    /// What each partition has besides what it inherits, and how it is stored.
    extras: fn(&str) -> String,
}

/// Every partitioned table.
pub const ALL: [Partitioned; 4] = [EVENTS, ATTACHMENTS, ISSUE_HOURS, OUTCOMES];

/// Events, by the day they were received.
pub const EVENTS: Partitioned = Partitioned {
    table: "events",
    column: "received",
    span: Span::Day,
    // Bodies of a few kilobytes stay in their page; without it each would take another table's
    // pages, and an index of that.
    extras: |partition| {
        format!(
            "ALTER TABLE {partition} SET (toast_tuple_target = 8160);
             CREATE UNIQUE INDEX {partition}_event_key ON {partition} (project_id, event_id)"
        )
    },
};

/// Attachments, by the day they were received.
pub const ATTACHMENTS: Partitioned = Partitioned {
    table: "attachments",
    column: "received",
    span: Span::Day,
    extras: |_| String::new(),
};

/// Hourly counts of issues, by day.
pub const ISSUE_HOURS: Partitioned = Partitioned {
    table: "issue_hours",
    column: "hour",
    span: Span::Day,
    extras: |partition| format!("ALTER TABLE {partition} SET (fillfactor = 80)"),
};

/// Hourly counts of outcomes, by month.
pub const OUTCOMES: Partitioned = Partitioned {
    table: "outcomes",
    column: "hour",
    span: Span::Month,
    extras: |partition| format!("ALTER TABLE {partition} SET (fillfactor = 80)"),
};

impl Span {
    /// The first day of the partition that a time belongs to.
    fn floor(self, time: DateTime<Utc>) -> NaiveDate {
        let day = time.date_naive();
        match self {
            Self::Day => day,
            Self::Month => day.with_day(1).unwrap_or(day),
        }
    }

    /// The first day of the next partition.
    fn next(self, day: NaiveDate) -> NaiveDate {
        let next = match self {
            Self::Day => day.checked_add_days(Days::new(1)),
            Self::Month => day.checked_add_months(Months::new(1)),
        };
        next.unwrap_or(day)
    }
}

/// Makes the partition that `time` belongs to, unless it is there; says whether it was made.
pub async fn ensure(conn: &mut Conn, table: &Partitioned, time: DateTime<Utc>) -> Result<bool> {
    let Partitioned { table: parent, column, span, extras } = *table;
    let from = span.floor(time);
    let to = span.next(from);
    let partition = format!("{parent}_{}", from.format("%Y%m%d"));
    if exists(conn, &partition).await? {
        return Ok(false);
    }
    let (from, to) = (from.format("%Y-%m-%d 00:00:00+00"), to.format("%Y-%m-%d 00:00:00+00"));
    // The check spares the attachment a scan; afterwards it says nothing that the bounds do not.
    let made = conn
        .transaction(async |conn: &mut Conn| {
            conn.batch_execute(&format!(
                "CREATE TABLE {partition} (LIKE {parent} INCLUDING DEFAULTS INCLUDING STORAGE,
                     CONSTRAINT bounds CHECK ({column} >= '{from}' AND {column} < '{to}'));
                 {extras};
                 ALTER TABLE {parent} ATTACH PARTITION {partition}
                     FOR VALUES FROM ('{from}') TO ('{to}');
                 ALTER TABLE {partition} DROP CONSTRAINT bounds",
                extras = extras(&partition),
            ))
            .await?;
            Ok::<_, crate::error::Error>(())
        })
        .await;
    match made {
        Ok(()) => Ok(true),
        // Another process was faster.
        Err(error)
            if error.class() != ErrorClass::Unavailable && exists(conn, &partition).await? =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Makes the partitions of today and of the days ahead; says which were made.
pub async fn ensure_ahead(
    conn: &mut Conn,
    now: DateTime<Utc>,
    days: u64,
) -> Result<Vec<&'static str>> {
    let mut made = Vec::new();
    for table in &ALL {
        for day in 0..=days {
            let time = now.checked_add_days(Days::new(day)).unwrap_or(now);
            if ensure(conn, table, time).await? {
                made.push(table.table);
            }
        }
    }
    Ok(made)
}

/// A partition of a table, and the first moment after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Its name.
    pub name: String,
    /// When it begins.
    pub from: DateTime<Utc>,
    /// When it ends.
    pub to: DateTime<Utc>,
}

/// The partitions of a table, the oldest first.
pub async fn list(conn: &mut Conn, table: &Partitioned) -> Result<Vec<Partition>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let rows: Vec<Row> = statement(
        "SELECT c.relname::text AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
         WHERE i.inhparent = $1::regclass ORDER BY c.relname",
    )
    .bind::<Text, _>(table.table)
    .load(conn)
    .await?;
    let partition = |row: Row| {
        let (from, to) = bounds(table, &row.name)?;
        Some(Partition { from, to, name: row.name })
    };
    Ok(rows.into_iter().filter_map(partition).collect())
}

/// How large a partition is.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct PartitionSize {
    /// The table it is of.
    #[diesel(sql_type = Text)]
    pub table: String,
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Rows, as the database guesses.
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
    /// Bytes on disk, indexes included.
    #[diesel(sql_type = BigInt)]
    pub bytes: i64,
}

/// The sizes of all partitions of [`ALL`], table by table, the oldest first.
pub async fn sizes(conn: &mut Conn) -> Result<Vec<PartitionSize>> {
    let rows = statement(
        "SELECT p.relname::text AS table, c.relname::text AS name,
             greatest(c.reltuples, 0)::bigint AS rows, pg_total_relation_size(c.oid) AS bytes
         FROM pg_inherits i
         JOIN pg_class c ON c.oid = i.inhrelid
         JOIN pg_class p ON p.oid = i.inhparent
         WHERE p.relkind = 'p' AND c.relkind = 'r' AND p.relname = ANY($1)
             AND p.relnamespace = 'public'::regnamespace
         ORDER BY p.relname, c.relname",
    )
    .array::<Text, _>(ALL.iter().map(|table| table.table).collect());
    Ok(rows.load(conn).await?)
}

/// The time of a partition by its name: its first moment, and the first one after it.
pub fn bounds(table: &Partitioned, name: &str) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let day = name.strip_prefix(table.table)?.strip_prefix('_')?;
    let from = NaiveDate::parse_from_str(day, "%Y%m%d").ok()?;
    let start = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
    Some((start(from), start(table.span.next(from))))
}

/// Drops the partitions of a table that end before `horizon`; says which.
///
/// A partition whose lock cannot be had soon is left for the next time.
pub async fn drop_before(
    conn: &mut Conn,
    table: &Partitioned,
    horizon: DateTime<Utc>,
) -> Result<Vec<String>> {
    let mut dropped = Vec::new();
    for partition in list(conn, table).await? {
        if partition.to > horizon {
            break;
        }
        let gone = conn
            .batch_execute(&format!(
                "BEGIN; SET LOCAL lock_timeout = '5s'; DROP TABLE {}; COMMIT",
                partition.name
            ))
            .await;
        match gone {
            Ok(()) => dropped.push(partition.name),
            Err(error) => {
                conn.batch_execute("ROLLBACK").await?;
                tracing::warn!(
                    partition.name,
                    error = %Causes(&error),
                    "a partition could not be dropped and is left for the next time"
                );
                break;
            }
        }
    }
    Ok(dropped)
}

/// Whether a partition has no rows at all.
pub async fn is_empty(conn: &mut Conn, partition: &Partition) -> Result<bool> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        bytes: i64,
    }
    let size = statement("SELECT pg_relation_size($1::regclass) AS bytes");
    let row: Row = size.bind::<Text, _>(partition.name.as_str()).get_result(conn).await?;
    Ok(row.bytes == 0)
}

async fn exists(conn: &mut Conn, partition: &str) -> Result<bool> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Bool)]
        exists: bool,
    }
    // While a partition is being made its name is taken but it is not attached yet; only an
    // attached one counts.
    let exists = statement(
        "SELECT EXISTS (SELECT 1 FROM pg_class WHERE oid = to_regclass($1) AND relispartition)
             AS exists",
    );
    Ok(exists.bind::<Text, _>(partition).get_result::<Row>(conn).await?.exists)
}
