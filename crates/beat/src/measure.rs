//! Measures the installation as a whole, so that not every process has to.

use metrics::gauge;
use mishap_boot::metrics::Description;
use mishap_queue::Redis;
use mishap_storage::{Pool, inbox, jobs, measures, partitions};

/// Tables whose sizes are shown.
const TABLES: usize = 12;

/// What beat measures.
pub(crate) const DESCRIPTIONS: &[Description] = &[
    Description::Gauge("glitchtip_organizations", "Organizations."),
    Description::Gauge("glitchtip_projects", "Projects, by organization."),
    Description::Gauge("glitchtip_events", "Events stored within the retention, by project."),
    Description::Gauge("glitchtip_inbox_rows", "Envelopes that wait to be digested."),
    Description::Gauge("glitchtip_inbox_oldest_age_seconds", "Age of the oldest waiting envelope."),
    Description::Gauge("glitchtip_dead_letters", "Envelopes that could not be digested."),
    Description::Gauge("glitchtip_queue_depth", "Entries of the queues, by state."),
    Description::Gauge("glitchtip_queue_consumers", "Workers that read hints."),
    Description::Gauge("glitchtip_db_size_bytes", "Size of the database."),
    Description::Gauge("glitchtip_table_bytes", "Sizes of the largest tables."),
    Description::Gauge("glitchtip_partitions", "Partitions, by table."),
    Description::Gauge("glitchtip_beat_leader", "Whether this beat leads."),
    Description::Counter("glitchtip_beat_ticks_total", "How often the schedule was looked at."),
    Description::Counter("glitchtip_queue_enqueued_total", "Jobs pushed, by name."),
];

/// What waits; looked at often.
pub(crate) async fn measure_queues(pool: &Pool, redis: Option<&Redis>) -> anyhow::Result<()> {
    let mut conn = pool.get().await?;
    let backlog = inbox::backlog(&mut conn).await?;
    let jobs = jobs::count(&mut conn).await?;
    drop(conn);
    set("glitchtip_inbox_rows", i64::try_from(backlog.rows).unwrap_or(i64::MAX));
    let oldest = i64::try_from(backlog.oldest_seconds).unwrap_or(i64::MAX);
    set("glitchtip_inbox_oldest_age_seconds", oldest);
    depth("jobs", "ready", jobs.waiting);
    depth("jobs", "dead", jobs.dead);
    let Some(redis) = redis else {
        return Ok(());
    };
    let hints = redis.count_hints().await?;
    let overflow = redis.count_overflow().await?;
    depth("hints", "ready", i64::try_from(hints.entries).unwrap_or(i64::MAX));
    depth("overflow", "ready", i64::try_from(overflow).unwrap_or(i64::MAX));
    set("glitchtip_queue_consumers", i64::try_from(hints.consumers).unwrap_or(i64::MAX));
    Ok(())
}

/// How much is stored; looked at now and then.
pub(crate) async fn measure_stores(pool: &Pool, retention_days: u32) -> anyhow::Result<()> {
    let mut conn = pool.get().await?;
    let totals = measures::totals(&mut conn).await?;
    set("glitchtip_organizations", totals.organizations);
    set("glitchtip_dead_letters", totals.dead_letters);
    set("glitchtip_db_size_bytes", totals.database_bytes);
    let days = i32::try_from(retention_days).unwrap_or(i32::MAX);
    let mut projects = std::collections::BTreeMap::<String, i64>::new();
    for row in measures::project_events(&mut conn, days).await? {
        *projects.entry(row.organization.clone()).or_default() += 1;
        gauge!("glitchtip_events", "organization" => row.organization, "project" => row.project)
            .set(as_f64(row.events));
    }
    for (organization, count) in projects {
        gauge!("glitchtip_projects", "organization" => organization).set(as_f64(count));
    }
    for table in measures::table_sizes(&mut conn).await?.into_iter().take(TABLES) {
        gauge!("glitchtip_table_bytes", "table" => table.name).set(as_f64(table.bytes));
    }
    for table in &partitions::ALL {
        let partitions = partitions::list(&mut conn, table).await?.len();
        gauge!("glitchtip_partitions", "table" => table.table)
            .set(as_f64(i64::try_from(partitions).unwrap_or(i64::MAX)));
    }
    Ok(())
}

fn depth(stream: &'static str, state: &'static str, entries: i64) {
    gauge!("glitchtip_queue_depth", "stream" => stream, "state" => state).set(as_f64(entries));
}

fn set(name: &'static str, value: i64) {
    gauge!(name).set(as_f64(value));
}

#[expect(clippy::cast_precision_loss, reason = "gauges are floating-point numbers")]
fn as_f64(value: i64) -> f64 {
    value as f64
}
