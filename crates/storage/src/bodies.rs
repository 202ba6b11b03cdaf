//! Event bodies: JSON, compressed with zstd and, where it pays, a dictionary of the project's own.
//!
//! Events of one project are alike: the same keys, the same frames, the same packages. A dictionary
//! trained on them holds what they share, and a body then holds what is its own.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable, SmallInt, Timestamptz};
use diesel_async::RunQueryDsl as _;
use mishap_core::id::{DictionaryId, ProjectId};
use mishap_core::outcome::Reason;
use mishap_core::tally::category_code;
use mishap_protocol::envelope::DataCategory;
use zstd::dict::{DecoderDictionary, EncoderDictionary};
use zstd::zstd_safe::{self, CCtx, CParameter, DictAttachPref};

use crate::error::{Error, Result};
use crate::pool::Conn;
use crate::sql::statement;

/// zstd's level for bodies; measured in `make bench`.
pub const LEVEL: i32 = 3;

/// Bytes of a dictionary at most.
pub const DICTIONARY_BYTES: usize = 112 * 1024;

/// Largest body that is opened, in bytes; none larger is ever written.
const MAX_BODY: usize = 16 << 20;

/// A dictionary ready for use.
pub struct Dictionary {
    /// Its number.
    pub id: DictionaryId,
    encoder: EncoderDictionary<'static>,
    decoder: DecoderDictionary<'static>,
}

impl std::fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dictionary").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Dictionary {
    /// Prepares a dictionary; costs some milliseconds and a megabyte.
    pub fn new(id: DictionaryId, body: &[u8]) -> Self {
        Self {
            id,
            encoder: EncoderDictionary::copy(body, LEVEL),
            decoder: DecoderDictionary::copy(body),
        }
    }
}

/// Compresses bodies, keeping what that takes (a megabyte) from one to the next.
///
/// It compresses with dictionaries that outlive it.
pub struct Packer<'d> {
    context: CCtx<'d>,
    packed: Vec<u8>,
}

impl std::fmt::Debug for Packer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Packer")
    }
}

/// zstd failed, which it does only for want of memory.
#[derive(Debug, thiserror::Error)]
#[error("a body cannot be compressed: {0}")]
pub struct PackError(&'static str);

impl<'d> Packer<'d> {
    /// A packer.
    pub fn new() -> Result<Self, PackError> {
        let mut context = CCtx::try_create().ok_or(PackError("no context could be made"))?;
        // Looking things up in the dictionary where it is takes a quarter less time than copying its
        // tables for each body, which is what zstd does by itself for bodies of more than 16 KiB.
        let attach = CParameter::ForceAttachDict(DictAttachPref::ForceAttach);
        context.set_parameter(attach).map_err(failed)?;
        Ok(Self { context, packed: Vec::new() })
    }

    /// Compresses a body.
    pub fn pack(
        &mut self,
        body: &[u8],
        dictionary: Option<&'d Dictionary>,
    ) -> Result<Vec<u8>, PackError> {
        let Self { context, packed } = self;
        packed.clear();
        packed.reserve(zstd_safe::compress_bound(body.len()));
        match dictionary {
            Some(dictionary) => context
                .ref_cdict(dictionary.encoder.as_cdict())
                .and_then(|_| context.compress2(packed, body)),
            None => context.compress(packed, body, LEVEL),
        }
        .map_err(failed)?;
        Ok(packed.as_slice().to_vec())
    }
}

fn failed(code: zstd_safe::ErrorCode) -> PackError {
    PackError(zstd_safe::get_error_name(code))
}

/// Opens a body.
pub fn unpack(body: &[u8], dictionary: Option<&Dictionary>) -> Result<Vec<u8>> {
    let broken = |error: std::io::Error| Error::Inconsistent {
        table: "events",
        what: format!("a body that cannot be opened: {error}"),
    };
    let mut opener = match dictionary {
        Some(dictionary) => zstd::bulk::Decompressor::with_prepared_dictionary(&dictionary.decoder),
        None => zstd::bulk::Decompressor::new(),
    }
    .map_err(broken)?;
    let size = zstd::bulk::Decompressor::upper_bound(body).unwrap_or(MAX_BODY).min(MAX_BODY);
    opener.decompress(body, size).map_err(broken)
}

/// Trains a dictionary on bodies; nothing if they are too few or too different.
pub fn train(samples: &[&[u8]]) -> Option<Vec<u8>> {
    let sizes: Vec<usize> = samples.iter().map(|sample| sample.len()).collect();
    let body = zstd::dict::from_continuous(&samples.concat(), &sizes, DICTIONARY_BYTES).ok()?;
    (!body.is_empty()).then_some(body)
}

/// A dictionary by its number.
pub async fn dictionary(conn: &mut Conn, id: DictionaryId) -> Result<Option<Dictionary>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Binary)]
        body: Vec<u8>,
    }
    let query = statement("SELECT body FROM dictionaries WHERE id = $1").bind::<BigInt, _>(id);
    let row = query.load::<Row>(conn).await?.pop();
    Ok(row.map(|row| Dictionary::new(id, &row.body)))
}

/// Projects that may gain by a new dictionary: they took at least `events` events in the last days,
/// and none was tried in that time. The busiest first.
pub async fn projects_to_train(
    conn: &mut Conn,
    days: i32,
    events: i64,
    limit: i64,
) -> Result<Vec<(ProjectId, Option<DictionaryId>)>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        id: ProjectId,
        #[diesel(sql_type = Nullable<BigInt>)]
        dictionary_id: Option<DictionaryId>,
    }
    let rows: Vec<Row> = statement(
        "SELECT p.id, (SELECT max(d.id) FROM dictionaries d WHERE d.project_id = p.id)
             AS dictionary_id
         FROM projects p
         JOIN outcomes o ON o.project_id = p.id AND o.hour > now() - $1 * interval '1 day'
             AND o.category = $2 AND o.reason = $3
         WHERE p.deleted_at IS NULL AND (p.dictionary_tried_at IS NULL
             OR p.dictionary_tried_at < now() - $4 * interval '1 day')
         GROUP BY p.id HAVING sum(o.quantity) >= $5
         ORDER BY sum(o.quantity) DESC LIMIT $6",
    )
    .bind::<Integer, _>(days)
    .bind::<SmallInt, _>(category_code(DataCategory::Error))
    .bind::<SmallInt, _>(Reason::Ok.code())
    .bind::<Integer, _>(days)
    .bind::<BigInt, _>(events)
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.dictionary_id)).collect())
}

/// Keeps a project's new dictionary, if one was found, and notes that it was tried.
pub async fn put_dictionary(
    conn: &mut Conn,
    project: ProjectId,
    body: Option<&[u8]>,
) -> Result<()> {
    statement(
        "WITH tried AS (
             UPDATE projects SET dictionary_tried_at = now() WHERE id = $1 RETURNING id
         )
         INSERT INTO dictionaries (project_id, body)
         SELECT id, $2 FROM tried WHERE $3",
    )
    .bind::<BigInt, _>(project)
    .bind::<Binary, _>(body.unwrap_or_default())
    .bind::<Bool, _>(body.is_some())
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes dictionaries that were replaced before `horizon`, when no event kept can need them.
pub async fn delete_replaced(conn: &mut Conn, horizon: DateTime<Utc>) -> Result<usize> {
    let deleted = statement(
        "DELETE FROM dictionaries old WHERE EXISTS (
             SELECT 1 FROM dictionaries new WHERE new.project_id = old.project_id
                 AND new.id > old.id AND new.trained_at < $1)",
    )
    .bind::<Timestamptz, _>(horizon)
    .execute(conn)
    .await?;
    Ok(deleted)
}

/// The newest events of a project as samples: bodies, and the dictionaries they are compressed with.
pub async fn samples(
    conn: &mut Conn,
    project: ProjectId,
    since: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<(Vec<u8>, Option<DictionaryId>)>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Binary)]
        body: Vec<u8>,
        #[diesel(sql_type = Nullable<BigInt>)]
        dictionary_id: Option<DictionaryId>,
    }
    // One event of each issue first: what issues share is what a dictionary should hold.
    let rows: Vec<Row> = statement(
        "SELECT e.body, e.dictionary_id FROM (
             SELECT id FROM issues WHERE project_id = $1 ORDER BY last_seen_minute DESC LIMIT $2
         ) AS i
         CROSS JOIN LATERAL (
             SELECT body, dictionary_id, row_number() OVER (ORDER BY received DESC) AS rank
             FROM events WHERE issue_id = i.id AND received >= $3 ORDER BY received DESC LIMIT 5
         ) AS e
         ORDER BY e.rank LIMIT $4",
    )
    .bind::<BigInt, _>(project)
    .bind::<BigInt, _>(limit)
    .bind::<Timestamptz, _>(since)
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.body, row.dictionary_id)).collect())
}
