//! Drops what is older than the retention: whole partitions, then issues without events, then
//! dictionaries that no event needs any more; and entries of the audit log after a time of their own.

use chrono::{DateTime, Days, TimeDelta, Utc};
use metrics::counter;
use mishap_storage::partitions::{self, ATTACHMENTS, EVENTS, ISSUE_HOURS, OUTCOMES, Partitioned};
use mishap_storage::purge::{self, Kept};
use mishap_storage::retention::{self, Shorter};
use mishap_storage::{Conn, audit, bodies, issues};

use super::JobContext;

/// Days that outcomes are kept: a year and the month it began in.
const OUTCOME_DAYS: u64 = 396;

/// Issues deleted at once.
const ISSUES: i64 = 500;

pub(super) async fn run(context: &JobContext) -> anyhow::Result<()> {
    let mut conn = context.pool.get().await?;
    let now = mishap_storage::now(&mut conn).await?;
    let kept = Days::new(context.retention_days.into());
    let before = |days| now.checked_sub_days(days).unwrap_or_default();
    for (table, days) in [
        (EVENTS, kept),
        (ATTACHMENTS, kept),
        (ISSUE_HOURS, kept),
        (OUTCOMES, Days::new(OUTCOME_DAYS)),
    ] {
        let dropped = partitions::drop_before(&mut conn, &table, before(days)).await?;
        note_dropped(&table, &dropped);
    }
    loop {
        let deleted = issues::delete_stale(&mut conn, before(kept), ISSUES).await?;
        counter!("glitchtip_purge_rows_total", "table" => "issues").increment(deleted as u64);
        if deleted == 0 {
            break;
        }
    }
    apply_shorter(&mut conn, now, context.retention_days).await?;
    // An event of the day in which a dictionary was replaced may still need it.
    bodies::delete_replaced(&mut conn, before(Days::new(u64::from(context.retention_days) + 2)))
        .await?;
    let forgotten = audit::forget(&mut conn, before(Days::new(context.audit_days.into()))).await?;
    counter!("glitchtip_purge_rows_total", "table" => "audit_log").increment(forgotten as u64);
    Ok(())
}

/// Takes what projects keep for a shorter time: some rows at a time, from partitions that are over by
/// then.
async fn apply_shorter(conn: &mut Conn, now: DateTime<Utc>, days: u32) -> anyhow::Result<()> {
    let shorter = retention::shorter_than(conn, days).await?;
    let horizon = |one: &Shorter| now - TimeDelta::days(one.days.into());
    if shorter.is_empty() {
        return Ok(());
    }
    for kept in Kept::ALL {
        for partition in partitions::list(conn, kept.table()).await? {
            let over = shorter.iter().filter(|one| partition.to <= horizon(one));
            let projects: Vec<_> = over.map(|one| one.project).collect();
            while !projects.is_empty() {
                let taken = purge::take_from_partition(conn, kept, &partition, &projects).await?;
                counter!("glitchtip_purge_rows_total", "table" => kept.table().table)
                    .increment(taken as u64);
                if taken == 0 {
                    break;
                }
            }
        }
    }
    for one in &shorter {
        while issues::delete_stale_of(conn, one.project, horizon(one), ISSUES).await? > 0 {}
    }
    Ok(())
}

fn note_dropped(table: &Partitioned, dropped: &[String]) {
    if !dropped.is_empty() {
        tracing::info!(table = table.table, ?dropped, "dropped partitions past the retention");
    }
    counter!("glitchtip_purge_partitions_dropped_total", "table" => table.table)
        .increment(dropped.len() as u64);
}
