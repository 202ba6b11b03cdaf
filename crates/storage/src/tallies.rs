//! Sums that wait to be folded into the statistics.
//!
//! See [`mishap_core::tally`]. A tally is written in the transaction that it counts; the fold adds
//! many of them up, adds the sums to the statistics, and takes the tallies away, in one
//! transaction. One process folds at a time.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Bool, SmallInt, Text, Timestamptz};
use diesel_async::RunQueryDsl as _;
use mishap_core::id::IssueId;
use mishap_core::sketch::PeopleSketch;
use mishap_core::tally::{MAX_TAG_VALUES, OTHER_VALUES, OutcomeKey, Tally};

use crate::error::{Error, Result};
use crate::partitions;
use crate::pool::Conn;
use crate::sql::statement;
use crate::tx::transaction;

/// The version of the stored form.
const VERSION: u8 = 1;

/// Whoever folds holds this advisory lock.
const LOCK: i64 = 0x7461_6c6c_6965;

/// Tallies folded at once.
const MAX_TALLIES: i64 = 2000;

/// Writes a tally; to be called inside the transaction that it counts.
pub async fn write(conn: &mut Conn, tally: &Tally) -> Result<()> {
    if tally.is_empty() {
        return Ok(());
    }
    statement("INSERT INTO tallies (body) VALUES ($1)")
        .bind::<Binary, _>(encode(tally)?)
        .execute(conn)
        .await?;
    Ok(())
}

fn encode(tally: &Tally) -> Result<Vec<u8>> {
    let broken = |what: String| Error::Inconsistent { table: "tallies", what };
    let plain = postcard::to_stdvec(tally).map_err(|error| broken(error.to_string()))?;
    let packed = zstd::bulk::compress(&plain, 1).map_err(|error| broken(error.to_string()))?;
    Ok(std::iter::once(VERSION).chain(packed).collect())
}

fn decode(body: &[u8]) -> Result<Tally> {
    let broken = |what: String| Error::Inconsistent { table: "tallies", what };
    let Some((&VERSION, packed)) = body.split_first() else {
        return Err(broken("an unknown version".to_owned()));
    };
    let plain = zstd::stream::decode_all(packed).map_err(|error| broken(error.to_string()))?;
    postcard::from_bytes(&plain).map_err(|error| broken(error.to_string()))
}

/// What a fold did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Folded {
    /// Tallies that were folded.
    pub tallies: usize,
    /// Whether more are waiting.
    pub more: bool,
}

/// Folds what waits into the statistics. Does nothing while another process folds.
pub async fn fold(conn: &mut Conn) -> Result<Folded> {
    if is_empty(conn).await? {
        return Ok(Folded::default());
    }
    transaction(conn, fold_once).await
}

/// Whether nothing waits to be folded.
pub async fn is_empty(conn: &mut Conn) -> Result<bool> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        empty: bool,
    }
    let query = statement("SELECT NOT EXISTS (SELECT 1 FROM tallies) AS empty");
    Ok(query.get_result::<Row>(conn).await?.empty)
}

async fn fold_once(conn: &mut Conn) -> Result<Folded> {
    #[derive(QueryableByName)]
    struct Locked {
        #[diesel(sql_type = Bool)]
        locked: bool,
    }
    #[derive(QueryableByName)]
    struct Body {
        #[diesel(sql_type = Binary)]
        body: Vec<u8>,
    }
    let lock = statement("SELECT pg_try_advisory_xact_lock($1) AS locked").bind::<BigInt, _>(LOCK);
    if !lock.get_result::<Locked>(conn).await?.locked {
        return Ok(Folded::default());
    }
    let bodies: Vec<Body> = statement(
        "DELETE FROM tallies WHERE id = ANY(ARRAY(SELECT id FROM tallies ORDER BY id LIMIT $1))
         RETURNING body",
    )
    .bind::<BigInt, _>(MAX_TALLIES)
    .load(conn)
    .await?;
    let mut sum = Tally::default();
    for row in &bodies {
        sum.add(decode(&row.body)?);
    }
    let Tally { outcomes, issue_hours, issue_tags, issue_people } = sum;
    add_outcomes(conn, outcomes).await?;
    add_issue_hours(conn, issue_hours).await?;
    add_issue_tags(conn, issue_tags).await?;
    add_issue_people(conn, issue_people).await?;
    let more = i64::try_from(bodies.len()).unwrap_or(i64::MAX) >= MAX_TALLIES;
    Ok(Folded { tallies: bodies.len(), more })
}

async fn add_outcomes(conn: &mut Conn, outcomes: BTreeMap<OutcomeKey, u64>) -> Result<()> {
    if outcomes.is_empty() {
        return Ok(());
    }
    let hours: BTreeSet<_> = outcomes.keys().map(|key| key.hour).collect();
    for hour in hours {
        partitions::ensure(conn, &partitions::OUTCOMES, hour.start()).await?;
    }
    statement(
        "INSERT INTO outcomes (project_id, hour, category, reason, quantity)
         SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::smallint[], $4::smallint[],
             $5::bigint[])
         ON CONFLICT (project_id, hour, category, reason)
         DO UPDATE SET quantity = outcomes.quantity + excluded.quantity",
    )
    .array::<BigInt, _>(outcomes.keys().map(|key| key.project).collect())
    .array::<Timestamptz, _>(outcomes.keys().map(|key| key.hour.start()).collect())
    .array::<SmallInt, _>(outcomes.keys().map(|key| key.category).collect())
    .array::<SmallInt, _>(outcomes.keys().map(|key| key.reason).collect())
    .array::<BigInt, _>(outcomes.values().map(|quantity| as_i64(*quantity)).collect())
    .execute(conn)
    .await?;
    Ok(())
}

async fn add_issue_hours(
    conn: &mut Conn,
    hours: BTreeMap<(IssueId, mishap_core::tally::Hour), u64>,
) -> Result<()> {
    if hours.is_empty() {
        return Ok(());
    }
    let starts: BTreeSet<DateTime<Utc>> = hours.keys().map(|(_, hour)| hour.start()).collect();
    for start in starts {
        partitions::ensure(conn, &partitions::ISSUE_HOURS, start).await?;
    }
    // An issue may have been deleted meanwhile.
    statement(
        "INSERT INTO issue_hours (issue_id, hour, events)
         SELECT new.issue_id, new.hour, new.events
         FROM unnest($1::bigint[], $2::timestamptz[], $3::bigint[]) AS new (issue_id, hour, events)
         JOIN issues ON issues.id = new.issue_id
         ORDER BY new.issue_id, new.hour
         ON CONFLICT (issue_id, hour) DO UPDATE SET events = issue_hours.events + excluded.events",
    )
    .array::<BigInt, _>(hours.keys().map(|(issue, _)| *issue).collect())
    .array::<Timestamptz, _>(hours.keys().map(|(_, hour)| hour.start()).collect())
    .array::<BigInt, _>(hours.values().map(|events| as_i64(*events)).collect())
    .execute(conn)
    .await?;
    Ok(())
}

type TagCounts = BTreeMap<IssueId, BTreeMap<(String, String), u64>>;

async fn add_issue_tags(conn: &mut Conn, tags: TagCounts) -> Result<()> {
    let mut rows: Vec<TagRow> = tags
        .into_iter()
        .flat_map(|(issue_id, tags)| {
            tags.into_iter().map(move |((key, value), events)| TagRow {
                issue_id,
                key,
                value,
                events: as_i64(events),
            })
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let known = raise_known_tags(conn, &rows).await?;
    rows.retain(|row| !known.contains(&(row.issue_id, row.key.clone(), row.value.clone())));
    if rows.is_empty() {
        return Ok(());
    }
    let room = room_for_tags(conn, &rows).await?;
    let rows = cap_tags(rows, room);
    statement(
        "INSERT INTO issue_tags (issue_id, key, value, events)
         SELECT new.issue_id, new.key, new.value, new.events
         FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[])
             AS new (issue_id, key, value, events)
         JOIN issues ON issues.id = new.issue_id
         ORDER BY new.issue_id, new.key, new.value
         ON CONFLICT (issue_id, key, value)
         DO UPDATE SET events = issue_tags.events + excluded.events",
    )
    .array::<BigInt, _>(rows.iter().map(|row| row.issue_id).collect())
    .array::<Text, _>(rows.iter().map(|row| row.key.as_str()).collect())
    .array::<Text, _>(rows.iter().map(|row| row.value.as_str()).collect())
    .array::<BigInt, _>(rows.iter().map(|row| row.events).collect())
    .execute(conn)
    .await?;
    Ok(())
}

#[derive(Debug)]
struct TagRow {
    issue_id: IssueId,
    key: String,
    value: String,
    events: i64,
}

/// Adds to the values that are there, and says which those were.
async fn raise_known_tags(
    conn: &mut Conn,
    rows: &[TagRow],
) -> Result<BTreeSet<(IssueId, String, String)>> {
    #[derive(QueryableByName)]
    struct Known {
        #[diesel(sql_type = BigInt)]
        issue_id: IssueId,
        #[diesel(sql_type = Text)]
        key: String,
        #[diesel(sql_type = Text)]
        value: String,
    }
    let known: Vec<Known> = statement(
        "UPDATE issue_tags AS old SET events = old.events + new.events
         FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[])
             AS new (issue_id, key, value, events)
         WHERE old.issue_id = new.issue_id AND old.key = new.key AND old.value = new.value
         RETURNING old.issue_id, old.key, old.value",
    )
    .array::<BigInt, _>(rows.iter().map(|row| row.issue_id).collect())
    .array::<Text, _>(rows.iter().map(|row| row.key.as_str()).collect())
    .array::<Text, _>(rows.iter().map(|row| row.value.as_str()).collect())
    .array::<BigInt, _>(rows.iter().map(|row| row.events).collect())
    .load(conn)
    .await?;
    Ok(known.into_iter().map(|row| (row.issue_id, row.key, row.value)).collect())
}

/// How many more values each key of an issue may have.
async fn room_for_tags(
    conn: &mut Conn,
    rows: &[TagRow],
) -> Result<BTreeMap<(IssueId, String), usize>> {
    #[derive(QueryableByName)]
    struct Taken {
        #[diesel(sql_type = BigInt)]
        issue_id: IssueId,
        #[diesel(sql_type = Text)]
        key: String,
        #[diesel(sql_type = BigInt)]
        taken: i64,
    }
    let keys: BTreeSet<_> = rows.iter().map(|row| (row.issue_id, row.key.as_str())).collect();
    let taken: Vec<Taken> = statement(
        "SELECT wanted.issue_id, wanted.key,
             (SELECT count(*) FROM issue_tags AS old
              WHERE old.issue_id = wanted.issue_id AND old.key = wanted.key) AS taken
         FROM unnest($1::bigint[], $2::text[]) AS wanted (issue_id, key)",
    )
    .array::<BigInt, _>(keys.iter().map(|(issue, _)| *issue).collect())
    .array::<Text, _>(keys.iter().map(|(_, key)| *key).collect())
    .load(conn)
    .await?;
    let room = |taken: i64| MAX_TAG_VALUES.saturating_sub(taken.try_into().unwrap_or_default());
    Ok(taken.into_iter().map(|row| ((row.issue_id, row.key), room(row.taken))).collect())
}

/// Counts the values that there is no room for as [`OTHER_VALUES`].
fn cap_tags(rows: Vec<TagRow>, mut room: BTreeMap<(IssueId, String), usize>) -> Vec<TagRow> {
    let mut kept = Vec::with_capacity(rows.len());
    let mut other: BTreeMap<(IssueId, String), i64> = BTreeMap::new();
    for row in rows {
        let key = (row.issue_id, row.key.clone());
        match room.get_mut(&key) {
            Some(room) if *room > 0 => {
                *room -= 1;
                kept.push(row);
            }
            _ => *other.entry(key).or_default() += row.events,
        }
    }
    kept.extend(other.into_iter().map(|((issue_id, key), events)| TagRow {
        issue_id,
        key,
        value: OTHER_VALUES.to_owned(),
        events,
    }));
    kept
}

async fn add_issue_people(conn: &mut Conn, people: BTreeMap<IssueId, BTreeSet<u64>>) -> Result<()> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        issue_id: IssueId,
        #[diesel(sql_type = Binary)]
        sketch: Vec<u8>,
    }
    if people.is_empty() {
        return Ok(());
    }
    let stored: Vec<Row> =
        statement("SELECT issue_id, sketch FROM issue_people WHERE issue_id = ANY($1)")
            .array::<BigInt, _>(people.keys().copied().collect())
            .load(conn)
            .await?;
    let mut sketches: BTreeMap<IssueId, PeopleSketch> = BTreeMap::new();
    for row in stored {
        let sketch = PeopleSketch::from_bytes(&row.sketch).ok_or(Error::Inconsistent {
            table: "issue_people",
            what: format!("the sketch of issue {}", row.issue_id),
        })?;
        sketches.insert(row.issue_id, sketch);
    }
    let mut changed = Vec::new();
    for (issue, hashes) in people {
        let mut sketch = sketches.remove(&issue).unwrap_or_default();
        let added = hashes.into_iter().filter(|hash| sketch.add(*hash)).count();
        if added > 0 {
            changed.push((issue, as_i64(sketch.count()), sketch.to_bytes()));
        }
    }
    statement(
        "INSERT INTO issue_people (issue_id, people, sketch)
         SELECT new.issue_id, new.people, new.sketch
         FROM unnest($1::bigint[], $2::bigint[], $3::bytea[]) AS new (issue_id, people, sketch)
         JOIN issues ON issues.id = new.issue_id
         ORDER BY new.issue_id
         ON CONFLICT (issue_id)
         DO UPDATE SET people = excluded.people, sketch = excluded.sketch",
    )
    .array::<BigInt, _>(changed.iter().map(|(issue, _, _)| *issue).collect())
    .array::<BigInt, _>(changed.iter().map(|(_, people, _)| *people).collect())
    .array::<Binary, _>(changed.iter().map(|(_, _, sketch)| sketch.as_slice()).collect())
    .execute(conn)
    .await?;
    Ok(())
}

fn as_i64(quantity: u64) -> i64 {
    i64::try_from(quantity).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(key: &str, value: &str) -> TagRow {
        TagRow { issue_id: IssueId(1), key: key.to_owned(), value: value.to_owned(), events: 2 }
    }

    #[test]
    fn values_without_room_are_counted_together() {
        let rows = vec![row("a", "1"), row("a", "2"), row("a", "3"), row("b", "1")];
        let room =
            BTreeMap::from([((IssueId(1), "a".to_owned()), 1), ((IssueId(1), "b".to_owned()), 5)]);
        let kept: Vec<_> =
            cap_tags(rows, room).into_iter().map(|row| (row.key, row.value, row.events)).collect();
        let expected = [("a", "1", 2), ("b", "1", 2), ("a", OTHER_VALUES, 4)];
        assert_eq!(kept, expected.map(|(key, value, n)| (key.to_owned(), value.to_owned(), n)));
    }

    #[test]
    fn a_tally_survives_storage_and_an_unknown_version_is_refused() {
        let mut tally = Tally::default();
        let now = DateTime::from_timestamp(0, 0).unwrap();
        tally.count_event(IssueId(1), now, [("os", "Linux")].into_iter(), Some(7));
        let body = encode(&tally).unwrap();
        assert_eq!(decode(&body).unwrap(), tally);
        assert!(decode(&[9, 9]).is_err());
        assert!(decode(&[]).is_err());
    }
}
