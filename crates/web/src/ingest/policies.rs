//! Key policies, cached in the process.
//!
//! A policy is looked up once and then served from memory. One that is used is refreshed behind the
//! scenes every [`FRESH`]; one that was not used for a while is looked up anew before it counts, so a
//! change takes effect within [`USABLE`]. While PostgreSQL is away, what is known goes on counting.
//! Unknown keys are remembered too, by project and key, so that one client with a wrong key neither
//! burdens the database nor locks out the others.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use mishap_core::causes::Causes;
use mishap_core::clock::Clock;
use mishap_core::id::ProjectId;
use mishap_core::policy::KeyPolicy;
use mishap_protocol::dsn::PublicKey;
use mishap_storage::{Conn, Pool, projects};
use quick_cache::sync::Cache;
use tokio::sync::{Notify, watch};

/// Policies kept at most.
const CAPACITY: usize = 20_000;

/// A policy of this age counts without being refreshed.
const FRESH: TimeDelta = TimeDelta::seconds(2);

/// A policy of this age counts while it is being refreshed.
const USABLE: TimeDelta = TimeDelta::seconds(4);

/// How long a lookup may take before an old policy has to do.
const PATIENCE: Duration = Duration::from_secs(2);

/// Policies looked up in one statement at most.
const BATCH: usize = 500;

type Pair = (ProjectId, PublicKey);

/// What is known of a project and a key.
#[derive(Debug, Clone)]
pub(super) enum Known {
    /// The key belongs to the project.
    Policy(Arc<KeyPolicy>),
    /// It does not.
    Unknown,
    /// PostgreSQL is away and the pair was never looked up.
    Unavailable,
}

#[derive(Clone)]
struct Entry {
    policy: Option<Arc<KeyPolicy>>,
    looked_up: DateTime<Utc>,
}

/// The cache.
pub(super) struct Policies {
    cache: Cache<Pair, Entry>,
    clock: Arc<dyn Clock>,
    pool: Pool,
    wanted: Mutex<HashSet<Pair>>,
    wake: Notify,
    /// Counts rounds of lookups, so that waiters know when theirs was made.
    rounds: watch::Sender<u64>,
}

impl Policies {
    pub(super) fn new(pool: Pool, clock: Arc<dyn Clock>) -> Self {
        Self {
            cache: Cache::new(CAPACITY),
            clock,
            pool,
            wanted: Mutex::default(),
            wake: Notify::new(),
            rounds: watch::Sender::new(0),
        }
    }

    /// The policy for what is sent to a project under a key.
    pub(super) async fn find(&self, project: ProjectId, key: PublicKey) -> Known {
        let pair = (project, key);
        let now = self.clock.now();
        if let Some(entry) = self.cache.get(&pair) {
            let age = now - entry.looked_up;
            if age < FRESH && age >= TimeDelta::zero() {
                return known(&entry);
            }
            if age < USABLE && age >= TimeDelta::zero() {
                self.want(pair);
                return known(&entry);
            }
        }
        self.look_up(pair, now).await
    }

    async fn look_up(&self, pair: Pair, since: DateTime<Utc>) -> Known {
        let mut rounds = self.rounds.subscribe();
        self.want(pair);
        let looked_up = async {
            loop {
                if rounds.changed().await.is_err() {
                    return;
                }
                let is_new = |entry: &Entry| entry.looked_up >= since;
                if self.cache.get(&pair).as_ref().is_some_and(is_new) {
                    return;
                }
                // The round was underway, or it failed: ask again.
                self.want(pair);
            }
        };
        let _in_time = tokio::time::timeout(PATIENCE, looked_up).await;
        self.cache.get(&pair).map_or(Known::Unavailable, |entry| known(&entry))
    }

    fn want(&self, pair: Pair) {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner).insert(pair);
        self.wake.notify_one();
    }

    /// Looks up what is wanted, as long as it is awaited.
    pub(super) async fn keep_looking_up(&self) {
        loop {
            self.wake.notified().await;
            while let Some(pairs) = self.next_batch() {
                match self.fetch(&pairs).await {
                    Ok(()) => {}
                    Err(error) => {
                        tracing::warn!(
                            error = %Causes(&error),
                            "policies cannot be looked up"
                        );
                        tokio::time::sleep(Duration::from_millis(200)).await;
                    }
                }
                self.rounds.send_modify(|round| *round += 1);
            }
        }
    }

    fn next_batch(&self) -> Option<Vec<Pair>> {
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let batch: Vec<Pair> = wanted.iter().take(BATCH).copied().collect();
        for pair in &batch {
            wanted.remove(pair);
        }
        Some(batch).filter(|batch| !batch.is_empty())
    }

    async fn fetch(&self, pairs: &[Pair]) -> mishap_storage::Result<()> {
        let looked_up = self.clock.now();
        let fetched = self.pool.within(PATIENCE, async |conn: &mut Conn| {
            projects::policies::of_keys(conn, pairs).await
        });
        let mut policies: HashMap<Pair, KeyPolicy> = fetched.await?;
        for pair in pairs {
            let policy = policies.remove(pair).map(Arc::new);
            self.cache.insert(*pair, Entry { policy, looked_up });
        }
        Ok(())
    }
}

fn known(entry: &Entry) -> Known {
    entry.policy.clone().map_or(Known::Unknown, Known::Policy)
}
