//! What takes how much room, and whose it is.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Float, SmallInt, Text};
use diesel_async::RunQueryDsl as _;
use mishap_core::outcome::Reason;

use crate::error::Result;
use crate::partitions::{self, Partition, Partitioned};
use crate::pool::Conn;
use crate::sql::statement;

/// Pages of events that are looked at to find out whose they are.
const SAMPLED_PAGES: f64 = 5000.0;

/// A table and what deleted and changed rows left in it.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct DeadRows {
    /// The table, or the partition of one.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Rows that are there, as the database guesses.
    #[diesel(sql_type = BigInt)]
    pub live: i64,
    /// Rows that are gone and still take room.
    #[diesel(sql_type = BigInt)]
    pub dead: i64,
}

/// Tables in which at least so many rows are dead, and a fifth of all; most first.
pub async fn dead_rows(conn: &mut Conn, at_least: i64) -> Result<Vec<DeadRows>> {
    let rows = statement(
        "SELECT relname::text AS name, n_live_tup AS live, n_dead_tup AS dead
         FROM pg_stat_user_tables
         WHERE schemaname = 'public' AND n_dead_tup >= $1 AND n_dead_tup * 4 >= n_live_tup
         ORDER BY n_dead_tup DESC, 1",
    );
    Ok(rows.bind::<BigInt, _>(at_least).load(conn).await?)
}

/// The partitions of a table, by when they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shelf {
    /// The table.
    pub table: &'static str,
    /// Partitions whose time is over.
    pub past: usize,
    /// The one whose time it is, if it is there.
    pub current: usize,
    /// Partitions whose time is to come.
    pub future: usize,
    /// When the oldest begins.
    pub oldest: Option<DateTime<Utc>>,
    /// When the newest ends.
    pub newest: Option<DateTime<Utc>>,
}

impl Shelf {
    fn of(table: &Partitioned, partitions: &[Partition], now: DateTime<Utc>) -> Self {
        let past = partitions.iter().filter(|it| it.to <= now).count();
        let future = partitions.iter().filter(|it| it.from > now).count();
        Self {
            table: table.table,
            past,
            current: partitions.len() - past - future,
            future,
            oldest: partitions.first().map(|it| it.from),
            newest: partitions.last().map(|it| it.to),
        }
    }
}

/// Every partitioned table with its partitions, by the database's clock.
pub async fn shelves(conn: &mut Conn) -> Result<Vec<Shelf>> {
    let now = crate::now(conn).await?;
    let mut shelves = Vec::new();
    for table in &partitions::ALL {
        let partitions = partitions::list(conn, table).await?;
        shelves.push(Shelf::of(table, &partitions, now));
    }
    Ok(shelves)
}

/// What an organization has stored.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Share {
    /// Its name in URLs.
    #[diesel(sql_type = Text)]
    pub organization: String,
    /// Events stored since the oldest partition begins, as they were counted.
    #[diesel(sql_type = BigInt)]
    pub events: i64,
    /// Bytes of the events' tables that are its own, about: a sample of the pages says whose they are.
    #[diesel(sql_type = BigInt)]
    pub bytes: i64,
}

/// The organizations by the room that their events take, the largest first.
pub async fn shares(conn: &mut Conn, limit: i64) -> Result<Vec<Share>> {
    #[derive(QueryableByName)]
    struct Size {
        #[diesel(sql_type = BigInt)]
        pages: i64,
        #[diesel(sql_type = BigInt)]
        bytes: i64,
    }
    let size: Size = statement(
        "SELECT coalesce(sum(pg_relation_size(c.oid) / 8192), 0)::bigint AS pages,
             coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint AS bytes
         FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
         WHERE i.inhparent = 'events'::regclass",
    )
    .get_result(conn)
    .await?;
    let rows = statement(
        "WITH kept AS (
             SELECT coalesce(min(received), now()) AS since FROM events),
         sampled AS (
             SELECT project_id, sum(pg_column_size(body) + 100) AS bytes
             FROM events TABLESAMPLE SYSTEM ($1) GROUP BY 1),
         counted AS (
             SELECT project_id, sum(quantity) AS events FROM outcomes, kept
             WHERE reason = $2 AND hour >= date_trunc('hour', kept.since, 'UTC') GROUP BY 1)
         SELECT o.slug AS organization, coalesce(sum(c.events), 0)::bigint AS events,
             coalesce(sum(s.bytes) * $3 / (SELECT sum(bytes) FROM sampled), 0)::bigint AS bytes
         FROM projects p JOIN organizations o ON o.id = p.organization_id
         LEFT JOIN sampled s ON s.project_id = p.id LEFT JOIN counted c ON c.project_id = p.id
         WHERE s.bytes IS NOT NULL OR c.events IS NOT NULL
         GROUP BY 1 ORDER BY 3 DESC, 2 DESC, 1 LIMIT $4",
    )
    .bind::<Float, _>(percent(size.pages))
    .bind::<SmallInt, _>(Reason::Ok.code())
    .bind::<BigInt, _>(size.bytes)
    .bind::<BigInt, _>(limit);
    Ok(rows.load(conn).await?)
}

/// How much of so many pages to look at.
fn percent(pages: i64) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let part = SAMPLED_PAGES / pages.max(1) as f64;
    #[expect(clippy::cast_possible_truncation, reason = "between 0 and 100")]
    let percent = (part.min(1.0) * 100.0) as f32;
    percent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_pages_are_all_looked_at_and_many_in_part() {
        assert!((percent(0) - 100.0).abs() < 1e-6);
        assert!((percent(5000) - 100.0).abs() < 1e-6);
        assert!((percent(500_000) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn partitions_are_past_current_or_future() {
        let table = &partitions::EVENTS;
        let of = |name: &str| {
            let (from, to) = partitions::bounds(table, name).unwrap();
            Partition { name: name.to_owned(), from, to }
        };
        let all = ["events_20270101", "events_20270102", "events_20270103", "events_20270104"];
        let now = "2027-01-02T00:00:00Z".parse().unwrap();
        let shelf = Shelf::of(table, &all.map(of), now);
        assert_eq!((shelf.past, shelf.current, shelf.future), (1, 1, 2));
        assert_eq!(shelf.newest, Some("2027-01-05T00:00:00Z".parse().unwrap()));
    }
}
