//! What a run showed.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;
use uuid::Uuid;

/// What connections counted.
pub(super) struct Tallied {
    statuses: BTreeMap<u16, u64>,
    latencies: Histogram<u64>,
    bytes: u64,
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

    /// Adds what another connection counted.
    pub(super) fn add(&mut self, other: Self) {
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        // Both have the same bounds.
        let _same_bounds = self.latencies.add(other.latencies);
        self.bytes += other.bytes;
        self.errors += other.errors;
        self.acknowledged.extend(other.acknowledged);
    }
}

/// What a run showed.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    seconds: f64,
    acknowledged: u64,
    acknowledged_per_second: f64,
    /// Stored when everything was digested.
    digested: Option<i64>,
    /// Until the last one was digested.
    digested_per_second: Option<f64>,
    digested_after_seconds: Option<f64>,
    statuses: BTreeMap<u16, u64>,
    connection_errors: u64,
    bytes_per_request: f64,
    latency_ms: Latency,
}

#[derive(Debug, Serialize)]
struct Latency {
    p50: f64,
    p90: f64,
    p99: f64,
    max: f64,
}

impl Report {
    pub(super) fn new(
        tallied: &Tallied,
        sending: Duration,
        digested: Option<(i64, Duration)>,
    ) -> Self {
        let acknowledged = tallied.statuses.get(&200).copied().unwrap_or_default();
        let answered: u64 = tallied.statuses.values().sum();
        let at = |quantile| rounded(as_f64(tallied.latencies.value_at_quantile(quantile)) / 1000.0);
        let per_second = |count: f64, time: Duration| rounded(count / time.as_secs_f64());
        Self {
            seconds: rounded(sending.as_secs_f64()),
            acknowledged,
            acknowledged_per_second: per_second(as_f64(acknowledged), sending),
            digested: digested.map(|(events, _)| events),
            digested_per_second: digested.map(|(events, time)| {
                per_second(as_f64(u64::try_from(events).unwrap_or_default()), time)
            }),
            digested_after_seconds: digested.map(|(_, time)| rounded(time.as_secs_f64())),
            statuses: tallied.statuses.clone(),
            connection_errors: tallied.errors,
            bytes_per_request: rounded(as_f64(tallied.bytes) / as_f64(answered.max(1))),
            latency_ms: Latency {
                p50: at(0.5),
                p90: at(0.9),
                p99: at(0.99),
                max: rounded(as_f64(tallied.latencies.max()) / 1000.0),
            },
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn as_f64(count: u64) -> f64 {
    count as f64
}

/// Two digits behind the point.
fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "Acknowledged:  {} in {} s, {} a second, {} bytes each",
            self.acknowledged, self.seconds, self.acknowledged_per_second, self.bytes_per_request
        )?;
        if let (Some(digested), Some(rate), Some(after)) =
            (self.digested, self.digested_per_second, self.digested_after_seconds)
        {
            writeln!(f, "Digested:      {digested} in {after} s, {rate} a second")?;
        }
        let Latency { p50, p90, p99, max } = self.latency_ms;
        writeln!(f, "Latency:       p50 {p50} ms, p90 {p90} ms, p99 {p99} ms, max {max} ms")?;
        let statuses: Vec<_> =
            self.statuses.iter().map(|(status, count)| format!("{status}: {count}")).collect();
        write!(
            f,
            "Answers:       {}; {} broken connections",
            statuses.join(", "),
            self.connection_errors
        )
    }
}
