//! Looks at the server once a second while it is loaded.

use std::convert::Infallible;
use std::time::Duration;

use mishap_storage::{inbox, measures};
use serde::Serialize;
use tokio::time::{Instant, MissedTickBehavior};

use super::components::Components;
use crate::load::tally::rounded;
use crate::operator::Operator;

/// How often is looked.
const EVERY: Duration = Duration::from_secs(1);

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) samples: Vec<Sample>,
    /// Of each component, the bytes that it used at most.
    pub(super) memory_bytes: Vec<f64>,
}

/// What was seen at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Sample {
    /// Since the run began.
    pub(super) second: f64,
    /// Envelopes in the inbox.
    pub(super) waiting: i64,
    /// How old the oldest of them was.
    pub(super) oldest_seconds: u64,
    /// Clients of PostgreSQL, this one included.
    pub(super) connections: i64,
}

/// Looks for as long as it is asked to. A moment at which the database cannot be asked is left out.
pub(super) async fn watch(
    operator: &Operator,
    components: &Components<'_>,
    began: Instant,
    seen: &mut Seen,
) -> Infallible {
    seen.memory_bytes = vec![0.0; components.all.len()];
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        seen.samples.extend(sample(operator, began).await.ok());
        for (most, reading) in seen.memory_bytes.iter_mut().zip(components.read().await.each) {
            *most = most.max(reading.unwrap_or_default().memory_bytes);
        }
    }
}

async fn sample(operator: &Operator, began: Instant) -> anyhow::Result<Sample> {
    let mut conn = operator.conn().await?;
    let waiting = inbox::count(&mut conn).await?;
    let oldest_seconds = inbox::backlog(&mut conn).await?.oldest_seconds;
    let connections = measures::server(&mut conn).await?.connections;
    let second = rounded(began.elapsed().as_secs_f64());
    Ok(Sample { second, waiting, oldest_seconds, connections })
}

impl Seen {
    /// How long after this second no more than so many waited; nothing if that was not seen.
    pub(super) fn caught_up_after(&self, second: f64, waiting: f64) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "there are not so many")]
        let has_caught_up =
            |sample: &&Sample| sample.second >= second && sample.waiting as f64 <= waiting;
        self.samples.iter().find(has_caught_up).map(|sample| rounded(sample.second - second))
    }

    pub(super) fn connections_most(&self) -> i64 {
        self.samples.iter().map(|sample| sample.connections).max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(waiting: &[i64]) -> Seen {
        let sample = |(second, waiting): (u32, &i64)| Sample {
            second: f64::from(second),
            waiting: *waiting,
            oldest_seconds: 0,
            connections: waiting + 1,
        };
        Seen { samples: (0..).zip(waiting).map(sample).collect(), memory_bytes: Vec::new() }
    }

    #[test]
    fn a_server_has_caught_up_when_little_waits_again() {
        let seen = seen(&[0, 5, 700, 300, 40, 0]);
        assert_eq!(seen.caught_up_after(2.0, 50.0), Some(2.0));
        assert_eq!(seen.caught_up_after(2.5, 300.0), Some(0.5));
        assert_eq!(seen.caught_up_after(2.0, -1.0), None);
        assert_eq!(seen.connections_most(), 701);
    }
}
