//! Quotas and back-pressure, as this process sees them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mishap_core::admission::Backlog;
use mishap_core::causes::Causes;
use mishap_core::clock::Clock;
use mishap_core::policy::KeyPolicy;
use mishap_core::quota::{Categories, Ledger, RateLimit};
use mishap_protocol::envelope::DataCategory;
use mishap_storage::{Conn, Pool, inbox, quotas};

/// How often sums are exchanged and the backlog is looked at.
pub(super) const PERIOD: Duration = Duration::from_secs(1);

/// How long an exchange may take.
const TIMEOUT: Duration = Duration::from_secs(3);

/// What is used of each quota, and whether the backlog is full.
pub(super) struct Limits {
    ledger: Mutex<Ledger>,
    backlog_full: AtomicBool,
    max_backlog: Backlog,
    pool: Pool,
    clock: Arc<dyn Clock>,
}

impl Limits {
    pub(super) fn new(pool: Pool, clock: Arc<dyn Clock>, max_backlog: Backlog) -> Self {
        Self {
            ledger: Mutex::default(),
            backlog_full: AtomicBool::new(false),
            max_backlog,
            pool,
            clock,
        }
    }

    /// Whether so much waits that no more should be taken.
    pub(super) fn is_backlog_full(&self) -> bool {
        self.backlog_full.load(Ordering::Relaxed)
    }

    /// A used-up limit on everything: the body need not even be read.
    pub(super) fn closed(&self, policy: &KeyPolicy) -> Option<RateLimit> {
        self.active(policy).into_iter().find(|limit| limit.categories == Categories::ALL)
    }

    /// Takes one item from the quotas.
    pub(super) fn take(&self, policy: &KeyPolicy, category: DataCategory) -> Result<(), RateLimit> {
        if policy.quotas.is_empty() {
            return Ok(());
        }
        self.ledger().take(&policy.quotas, category, self.clock.now())
    }

    /// The limits that are used up.
    pub(super) fn active(&self, policy: &KeyPolicy) -> Vec<RateLimit> {
        if policy.quotas.is_empty() {
            return Vec::new();
        }
        self.ledger().active(&policy.quotas, self.clock.now())
    }

    fn ledger(&self) -> std::sync::MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Exchanges what was let in with the other processes, and looks at the backlog.
    pub(super) async fn refresh(&self) {
        let usage = self.ledger().begin_exchange(self.clock.now());
        let refreshed = self.pool.within(TIMEOUT, async |conn: &mut Conn| {
            let sums = quotas::exchange(conn, &usage).await?;
            Ok((sums, inbox::backlog(conn).await?))
        });
        match refreshed.await {
            Ok((sums, backlog)) => {
                self.ledger().end_exchange(&sums);
                let full = backlog.exceeds(&self.max_backlog);
                if full && !self.backlog_full.swap(full, Ordering::Relaxed) {
                    tracing::warn!(
                        backlog.rows,
                        backlog.oldest_seconds,
                        "the backlog is too long; clients are told to wait"
                    );
                }
                self.backlog_full.store(full, Ordering::Relaxed);
            }
            Err(error) => {
                self.ledger().end_exchange(&[]);
                tracing::debug!(
                    error = %Causes(&error),
                    "limits cannot be exchanged"
                );
            }
        }
    }
}
