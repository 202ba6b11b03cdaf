//! Measures the installation as a whole, so that not every process has to.
//!
//! Only the beat that leads does. What it found is printed as it stands: what is gone is not printed
//! any more, and nothing is printed by a beat that does not lead, or could not ask.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use mishap_boot::metrics::{Description, Family};
use mishap_process::tenants;
use mishap_queue::Redis;
use mishap_storage::measures::{self, Tenants};
use mishap_storage::partitions::{self, Partition};
use mishap_storage::reconciliation::{self, Hours};
use mishap_storage::{Conn, Pool, inbox, jobs};

/// Tables whose sizes are shown.
const TABLES: usize = 12;

const INBOX_ROWS: Description =
    Description::Gauge("glitchtip_inbox_rows", "Envelopes that wait to be digested.");
const INBOX_AGE: Description =
    Description::Gauge("glitchtip_inbox_oldest_age_seconds", "Age of the oldest waiting envelope.");
const DEAD_LETTERS: Description =
    Description::Gauge("glitchtip_dead_letters", "Envelopes that could not be digested.");
const QUEUE_DEPTH: Description =
    Description::Gauge("glitchtip_queue_depth", "Entries of the queues, by state.");
const QUEUE_AGE: Description = Description::Gauge(
    "glitchtip_queue_oldest_age_seconds",
    "For how long the oldest entry of a queue has been due.",
);
const CONSUMERS: Description =
    Description::Gauge("glitchtip_queue_consumers", "Workers that read hints.");
const DATABASE: Description =
    Description::Gauge("glitchtip_db_size_bytes", "Size of the database.");
const TABLE: Description =
    Description::Gauge("glitchtip_table_bytes", "Sizes of the largest tables.");
const PARTITIONS: Description =
    Description::Gauge("glitchtip_partitions", "Partitions, by table and time.");
const OLDEST_EVENT: Description = Description::Gauge(
    "glitchtip_oldest_event_timestamp_seconds",
    "The first moment of the oldest day of which events are kept.",
);
const LAST_SUCCESS: Description = Description::Gauge(
    "glitchtip_job_last_success_timestamp_seconds",
    "When a job of the schedule was last done.",
);

const GAP: Description = Description::Gauge(
    "glitchtip_accounting_gap_events",
    "Events that are stored or counted and not both, of the last hour that can be compared.",
);

/// What beat measures.
pub const METRICS: &[Description] = &[
    INBOX_ROWS,
    INBOX_AGE,
    DEAD_LETTERS,
    QUEUE_DEPTH,
    QUEUE_AGE,
    CONSUMERS,
    DATABASE,
    TABLE,
    PARTITIONS,
    OLDEST_EVENT,
    LAST_SUCCESS,
    GAP,
    Description::Gauge("glitchtip_beat_leader", "Whether this beat leads."),
    Description::Counter("glitchtip_beat_ticks_total", "How often the schedule was looked at."),
    Description::Counter("glitchtip_queue_enqueued_total", "Jobs pushed, by name."),
];

/// What was last found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Measured(Arc<Mutex<Found>>);

#[derive(Debug, Default)]
struct Found {
    queues: Vec<Family>,
    stores: Vec<Family>,
    accounts: Vec<Family>,
}

impl Measured {
    /// Everything that was last found.
    pub(crate) fn families(&self) -> Vec<Family> {
        let found = self.found();
        let Found { queues, stores, accounts } = &*found;
        queues.iter().chain(stores).chain(accounts).cloned().collect()
    }

    /// Looks for what waits.
    pub(crate) async fn queues(&self, pool: &Pool, redis: Option<&Redis>) -> anyhow::Result<()> {
        let found = queues(pool, redis).await;
        self.found().queues = found.as_ref().map(Clone::clone).unwrap_or_default();
        found.map(drop)
    }

    /// Looks for how much is stored.
    pub(crate) async fn stores(&self, pool: &Pool, retention_days: u32) -> anyhow::Result<()> {
        let found = stores(pool, retention_days).await;
        self.found().stores = found.as_ref().map(Clone::clone).unwrap_or_default();
        found.map(drop)
    }

    /// Looks whether what is stored and what was counted agree.
    pub(crate) async fn accounts(&self, pool: &Pool) -> anyhow::Result<()> {
        let found = accounts(pool).await;
        self.found().accounts = found.as_ref().map(Clone::clone).unwrap_or_default();
        found.map(drop)
    }

    /// Forgets everything: another beat leads.
    pub(crate) fn forget(&self) {
        *self.found() = Found::default();
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What waits; looked at often.
async fn queues(pool: &Pool, redis: Option<&Redis>) -> anyhow::Result<Vec<Family>> {
    let mut conn = pool.get().await?;
    let backlog = inbox::backlog(&mut conn).await?;
    let jobs = jobs::count(&mut conn).await?;
    drop(conn);
    let (rows, age) = (unsigned(backlog.rows), unsigned(backlog.oldest_seconds));
    let mut depth = Family::new(QUEUE_DEPTH);
    depth.add(&[("stream", "inbox"), ("state", "ready")], rows);
    depth.add(&[("stream", "jobs"), ("state", "ready")], signed(jobs.waiting));
    depth.add(&[("stream", "jobs"), ("state", "dead")], signed(jobs.dead));
    let mut ages = Family::new(QUEUE_AGE);
    ages.add(&[("stream", "inbox")], age);
    ages.add(&[("stream", "jobs")], signed(jobs.oldest_seconds));
    let mut families = vec![Family::single(INBOX_ROWS, rows), Family::single(INBOX_AGE, age), ages];
    // While Redis is away, what waits in PostgreSQL is known all the same.
    if let Some(redis) = redis
        && let (Ok(hints), Ok(overflow)) = (redis.count_hints().await, redis.count_overflow().await)
    {
        depth.add(&[("stream", "hints"), ("state", "ready")], unsigned(hints.entries));
        depth.add(&[("stream", "overflow"), ("state", "ready")], unsigned(overflow));
        families.push(Family::single(CONSUMERS, unsigned(hints.consumers)));
    }
    families.push(depth);
    Ok(families)
}

/// How much is stored; looked at now and then.
async fn stores(pool: &Pool, retention_days: u32) -> anyhow::Result<Vec<Family>> {
    let mut conn = pool.get().await?;
    let totals = measures::totals(&mut conn).await?;
    let days = i32::try_from(retention_days).unwrap_or(i32::MAX);
    let projects = measures::project_events(&mut conn, days).await?;
    let tenants = Tenants { organizations: totals.organizations, projects };
    measures::keep_tenants(&mut conn, &tenants).await?;

    let mut families = tenants::families(&tenants);
    families.push(Family::single(DEAD_LETTERS, signed(totals.dead_letters)));
    families.push(Family::single(DATABASE, signed(totals.database_bytes)));
    let mut tables = Family::new(TABLE);
    for table in measures::table_sizes(&mut conn).await?.into_iter().take(TABLES) {
        tables.add(&[("table", &table.name)], signed(table.bytes));
    }
    families.push(tables);
    families.extend(partitions(&mut conn).await?);
    let mut successes = Family::new(LAST_SUCCESS);
    for (job, at) in jobs::last_successes(&mut conn).await? {
        successes.add(&[("job", &job)], signed(at.timestamp()));
    }
    families.push(successes);
    Ok(families)
}

/// How far what is stored and what was counted are apart; reads an hour's events.
async fn accounts(pool: &Pool) -> anyhow::Result<Vec<Family>> {
    let mut conn = pool.get().await?;
    let Hours { since, until } = reconciliation::comparable(&mut conn, 1).await?;
    let last = Hours { since: since.max(until - TimeDelta::hours(1)), until };
    let differences = reconciliation::differences(&mut conn, last).await?;
    let gap: i64 = differences.iter().map(|it| (it.stored - it.counted).abs()).sum();
    Ok(vec![Family::single(GAP, signed(gap))])
}

/// Partitions of days that are over, of now, and of days to come.
async fn partitions(conn: &mut Conn) -> anyhow::Result<Vec<Family>> {
    let now = mishap_storage::now(conn).await?;
    let mut counts = Family::new(PARTITIONS);
    let mut oldest = None;
    for table in &partitions::ALL {
        let partitions = partitions::list(conn, table).await?;
        for state in ["past", "current", "future"] {
            let count = partitions.iter().filter(|it| state_of(it, now) == state).count();
            counts.add(&[("table", table.table), ("state", state)], unsigned(count));
        }
        if table.table == "events" {
            for partition in partitions {
                if !partitions::is_empty(conn, &partition).await? {
                    oldest = Some(partition.from);
                    break;
                }
            }
        }
    }
    let oldest = oldest.map(|from| Family::single(OLDEST_EVENT, signed(from.timestamp())));
    Ok([counts].into_iter().chain(oldest).collect())
}

fn state_of(partition: &Partition, now: DateTime<Utc>) -> &'static str {
    if partition.to <= now {
        "past"
    } else if partition.from <= now {
        "current"
    } else {
        "future"
    }
}

#[expect(clippy::cast_precision_loss, reason = "gauges are floating-point numbers")]
fn signed(value: i64) -> f64 {
    value as f64
}

fn unsigned(value: impl TryInto<i64>) -> f64 {
    signed(value.try_into().unwrap_or(i64::MAX))
}
