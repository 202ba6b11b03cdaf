//! Moves what was taken while PostgreSQL was away from Redis into the inbox.

use mishap_queue::Redis;
use mishap_storage::{Pool, inbox};

/// Entries moved at once.
const BATCH: usize = 200;

/// Moves entries until none is left. An entry is removed from Redis only when it is in the inbox, and
/// the inbox takes it once however often it is tried.
pub(crate) async fn drain(redis: &Redis, pool: &Pool) {
    loop {
        match drain_batch(redis, pool).await {
            Ok(0) => return,
            Ok(moved) => tracing::info!(moved, "moved envelopes from the overflow to the inbox"),
            Err(error) => {
                // Both are asked again soon; whoever is away says so elsewhere.
                tracing::debug!("the overflow cannot be drained: {error:#}");
                return;
            }
        }
    }
}

async fn drain_batch(redis: &Redis, pool: &Pool) -> anyhow::Result<usize> {
    let entries = redis.read_overflow(BATCH).await?;
    if entries.is_empty() {
        return Ok(0);
    }
    let contents: Vec<_> = entries.iter().map(|entry| entry.content.clone()).collect();
    let mut conn = pool.get().await?;
    let tickets = inbox::accept_overflow(&mut conn, &contents).await?;
    drop(conn);
    redis.remove_overflow(&entries).await?;
    if !tickets.is_empty() {
        redis.hint_inbox(&tickets).await?;
    }
    Ok(entries.len())
}
