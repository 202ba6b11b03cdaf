//! The group commit: what is taken becomes durable, many requests at a time.
//!
//! Requests hand their envelopes to one task and wait. The task gathers what arrives within
//! [`LINGER`], writes it in one statement, and answers everybody at once; while it writes, the next
//! batch gathers. What was refused is counted in the same transaction. While PostgreSQL is away,
//! envelopes go to the bounded overflow in Redis; when neither can take them, nobody hears 200.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mishap_boot::shutdown::CancellationToken;
use mishap_core::causes::Causes;
use mishap_core::random::Random;
use mishap_core::tally::Tally;
use mishap_process::reports;
use mishap_queue::Redis;
use mishap_queue::overflow::Appended;
use mishap_storage::inbox::{self, NewEnvelope, Ticket};
use mishap_storage::{Conn, ErrorClass, Pool};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

/// How long the first of a batch waits for others.
const LINGER: Duration = Duration::from_millis(3);

/// Envelopes in one batch at most.
const MAX_BATCH: usize = 256;

/// A batch of this many is written without waiting for more.
const FULL_ENOUGH: usize = 64;

/// Bytes in one batch at most.
const MAX_BATCH_BYTES: usize = 2 << 20;

/// Envelopes that may wait for the task.
const QUEUE: usize = 4096;

/// What they may take together, in KiB.
const QUEUE_KIB: usize = 64 << 10;

/// How long a write may take before PostgreSQL counts as away.
const WRITE_TIMEOUT: Duration = Duration::from_secs(4);

/// How often PostgreSQL is tried again while it is away.
const RETRY: Duration = Duration::from_millis(500);

/// How often refusals are written when nothing else is.
const IDLE_FLUSH: Duration = Duration::from_secs(1);

/// The envelope could not be made durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotDurable;

struct Waiting {
    envelope: NewEnvelope,
    durable: oneshot::Sender<Result<(), NotDurable>>,
    _room: OwnedSemaphorePermit,
}

/// Hands envelopes to the task.
pub(super) struct Intake {
    queue: mpsc::Sender<Waiting>,
    /// The KiB of the queue.
    room: Arc<Semaphore>,
    /// What was refused since the last write.
    refused: Arc<Mutex<Tally>>,
}

impl Intake {
    /// Makes an envelope durable; returns when it is.
    pub(super) async fn accept(&self, envelope: NewEnvelope) -> Result<(), NotDurable> {
        let (durable, outcome) = oneshot::channel();
        // A full queue means that writing is far behind: waiting longer helps nobody.
        let kib = envelope.payload.len().div_ceil(1024).min(QUEUE_KIB);
        let room =
            Arc::clone(&self.room).try_acquire_many_owned(u32::try_from(kib).unwrap_or(u32::MAX));
        let room = room.map_err(|_full| NotDurable)?;
        let waiting = Waiting { envelope, durable, _room: room };
        self.queue.try_send(waiting).map_err(|_full| NotDurable)?;
        outcome.await.unwrap_or(Err(NotDurable))
    }

    /// Counts what was refused; written with the next batch, or soon.
    pub(super) fn count(&self, count: impl FnOnce(&mut Tally)) {
        count(&mut self.refused.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The task's side.
pub(super) struct Committer {
    queue: mpsc::Receiver<Waiting>,
    refused: Arc<Mutex<Tally>>,
    pool: Pool,
    redis: Option<Redis>,
    random: Arc<dyn Random>,
    hints: mpsc::Sender<Vec<Ticket>>,
    /// When PostgreSQL was last found to be away.
    away_since: Option<Instant>,
}

/// Makes the two sides, and the receiver of hints.
pub(super) fn intake(
    pool: Pool,
    redis: Option<Redis>,
    random: Arc<dyn Random>,
) -> (Intake, Committer, mpsc::Receiver<Vec<Ticket>>) {
    let (queue, receiver) = mpsc::channel(QUEUE);
    let (hints, hinted) = mpsc::channel(QUEUE);
    let refused = Arc::new(Mutex::new(Tally::default()));
    let committer = Committer {
        queue: receiver,
        refused: Arc::clone(&refused),
        pool,
        redis,
        random,
        hints,
        away_since: None,
    };
    let room = Arc::new(Semaphore::new(QUEUE_KIB));
    (Intake { queue, room, refused }, committer, hinted)
}

impl Committer {
    /// Writes batches until nobody can hand over any more, or `stop` is cancelled and the queue is
    /// empty.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        loop {
            let first = tokio::select! {
                biased;
                first = self.queue.recv() => match first {
                    Some(first) => Some(first),
                    None => break,
                },
                () = stop.cancelled() => break,
                () = tokio::time::sleep(IDLE_FLUSH) => None,
            };
            let batch = match first {
                Some(first) => self.gather(first).await,
                None => Vec::new(),
            };
            self.commit(batch).await;
        }
        // Those who handed something over before the end still hear of it.
        self.queue.close();
        while let Some(first) = self.queue.recv().await {
            let batch = self.gather(first).await;
            self.commit(batch).await;
        }
        self.commit(Vec::new()).await;
    }

    async fn gather(&mut self, first: Waiting) -> Vec<Waiting> {
        let mut bytes = first.envelope.payload.len();
        let mut batch = vec![first];
        let deadline = tokio::time::Instant::now() + LINGER;
        while batch.len() < MAX_BATCH && bytes < MAX_BATCH_BYTES {
            let next = match self.queue.try_recv() {
                Ok(next) => next,
                Err(_empty) if batch.len() >= FULL_ENOUGH => break,
                Err(_empty) => match tokio::time::timeout_at(deadline, self.queue.recv()).await {
                    Ok(Some(next)) => next,
                    Ok(None) | Err(_) => break,
                },
            };
            bytes += next.envelope.payload.len();
            batch.push(next);
        }
        batch
    }

    async fn commit(&mut self, batch: Vec<Waiting>) {
        let refused =
            std::mem::take(&mut *self.refused.lock().unwrap_or_else(PoisonError::into_inner));
        if batch.is_empty() && refused.is_empty() {
            return;
        }
        let (envelopes, waiters): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|waiting| (waiting.envelope, waiting.durable)).unzip();
        let is_own = envelopes.iter().any(|it| reports::is_own(it.user_agent.as_deref()));
        let written = reports::silently_if(is_own, self.write(&envelopes, &refused)).await;
        let outcome = match written {
            Ok(tickets) => {
                if !tickets.is_empty() {
                    // A hint that nobody takes is found by the sweep.
                    let _full = self.hints.try_send(tickets);
                }
                Ok(())
            }
            Err(AwayError) => {
                self.put_back(refused);
                self.overflow(envelopes).await
            }
        };
        for waiter in waiters {
            // The client may have gone.
            let _gone = waiter.send(outcome);
        }
    }

    /// Writes to PostgreSQL unless it is known to be away.
    async fn write(
        &mut self,
        envelopes: &[NewEnvelope],
        refused: &Tally,
    ) -> Result<Vec<Ticket>, AwayError> {
        if self.away_since.is_some_and(|since| since.elapsed() < RETRY) {
            return Err(AwayError);
        }
        let began = Instant::now();
        let written = self.pool.within(WRITE_TIMEOUT, async |conn: &mut Conn| {
            inbox::accept(conn, envelopes, refused).await
        });
        let written = written.await;
        metrics::histogram!("glitchtip_ingest_commit_seconds").record(began.elapsed());
        match written {
            Ok(tickets) => {
                if self.away_since.take().is_some() {
                    tracing::info!("PostgreSQL is back");
                }
                Ok(tickets)
            }
            Err(error) => {
                if self.away_since.is_none() || error.class() == ErrorClass::Fault {
                    tracing::error!(
                        error = %Causes(&error),
                        "PostgreSQL cannot take envelopes"
                    );
                }
                self.away_since = Some(Instant::now());
                Err(AwayError)
            }
        }
    }

    fn put_back(&self, refused: Tally) {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).add(refused);
    }

    async fn overflow(&self, envelopes: Vec<NewEnvelope>) -> Result<(), NotDurable> {
        if envelopes.is_empty() {
            return Ok(());
        }
        let Some(redis) = &self.redis else {
            return Err(NotDurable);
        };
        let count = envelopes.len() as u64;
        let entries: Vec<_> =
            envelopes.into_iter().map(|envelope| (self.random.uuid(), envelope)).collect();
        match redis.append_overflow(&entries).await {
            Ok(Appended::All) => {
                metrics::counter!("glitchtip_ingest_overflow_total").increment(count);
                Ok(())
            }
            Ok(Appended::Full) => Err(NotDurable),
            Err(error) => {
                tracing::warn!(
                    error = %Causes(&error),
                    "Redis cannot take envelopes either"
                );
                Err(NotDurable)
            }
        }
    }
}

/// PostgreSQL did not take a batch.
struct AwayError;

/// Passes hints on to the workers. A failure costs only time: the sweep finds what has no hint.
pub(super) async fn pass_hints(mut hints: mpsc::Receiver<Vec<Ticket>>, redis: Redis) {
    let mut is_down = false;
    while let Some(tickets) = hints.recv().await {
        match redis.hint_inbox(&tickets).await {
            Ok(()) => is_down = false,
            Err(error) => {
                if !is_down {
                    tracing::warn!(
                        error = %Causes(&error),
                        "workers cannot be told of new envelopes"
                    );
                }
                is_down = true;
                metrics::counter!("glitchtip_ingest_hints_lost_total").increment(1);
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}
