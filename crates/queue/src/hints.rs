//! Hints: which rows of the inbox were just written, and that a job was made.
//!
//! A stream with a consumer group hands each hint to one worker. What a worker took and did not
//! follow, because it died, the sweep finds.

use std::time::Duration;

use mishap_core::id::InboxId;
use mishap_storage::inbox::Ticket;
use redis::aio::MultiplexedConnection;
use redis::streams::{StreamInfoConsumersReply, StreamMaxlen, StreamReadOptions, StreamReadReply};
use redis::{AsyncCommands as _, FromRedisValue as _, RedisError, RedisResult};

use crate::redis::{BLOCK, Error, Redis};

/// The consumer group of all workers.
const GROUP: &str = "workers";

/// The field of a stream entry that holds its content.
const FIELD: &str = "v";

/// Hints kept at most. Older ones may go: their rows are found by the sweep.
const MAX_HINTS: usize = 10_000;

/// Entries read at once.
const READ_COUNT: usize = 8;

/// A worker is gone when it has read nothing for this long.
const GONE_AFTER: Duration = Duration::from_secs(300);

/// A worker listens when it was heard of within this time; it reads every second.
const LISTENS_WITHIN: Duration = Duration::from_secs(10);

/// What a reader was told.
#[derive(Debug, Default)]
pub struct Hints {
    /// Rows of the inbox that were written.
    pub tickets: Vec<Ticket>,
    /// Whether jobs were made.
    pub jobs: bool,
}

/// How many hints there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HintCounts {
    /// Not read yet.
    pub entries: usize,
    /// Workers that listen now.
    pub consumers: usize,
}

impl Redis {
    /// Tells the workers of rows that were written.
    pub async fn hint_inbox(&self, tickets: &[Ticket]) -> Result<(), Error> {
        self.add(&self.keys.inbox_hints(), &packed(tickets)).await
    }

    /// Tells the workers that a job was made.
    pub async fn hint_job(&self) -> Result<(), Error> {
        self.add(&self.keys.job_hints(), &[1]).await
    }

    async fn add(&self, stream: &str, content: &[u8]) -> Result<(), Error> {
        let mut conn = self.get().await?;
        let limit = StreamMaxlen::Approx(MAX_HINTS);
        conn.xadd_maxlen::<_, _, _, _, ()>(stream, limit, "*", &[(FIELD, content)]).await?;
        Ok(())
    }

    /// How many hints about jobs wait for the workers.
    pub async fn count_job_hints(&self) -> Result<usize, Error> {
        let mut conn = self.get().await?;
        Ok(conn.xlen(self.keys.job_hints()).await?)
    }

    /// How many hints wait for the workers.
    pub async fn count_hints(&self) -> Result<HintCounts, Error> {
        let mut conn = self.get().await?;
        let stream = self.keys.inbox_hints();
        let entries: usize = conn.xlen(&stream).await?;
        let known: RedisResult<StreamInfoConsumersReply> =
            conn.xinfo_consumers(&stream, GROUP).await;
        let listens = |idle: usize| idle as u128 <= LISTENS_WITHIN.as_millis();
        let consumers = match known {
            Ok(known) => known.consumers.iter().filter(|one| listens(one.idle)).count(),
            Err(error) if is_missing(&error) => 0,
            Err(error) => return Err(error.into()),
        };
        Ok(HintCounts { entries, consumers })
    }

    /// Makes the group forget workers that have not read for long; says how many.
    pub async fn clean_hints(&self) -> Result<usize, Error> {
        let mut removed = 0;
        for stream in [self.keys.inbox_hints(), self.keys.job_hints()] {
            match self.clean(&stream).await {
                Ok(count) => removed += count,
                Err(Error::Refused(error)) if is_missing(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(removed)
    }

    async fn clean(&self, stream: &str) -> Result<usize, Error> {
        let mut conn = self.get().await?;
        let consumers: StreamInfoConsumersReply = conn.xinfo_consumers(stream, GROUP).await?;
        let is_gone = |idle: usize| idle as u128 > GONE_AFTER.as_millis();
        let mut removed = 0;
        for consumer in consumers.consumers.iter().filter(|consumer| is_gone(consumer.idle)) {
            let _pending: i64 = conn.xgroup_delconsumer(stream, GROUP, &consumer.name).await?;
            removed += 1;
        }
        Ok(removed)
    }
}

/// Reads hints for one worker.
pub struct HintReader {
    redis: Redis,
    consumer: String,
    conn: Option<MultiplexedConnection>,
}

impl std::fmt::Debug for HintReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HintReader").field("consumer", &self.consumer).finish_non_exhaustive()
    }
}

impl HintReader {
    /// A reader that is known to the group as `consumer`.
    pub fn new(redis: Redis, consumer: impl Into<String>) -> Self {
        Self { redis, consumer: consumer.into(), conn: None }
    }

    /// The next hints; waits a second for them at most, and then returns none.
    ///
    /// If there are none because a Redis that is full takes none, that is an error.
    pub async fn read(&mut self) -> Result<Hints, Error> {
        match self.read_once().await {
            Ok(Some(hints)) => Ok(hints),
            Ok(None) => {
                self.redis.try_writing().await?;
                Ok(Hints::default())
            }
            Err(error) => {
                self.conn = None;
                Err(error)
            }
        }
    }

    async fn read_once(&mut self) -> Result<Option<Hints>, Error> {
        let (inbox, jobs) = (self.redis.keys.inbox_hints(), self.redis.keys.job_hints());
        let conn = match &mut self.conn {
            Some(conn) => conn,
            None => self.conn.insert(self.redis.reader().await?),
        };
        let block = usize::try_from(BLOCK.as_millis()).unwrap_or_default();
        // Nobody reads a hint twice: what a worker took and did not follow, the sweep finds.
        let options = StreamReadOptions::default()
            .group(GROUP, &self.consumer)
            .noack()
            .count(READ_COUNT)
            .block(block);
        let reply: RedisResult<Option<StreamReadReply>> =
            conn.xread_options(&[&inbox, &jobs], &[">", ">"], &options).await;
        let reply = match reply {
            Ok(reply) => reply.unwrap_or_default(),
            Err(error) if is_missing(&error) => {
                // Redis is new, or was flushed.
                create_group(conn, &inbox).await?;
                create_group(conn, &jobs).await?;
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        if reply.keys.is_empty() {
            be_heard_of(conn, &inbox, &self.consumer).await?;
            return Ok(None);
        }
        let mut hints = Hints::default();
        for stream in reply.keys {
            let entries: Vec<&str> = stream.ids.iter().map(|entry| entry.id.as_str()).collect();
            let _deleted: i64 = conn.xdel(&stream.key, &entries).await?;
            if stream.key == jobs {
                hints.jobs = true;
                continue;
            }
            for entry in stream.ids {
                let content = entry.map.get(FIELD).cloned();
                let bytes = content.and_then(|value| Vec::<u8>::from_redis_value(value).ok());
                hints.tickets.extend(unpacked(&bytes.unwrap_or_default()));
            }
        }
        Ok(Some(hints))
    }
}

/// Lets the group know that a consumer lives: before its version 7.2, Redis takes no notice of one
/// that waits in vain, but of one that reads again what it has not acknowledged, which is nothing.
async fn be_heard_of(
    conn: &mut MultiplexedConnection,
    stream: &str,
    consumer: &str,
) -> Result<(), Error> {
    let options = StreamReadOptions::default().group(GROUP, consumer).count(1);
    let _nothing: Option<StreamReadReply> = conn.xread_options(&[stream], &["0"], &options).await?;
    Ok(())
}

async fn create_group(conn: &mut MultiplexedConnection, stream: &str) -> Result<(), Error> {
    match conn.xgroup_create_mkstream::<_, _, _, ()>(stream, GROUP, "0").await {
        Ok(()) => Ok(()),
        // Another worker was faster.
        Err(error) if error.code() == Some("BUSYGROUP") => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether a stream or its group is not there.
fn is_missing(error: &RedisError) -> bool {
    error.code() == Some("NOGROUP") || error.to_string().contains("no such key")
}

/// Bytes of a packed ticket.
const TICKET_BYTES: usize = 14;

fn packed(tickets: &[Ticket]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(tickets.len() * TICKET_BYTES);
    for ticket in tickets {
        bytes.extend(ticket.slot.to_le_bytes());
        bytes.extend(ticket.id.0.to_le_bytes());
        bytes.extend(ticket.size.to_le_bytes());
    }
    bytes
}

fn unpacked(bytes: &[u8]) -> Vec<Ticket> {
    let (tickets, _odd) = bytes.as_chunks::<TICKET_BYTES>();
    let ticket = |bytes: &[u8; TICKET_BYTES]| {
        let (slot, rest) = bytes.split_first_chunk::<2>()?;
        let (id, size) = rest.split_first_chunk::<8>()?;
        Some(Ticket {
            slot: i16::from_le_bytes(*slot),
            id: InboxId(i64::from_le_bytes(*id)),
            size: u32::from_le_bytes(*size.first_chunk()?),
        })
    };
    tickets.iter().filter_map(ticket).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickets_survive_packing() {
        let tickets = [
            Ticket { slot: 3, id: InboxId(i64::MAX), size: 0 },
            Ticket { slot: 0, id: InboxId(1), size: u32::MAX },
        ];
        assert_eq!(unpacked(&packed(&tickets)), tickets);
        assert_eq!(unpacked(&[1, 2, 3]), []);
    }
}
