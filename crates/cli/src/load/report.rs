//! What a run showed.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::tally::{Tallied, as_f64, rounded};

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
        let answers = tallied.readable();
        let acknowledged = answers.acknowledged();
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
            statuses: answers.statuses.clone(),
            connection_errors: answers.unanswered,
            bytes_per_request: rounded(as_f64(answers.bytes) / as_f64(answers.answered().max(1))),
            latency_ms: Latency {
                p50: answers.latencies.at_most_ms(0.5),
                p90: answers.latencies.at_most_ms(0.9),
                p99: answers.latencies.at_most_ms(0.99),
                max: answers.latencies.at_most_ms(1.0),
            },
        }
    }
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
