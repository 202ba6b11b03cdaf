//! What connections count.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use uuid::Uuid;

/// What connections counted.
pub(super) struct Tallied {
    pub(super) statuses: BTreeMap<u16, u64>,
    latencies: Histogram<u64>,
    pub(super) bytes: u64,
    /// Answers to envelopes that cannot be read.
    pub(super) malformed: BTreeMap<u16, u64>,
    /// Events that were not answered.
    pub(super) errors: u64,
    pub(super) acknowledged: Vec<Uuid>,
}

impl Default for Tallied {
    fn default() -> Self {
        // Microseconds up to a minute, to three digits.
        let latencies = Histogram::new_with_bounds(1, 60_000_000, 3);
        Self {
            statuses: BTreeMap::new(),
            latencies: latencies.unwrap_or_else(|_| unreachable!("the bounds are good")),
            bytes: 0,
            malformed: BTreeMap::new(),
            errors: 0,
            acknowledged: Vec::new(),
        }
    }
}

impl Tallied {
    /// Counts an answer.
    pub(super) fn answer(&mut self, status: u16, latency: Duration, bytes: u64) {
        *self.statuses.entry(status).or_default() += 1;
        self.bytes += bytes;
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.latencies.saturating_record(micros);
    }

    /// Counts the answer to an envelope that cannot be read.
    pub(super) fn malformed(&mut self, status: u16) {
        *self.malformed.entry(status).or_default() += 1;
    }

    /// Answers of a status.
    pub(super) fn count(&self, status: u16) -> u64 {
        self.statuses.get(&status).copied().unwrap_or_default()
    }

    /// All answers but those to envelopes that cannot be read.
    pub(super) fn answered(&self) -> u64 {
        self.statuses.values().sum()
    }

    /// The latency, in milliseconds, that this share of the answers did not exceed.
    pub(super) fn latency_ms(&self, quantile: f64) -> f64 {
        rounded(as_f64(self.latencies.value_at_quantile(quantile)) / 1000.0)
    }

    /// Adds what another connection counted.
    pub(super) fn add(&mut self, other: Self) {
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        for (status, count) in other.malformed {
            *self.malformed.entry(status).or_default() += count;
        }
        // Both have the same bounds.
        let _same_bounds = self.latencies.add(other.latencies);
        self.bytes += other.bytes;
        self.errors += other.errors;
        self.acknowledged.extend(other.acknowledged);
    }
}

/// A count to be divided by.
#[expect(clippy::cast_precision_loss, reason = "for people")]
pub(super) fn as_f64(count: u64) -> f64 {
    count as f64
}

/// Two digits behind the point.
pub(super) fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tallied(milliseconds: impl IntoIterator<Item = u64>) -> Tallied {
        let mut tallied = Tallied::default();
        for time in milliseconds {
            tallied.answer(200, Duration::from_millis(time), 10);
        }
        tallied
    }

    #[test]
    fn latencies_are_those_that_a_share_of_the_answers_did_not_exceed() {
        let tallied = tallied(1..=1000);
        // The histogram keeps three digits.
        let is_near = |quantile: f64, wanted: f64| {
            let measured = tallied.latency_ms(quantile);
            assert!((measured - wanted).abs() <= wanted / 1000.0 + 0.01, "{quantile}: {measured}");
        };
        is_near(0.5, 500.0);
        is_near(0.9, 900.0);
        is_near(0.99, 990.0);
        is_near(0.999, 999.0);
        is_near(1.0, 1000.0);
    }

    #[test]
    fn what_connections_counted_is_added_up_and_malformed_envelopes_are_counted_apart() {
        let mut all = tallied([5; 99]);
        let mut other = tallied([500]);
        other.answer(429, Duration::from_millis(5), 10);
        other.malformed(400);
        other.errors = 2;
        all.add(other);
        assert_eq!((all.count(200), all.count(429), all.answered()), (100, 1, 101));
        assert_eq!((all.malformed.get(&400), all.errors, all.bytes), (Some(&1), 2, 1010));
        assert!(all.latency_ms(0.98) < 6.0 && all.latency_ms(1.0) > 499.0);
    }
}
