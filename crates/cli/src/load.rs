//! `mishap load`: sends many events and measures what the server does with them.
//!
//! What counts is not what was acknowledged but what was digested: the report waits until nothing is
//! left in the inbox. In a closed loop each connection sends its next request when the last one was
//! answered; in an open loop requests are due at fixed times, and latency counts from when a request
//! was due, so that a server which stalls cannot hide it.

mod connection;
mod events;
mod report;

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use mishap_core::id::{EventId, ProjectId};
use mishap_core::random::SystemRandom;
use mishap_protocol::dsn::Dsn;
use mishap_storage::{inbox, measures};
use tokio::time::Instant;

use self::connection::Connection;
pub use self::events::{SampleEvents, sample_event};
use self::report::{Report, Tallied};
use crate::command::{LoadCoding, LoadOptions};
use crate::operator::Operator;
use crate::output::Output;

/// How long to wait until everything is digested.
const PATIENCE: Duration = Duration::from_secs(300);

/// How often is looked whether it is.
const POLL: Duration = Duration::from_millis(100);

pub(crate) fn main(options: &LoadOptions, output: Output) -> anyhow::Result<()> {
    mishap_process::install_encryption();
    // One thread: the generator must not take more of the machine than it needs.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(options, output))
}

async fn run(options: &LoadOptions, output: Output) -> anyhow::Result<()> {
    let events =
        SampleEvents::new(options.seed, options.issues, options.coding == LoadCoding::Gzip);
    let operator = if options.no_wait { None } else { Some(Operator::new()?) };
    let project = ProjectId(options.dsn.project_id());
    let before = match &operator {
        Some(operator) => stored(operator, project).await?,
        None => 0,
    };
    let began = Instant::now();
    let tallied = send(options, Arc::new(events)).await?;
    let sending = began.elapsed();
    let digested = match &operator {
        Some(operator) => {
            until_digested(operator).await?;
            let all = began.elapsed();
            Some((stored(operator, project).await? - before, all))
        }
        None => None,
    };
    if let Some(path) = &options.acknowledged {
        let mut file = std::fs::File::create(path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        for id in &tallied.acknowledged {
            writeln!(file, "{}", EventId(*id))?;
        }
    }
    output.show(&Report::new(&tallied, sending, digested))
}

/// Events of the project that are stored.
async fn stored(operator: &Operator, project: ProjectId) -> anyhow::Result<i64> {
    let mut conn = operator.conn().await?;
    Ok(measures::events_of_issues(&mut conn, project).await?)
}

async fn until_digested(operator: &Operator) -> anyhow::Result<()> {
    let began = Instant::now();
    loop {
        let mut conn = operator.conn().await?;
        if inbox::is_empty(&mut conn).await? {
            return Ok(());
        }
        drop(conn);
        anyhow::ensure!(
            began.elapsed() < PATIENCE,
            "not everything is digested after {PATIENCE:?}"
        );
        tokio::time::sleep(POLL).await;
    }
}

/// When the next request is due.
struct Pace {
    began: Instant,
    rate: Option<u32>,
    next: AtomicU64,
    max_events: u64,
}

impl Pace {
    /// When the next request is due; nothing if there is to be none.
    fn next(&self, until: Instant) -> Option<Instant> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let due = match self.rate {
            #[expect(clippy::cast_precision_loss, reason = "microseconds do not matter")]
            Some(rate) => {
                self.began + Duration::from_secs_f64(number as f64 / f64::from(rate.max(1)))
            }
            None => Instant::now(),
        };
        (due < until && number < self.max_events).then_some(due)
    }
}

async fn send(options: &LoadOptions, events: Arc<SampleEvents>) -> anyhow::Result<Tallied> {
    let began = Instant::now();
    let until = began + Duration::from_secs(options.seconds);
    let pace = Arc::new(Pace {
        began,
        rate: options.rate,
        next: AtomicU64::new(0),
        max_events: options.events.unwrap_or(u64::MAX),
    });
    let target = Arc::new(Target::of(&options.dsn, options.coding)?);
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..options.connections.max(1) {
        let sender = SenderTask {
            target: Arc::clone(&target),
            events: Arc::clone(&events),
            pace: Arc::clone(&pace),
            keeps_ids: options.acknowledged.is_some(),
        };
        senders.spawn(sender.run(until));
    }
    let mut tallied = Tallied::default();
    while let Some(one) = senders.join_next().await {
        tallied.add(one?);
    }
    Ok(tallied)
}

/// Where requests go.
struct Target {
    host: String,
    port: u16,
    path: String,
    auth: String,
    coding: LoadCoding,
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
    events: Arc<SampleEvents>,
    pace: Arc<Pace>,
    keeps_ids: bool,
}

impl SenderTask {
    async fn run(self, until: Instant) -> Tallied {
        let random = SystemRandom;
        let mut tallied = Tallied::default();
        let mut connection = Connection::new(&self.target);
        while let Some(due) = self.pace.next(until) {
            tokio::time::sleep_until(due).await;
            let (event_id, body) = self.events.next(&random);
            let bytes = body.len() as u64;
            match connection.post(body).await {
                Ok(status) => {
                    tallied.answer(status, due.elapsed(), bytes);
                    if self.keeps_ids && status == 200 {
                        tallied.acknowledged.push(event_id);
                    }
                }
                Err(_broken) => {
                    tallied.errors += 1;
                    // A server that is starting is not hammered.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
        tallied
    }
}
