//! The overflow: envelopes taken while PostgreSQL was away.
//!
//! It is bounded, and it is the one thing in Redis that is nowhere else: losing Redis while
//! PostgreSQL is away loses what is in it.

use std::time::Duration;

use bytes::Bytes;
use mishap_core::id::{EventId, ProjectId};
use mishap_storage::inbox::{NewEnvelope, Overflowed, PayloadCoding};
use redis::AsyncCommands as _;
use redis::streams::StreamRangeReply;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::redis::{Error, Redis};

/// Envelopes kept at most.
pub const MAX_ENTRIES: usize = 50_000;

/// The field of a stream entry that holds its content.
const FIELD: &str = "v";

/// An entry of the overflow.
#[derive(Debug, Clone)]
pub struct OverflowEntry {
    /// Its place in the stream.
    pub place: String,
    /// What the inbox is to take.
    pub content: Overflowed,
}

/// Whether the overflow took something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// All of it.
    All,
    /// Nothing: it is full.
    Full,
}

impl Redis {
    /// Keeps envelopes, all or none.
    pub async fn append_overflow(
        &self,
        envelopes: &[(Uuid, NewEnvelope)],
    ) -> Result<Appended, Error> {
        let stream = self.keys.overflow();
        let mut conn = self.get().await?;
        let length: usize = conn.xlen(&stream).await?;
        if length + envelopes.len() > MAX_ENTRIES {
            return Ok(Appended::Full);
        }
        let mut pipe = redis::pipe();
        // Should Redis run out of memory, it must not keep half of them.
        pipe.atomic();
        for (id, envelope) in envelopes {
            let content = postcard::to_stdvec(&Content::of(*id, envelope));
            let content = content.map_err(Error::Inconsistent)?;
            pipe.xadd(&stream, "*", &[(FIELD, content)]).ignore();
        }
        pipe.query_async::<()>(&mut conn).await?;
        Ok(Appended::All)
    }

    /// The oldest entries. How long they have waited is a difference of two times that Redis told:
    /// the clocks of those who wrote them may be wrong.
    pub async fn read_overflow(&self, count: usize) -> Result<Vec<OverflowEntry>, Error> {
        let mut conn = self.get().await?;
        let (range, (seconds, micros)): (StreamRangeReply, (u64, u64)) = redis::pipe()
            .xrange_count(self.keys.overflow(), "-", "+", count)
            .cmd("TIME")
            .query_async(&mut conn)
            .await?;
        let now = Duration::from_secs(seconds) + Duration::from_micros(micros);
        let entry = |entry: redis::streams::StreamId| {
            let content: Vec<u8> = entry.get(FIELD)?;
            // What cannot be read is left: a newer version may know it.
            let content: Content = postcard::from_bytes(&content).ok()?;
            let (id, envelope) = content.into_envelope()?;
            let waited = now.saturating_sub(appended_at(&entry.id)?);
            Some(OverflowEntry { content: Overflowed { id, waited, envelope }, place: entry.id })
        };
        Ok(range.ids.into_iter().filter_map(entry).collect())
    }

    /// Removes entries that are in the inbox now.
    pub async fn remove_overflow(&self, entries: &[OverflowEntry]) -> Result<(), Error> {
        let places: Vec<&str> = entries.iter().map(|entry| entry.place.as_str()).collect();
        if places.is_empty() {
            return Ok(());
        }
        let mut conn = self.get().await?;
        let _removed: i64 = conn.xdel(self.keys.overflow(), &places).await?;
        Ok(())
    }

    /// How many entries wait.
    pub async fn count_overflow(&self) -> Result<usize, Error> {
        let mut conn = self.get().await?;
        Ok(conn.xlen(self.keys.overflow()).await?)
    }
}

/// When an entry was appended, by Redis' clock: its place begins with that, in milliseconds.
fn appended_at(place: &str) -> Option<Duration> {
    let (millis, _) = place.split_once('-')?;
    millis.parse().ok().map(Duration::from_millis)
}

/// The stored form. Fields are only ever added at the end.
#[derive(Serialize, Deserialize)]
struct Content {
    id: u128,
    project: i64,
    event_id: Option<u128>,
    coding: i16,
    size: u32,
    skip: Vec<u16>,
    client_ip: Option<String>,
    user_agent: Option<String>,
    /// What older versions wrote, by their own clocks.
    received_micros: Option<i64>,
    payload: Vec<u8>,
}

impl Content {
    fn of(id: Uuid, envelope: &NewEnvelope) -> Self {
        let NewEnvelope {
            project,
            event_id,
            coding,
            size,
            skip,
            client_ip,
            user_agent,
            received: _,
            payload,
        } = envelope;
        Self {
            id: id.as_u128(),
            project: project.0,
            event_id: event_id.map(|id| id.0.as_u128()),
            coding: coding.code(),
            size: *size,
            skip: skip.clone(),
            client_ip: client_ip.map(|ip| ip.to_string()),
            user_agent: user_agent.clone(),
            received_micros: None,
            payload: payload.to_vec(),
        }
    }

    fn into_envelope(self) -> Option<(Uuid, NewEnvelope)> {
        let envelope = NewEnvelope {
            project: ProjectId(self.project),
            event_id: self.event_id.map(|id| EventId(Uuid::from_u128(id))),
            coding: PayloadCoding::from_code(self.coding),
            size: self.size,
            skip: self.skip,
            client_ip: self.client_ip.and_then(|text| text.parse().ok()),
            user_agent: self.user_agent,
            received: None,
            payload: Bytes::from(self.payload),
        };
        Some((Uuid::from_u128(self.id), envelope))
    }
}
