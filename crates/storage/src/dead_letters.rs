//! Envelopes that could not be digested, kept as they were received until an operator decides.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{
    BigInt, Binary, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl as _;
use mishap_core::abandoned::Abandoned;
use mishap_core::id::{DeadLetterId, EventId, ProjectId};
use mishap_core::page::{Cursor, Page};
use mishap_core::tally::Tally;
use mishap_core::text::truncated;
use uuid::Uuid;

use crate::error::Result;
use crate::inbox::{self, InboxRow};
use crate::pool::Conn;
use crate::sql::statement;
use crate::tallies;
use crate::tx::transaction;

/// Longest error text that is kept, in characters.
const MAX_ERROR: usize = 4000;

/// A row that cannot be digested, and why.
#[derive(Debug, Clone)]
pub struct Poison {
    /// The row.
    pub row: InboxRow,
    /// Why.
    pub error: String,
}

/// Moves rows from the inbox to the dead letters; to be called inside a transaction that claimed
/// them.
pub async fn bury(conn: &mut Conn, poison: &[Poison]) -> Result<()> {
    if poison.is_empty() {
        return Ok(());
    }
    let envelopes = || poison.iter().map(|poison| &poison.row.envelope);
    let error = |poison: &Poison| truncated(&poison.error, MAX_ERROR).replace('\0', "");
    statement(
        "INSERT INTO dead_letters (project_id, received, error, event_id, coding, size, skip,
             client_ip, user_agent, payload)
         SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::uuid[],
             $5::smallint[], $6::integer[], $7::bytea[], $8::text[], $9::text[], $10::bytea[])",
    )
    .array::<BigInt, _>(envelopes().map(|envelope| envelope.project).collect())
    .array::<Timestamptz, _>(poison.iter().map(|poison| poison.row.received).collect())
    .array::<Text, _>(poison.iter().map(error).collect())
    .nullable_array::<SqlUuid, _>(
        envelopes().map(|envelope| envelope.event_id.map(|id| id.0)).collect(),
    )
    .array::<SmallInt, _>(envelopes().map(|envelope| envelope.coding.code()).collect())
    .array::<Integer, _>(
        envelopes().map(|envelope| i32::try_from(envelope.size).unwrap_or(i32::MAX)).collect(),
    )
    .nullable_array::<Binary, _>(
        envelopes().map(|envelope| inbox::packed(&envelope.skip)).collect(),
    )
    .nullable_array::<Text, _>(
        envelopes().map(|envelope| envelope.client_ip.map(|ip| ip.to_string())).collect(),
    )
    .nullable_array::<Text, _>(envelopes().map(|envelope| envelope.user_agent.as_deref()).collect())
    .array::<Binary, _>(envelopes().map(|envelope| envelope.payload.as_ref()).collect())
    .execute(conn)
    .await?;
    let tickets: Vec<_> = poison.iter().map(|poison| poison.row.ticket).collect();
    inbox::finish(conn, &tickets).await
}

/// A dead letter, without its payload.
#[derive(Debug, Clone, QueryableByName)]
pub struct DeadLetter {
    /// Its number.
    #[diesel(sql_type = BigInt)]
    pub id: DeadLetterId,
    /// The project it was sent to.
    #[diesel(sql_type = BigInt)]
    pub project_id: ProjectId,
    /// When it was acknowledged.
    #[diesel(sql_type = Timestamptz)]
    pub received: DateTime<Utc>,
    /// When it was given up.
    #[diesel(sql_type = Timestamptz)]
    pub failed_at: DateTime<Utc>,
    /// Why.
    #[diesel(sql_type = Text)]
    pub error: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    event_id: Option<Uuid>,
    /// Bytes of the envelope when inflated.
    #[diesel(sql_type = Integer)]
    pub size: i32,
}

impl DeadLetter {
    /// The id that the client was answered.
    pub fn event_id(&self) -> Option<EventId> {
        self.event_id.map(EventId)
    }
}

/// The newest dead letters first; uses the primary key.
pub async fn list(conn: &mut Conn, limit: i64) -> Result<Vec<DeadLetter>> {
    let letters = statement(
        "SELECT id, project_id, received, failed_at, error, event_id, size
         FROM dead_letters ORDER BY id DESC LIMIT $1",
    );
    Ok(letters.bind::<BigInt, _>(limit).load(conn).await?)
}

/// A page of dead letters, the newest first; uses the primary key.
pub async fn page(conn: &mut Conn, cursor: Option<Cursor>, limit: i64) -> Result<Page<DeadLetter>> {
    let text = match cursor {
        Some(cursor) if cursor.is_backward => {
            "SELECT id, project_id, received, failed_at, error, event_id, size
             FROM dead_letters WHERE id > $1 ORDER BY id LIMIT $2"
        }
        Some(_) | None => {
            "SELECT id, project_id, received, failed_at, error, event_id, size
             FROM dead_letters WHERE id < $1 ORDER BY id DESC LIMIT $2"
        }
    };
    let found = statement(text)
        .bind::<BigInt, _>(cursor.map_or(i64::MAX, |cursor| cursor.position))
        .bind::<BigInt, _>(limit + 1)
        .load(conn)
        .await?;
    Ok(Page::of(found, limit, cursor, |letter: &DeadLetter| (letter.id.0, 0)))
}

/// A dead letter with what is known of who sent it.
#[derive(Debug, Clone, QueryableByName)]
pub struct OpenedLetter {
    /// The letter.
    #[diesel(embed)]
    pub letter: DeadLetter,
    /// Where the connection came from.
    #[diesel(sql_type = Nullable<Text>)]
    pub client_ip: Option<String>,
    /// The connection's user agent.
    #[diesel(sql_type = Nullable<Text>)]
    pub user_agent: Option<String>,
    #[diesel(sql_type = SmallInt)]
    coding: i16,
    /// The envelope as it is kept.
    #[diesel(sql_type = Binary)]
    pub payload: Vec<u8>,
}

impl OpenedLetter {
    /// How the payload is compressed.
    pub fn coding(&self) -> inbox::PayloadCoding {
        inbox::PayloadCoding::from_code(self.coding)
    }
}

/// The dead letter with this number.
pub async fn find(conn: &mut Conn, letter: DeadLetterId) -> Result<Option<OpenedLetter>> {
    let found = statement(
        "SELECT id, project_id, received, failed_at, error, event_id, size, client_ip, user_agent,
             coding, payload
         FROM dead_letters WHERE id = $1",
    );
    Ok(found.bind::<BigInt, _>(letter).load(conn).await?.pop())
}

/// Some dead letters of a project; uses `dead_letters_project_idx`.
pub async fn ids_of_project(
    conn: &mut Conn,
    project: ProjectId,
    limit: i64,
) -> Result<Vec<DeadLetterId>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        id: DeadLetterId,
    }
    let rows: Vec<Row> =
        statement("SELECT id FROM dead_letters WHERE project_id = $1 ORDER BY id LIMIT $2")
            .bind::<BigInt, _>(project)
            .bind::<BigInt, _>(limit)
            .load(conn)
            .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// How many there are.
pub async fn count(conn: &mut Conn) -> Result<i64> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        letters: i64,
    }
    let count = statement("SELECT count(*) AS letters FROM dead_letters");
    Ok(count.get_result::<Row>(conn).await?.letters)
}

/// Which dead letters are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// All of them.
    All,
    /// These.
    Only(Vec<DeadLetterId>),
}

impl Selection {
    fn parts(&self) -> (bool, Vec<DeadLetterId>) {
        match self {
            Self::All => (true, Vec::new()),
            Self::Only(ids) => (false, ids.clone()),
        }
    }
}

/// Moves dead letters back into the inbox; says how many.
pub async fn retry(conn: &mut Conn, selection: &Selection) -> Result<usize> {
    let (all, ids) = selection.parts();
    // The slot does not matter: what is there is found by the sweep.
    let moved = statement(
        "WITH letters AS (
             DELETE FROM dead_letters WHERE $1 OR id = ANY($2) RETURNING *
         )
         INSERT INTO inbox (slot, received, project_id, event_id, coding, size, skip, client_ip,
             user_agent, payload)
         SELECT 0, received, project_id, event_id, coding, size, skip, client_ip, user_agent,
             payload
         FROM letters",
    )
    .bind::<diesel::sql_types::Bool, _>(all)
    .array::<BigInt, _>(ids)
    .execute(conn)
    .await?;
    Ok(moved)
}

/// A dead letter that was dropped: what is needed to count what was in it.
#[derive(Debug, Clone)]
pub struct DroppedLetter {
    /// The project it was sent to.
    pub project: ProjectId,
    /// When it was acknowledged.
    pub received: DateTime<Utc>,
    /// How the payload is compressed.
    pub coding: inbox::PayloadCoding,
    /// Places of items that were refused when it arrived.
    pub skip: Vec<u16>,
    /// The envelope.
    pub payload: Vec<u8>,
}

impl DroppedLetter {
    /// Counts what was in it as given up.
    pub fn count(&self, tally: &mut Tally) {
        let codings = self.coding.codings();
        let abandoned = Abandoned {
            project: self.project,
            received: self.received,
            codings: codings.as_ref(),
            skip: &self.skip,
            payload: &self.payload,
        };
        abandoned.count(tally);
    }
}

/// Drops dead letters for good, and counts what was in them as `count` says; says how many.
pub async fn drop(
    conn: &mut Conn,
    selection: &Selection,
    count: impl Fn(&DroppedLetter, &mut Tally) + Sync,
) -> Result<usize> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        project_id: ProjectId,
        #[diesel(sql_type = Timestamptz)]
        received: DateTime<Utc>,
        #[diesel(sql_type = SmallInt)]
        coding: i16,
        #[diesel(sql_type = Nullable<Binary>)]
        skip: Option<Vec<u8>>,
        #[diesel(sql_type = Binary)]
        payload: Vec<u8>,
    }
    let (all, ids) = selection.parts();
    transaction(conn, async |conn: &mut Conn| {
        let rows: Vec<Row> = statement(
            "DELETE FROM dead_letters WHERE $1 OR id = ANY($2)
             RETURNING project_id, received, coding, skip, payload",
        )
        .bind::<diesel::sql_types::Bool, _>(all)
        .array::<BigInt, _>(ids.clone())
        .load(conn)
        .await?;
        let mut tally = Tally::default();
        let dropped = rows.len();
        for row in rows {
            let letter = DroppedLetter {
                project: row.project_id,
                received: row.received,
                coding: inbox::PayloadCoding::from_code(row.coding),
                skip: inbox::unpacked(row.skip.as_deref()),
                payload: row.payload,
            };
            count(&letter, &mut tally);
        }
        tallies::write(conn, &tally).await?;
        Ok(dropped)
    })
    .await
}
