//! How long answers took.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::tally::{as_f64, rounded};

/// How long answers took.
#[derive(Clone)]
pub(super) struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        // Microseconds up to a minute, to three digits.
        let histogram = Histogram::new_with_bounds(1, 60_000_000, 3);
        Self(histogram.unwrap_or_else(|_| unreachable!("the bounds are good")))
    }
}

/// What a share of the answers did not exceed, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Latency {
    pub(super) p50: f64,
    pub(super) p90: f64,
    pub(super) p99: f64,
    pub(super) p999: f64,
    pub(super) max: f64,
}

impl Latencies {
    /// Counts an answer.
    pub(super) fn note(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.0.saturating_record(micros);
    }

    /// The latency, in milliseconds, that this share of the answers did not exceed.
    pub(super) fn at_most_ms(&self, quantile: f64) -> f64 {
        rounded(as_f64(self.0.value_at_quantile(quantile)) / 1000.0)
    }

    /// Adds others.
    pub(super) fn add(&mut self, others: &Self) {
        // Both have the same bounds.
        let _same_bounds = self.0.add(&others.0);
    }

    pub(super) fn summary(&self) -> Latency {
        Latency {
            p50: self.at_most_ms(0.5),
            p90: self.at_most_ms(0.9),
            p99: self.at_most_ms(0.99),
            p999: self.at_most_ms(0.999),
            max: self.at_most_ms(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_are_those_that_a_share_of_the_answers_did_not_exceed() {
        let (mut odd, mut even) = (Latencies::default(), Latencies::default());
        for time in (1..=1000).step_by(2) {
            odd.note(Duration::from_millis(time));
            even.note(Duration::from_millis(time + 1));
        }
        odd.add(&even);
        let Latency { p50, p90, p99, p999, max } = odd.summary();
        // The histogram keeps three digits.
        for (measured, wanted) in
            [(p50, 500.0), (p90, 900.0), (p99, 990.0), (p999, 999.0), (max, 1000.0)]
        {
            assert!((measured - wanted).abs() <= wanted / 1000.0 + 0.01, "{measured}, {wanted}");
        }
    }
}
