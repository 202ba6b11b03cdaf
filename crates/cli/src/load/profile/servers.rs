//! What PostgreSQL and Redis had to do.

use std::collections::BTreeMap;

use mishap_boot::settings::RedisSettings;
use mishap_process::redis;
use mishap_storage::measures;
use mishap_storage::measures::activity::{Activity, activity, settings};
use serde::Serialize;

use super::watch::Seen;
use crate::load::tally::rounded;
use crate::operator::Operator;

/// What the servers had done at a moment.
pub(super) struct Counted {
    database_bytes: i64,
    /// Or why it cannot be known.
    activity: Result<Activity, String>,
    /// Nothing if no Redis is set.
    redis: Option<Result<RedisCounted, String>>,
}

struct RedisCounted {
    version: String,
    commands: u64,
    memory_bytes: u64,
    /// Envelopes in the overflow.
    overflow: usize,
}

impl Counted {
    /// Envelopes in the overflow, if there is one.
    pub(super) fn in_overflow(&self) -> i64 {
        let redis = self.redis.as_ref().and_then(|redis| redis.as_ref().ok());
        let overflow = redis.map(|redis| redis.overflow).unwrap_or_default();
        i64::try_from(overflow).unwrap_or(i64::MAX)
    }

    pub(super) async fn now(operator: &Operator) -> anyhow::Result<Self> {
        let mut conn = operator.conn().await?;
        let activity = activity(&mut conn).await.map_err(|error| error.to_string());
        let database_bytes = measures::totals(&mut conn).await?.database_bytes;
        let redis = match &operator.settings.redis {
            Some(settings) => {
                Some(RedisCounted::now(settings).await.map_err(|error| format!("{error:#}")))
            }
            None => None,
        };
        Ok(Self { database_bytes, activity, redis })
    }
}

impl RedisCounted {
    async fn now(settings: &RedisSettings) -> anyhow::Result<Self> {
        let redis = redis(settings)?;
        let server = redis.server().await?;
        Ok(Self {
            version: server.version,
            commands: server.commands,
            memory_bytes: server.memory_bytes,
            overflow: redis.count_overflow().await?,
        })
    }
}

/// What PostgreSQL had to do during a run.
#[derive(Debug, Serialize)]
pub(super) struct Postgres {
    pub(super) version: String,
    pub(super) settings: BTreeMap<String, String>,
    /// How much larger the database became.
    pub(super) disk_bytes_per_event: Option<f64>,
    /// Clients that were connected at once, this one included.
    pub(super) connections_most: i64,
    pub(super) connections_allowed: i64,
    #[serde(flatten)]
    pub(super) work: Option<Work>,
    /// Why the rest is missing, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) not_measured: Option<String>,
}

/// What the statistics of PostgreSQL say.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Work {
    pub(super) transactions: i64,
    pub(super) transactions_per_second: f64,
    pub(super) wal_bytes_per_event: Option<f64>,
    /// Of all blocks that were asked for.
    pub(super) cache_hit_percent: Option<f64>,
}

/// What Redis had to do during a run.
#[derive(Debug, Serialize)]
pub(super) struct Redis {
    pub(super) version: String,
    pub(super) commands: u64,
    pub(super) commands_per_event: Option<f64>,
    pub(super) memory_bytes: u64,
}

/// How much was done between two moments.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    /// Events that were stored.
    pub(super) events: i64,
    pub(super) seconds: f64,
}

impl Extent {
    pub(super) fn events_per_second(self) -> f64 {
        ratio(self.events, 1) / self.seconds
    }

    fn per_event(self, count: i64) -> Option<f64> {
        (self.events > 0).then(|| ratio(count, self.events))
    }
}

/// What PostgreSQL had to do since then.
pub(super) async fn postgres(
    operator: &Operator,
    before: &Counted,
    after: &Counted,
    seen: &Seen,
    extent: Extent,
) -> anyhow::Result<Postgres> {
    let mut conn = operator.conn().await?;
    let server = measures::server(&mut conn).await?;
    let settings = settings(&mut conn).await?;
    let both = match (&before.activity, &after.activity) {
        (Ok(before), Ok(after)) => Ok(Work::between(*before, *after, extent)),
        (Err(error), _) | (_, Err(error)) => Err(error.clone()),
    };
    let (work, not_measured) = match both {
        Ok(work) => (Some(work), None),
        Err(error) => (None, Some(error)),
    };
    Ok(Postgres {
        version: server.version,
        settings: settings.into_iter().map(|setting| (setting.name, setting.value)).collect(),
        disk_bytes_per_event: extent.per_event(after.database_bytes - before.database_bytes),
        connections_most: seen.connections_most(),
        connections_allowed: server.max_connections,
        work,
        not_measured,
    })
}

/// What Redis had to do since then; nothing if there is none, or if it did not answer.
pub(super) fn redis_work(before: &Counted, after: &Counted, extent: Extent) -> Option<Redis> {
    let (Some(Ok(before)), Some(Ok(after))) = (&before.redis, &after.redis) else { return None };
    let commands = after.commands.saturating_sub(before.commands);
    Some(Redis {
        version: after.version.clone(),
        commands,
        commands_per_event: extent.per_event(i64::try_from(commands).unwrap_or(i64::MAX)),
        memory_bytes: after.memory_bytes,
    })
}

impl Work {
    fn between(before: Activity, after: Activity, extent: Extent) -> Self {
        let transactions = after.transactions - before.transactions;
        let hits = after.hits - before.hits;
        let blocks = hits + after.reads - before.reads;
        Self {
            transactions,
            transactions_per_second: rounded(ratio(transactions, 1) / extent.seconds),
            wal_bytes_per_event: extent.per_event(after.wal_bytes - before.wal_bytes),
            cache_hit_percent: (blocks > 0).then(|| rounded(ratio(hits, blocks) * 100.0)),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn ratio(count: i64, of: i64) -> f64 {
    count as f64 / of as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_work_of_a_run_is_what_was_added_and_told_per_event() {
        let before = Activity { transactions: 100, hits: 1000, reads: 500, wal_bytes: 10_000 };
        let after = Activity { transactions: 150, hits: 1090, reads: 510, wal_bytes: 90_000 };
        let work = Work::between(before, after, Extent { events: 20, seconds: 10.0 });
        let wanted = Work {
            transactions: 50,
            transactions_per_second: 5.0,
            wal_bytes_per_event: Some(4000.0),
            cache_hit_percent: Some(90.0),
        };
        assert_eq!(work, wanted);
        let nothing = Work::between(before, before, Extent { events: 0, seconds: 10.0 });
        assert_eq!((nothing.wal_bytes_per_event, nothing.cache_hit_percent), (None, None));
    }
}
