//! Limits on what a key, a project, an organization or the whole server takes in.
//!
//! A quota allows so many items of some categories in each window of time; windows are aligned to
//! 1970, so that every process means the same one. Using a quota is an addition: each process
//! keeps a [`Ledger`] in memory, adds what it let in, and once a second exchanges the sums through
//! the database. Between two exchanges several processes may let in too much by what they receive
//! in a second.

use std::collections::HashMap;
use std::fmt;

use chrono::{DateTime, Utc};
use mishap_protocol::envelope::DataCategory;

use crate::id::EventId;
use crate::issue::stored_enum;
use crate::outcome::Reason;

stored_enum! {
    /// What a quota is for.
    QuotaScope {
        /// The whole server.
        Instance = 0, "instance";
        /// One organization.
        Organization = 1, "organization";
        /// One project.
        Project = 2, "project";
        /// One project key.
        Key = 3, "key";
    }
}

impl QuotaScope {
    /// Why an item over such a quota is refused.
    pub fn reason(self) -> Reason {
        match self {
            Self::Instance => Reason::QuotaInstance,
            Self::Organization => Reason::QuotaOrganization,
            Self::Project => Reason::QuotaProject,
            Self::Key => Reason::QuotaKey,
        }
    }
}

/// A set of data categories; the empty set stands for all of them, as in the wire protocol.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Categories(u16);

impl Categories {
    /// Every category.
    pub const ALL: Self = Self(0);

    /// The set with these members.
    pub fn of(categories: &[DataCategory]) -> Self {
        Self(categories.iter().fold(0, |bits, category| bits | bit(*category)))
    }

    /// Whether the set has this member.
    pub fn contains(self, category: DataCategory) -> bool {
        self == Self::ALL || self.0 & bit(category) != 0
    }

    /// The stored bits.
    pub fn bits(self) -> i16 {
        self.0.cast_signed()
    }

    /// The set that stored bits stand for.
    pub fn from_bits(bits: i16) -> Self {
        Self(bits.cast_unsigned())
    }

    /// The members, or nothing for all of them.
    pub fn iter(self) -> impl Iterator<Item = DataCategory> {
        DataCategory::ALL.into_iter().filter(move |category| self.0 & bit(*category) != 0)
    }
}

/// The category's place among the stored bits; never given to another one.
fn bit(category: DataCategory) -> u16 {
    1 << match category {
        DataCategory::Default => 0,
        DataCategory::Error => 1,
        DataCategory::Transaction => 2,
        DataCategory::Security => 3,
        DataCategory::Attachment => 4,
        DataCategory::Session => 5,
        DataCategory::Monitor => 6,
        DataCategory::Feedback => 7,
        DataCategory::Log => 8,
        DataCategory::Metric => 9,
        DataCategory::Span => 10,
        DataCategory::Profile => 11,
        DataCategory::Replay => 12,
    }
}

/// What tells one quota from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QuotaKey {
    /// The kind of thing it is for.
    pub scope: QuotaScope,
    /// The number of that thing; 0 for the server.
    pub scope_id: i64,
    /// What it counts.
    pub categories: Categories,
    /// The window's length, in seconds.
    pub window_seconds: u32,
}

/// So many items in each window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// What it is for.
    pub key: QuotaKey,
    /// Items per window.
    pub limit: u64,
}

impl QuotaKey {
    /// The beginning of the window that `now` is in, in seconds since 1970.
    pub fn window_start(&self, now: DateTime<Utc>) -> i64 {
        let seconds = now.timestamp();
        seconds - seconds.rem_euclid(i64::from(self.window_seconds.max(1)))
    }

    /// Seconds until the next window, at least one.
    fn seconds_left(&self, now: DateTime<Utc>) -> u64 {
        let end = self.window_start(now) + i64::from(self.window_seconds.max(1));
        u64::try_from(end - now.timestamp()).unwrap_or_default().max(1)
    }
}

/// An item was refused: what to tell the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// When to come back, in seconds.
    pub retry_after: u64,
    /// What not to send until then.
    pub categories: Categories,
    /// Whose limit it is.
    pub scope: QuotaScope,
    /// Why.
    pub reason: Reason,
}

impl fmt::Display for RateLimit {
    /// One limit of an `X-Sentry-Rate-Limits` header: `60:error;security:project:quota_project`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.retry_after)?;
        for (place, category) in self.categories.iter().enumerate() {
            write!(f, "{}{category}", if place > 0 { ";" } else { "" })?;
        }
        // The protocol knows no scope above the organization.
        let scope = match self.scope {
            QuotaScope::Instance | QuotaScope::Organization => QuotaScope::Organization,
            scope @ (QuotaScope::Project | QuotaScope::Key) => scope,
        };
        write!(f, ":{scope}:{}", self.reason)
    }
}

/// How much of a quota's window is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// The quota.
    pub key: QuotaKey,
    /// The window's beginning, in seconds since 1970.
    pub window_start: i64,
    /// Items: in an exchange those to be added, in its answer the sum of all processes.
    pub used: u64,
}

/// What this process let in, and what it knows of the others.
#[derive(Debug, Default)]
pub struct Ledger {
    counters: HashMap<QuotaKey, Counter>,
}

#[derive(Debug, Clone, Copy)]
struct Counter {
    window_start: i64,
    /// The sum of all processes at the last exchange.
    known: u64,
    /// Let in by this process since.
    pending: u64,
    /// Being exchanged right now.
    in_exchange: u64,
}

impl Counter {
    fn used(&self) -> u64 {
        self.known + self.pending + self.in_exchange
    }
}

impl Ledger {
    /// Takes one item from each quota that counts its category, or from none if one is used up.
    pub fn take(
        &mut self,
        quotas: &[Quota],
        category: DataCategory,
        now: DateTime<Utc>,
    ) -> Result<(), RateLimit> {
        if let Some(limit) = self.exceeded(quotas, category, now) {
            return Err(limit);
        }
        for quota in quotas.iter().filter(|quota| quota.key.categories.contains(category)) {
            self.counter(quota.key, now).pending += 1;
        }
        Ok(())
    }

    /// The limit that an item of this category would run into: of several, the longest.
    pub fn exceeded(
        &mut self,
        quotas: &[Quota],
        category: DataCategory,
        now: DateTime<Utc>,
    ) -> Option<RateLimit> {
        let counted = quotas.iter().filter(|quota| quota.key.categories.contains(category));
        counted
            .filter(|quota| self.counter(quota.key, now).used() >= quota.limit)
            .map(|quota| RateLimit {
                retry_after: quota.key.seconds_left(now),
                categories: quota.key.categories,
                scope: quota.key.scope,
                reason: quota.key.scope.reason(),
            })
            .max_by_key(|limit| limit.retry_after)
    }

    /// Every limit that is used up, for the header of any answer.
    pub fn active(&mut self, quotas: &[Quota], now: DateTime<Utc>) -> Vec<RateLimit> {
        let used_up =
            quotas.iter().filter(|quota| self.counter(quota.key, now).used() >= quota.limit);
        used_up
            .map(|quota| RateLimit {
                retry_after: quota.key.seconds_left(now),
                categories: quota.key.categories,
                scope: quota.key.scope,
                reason: quota.key.scope.reason(),
            })
            .collect()
    }

    /// Begins an exchange: what to add to the sums of each window in use.
    ///
    /// Windows that are over are forgotten once what was let in in them has been added.
    pub fn begin_exchange(&mut self, now: DateTime<Utc>) -> Vec<Usage> {
        self.counters.retain(|key, counter| {
            counter.window_start == key.window_start(now) || counter.pending > 0
        });
        let mut usage: Vec<_> = self
            .counters
            .iter_mut()
            .map(|(key, counter)| {
                counter.in_exchange = std::mem::take(&mut counter.pending);
                Usage { key: *key, window_start: counter.window_start, used: counter.in_exchange }
            })
            .collect();
        usage.sort_unstable_by_key(|usage| (usage.key, usage.window_start));
        usage
    }

    /// Ends an exchange with the sums, or with nothing if it failed.
    pub fn end_exchange(&mut self, sums: &[Usage]) {
        for sum in sums {
            if let Some(counter) = self.counters.get_mut(&sum.key)
                && counter.window_start == sum.window_start
            {
                counter.known = sum.used;
                counter.in_exchange = 0;
            }
        }
        for counter in self.counters.values_mut() {
            counter.pending += std::mem::take(&mut counter.in_exchange);
        }
    }

    fn counter(&mut self, key: QuotaKey, now: DateTime<Utc>) -> &mut Counter {
        let window_start = key.window_start(now);
        let fresh = Counter { window_start, known: 0, pending: 0, in_exchange: 0 };
        let counter = self.counters.entry(key).or_insert(fresh);
        if counter.window_start != window_start {
            *counter = fresh;
        }
        counter
    }
}

/// GlitchTip's throttle: the percentage of events to refuse, 0 to 100.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Throttle(u8);

impl Throttle {
    /// A throttle of `percent`, at most 100.
    pub fn new(percent: i16) -> Self {
        Self(u8::try_from(percent.clamp(0, 100)).unwrap_or_default())
    }

    /// Whether nothing at all is let in.
    pub fn is_closed(self) -> bool {
        self.0 == 100
    }

    /// Whether this event is among those refused.
    ///
    /// The event's id decides, so that a retry fares no better and everything about one event
    /// shares its fate.
    pub fn refuses(self, event_id: EventId) -> bool {
        let hash = blake3::hash(event_id.0.as_bytes());
        let draw =
            hash.as_bytes().first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes) % 100);
        draw < u32::from(self.0)
    }

    /// How long a refused client waits, in seconds (GlitchTip's formula).
    pub fn retry_after(self) -> u64 {
        if self.is_closed() {
            return 600;
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most 780")]
        #[expect(clippy::cast_sign_loss, reason = "at least 0")]
        let seconds = (0.02 * f64::from(self.0).powf(2.3)).ceil() as u64;
        seconds
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use uuid::Uuid;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_262_400 + seconds, 0).unwrap()
    }

    fn quota(scope: QuotaScope, categories: &[DataCategory], window: u32, limit: u64) -> Quota {
        let categories = Categories::of(categories);
        Quota { key: QuotaKey { scope, scope_id: 7, categories, window_seconds: window }, limit }
    }

    #[test]
    fn a_quota_closes_when_it_is_used_up_and_opens_with_the_next_window() {
        let quotas = [quota(QuotaScope::Project, &[DataCategory::Error], 60, 2)];
        let mut ledger = Ledger::default();
        assert!(ledger.take(&quotas, DataCategory::Error, at(10)).is_ok());
        assert!(ledger.take(&quotas, DataCategory::Error, at(11)).is_ok());
        let limit = ledger.take(&quotas, DataCategory::Error, at(12)).unwrap_err();
        assert_eq!(limit.to_string(), "48:error:project:quota_project");
        assert!(ledger.take(&quotas, DataCategory::Session, at(12)).is_ok());
        assert_eq!(ledger.active(&quotas, at(12)), [limit]);
        assert!(ledger.take(&quotas, DataCategory::Error, at(60)).is_ok());
        assert_eq!(ledger.active(&quotas, at(60)), []);
    }

    #[test]
    fn a_refused_item_takes_nothing_from_the_other_quotas() {
        let quotas =
            [quota(QuotaScope::Key, &[], 60, 1), quota(QuotaScope::Instance, &[], 3600, 100)];
        let mut ledger = Ledger::default();
        ledger.take(&quotas, DataCategory::Error, at(0)).unwrap();
        for _ in 0..10 {
            let limit = ledger.take(&quotas, DataCategory::Error, at(0)).unwrap_err();
            assert_eq!(limit.to_string(), "60::key:quota_key");
        }
        let used: Vec<_> = ledger.begin_exchange(at(0)).iter().map(|usage| usage.used).collect();
        assert_eq!(used, [1, 1]);
    }

    #[test]
    fn what_other_processes_let_in_counts_after_an_exchange() {
        let quotas = [quota(QuotaScope::Organization, &[], 60, 10)];
        let mut ledger = Ledger::default();
        ledger.take(&quotas, DataCategory::Error, at(0)).unwrap();
        let mut sums = ledger.begin_exchange(at(1));
        ledger.take(&quotas, DataCategory::Error, at(1)).unwrap();
        sums[0].used = 9;
        ledger.end_exchange(&sums);
        assert!(ledger.take(&quotas, DataCategory::Error, at(2)).is_err());
        // Only what is new is added the next time.
        assert_eq!(ledger.begin_exchange(at(3))[0].used, 1);
    }

    #[test]
    fn a_failed_exchange_loses_nothing() {
        let quotas = [quota(QuotaScope::Project, &[], 60, 10)];
        let mut ledger = Ledger::default();
        ledger.take(&quotas, DataCategory::Error, at(0)).unwrap();
        ledger.begin_exchange(at(1));
        ledger.take(&quotas, DataCategory::Error, at(1)).unwrap();
        ledger.end_exchange(&[]);
        assert_eq!(ledger.begin_exchange(at(2))[0].used, 2);
        ledger.end_exchange(&[]);
        // A window that is over is still added once, then forgotten.
        let late = at(0) + TimeDelta::seconds(600);
        let sums = ledger.begin_exchange(late);
        assert_eq!(sums[0].used, 2);
        ledger.end_exchange(&sums);
        assert_eq!(ledger.begin_exchange(late), []);
    }

    #[test]
    fn a_throttle_refuses_its_share_and_always_the_same_events() {
        let events: Vec<_> = (0..10_000_u128)
            .map(|n| EventId(Uuid::from_u128(n.wrapping_mul(0x9e37_79b9_7f4a_7c15))))
            .collect();
        for percent in [0, 1, 25, 50, 100] {
            let throttle = Throttle::new(percent);
            let refused = events.iter().filter(|id| throttle.refuses(**id)).count();
            let expected = usize::try_from(percent).unwrap() * 100;
            assert!(refused.abs_diff(expected) < 150, "{percent} %: {refused}");
            assert!(events.iter().all(|id| throttle.refuses(*id) == throttle.refuses(*id)));
        }
        assert_eq!(Throttle::new(-5), Throttle::new(0));
        assert_eq!(Throttle::new(500), Throttle::new(100));
    }

    #[test]
    fn throttled_clients_wait_as_long_as_with_glitchtip() {
        for (percent, seconds) in [
            (1, 1),
            (5, 1),
            (10, 4),
            (20, 20),
            (25, 33),
            (30, 50),
            (40, 97),
            (50, 162),
            (60, 246),
            (75, 411),
            (90, 625),
            (99, 779),
            (100, 600),
        ] {
            assert_eq!(Throttle::new(percent).retry_after(), seconds, "{percent}");
        }
    }

    #[test]
    fn category_sets_survive_storage() {
        let some = Categories::of(&[DataCategory::Error, DataCategory::Replay]);
        assert_eq!(Categories::from_bits(some.bits()), some);
        assert!(some.contains(DataCategory::Replay) && !some.contains(DataCategory::Span));
        assert!(Categories::ALL.contains(DataCategory::Span));
    }
}
