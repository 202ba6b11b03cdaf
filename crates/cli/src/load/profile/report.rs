//! The report of a load test.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Serialize;

use super::accounting::{Accounting, AttachmentAccount};
use super::components::{Digesting, Reading};
use super::criteria::Criterion;
use super::exposition::Buckets;
use super::items::Items;
use super::machine::Machine;
use super::phases::Phase;
use super::reads::{View, Views};
use super::servers::{Postgres, Redis};
use super::watch::Sample;
use crate::command::Component;
use crate::load::kind::Kind;
use crate::load::latencies::Latency;
use crate::load::tally::{Answers, Tallied, as_f64, rounded};

const MEBIBYTE: f64 = 1_048_576.0;

/// The version of the report's form.
pub(super) const FORM: u32 = 2;

/// The report of a load test.
#[derive(Debug, Serialize)]
pub(super) struct ProfileReport {
    pub(super) form: u32,
    pub(super) profile: String,
    pub(super) passed: bool,
    /// When it began.
    pub(super) date: String,
    pub(super) seconds: f64,
    /// Of the load generator.
    pub(super) version: &'static str,
    pub(super) revision: &'static str,
    /// What it all ran on, if it was one machine.
    pub(super) machine: Option<Machine>,
    pub(super) configuration: Configuration,
    pub(super) criteria: Vec<Criterion>,
    pub(super) phases: Vec<PhaseReport>,
    /// What was sent in all phases, by kind.
    pub(super) envelopes: Vec<KindReport>,
    /// What was read in all phases.
    pub(super) reads: Vec<ViewReport>,
    /// Events stored a second, from the first request until everything was digested.
    pub(super) digested_per_second: f64,
    pub(super) backlog: Backlog,
    pub(super) accounting: Accounting,
    pub(super) attachments: AttachmentAccount,
    pub(super) items: Vec<Items>,
    pub(super) components: Vec<ComponentReport>,
    pub(super) postgresql: Postgres,
    pub(super) redis: Option<Redis>,
}

/// What was asked for.
#[derive(Debug, Serialize)]
pub(super) struct Configuration {
    pub(super) server: String,
    pub(super) connections: usize,
    pub(super) issues: usize,
    pub(super) coding: String,
    pub(super) seed: u64,
    pub(super) reads_per_second: u32,
    /// As they are sent, those that cannot be read apart.
    pub(super) bytes_per_envelope: f64,
    /// Of those without attachments.
    pub(super) bytes_per_event: f64,
}

/// What was sent of one kind.
#[derive(Debug, Serialize)]
pub(super) struct KindReport {
    pub(super) kind: Kind,
    #[serde(flatten)]
    pub(super) answers: AnswerReport,
}

/// What was read of one view.
#[derive(Debug, Serialize)]
pub(super) struct ViewReport {
    pub(super) view: View,
    #[serde(flatten)]
    pub(super) answers: AnswerReport,
}

/// How requests of one kind were answered.
#[derive(Debug, Serialize)]
pub(super) struct AnswerReport {
    pub(super) requests: u64,
    pub(super) statuses: BTreeMap<u16, u64>,
    pub(super) unanswered: u64,
    /// Of the body: what was sent of an envelope, what was received of a view.
    pub(super) bytes_each: f64,
    pub(super) latency_ms: Latency,
}

impl AnswerReport {
    fn of(answers: &Answers) -> Self {
        let answered = answers.answered();
        Self {
            requests: answered + answers.unanswered,
            statuses: answers.statuses.clone(),
            unanswered: answers.unanswered,
            bytes_each: (as_f64(answers.bytes) / as_f64(answered.max(1))).round(),
            latency_ms: answers.latencies.summary(),
        }
    }
}

impl KindReport {
    /// Of everything that was sent.
    pub(super) fn all(sent: &Tallied) -> Vec<Self> {
        let report =
            |(kind, answers): (Kind, &Answers)| Self { kind, answers: AnswerReport::of(answers) };
        sent.kinds().map(report).collect()
    }
}

impl ViewReport {
    /// Of everything that was read.
    pub(super) fn all(views: &Views) -> Vec<Self> {
        let report = |(view, answers): (&View, &Answers)| Self {
            view: *view,
            answers: AnswerReport::of(answers),
        };
        views.iter().map(report).collect()
    }
}

/// What happened in a phase.
#[derive(Debug, Serialize)]
pub(super) struct PhaseReport {
    pub(super) name: &'static str,
    pub(super) seconds: f64,
    pub(super) offered_per_second: f64,
    pub(super) achieved_per_second: f64,
    pub(super) statuses: BTreeMap<u16, u64>,
    /// Answers to envelopes that cannot be read.
    pub(super) malformed: BTreeMap<u16, u64>,
    pub(super) unanswered: u64,
    pub(super) latency_ms: Latency,
    /// What was read meanwhile.
    pub(super) reads: Vec<ViewReport>,
    /// What workers did, if their metrics were read.
    pub(super) digested_per_second: Option<f64>,
    pub(super) digest_seconds_at_most: Option<DigestTimes>,
}

/// Bounds that a share of the events did not exceed, in seconds; nothing if it is beyond them all.
#[derive(Debug, Serialize)]
pub(super) struct DigestTimes {
    pub(super) p50: Option<f64>,
    pub(super) p90: Option<f64>,
    pub(super) p99: Option<f64>,
}

/// What waited.
#[derive(Debug, Serialize)]
pub(super) struct Backlog {
    pub(super) waiting_most: i64,
    pub(super) oldest_seconds_most: u64,
    /// After the spike, until no more waited than arrives in a second of the steady phase.
    pub(super) caught_up_after_seconds: Option<f64>,
    /// After the last request, until nothing waited.
    pub(super) drained_after_seconds: Option<f64>,
    pub(super) timeline: Vec<Sample>,
}

/// What a program used.
#[derive(Debug, Serialize)]
pub(super) struct ComponentReport {
    pub(super) name: String,
    pub(super) url: String,
    pub(super) version: String,
    pub(super) revision: String,
    pub(super) cpu_seconds: Option<f64>,
    pub(super) cpu_seconds_per_1000_events: Option<f64>,
    pub(super) memory_mebibytes_most: f64,
    /// Whether it was another process at the end, or none; its CPU is then not known.
    pub(super) began_anew: bool,
}

impl PhaseReport {
    pub(super) fn new(
        phase: Phase,
        seconds: f64,
        tallied: &Tallied,
        reads: Vec<ViewReport>,
        digesting: Option<&Digesting>,
    ) -> Self {
        let (readable, malformed) = (tallied.readable(), tallied.malformed());
        let unanswered = readable.unanswered + malformed.unanswered;
        let sent = readable.answered() + malformed.answered() + unanswered;
        Self {
            name: phase.name,
            seconds: rounded(seconds),
            offered_per_second: phase.rate,
            achieved_per_second: rounded(as_f64(sent) / seconds),
            latency_ms: readable.latencies.summary(),
            statuses: readable.statuses,
            malformed: malformed.statuses,
            unanswered,
            reads,
            digested_per_second: digesting.map(|digesting| rounded(digesting.per_second)),
            digest_seconds_at_most: digesting.map(|digesting| DigestTimes::of(&digesting.seconds)),
        }
    }

    /// Answers of 500 and above, and requests without one.
    pub(super) fn failures(&self) -> u64 {
        let failed = self.statuses.range(500..).map(|(_, count)| count).sum::<u64>();
        failed + self.unanswered
    }

    /// Envelopes that were answered, and not taken.
    pub(super) fn not_taken(&self) -> u64 {
        self.statuses.iter().filter(|(status, _)| **status != 200).map(|(_, count)| count).sum()
    }

    /// Malformed envelopes that were not refused.
    pub(super) fn malformed_taken(&self) -> u64 {
        let refused = self.malformed.range(400..500).map(|(_, count)| count).sum::<u64>();
        self.malformed.values().sum::<u64>() - refused
    }
}

impl ComponentReport {
    /// Of what a component said before and after `events` were stored, and the bytes that it used at
    /// most.
    pub(super) fn new(
        component: &Component,
        before: Option<&Reading>,
        after: Option<&Reading>,
        memory_bytes: f64,
        events: i64,
    ) -> Self {
        let both = before.zip(after).filter(|(before, after)| !after.is_restart_of(before));
        let cpu_seconds = both.map(|(before, after)| after.cpu_seconds - before.cpu_seconds);
        let events = as_f64(events.try_into().unwrap_or_default());
        let build = |of: fn(&Reading) -> &String| {
            after.or(before).map_or_else(|| "unknown".to_owned(), |reading| of(reading).clone())
        };
        Self {
            name: component.name.clone(),
            url: component.url.to_string(),
            version: build(|reading| &reading.version),
            revision: build(|reading| &reading.revision),
            cpu_seconds: cpu_seconds.map(rounded),
            cpu_seconds_per_1000_events: cpu_seconds
                .filter(|_| events > 0.0)
                .map(|cpu| rounded_finely(cpu * 1000.0 / events)),
            memory_mebibytes_most: rounded(memory_bytes / MEBIBYTE),
            began_anew: both.is_none(),
        }
    }
}

/// Three digits behind the point.
fn rounded_finely(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

impl DigestTimes {
    fn of(seconds: &Buckets) -> Self {
        let at = |quantile| seconds.at_most(quantile).filter(|bound| bound.is_finite());
        Self { p50: at(0.5), p90: at(0.9), p99: at(0.99) }
    }
}

impl ProfileReport {
    /// Writes it to two files whose names begin with this path, for programs and for people.
    pub(super) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let mut json = serde_json::to_string_pretty(self)?;
        json.push('\n');
        for (ending, text) in [("json", json), ("md", self.to_string())] {
            let path: PathBuf = path.with_added_extension(ending);
            let written = std::fs::write(&path, text);
            written.with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const TIME: Duration = Duration::from_millis(5);

    #[test]
    fn a_phase_tells_refusals_failures_and_malformed_envelopes_apart() {
        let mut tallied = Tallied::default();
        for status in [200, 200, 429, 503] {
            tallied.answer(Kind::Event, status, TIME, 10);
        }
        tallied.no_answer(Kind::Transaction);
        for status in [400, 400, 200, 503] {
            tallied.answer(Kind::Malformed, status, TIME, 10);
        }
        let phase = Phase { name: "steady", rate: 5.0, length: Duration::from_secs(2) };
        let report = PhaseReport::new(phase, 2.0, &tallied, Vec::new(), None);
        assert_eq!((report.failures(), report.not_taken(), report.malformed_taken()), (2, 2, 2));
        assert!((report.achieved_per_second - 4.5).abs() < 1e-9);
    }

    #[test]
    fn each_kind_of_envelope_is_told_of_with_its_own_times_and_sizes() {
        let mut tallied = Tallied::default();
        for (kind, time, bytes) in
            [(Kind::Event, 1, 10), (Kind::Event, 1, 20), (Kind::EventWithAttachment, 100, 5000)]
        {
            tallied.answer(kind, 200, time * TIME, bytes);
        }
        tallied.no_answer(Kind::EventWithAttachment);
        let told = KindReport::all(&tallied);
        let shown = told.iter().map(|it| (it.kind, it.answers.requests, it.answers.bytes_each));
        let wanted = [(Kind::Event, 2, 15.0), (Kind::EventWithAttachment, 2, 5000.0)];
        assert_eq!(shown.collect::<Vec<_>>(), wanted);
        assert!(told[0].answers.latency_ms.max < 6.0 && told[1].answers.latency_ms.max > 400.0);
    }
}
