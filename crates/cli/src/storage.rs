//! `mishap storage`: what takes how much room, and whose it is.

use std::fmt;

use chrono::{DateTime, Utc};
use mishap_storage::measures::{self, TableParts};
use mishap_storage::stores::{self, DeadRows, Share, Shelf};
use serde::Serialize;

use crate::command::StorageOptions;
use crate::operator::{Operator, expect_schema};
use crate::output::{Output, bytes, table, time};

/// Dead rows that are worth knowing.
const DEAD_ROWS: i64 = 10_000;

#[derive(Debug, Serialize)]
struct Storage {
    database_bytes: i64,
    retention_days: u32,
    tables: Vec<Table>,
    partitions: Vec<Partitions>,
    organizations: Vec<Organization>,
    dead_rows: Vec<Dead>,
}

#[derive(Debug, Serialize)]
struct Table {
    table: String,
    rows: i64,
    bytes: i64,
    index_bytes: i64,
}

#[derive(Debug, Serialize)]
struct Partitions {
    table: &'static str,
    past: usize,
    current: usize,
    future: usize,
    oldest: Option<DateTime<Utc>>,
    newest: Option<DateTime<Utc>>,
}

#[derive(Debug, Serialize)]
struct Organization {
    organization: String,
    events: i64,
    bytes: i64,
}

#[derive(Debug, Serialize)]
struct Dead {
    table: String,
    live: i64,
    dead: i64,
}

impl fmt::Display for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (size, days) = (bytes(self.database_bytes), self.retention_days);
        writeln!(f, "Database: {size}; events kept: {days} days")?;
        let rows = self.tables.iter().map(|it| {
            let size = bytes(it.bytes + it.index_bytes);
            [it.table.clone(), it.rows.to_string(), size, bytes(it.index_bytes)]
        });
        writeln!(f, "\n{}", titled(["table", "rows, about", "size", "of it indexes"], rows))?;
        let day = |it: Option<DateTime<Utc>>| it.map_or_else(|| "-".to_owned(), time);
        let rows = self.partitions.iter().map(|it| {
            let [past, current, future] = [it.past, it.current, it.future].map(|n| n.to_string());
            [it.table.to_owned(), past, current, future, day(it.oldest), day(it.newest)]
        });
        let heading = ["partitions of", "past", "current", "future", "from", "until"];
        writeln!(f, "\n{}", titled(heading, rows))?;
        let rows = self
            .organizations
            .iter()
            .map(|it| [it.organization.clone(), it.events.to_string(), bytes(it.bytes)]);
        write!(f, "\n{}", titled(["organization", "events", "size, about"], rows))?;
        if !self.dead_rows.is_empty() {
            let rows = self
                .dead_rows
                .iter()
                .map(|it| [it.table.clone(), it.live.to_string(), it.dead.to_string()]);
            write!(f, "\n\n{}", titled(["to be vacuumed", "rows", "dead rows"], rows))?;
        }
        Ok(())
    }
}

fn titled<const N: usize>(heading: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let heading = heading.map(str::to_owned).to_vec();
    table(&std::iter::once(heading).chain(rows.map(Vec::from)).collect::<Vec<_>>())
}

pub(crate) async fn run(options: &StorageOptions, output: Output) -> anyhow::Result<()> {
    let operator = Operator::new()?;
    let mut conn = operator.conn().await?;
    expect_schema(&mut conn).await?;
    let limit = options.limit.clamp(1, 10_000);
    let totals = measures::totals(&mut conn).await?;
    let tables = measures::largest_tables(&mut conn, limit).await?;
    let shelves = stores::shelves(&mut conn).await?;
    let shares = stores::shares(&mut conn, limit).await?;
    let dead_rows = stores::dead_rows(&mut conn, DEAD_ROWS).await?;
    let table = |TableParts { name, rows, bytes, index_bytes }| Table {
        table: name,
        rows,
        bytes,
        index_bytes,
    };
    let partitions = |Shelf { table, past, current, future, oldest, newest }| Partitions {
        table,
        past,
        current,
        future,
        oldest,
        newest,
    };
    let share =
        |Share { organization, events, bytes }| Organization { organization, events, bytes };
    let dead = |DeadRows { name, live, dead }| Dead { table: name, live, dead };
    output.show(&Storage {
        database_bytes: totals.database_bytes,
        retention_days: operator.settings.retention_days,
        tables: tables.into_iter().map(table).collect(),
        partitions: shelves.into_iter().map(partitions).collect(),
        organizations: shares.into_iter().map(share).collect(),
        dead_rows: dead_rows.into_iter().map(dead).collect(),
    })
}
