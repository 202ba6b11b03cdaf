//! CPU time of the parts of an installation between two moments.

use std::time::Duration;

use mishap_testkit::proc;

use crate::installation::Installation;

/// CPU time of each part since it started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) web: Duration,
    pub(crate) worker: Duration,
    pub(crate) beat: Duration,
    pub(crate) postgres: Duration,
    pub(crate) redis: Duration,
}

impl Usage {
    pub(crate) fn of(installation: &Installation) -> Self {
        let Installation { web, worker, beat, servers, .. } = installation;
        Self {
            web: proc::cpu(web.pid()),
            worker: proc::cpu(worker.pid()),
            beat: proc::cpu(beat.pid()),
            postgres: servers.postgres.pid().map(proc::cpu_of_family).unwrap_or_default(),
            redis: servers.redis.pid().map(proc::cpu).unwrap_or_default(),
        }
    }

    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            web: self.web.saturating_sub(before.web),
            worker: self.worker.saturating_sub(before.worker),
            beat: self.beat.saturating_sub(before.beat),
            postgres: self.postgres.saturating_sub(before.postgres),
            redis: self.redis.saturating_sub(before.redis),
        }
    }

    pub(crate) fn all(self) -> Duration {
        self.web + self.worker + self.beat + self.postgres + self.redis
    }
}

/// Seconds of CPU for 1,000 events.
#[expect(clippy::cast_precision_loss, reason = "for people")]
pub(crate) fn per_thousand(cpu: Duration, events: u64) -> f64 {
    cpu.as_secs_f64() * 1000.0 / events.max(1) as f64
}
