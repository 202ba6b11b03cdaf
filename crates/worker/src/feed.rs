//! Which rows are digested next: those that hints tell of, and those that the sweep finds.
//!
//! ```text
//! hints ──► dispatch ──► batches ──┐
//!                                  ├──► lanes, each digesting one batch at a time
//!                        sweep ────┘
//! ```
//!
//! A hint is read once and forgotten. What is not digested after [`SWEEP_AGE`], because its hint was
//! lost or the worker that had it died, is found by the sweep, the oldest first. Without Redis, or
//! while it takes no writes, there are no hints, and the sweep takes everything at once.

use std::sync::Arc;
use std::time::Duration;

use mishap_boot::shutdown::CancellationToken;
use mishap_boot::tasks::Tasks;
use mishap_core::causes::Causes;
use mishap_queue::Redis;
use mishap_queue::hints::HintReader;
use mishap_storage::inbox::{self, Ticket};
use mishap_storage::{Error, Pool};
use tokio::sync::{Mutex, Notify, mpsc, watch};
use tokio::time::Instant;

use crate::digest::{Digester, MAX_ROWS, batch_length};

/// Rows older than this are swept while there are hints.
const SWEEP_AGE: Duration = Duration::from_secs(10);

/// How often is swept while there are hints.
const SWEEP_PERIOD: Duration = Duration::from_secs(2);

/// How often is swept without hints.
const POLL_PERIOD: Duration = Duration::from_millis(100);

/// How long to wait after something failed.
const PAUSE: Duration = Duration::from_millis(500);

/// How long a batch waits for more: what a batch costs by itself, its rows share.
const LINGER: Duration = Duration::from_millis(50);

/// Rows that are waiting for a digester before no more hints are read.
const MAX_WAITING: usize = 4 * MAX_ROWS;

/// Keeps digesters busy.
pub(crate) struct Feed {
    /// Digests.
    pub(crate) digester: Arc<Digester>,
    /// Connections for the sweep's own statements.
    pub(crate) pool: Pool,
    /// Where hints come from, if from anywhere.
    pub(crate) redis: Option<Redis>,
    /// The worker's name among the readers of hints.
    pub(crate) consumer: String,
    /// Batches digested at once.
    pub(crate) concurrency: usize,
    /// Told when hints say that a job was made.
    pub(crate) jobs: Arc<Notify>,
}

impl Feed {
    /// Starts everything that feeds the digest. It stops when the tasks are told to, each lane after
    /// the batch it has.
    pub(crate) fn start(self, tasks: &Tasks) {
        let Self { digester, pool, redis, consumer, concurrency, jobs } = self;
        let (tell_hinted, are_hinted) = watch::channel(false);
        let (batches, taken) = mpsc::channel(1);
        let taken = Arc::new(Mutex::new(taken));
        for number in 0..concurrency.max(1) {
            let lane = Lane {
                number,
                digester: Arc::clone(&digester),
                batches: Arc::clone(&taken),
                are_hinted: are_hinted.clone(),
                stop: tasks.stop().clone(),
            };
            let pool = pool.clone();
            tasks.spawn("digest lane", async move {
                if number == 0 {
                    lane.begin_carefully(&pool).await;
                }
                lane.run().await;
            });
        }
        let Some(redis) = redis else {
            // Nobody sends batches, and the lanes must not think that nobody ever will.
            let stop = tasks.stop().clone();
            tasks.spawn("dispatch", async move {
                stop.cancelled().await;
                drop(batches);
            });
            return;
        };
        let (hinted, tickets) = mpsc::channel(1);
        let reader = HintReader::new(redis, consumer);
        let stop = tasks.stop().clone();
        tasks.spawn("hints", read_hints(reader, hinted, jobs, tell_hinted, stop));
        tasks.spawn("dispatch", dispatch(tickets, batches));
    }
}

/// Reads hints until it is told to stop.
async fn read_hints(
    mut reader: HintReader,
    hinted: mpsc::Sender<Vec<Ticket>>,
    jobs: Arc<Notify>,
    are_hinted: watch::Sender<bool>,
    stop: CancellationToken,
) {
    while !stop.is_cancelled() {
        match reader.read().await {
            Ok(hints) => {
                if !are_hinted.send_replace(true) {
                    tracing::info!("listening for hints");
                }
                if hints.jobs {
                    jobs.notify_one();
                }
                if !hints.tickets.is_empty() && hinted.send(hints.tickets).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                if are_hinted.send_replace(false) {
                    tracing::warn!(error = %Causes(&error), "there are no hints; looking for work instead");
                }
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(PAUSE) => {}
                }
            }
        }
    }
}

/// Makes batches of what was hinted: full ones at once, others when they have waited a little.
async fn dispatch(mut hinted: mpsc::Receiver<Vec<Ticket>>, batches: mpsc::Sender<Vec<Ticket>>) {
    let mut waiting: Vec<Ticket> = Vec::new();
    let mut due = Instant::now();
    loop {
        let is_full = is_full(&waiting);
        tokio::select! {
            biased;
            tickets = hinted.recv(), if waiting.len() < MAX_WAITING => match tickets {
                Some(tickets) => {
                    if waiting.is_empty() {
                        due = Instant::now() + LINGER;
                    }
                    waiting.extend(tickets);
                }
                // What still waits is found by the next worker's sweep.
                None => return,
            },
            permit = when(due, is_full, &batches), if !waiting.is_empty() => {
                let Ok(permit) = permit else {
                    return;
                };
                let rest = waiting.split_off(batch_length(&waiting));
                permit.send(std::mem::replace(&mut waiting, rest));
                due = Instant::now() + LINGER;
            }
        }
    }
}

/// Whether more would not fit into one batch.
fn is_full(waiting: &[Ticket]) -> bool {
    waiting.len() >= MAX_ROWS || batch_length(waiting) < waiting.len()
}

/// Waits until a batch is due, and then until somebody takes it.
async fn when(
    due: Instant,
    is_full: bool,
    batches: &mpsc::Sender<Vec<Ticket>>,
) -> Result<mpsc::Permit<'_, Vec<Ticket>>, mpsc::error::SendError<()>> {
    if !is_full {
        tokio::time::sleep_until(due).await;
    }
    batches.reserve().await
}

/// Digests one batch at a time: a hinted one, or one that it sweeps up.
struct Lane {
    number: usize,
    digester: Arc<Digester>,
    batches: Arc<Mutex<mpsc::Receiver<Vec<Ticket>>>>,
    are_hinted: watch::Receiver<bool>,
    stop: CancellationToken,
}

impl Lane {
    /// If the worker before this one died of a row, it is among the oldest: they are digested one by
    /// one, each counted before it is tried.
    async fn begin_carefully(&self, pool: &Pool) {
        let limit = i64::try_from(MAX_ROWS).unwrap_or(i64::MAX);
        while !self.stop.is_cancelled() {
            let suspected = async {
                let mut conn = pool.get().await?;
                inbox::suspect_oldest(&mut conn, limit).await
            };
            match suspected.await {
                Ok(_) => return,
                Err(error) => self.pause_after(&error).await,
            }
        }
    }

    async fn run(mut self) {
        let mut sweep_at = Instant::now();
        let batches = Arc::clone(&self.batches);
        loop {
            let hinted = async { batches.lock().await.recv().await };
            let done = tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                Ok(()) = self.are_hinted.changed() => {
                    // Hints of what is there may have been lost just before this was noticed.
                    let noticed = Instant::now();
                    let done = self.sweep(|| noticed.elapsed()).await;
                    sweep_at = Instant::now() + self.sweep_period();
                    done
                }
                () = tokio::time::sleep_until(sweep_at) => {
                    let done = self.sweep(|| self.sweep_age()).await;
                    sweep_at = Instant::now() + self.sweep_period();
                    done
                }
                batch = hinted => match batch {
                    Some(batch) => self.digester.digest(batch).await.map(drop),
                    None => return,
                },
            };
            if let Err(error) = done {
                self.pause_after(&error).await;
            }
        }
    }

    /// Digests what is this old, and what may bring the worker down, until there is no more of it.
    async fn sweep(&self, age: impl Fn() -> Duration) -> Result<(), Error> {
        while !self.stop.is_cancelled() {
            // One at a time is enough for what may bring the worker down.
            let was_suspect = self.number == 0 && self.digester.digest_suspect().await?;
            let digested = self.digester.digest_oldest(age()).await?;
            if !was_suspect && digested == 0 {
                break;
            }
        }
        Ok(())
    }

    fn is_hinted(&self) -> bool {
        *self.are_hinted.borrow()
    }

    fn sweep_age(&self) -> Duration {
        if self.is_hinted() { SWEEP_AGE } else { Duration::ZERO }
    }

    fn sweep_period(&self) -> Duration {
        if self.is_hinted() { SWEEP_PERIOD } else { POLL_PERIOD }
    }

    async fn pause_after(&self, error: &Error) {
        tracing::warn!(error = %Causes(error), "a batch was left for later");
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}
