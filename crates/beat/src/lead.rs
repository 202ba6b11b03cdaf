//! Leads, if nobody else does, and pushes the jobs that are due.
//!
//! Leadership is a lease on the database's clock; it spares work, and correctness does not hang on
//! it: a slot of the schedule gets one job however many beats push it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use metrics::{counter, gauge};
use mishap_core::causes::Causes;
use mishap_queue::Redis;
use mishap_storage::{Pool, jobs};
use uuid::Uuid;

use crate::schedule::SCHEDULE;

/// The lease's name.
const LEASE: &str = "beat";

/// How long a lease lasts. A beat that died is followed by another one after this time.
const TERM: Duration = Duration::from_secs(15);

/// One beat among several.
pub struct Leader {
    /// Connections to PostgreSQL.
    pub pool: Pool,
    /// The fast path, if there is one.
    pub redis: Option<Redis>,
    /// Who this is.
    pub holder: Uuid,
}

impl Leader {
    /// Takes or renews the lease, and pushes what is due; says whether this beat leads.
    pub async fn tick(&self) -> anyhow::Result<bool> {
        counter!("glitchtip_beat_ticks_total").increment(1);
        let mut conn = self.pool.get().await?;
        let lease = jobs::acquire(&mut conn, LEASE, self.holder, TERM).await?;
        gauge!("glitchtip_beat_leader").set(if lease.is_some() { 1.0 } else { 0.0 });
        if lease.is_none() {
            return Ok(false);
        }
        let now = mishap_storage::now(&mut conn).await?;
        let last_slots = jobs::last_slots(&mut conn).await?;
        let mut pushed = 0;
        for entry in SCHEDULE {
            let name = entry.job.name();
            let last_slot = last_slots.iter().find(|(job, _)| job == name).map(|(_, slot)| *slot);
            let Some(slot) = entry.due(last_slot, now)? else {
                continue;
            };
            if jobs::push_slot(&mut conn, name, slot, &serde_json::Value::Null).await?.is_some() {
                pushed += 1;
                note_pushed(name, last_slot, slot);
            }
        }
        if let (Some(redis), true) = (&self.redis, pushed > 0) {
            // Without the hint the worker finds the jobs a few seconds later.
            if let Err(error) = redis.hint_job().await {
                tracing::debug!(error = %Causes(&error), "the workers cannot be told of jobs");
            }
        }
        Ok(true)
    }

    /// Lets another beat lead at once.
    pub async fn release(&self) -> anyhow::Result<()> {
        let mut conn = self.pool.get().await?;
        jobs::release(&mut conn, LEASE, self.holder).await?;
        Ok(())
    }
}

fn note_pushed(job: &'static str, last_slot: Option<DateTime<Utc>>, slot: DateTime<Utc>) {
    tracing::debug!(job.name = job, %slot, "pushed a job");
    counter!("glitchtip_queue_enqueued_total", "job" => job).increment(1);
    if last_slot.is_none() {
        tracing::info!(job.name = job, "pushed a job for the first time");
    }
}
