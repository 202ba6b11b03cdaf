//! The inbox: envelopes that were acknowledged and wait to be digested.
//!
//! A row is written once, committed before the client hears 200, and deleted in the transaction
//! that stores what was in it. So a row that is there is work to be done, and nothing else has to
//! be kept in step. Writing moves from slot to slot (partitions) every `SLOT_SECONDS`; a slot that
//! is empty and behind is truncated, which leaves vacuum nothing to do.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{
    BigInt, Binary, Double, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use mishap_core::admission::Backlog;
use mishap_core::id::{EventId, InboxId, ProjectId};
use mishap_core::tally::Tally;
use mishap_protocol::compression::{Coding, Codings};
use uuid::Uuid;

use crate::clock::now;
use crate::error::Result;
use crate::pool::Conn;
use crate::sql::statement;
use crate::tallies;
use crate::tx::{attempt, transaction};

/// Slots that take turns.
const SLOTS: i16 = 4;

/// How long a slot is written to, in seconds.
const SLOT_SECONDS: i64 = 10;

/// How a payload is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadCoding {
    /// Not at all.
    Plain,
    /// gzip, as the client sent it.
    Gzip,
    /// zstd.
    Zstd,
    /// As only another version knows, which stored this code.
    Other(i16),
}

impl PayloadCoding {
    /// The codings to be undone; nothing if this version does not know them.
    pub fn codings(self) -> Option<Codings> {
        match self {
            Self::Plain => Some(Codings::default()),
            Self::Gzip => Some(Coding::Gzip.into()),
            Self::Zstd => Some(Coding::Zstd.into()),
            Self::Other(_) => None,
        }
    }

    /// The stored code.
    pub fn code(self) -> i16 {
        match self {
            Self::Plain => 0,
            Self::Gzip => 1,
            Self::Zstd => 2,
            Self::Other(code) => code,
        }
    }

    /// The coding that a stored code stands for.
    pub fn from_code(code: i16) -> Self {
        match code {
            0 => Self::Plain,
            1 => Self::Gzip,
            2 => Self::Zstd,
            other => Self::Other(other),
        }
    }
}

/// An envelope to be kept.
#[derive(Debug, Clone)]
pub struct NewEnvelope {
    /// The project it was sent to.
    pub project: ProjectId,
    /// The id that the client is answered.
    pub event_id: Option<EventId>,
    /// How the payload is compressed.
    pub coding: PayloadCoding,
    /// Bytes of the payload when inflated.
    pub size: u32,
    /// Places of items that were refused.
    pub skip: Vec<u16>,
    /// Where the connection came from.
    pub client_ip: Option<IpAddr>,
    /// The connection's user agent.
    pub user_agent: Option<String>,
    /// When it was acknowledged, if that was earlier than now.
    pub received: Option<DateTime<Utc>>,
    /// The envelope.
    pub payload: Bytes,
}

/// An envelope that was taken while the database was away.
#[derive(Debug, Clone)]
pub struct Overflowed {
    /// Its own id, by which it is moved into the inbox once only.
    pub id: Uuid,
    /// How long ago it was acknowledged.
    pub waited: Duration,
    /// The envelope.
    pub envelope: NewEnvelope,
}

/// Where a row of the inbox is, and how large its payload is when inflated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket {
    /// The slot it was written to.
    pub slot: i16,
    /// Its number.
    pub id: InboxId,
    /// Bytes.
    pub size: u32,
}

/// A row of the inbox that was claimed.
#[derive(Debug, Clone)]
pub struct InboxRow {
    /// Where it is.
    pub ticket: Ticket,
    /// When it was acknowledged, by the database's clock.
    pub received: DateTime<Utc>,
    /// How long it had waited when it was claimed, by the database's clock.
    pub waited: Duration,
    /// The envelope.
    pub envelope: NewEnvelope,
}

#[derive(QueryableByName)]
struct TicketRow {
    #[diesel(sql_type = SmallInt)]
    slot: i16,
    #[diesel(sql_type = BigInt)]
    id: InboxId,
    #[diesel(sql_type = Integer)]
    size: i32,
}

impl From<TicketRow> for Ticket {
    fn from(row: TicketRow) -> Self {
        Self { slot: row.slot, id: row.id, size: row.size.try_into().unwrap_or_default() }
    }
}

/// Writes envelopes and what was refused beside them, all or nothing; the group commit.
///
/// Once this returns, the envelopes are durable.
pub async fn accept(
    conn: &mut Conn,
    envelopes: &[NewEnvelope],
    refused: &Tally,
) -> Result<Vec<Ticket>> {
    if refused.is_empty() {
        return insert(conn, envelopes).await;
    }
    transaction(conn, async |conn: &mut Conn| {
        tallies::write(conn, refused).await?;
        insert(conn, envelopes).await
    })
    .await
}

async fn insert(conn: &mut Conn, envelopes: &[NewEnvelope]) -> Result<Vec<Ticket>> {
    if envelopes.is_empty() {
        return Ok(Vec::new());
    }
    // Rows of one batch differ by microseconds, so that events have an order.
    let rows = statement(
        "INSERT INTO inbox (slot, received, project_id, event_id, coding, size, skip, client_ip,
             user_agent, payload)
         SELECT extract(epoch FROM now())::bigint / $1 % $2,
             coalesce(received, now() + place * interval '1 microsecond'),
             project_id, event_id, coding, size, skip, client_ip, user_agent, payload
         FROM unnest($3::timestamptz[], $4::bigint[], $5::uuid[], $6::smallint[], $7::integer[],
             $8::bytea[], $9::text[], $10::text[], $11::bytea[])
             WITH ORDINALITY AS new (received, project_id, event_id, coding, size, skip, client_ip,
                 user_agent, payload, place)
         RETURNING slot, id, size",
    )
    .bind::<BigInt, _>(SLOT_SECONDS)
    .bind::<BigInt, _>(i64::from(SLOTS))
    .nullable_array::<Timestamptz, _>(envelopes.iter().map(|new| new.received).collect())
    .array::<BigInt, _>(envelopes.iter().map(|new| new.project).collect())
    .nullable_array::<SqlUuid, _>(envelopes.iter().map(|new| new.event_id.map(|id| id.0)).collect())
    .array::<SmallInt, _>(envelopes.iter().map(|new| new.coding.code()).collect())
    .array::<Integer, _>(
        envelopes.iter().map(|new| i32::try_from(new.size).unwrap_or(i32::MAX)).collect(),
    )
    .nullable_array::<Binary, _>(envelopes.iter().map(|new| packed(&new.skip)).collect())
    .nullable_array::<Text, _>(
        envelopes.iter().map(|new| new.client_ip.map(|ip| ip.to_string())).collect(),
    )
    .nullable_array::<Text, _>(envelopes.iter().map(|new| new.user_agent.as_deref()).collect())
    .array::<Binary, _>(envelopes.iter().map(|new| new.payload.as_ref()).collect())
    .load::<TicketRow>(conn)
    .await?;
    Ok(rows.into_iter().map(Ticket::from).collect())
}

/// Moves entries of the Redis overflow into the inbox, each once however often it is tried.
///
/// Returns tickets for those that were not there yet.
pub async fn accept_overflow(conn: &mut Conn, entries: &[Overflowed]) -> Result<Vec<Ticket>> {
    #[derive(QueryableByName)]
    struct Id {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
    }
    transaction(conn, async |conn: &mut Conn| {
        let fresh: Vec<Id> = statement(
            "INSERT INTO overflow_drained (id) SELECT unnest($1::uuid[]) ON CONFLICT DO NOTHING
             RETURNING id",
        )
        .array::<SqlUuid, _>(entries.iter().map(|entry| entry.id).collect())
        .load(conn)
        .await?;
        let is_fresh = |entry: &&Overflowed| fresh.iter().any(|row| row.id == entry.id);
        let now = now(conn).await?;
        let envelopes: Vec<_> = entries
            .iter()
            .filter(is_fresh)
            .map(|entry| NewEnvelope {
                received: Some(now - entry.waited),
                ..entry.envelope.clone()
            })
            .collect();
        insert(conn, &envelopes).await
    })
    .await
}

/// Locks and reads rows that nobody else has; to be called inside a transaction.
///
/// Rows that another worker has locked, or has finished, are left out.
pub async fn claim(conn: &mut Conn, tickets: &[Ticket]) -> Result<Vec<InboxRow>> {
    let mut claimed = Vec::with_capacity(tickets.len());
    for slot in slots_of(tickets) {
        let rows: Vec<PayloadRow> = statement(
            "SELECT slot, id, size, received, project_id, event_id, coding, skip,
                 client_ip, user_agent, payload,
                 extract(epoch FROM clock_timestamp() - received)::float8 AS waited
             FROM inbox WHERE slot = $1 AND id = ANY($2) ORDER BY id FOR UPDATE SKIP LOCKED",
        )
        .bind::<SmallInt, _>(slot)
        .array::<BigInt, _>(ids_in(tickets, slot))
        .load(conn)
        .await?;
        claimed.extend(rows.into_iter().map(PayloadRow::into_inbox_row));
    }
    Ok(claimed)
}

/// Locks the oldest rows that are at least `age` old and no suspects; to be called inside a
/// transaction.
pub async fn claim_oldest(conn: &mut Conn, age: Duration, limit: i64) -> Result<Vec<Ticket>> {
    let rows: Vec<TicketRow> = statement(
        "SELECT slot, id, size FROM inbox
         WHERE received <= now() - $1 * interval '1 second' AND attempts = 0
         ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED",
    )
    .bind::<Double, _>(age.as_secs_f64())
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(Ticket::from).collect())
}

/// Forgets which entries of the overflow were moved more than a day ago; says how many.
pub async fn forget_drained(conn: &mut Conn) -> Result<usize> {
    let forgotten =
        statement("DELETE FROM overflow_drained WHERE drained_at < now() - interval '1 day'");
    Ok(forgotten.execute(conn).await?)
}

/// Deletes rows whose content is stored; to be called inside the transaction that stored it.
pub async fn finish(conn: &mut Conn, tickets: &[Ticket]) -> Result<()> {
    for slot in slots_of(tickets) {
        statement("DELETE FROM inbox WHERE slot = $1 AND id = ANY($2)")
            .bind::<SmallInt, _>(slot)
            .array::<BigInt, _>(ids_in(tickets, slot))
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// Makes the oldest rows suspects: one of them may have brought a worker down. Says how many.
pub async fn suspect_oldest(conn: &mut Conn, limit: i64) -> Result<usize> {
    let suspected = statement(
        "UPDATE inbox SET attempts = 1 FROM (
             SELECT slot, id FROM inbox WHERE attempts = 0
             ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED) AS oldest
         WHERE inbox.slot = oldest.slot AND inbox.id = oldest.id",
    );
    Ok(suspected.bind::<BigInt, _>(limit).execute(conn).await?)
}

/// Makes rows suspects, or counts one more attempt at them.
pub async fn suspect(conn: &mut Conn, tickets: &[Ticket]) -> Result<()> {
    for slot in slots_of(tickets) {
        statement("UPDATE inbox SET attempts = attempts + 1 WHERE slot = $1 AND id = ANY($2)")
            .bind::<SmallInt, _>(slot)
            .array::<BigInt, _>(ids_in(tickets, slot))
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// A row that is digested alone because it may bring a worker down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suspect {
    /// Where it is.
    pub ticket: Ticket,
    /// How often it was tried, this time included.
    pub attempts: i16,
}

/// Takes up the oldest suspect and counts the attempt; uses `inbox_suspects_idx`.
///
/// To be called outside a transaction: the count must outlive a worker that dies of it.
pub async fn try_suspect(conn: &mut Conn) -> Result<Option<Suspect>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(embed)]
        ticket: TicketRow,
        #[diesel(sql_type = SmallInt)]
        attempts: i16,
    }
    let row: Option<Row> = statement(
        "UPDATE inbox SET attempts = attempts + 1 FROM (
             SELECT slot, id FROM inbox WHERE attempts > 0
             ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) AS oldest
         WHERE inbox.slot = oldest.slot AND inbox.id = oldest.id
         RETURNING inbox.slot, inbox.id, inbox.size, (inbox.attempts - 1)::smallint AS attempts",
    )
    .load(conn)
    .await?
    .pop();
    Ok(row.map(|row| Suspect { ticket: row.ticket.into(), attempts: row.attempts }))
}

/// How much waits. The number of rows is an upper bound: it counts numbers, not rows.
pub async fn backlog(conn: &mut Conn) -> Result<Backlog> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        rows: i64,
        #[diesel(sql_type = BigInt)]
        oldest_seconds: i64,
    }
    let row: Option<Row> = statement(
        "SELECT (SELECT last_value FROM inbox_id_seq) - id + 1 AS rows,
             greatest(extract(epoch FROM clock_timestamp() - received), 0)::bigint AS oldest_seconds
         FROM inbox ORDER BY id LIMIT 1",
    )
    .load(conn)
    .await?
    .pop();
    Ok(row.map_or_else(Backlog::default, |row| Backlog {
        rows: row.rows.try_into().unwrap_or_default(),
        oldest_seconds: row.oldest_seconds.try_into().unwrap_or_default(),
    }))
}

/// Whether nothing waits.
pub async fn is_empty(conn: &mut Conn) -> Result<bool> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Bool)]
        empty: bool,
    }
    let query = statement("SELECT NOT EXISTS (SELECT 1 FROM inbox) AS empty");
    Ok(query.get_result::<Row>(conn).await?.empty)
}

/// The exact number of rows, by counting them.
pub async fn count(conn: &mut Conn) -> Result<i64> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        rows: i64,
    }
    Ok(statement("SELECT count(*) AS rows FROM inbox").get_result::<Row>(conn).await?.rows)
}

/// Truncates slots that nobody writes to any more and that are empty; says how many.
///
/// A slot whose lock cannot be had at once is left for the next time.
pub async fn rotate(conn: &mut Conn) -> Result<usize> {
    #[derive(QueryableByName)]
    struct Current {
        #[diesel(sql_type = BigInt)]
        slot: i64,
    }
    let current = statement("SELECT extract(epoch FROM now())::bigint / $1 % $2 AS slot")
        .bind::<BigInt, _>(SLOT_SECONDS)
        .bind::<BigInt, _>(i64::from(SLOTS))
        .get_result::<Current>(conn)
        .await?
        .slot;
    let mut truncated = 0;
    for slot in 0..SLOTS {
        let age = (current - i64::from(slot)).rem_euclid(i64::from(SLOTS));
        // Writers may still be at the slot before the current one.
        if age < 2 || !is_used(conn, slot).await? {
            continue;
        }
        match truncate(conn, slot).await {
            Ok(done) => truncated += usize::from(done),
            Err(error) if error.class() == crate::error::ErrorClass::Conflict => {}
            Err(error) => return Err(error),
        }
    }
    Ok(truncated)
}

/// Whether a slot takes space but holds no row.
async fn is_used(conn: &mut Conn, slot: i16) -> Result<bool> {
    #[derive(QueryableByName)]
    struct Used {
        #[diesel(sql_type = diesel::sql_types::Bool)]
        used: bool,
    }
    let used = statement(
        "SELECT pg_relation_size(format('inbox_%s', $1::smallint)::regclass) > 0
             AND NOT EXISTS (SELECT 1 FROM inbox WHERE slot = $2) AS used",
    )
    .bind::<SmallInt, _>(slot)
    .bind::<SmallInt, _>(slot);
    Ok(used.get_result::<Used>(conn).await?.used)
}

async fn truncate(conn: &mut Conn, slot: i16) -> Result<bool> {
    #[derive(QueryableByName)]
    struct Empty {
        #[diesel(sql_type = diesel::sql_types::Bool)]
        empty: bool,
    }
    attempt(conn, &async |conn: &mut Conn| {
        conn.batch_execute(&format!(
            "SET LOCAL lock_timeout = '100ms'; LOCK TABLE inbox_{slot} IN ACCESS EXCLUSIVE MODE"
        ))
        .await?;
        let empty = statement("SELECT NOT EXISTS (SELECT 1 FROM inbox WHERE slot = $1) AS empty")
            .bind::<SmallInt, _>(slot)
            .get_result::<Empty>(conn)
            .await?
            .empty;
        if empty {
            conn.batch_execute(&format!("TRUNCATE inbox_{slot}")).await?;
        }
        Ok(empty)
    })
    .await
}

fn slots_of(tickets: &[Ticket]) -> Vec<i16> {
    let mut slots: Vec<_> = tickets.iter().map(|ticket| ticket.slot).collect();
    slots.sort_unstable();
    slots.dedup();
    slots
}

fn ids_in(tickets: &[Ticket], slot: i16) -> Vec<InboxId> {
    let mut ids: Vec<_> =
        tickets.iter().filter(|ticket| ticket.slot == slot).map(|ticket| ticket.id).collect();
    ids.sort_unstable();
    ids
}

/// Numbers as bytes; nothing for none.
pub(crate) fn packed(skip: &[u16]) -> Option<Vec<u8>> {
    let bytes: Vec<u8> = skip.iter().flat_map(|place| place.to_le_bytes()).collect();
    Some(bytes).filter(|bytes| !bytes.is_empty())
}

pub(crate) fn unpacked(skip: Option<&[u8]>) -> Vec<u16> {
    let (places, _odd) = skip.unwrap_or_default().as_chunks();
    places.iter().map(|bytes| u16::from_le_bytes(*bytes)).collect()
}

#[derive(QueryableByName)]
pub(crate) struct PayloadRow {
    #[diesel(sql_type = SmallInt)]
    slot: i16,
    #[diesel(sql_type = BigInt)]
    id: InboxId,
    #[diesel(sql_type = Integer)]
    size: i32,
    #[diesel(sql_type = Timestamptz)]
    received: DateTime<Utc>,
    #[diesel(sql_type = Double)]
    waited: f64,
    #[diesel(sql_type = BigInt)]
    project_id: ProjectId,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    event_id: Option<Uuid>,
    #[diesel(sql_type = SmallInt)]
    coding: i16,
    #[diesel(sql_type = Nullable<Binary>)]
    skip: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Text>)]
    client_ip: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    user_agent: Option<String>,
    #[diesel(sql_type = Binary)]
    payload: Vec<u8>,
}

impl PayloadRow {
    fn into_inbox_row(self) -> InboxRow {
        let size = self.size.try_into().unwrap_or_default();
        InboxRow {
            ticket: Ticket { slot: self.slot, id: self.id, size },
            received: self.received,
            waited: Duration::try_from_secs_f64(self.waited).unwrap_or_default(),
            envelope: NewEnvelope {
                project: self.project_id,
                event_id: self.event_id.map(EventId),
                coding: PayloadCoding::from_code(self.coding),
                size,
                skip: unpacked(self.skip.as_deref()),
                client_ip: self.client_ip.and_then(|text| text.parse().ok()),
                user_agent: self.user_agent,
                received: Some(self.received),
                payload: self.payload.into(),
            },
        }
    }
}
