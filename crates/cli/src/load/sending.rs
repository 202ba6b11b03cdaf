//! Sends requests when they are due, over several connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use mishap_core::random::SystemRandom;
use mishap_protocol::dsn::Dsn;
use tokio::time::Instant;

use super::connection::Connection;
use super::mix::{Mix, Payload};
use super::tally::Tallied;
use crate::command::{LoadCoding, LoadOptions};

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
        let pace = Arc::new(Pace { began, stretch, next: AtomicU64::new(0) });
        let mut senders = tokio::task::JoinSet::new();
        for _ in 0..self.connections {
            let sender = SenderTask {
                target: Arc::clone(&self.target),
                mix: Arc::clone(&self.mix),
                pace: Arc::clone(&pace),
                keeps_ids: self.keeps_ids,
            };
            senders.spawn(sender.run());
        }
        let mut tallied = Tallied::default();
        while let Some(one) = senders.join_next().await {
            tallied.add(one?);
        }
        Ok(tallied)
    }
}

/// When the next request is due.
struct Pace {
    began: Instant,
    stretch: Stretch,
    next: AtomicU64,
}

impl Pace {
    /// When the next request is due; nothing if there is to be none.
    fn next(&self) -> Option<Instant> {
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

/// Where requests go.
pub(super) struct Target {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) path: String,
    pub(super) auth: String,
    pub(super) coding: LoadCoding,
}

impl Target {
    fn of(dsn: &Dsn, coding: LoadCoding) -> anyhow::Result<Self> {
        let url = url::Url::parse(&dsn.envelope_url())?;
        anyhow::ensure!(url.scheme() == "http", "the load generator speaks plain HTTP only");
        Ok(Self {
            host: url.host_str().context("the DSN has no host")?.to_owned(),
            port: url.port_or_known_default().unwrap_or(80),
            path: url.path().to_owned(),
            auth: dsn.auth_header(crate::send::CLIENT),
            coding,
        })
    }
}

/// One connection's work.
struct SenderTask {
    target: Arc<Target>,
    mix: Arc<Mix>,
    pace: Arc<Pace>,
    keeps_ids: bool,
}

impl SenderTask {
    async fn run(self) -> Tallied {
        let random = SystemRandom;
        let mut tallied = Tallied::default();
        let mut connection = Connection::new(&self.target);
        while let Some(due) = self.pace.next() {
            tokio::time::sleep_until(due).await;
            let Payload { event_id, body } = self.mix.next(&random);
            let bytes = body.len() as u64;
            let answer = tokio::time::timeout(PATIENCE, connection.post(body)).await;
            match (answer, event_id) {
                (Ok(Ok(status)), None) => tallied.malformed(status),
                (Ok(Ok(status)), Some(event_id)) => {
                    tallied.answer(status, due.elapsed(), bytes);
                    if self.keeps_ids && status == 200 {
                        tallied.acknowledged.push(event_id);
                    }
                }
                (_broken, event_id) => {
                    tallied.errors += u64::from(event_id.is_some());
                    // A server that is starting is not hammered.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
        tallied
    }
}
