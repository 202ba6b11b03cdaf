//! Sends requests when they are due, over several connections.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mishap_core::random::SystemRandom;
use tokio::time::Instant;

use super::connection::{Connection, Target};
use super::mix::{Mix, Payload};
use super::tally::Tallied;
use crate::command::LoadOptions;

/// How long a server may take to answer. After that the connection is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends what a mix holds to one project.
pub(super) struct Sending {
    target: Arc<Target>,
    mix: Arc<Mix>,
    connections: usize,
    keeps_ids: bool,
}

/// How much is sent, and for how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    /// Requests a second; if nothing is said, as many as are answered.
    pub(super) rate: Option<f64>,
    /// How long requests are due.
    pub(super) length: Duration,
    /// How many requests at most.
    pub(super) max_events: u64,
}

impl Sending {
    pub(super) fn new(options: &LoadOptions, mix: Mix) -> anyhow::Result<Self> {
        Ok(Self {
            target: Arc::new(Target::of(&options.dsn, options.coding)?),
            mix: Arc::new(mix),
            connections: options.connections.max(1),
            keeps_ids: options.acknowledged.is_some(),
        })
    }

    /// Sends for a while, and returns when the last request was answered.
    pub(super) async fn send(&self, stretch: Stretch) -> anyhow::Result<Tallied> {
        let began = Instant::now();
        let pace = Arc::new(Pace::new(stretch, began));
        let tallied: Arc<Mutex<Tallied>> = Arc::default();
        let mut senders = tokio::task::JoinSet::new();
        for _ in 0..self.connections {
            let sender = SenderTask {
                target: Arc::clone(&self.target),
                mix: Arc::clone(&self.mix),
                pace: Arc::clone(&pace),
                tallied: Arc::clone(&tallied),
                keeps_ids: self.keeps_ids,
            };
            senders.spawn(sender.run());
        }
        while let Some(ended) = senders.join_next().await {
            ended?;
        }
        let mut tallied = tallied.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(std::mem::take(&mut *tallied))
    }
}

/// When the next request is due.
pub(super) struct Pace {
    began: Instant,
    stretch: Stretch,
    next: AtomicU64,
}

impl Pace {
    /// From this moment on.
    pub(super) fn new(stretch: Stretch, began: Instant) -> Self {
        Self { began, stretch, next: AtomicU64::new(0) }
    }

    /// When the next request is due; nothing if there is to be none.
    pub(super) fn next(&self) -> Option<Instant> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let due = match self.stretch.rate {
            #[expect(clippy::cast_precision_loss, reason = "microseconds do not matter")]
            Some(rate) => self.began + Duration::from_secs_f64(number as f64 / rate),
            None => Instant::now(),
        };
        let is_due = due < self.began + self.stretch.length && number < self.stretch.max_events;
        is_due.then_some(due)
    }
}

/// One connection's work.
struct SenderTask {
    target: Arc<Target>,
    mix: Arc<Mix>,
    pace: Arc<Pace>,
    /// One for all connections: histograms are large.
    tallied: Arc<Mutex<Tallied>>,
    keeps_ids: bool,
}

impl SenderTask {
    async fn run(self) {
        let random = SystemRandom;
        let mut connection = Connection::new(&self.target);
        while let Some(due) = self.pace.next() {
            tokio::time::sleep_until(due).await;
            let Payload { kind, event_id, body } = self.mix.next(&random);
            let bytes = body.len();
            let answer = tokio::time::timeout(PATIENCE, connection.post(body)).await;
            if let Ok(Ok(status)) = answer {
                let mut tallied = self.tallied();
                tallied.answer(kind, status, due.elapsed(), bytes);
                if self.keeps_ids && status == 200 {
                    tallied.acknowledged.extend(event_id);
                }
            } else {
                self.tallied().no_answer(kind);
                // A server that is starting is not hammered.
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    fn tallied(&self) -> MutexGuard<'_, Tallied> {
        self.tallied.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
