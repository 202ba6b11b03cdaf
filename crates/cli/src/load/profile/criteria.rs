//! When a server did well: its verdict, point by point.

use serde::Serialize;

use super::accounting::{Accounting, AttachmentAccount};

/// Milliseconds within which 90 of 100 envelopes are acknowledged in the steady phase.
const P90_MS: f64 = 400.0;

/// Milliseconds within which 99 of 100 are.
const P99_MS: f64 = 500.0;

/// Milliseconds within which 99 of 100 requests of people who read are answered in the steady phase.
const READ_MS: f64 = 500.0;

/// Seconds within which 99 of 100 events are stored in the steady phase.
const DIGEST_SECONDS: f64 = 10.0;

/// Seconds within which 99 of 100 events are stored in a spike and after it.
const LATE_DIGEST_SECONDS: f64 = 60.0;

/// Seconds after a spike within which no more waits than before it.
const CATCH_UP_SECONDS: f64 = 300.0;

/// One point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Criterion {
    pub(super) what: String,
    pub(super) wanted: String,
    pub(super) measured: String,
    pub(super) verdict: Verdict,
}

/// What is said of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    Passed,
    Failed,
    /// It is not known; the run may pass nevertheless.
    NotMeasured,
}

/// What is judged.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    /// Latencies of the steady phase, in milliseconds.
    pub(super) p90_ms: f64,
    pub(super) p99_ms: f64,
    /// Of the steady phase: answers of 500 and above, and requests without one.
    pub(super) failures: u64,
    /// Of the steady phase: envelopes that were answered with anything but 200.
    pub(super) not_taken: u64,
    /// Answers to malformed envelopes that are not refusals.
    pub(super) malformed_taken: u64,
    /// How reading was in the steady phase, if somebody read.
    pub(super) reading: Option<ReadFacts>,
    /// What 99 of 100 events of the steady phase did not exceed, in seconds.
    pub(super) digest_seconds: Option<f64>,
    /// The same from the spike on.
    pub(super) late_digest_seconds: Option<f64>,
    /// How long after the spike the server had caught up, if it had.
    pub(super) caught_up_seconds: Option<f64>,
    pub(super) is_drained: bool,
    pub(super) accounting: Accounting,
    pub(super) attachments: AttachmentAccount,
    /// Items whose outcome is missing, or that have too many; nothing if statistics are behind.
    pub(super) items_off: Option<i64>,
    /// Programs that were not the same at the end.
    pub(super) restarted: Option<u64>,
    pub(super) memory: Vec<Memory>,
}

/// How reading was.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReadFacts {
    /// In milliseconds.
    pub(super) p99_ms: f64,
    /// Requests that were answered with anything but 200, or not at all.
    pub(super) not_shown: u64,
}

/// The most that a component used, and may use.
#[derive(Debug, Clone)]
pub(super) struct Memory {
    pub(super) name: String,
    pub(super) mebibytes: f64,
    pub(super) limit: Option<u32>,
}

/// Judges everything.
pub(super) fn judge(facts: &Facts) -> Vec<Criterion> {
    let accounting = &facts.accounting;
    let mut criteria = vec![
        at_most("acknowledged in the steady phase, p90", Some(facts.p90_ms), P90_MS, "ms"),
        at_most("acknowledged in the steady phase, p99", Some(facts.p99_ms), P99_MS, "ms"),
        none("answers of 5xx, and none at all, in the steady phase", facts.failures),
        none("envelopes not taken in the steady phase", facts.not_taken),
        none("malformed envelopes that were not refused", facts.malformed_taken),
    ];
    criteria.extend(reading(facts.reading));
    criteria.extend([
        at_most("stored in the steady phase, p99", facts.digest_seconds, DIGEST_SECONDS, "s"),
        at_most(
            "stored from the spike on, p99",
            facts.late_digest_seconds,
            LATE_DIGEST_SECONDS,
            "s",
        ),
        caught_up(facts.caught_up_seconds),
        criterion(
            "everything digested at the end",
            "yes",
            if facts.is_drained { "yes" } else { "no" },
            facts.is_drained,
        ),
        criterion(
            "events acknowledged and nowhere",
            "0",
            &format!("{} ({} not answered)", accounting.gap, accounting.unanswered),
            accounting.closes(),
        ),
        criterion(
            "duplicates",
            "0",
            &accounting.duplicates.to_string(),
            accounting.duplicates == 0,
        ),
        criterion("dead letters", "0", &accounting.dead.to_string(), accounting.dead == 0),
        criterion(
            "attachments acknowledged and nowhere",
            "0",
            &facts.attachments.gap.to_string(),
            facts.attachments.closes(accounting.pending()),
        ),
        facts.items_off.map_or_else(
            || not_measured("items without exactly one outcome", "0", "statistics are behind"),
            |off| criterion("items without exactly one outcome", "0", &off.to_string(), off == 0),
        ),
        facts.restarted.map_or_else(
            || not_measured("programs that began anew", "0", "no component was named"),
            |restarted| none("programs that began anew", restarted),
        ),
    ]);
    criteria.extend(facts.memory.iter().map(memory));
    criteria.push(not_measured(
        "CPU of PostgreSQL",
        "below 70 %",
        "PostgreSQL does not tell: look where it runs",
    ));
    criteria
}

/// What did not pass; nothing if all is well.
pub(super) fn failed(criteria: &[Criterion]) -> Vec<&str> {
    let failed = criteria.iter().filter(|criterion| criterion.verdict == Verdict::Failed);
    failed.map(|criterion| criterion.what.as_str()).collect()
}

fn criterion(what: &str, wanted: &str, measured: &str, passed: bool) -> Criterion {
    Criterion {
        what: what.to_owned(),
        wanted: wanted.to_owned(),
        measured: measured.to_owned(),
        verdict: if passed { Verdict::Passed } else { Verdict::Failed },
    }
}

fn not_measured(what: &str, wanted: &str, why: &str) -> Criterion {
    Criterion { verdict: Verdict::NotMeasured, ..criterion(what, wanted, why, false) }
}

fn none(what: &str, count: u64) -> Criterion {
    criterion(what, "0", &count.to_string(), count == 0)
}

fn at_most(what: &str, measured: Option<f64>, limit: f64, unit: &str) -> Criterion {
    let wanted = format!("at most {limit} {unit}");
    match measured {
        Some(measured) if measured.is_finite() => {
            criterion(what, &wanted, &format!("{measured} {unit}"), measured <= limit)
        }
        Some(_) => criterion(what, &wanted, "longer than is told apart", false),
        None => not_measured(what, &wanted, "no worker said so"),
    }
}

fn reading(facts: Option<ReadFacts>) -> [Criterion; 2] {
    let time = "read in the steady phase, p99";
    let failed = "reads not answered with 200 in the steady phase";
    match facts {
        Some(ReadFacts { p99_ms, not_shown }) => {
            [at_most(time, Some(p99_ms), READ_MS, "ms"), none(failed, not_shown)]
        }
        None => [
            not_measured(time, &format!("at most {READ_MS} ms"), "nobody read"),
            not_measured(failed, "0", "nobody read"),
        ],
    }
}

fn caught_up(seconds: Option<f64>) -> Criterion {
    let what = "caught up after the spike";
    let wanted = format!("within {CATCH_UP_SECONDS} s");
    match seconds {
        Some(seconds) => {
            criterion(what, &wanted, &format!("{seconds} s"), seconds <= CATCH_UP_SECONDS)
        }
        None => criterion(what, &wanted, "no", false),
    }
}

fn memory(memory: &Memory) -> Criterion {
    let Memory { name, mebibytes, limit } = memory;
    let (what, measured) = (format!("memory of {name}"), format!("{mebibytes} MiB"));
    match limit {
        Some(limit) => {
            let wanted = format!("at most {limit} MiB");
            criterion(&what, &wanted, &measured, *mebibytes <= f64::from(*limit))
        }
        None => not_measured(&what, "its limit", &format!("{measured}; no limit was named")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Facts {
        Facts {
            p90_ms: 400.0,
            p99_ms: 500.0,
            failures: 0,
            not_taken: 0,
            malformed_taken: 0,
            digest_seconds: Some(10.0),
            late_digest_seconds: Some(60.0),
            caught_up_seconds: Some(300.0),
            is_drained: true,
            accounting: Accounting {
                sent: 10,
                acknowledged: 9,
                refused: 1,
                unanswered: 0,
                stored: 9,
                duplicates: 0,
                dead: 0,
                waiting: 0,
                gap: 0,
            },
            reading: Some(ReadFacts { p99_ms: 500.0, not_shown: 0 }),
            attachments: AttachmentAccount::default(),
            items_off: Some(0),
            restarted: Some(0),
            memory: vec![Memory { name: "web".to_owned(), mebibytes: 64.0, limit: Some(64) }],
        }
    }

    /// How many points fail when this is so.
    fn failures(change: impl FnOnce(&mut Facts)) -> usize {
        let mut facts = good();
        change(&mut facts);
        failed(&judge(&facts)).len()
    }

    #[test]
    fn a_server_passes_that_is_at_its_limits() {
        assert_eq!(failed(&judge(&good())), Vec::<&str>::new());
    }

    #[test]
    fn each_point_can_fail_alone() {
        assert_eq!(failures(|facts| facts.p90_ms = 400.1), 1);
        assert_eq!(failures(|facts| facts.p99_ms = 500.1), 1);
        assert_eq!(failures(|facts| facts.failures = 1), 1);
        assert_eq!(failures(|facts| facts.not_taken = 1), 1);
        assert_eq!(failures(|facts| facts.malformed_taken = 1), 1);
        assert_eq!(failures(|facts| facts.digest_seconds = Some(30.0)), 1);
        assert_eq!(failures(|facts| facts.digest_seconds = Some(f64::INFINITY)), 1);
        assert_eq!(failures(|facts| facts.late_digest_seconds = Some(300.0)), 1);
        assert_eq!(failures(|facts| facts.caught_up_seconds = Some(300.1)), 1);
        assert_eq!(failures(|facts| facts.caught_up_seconds = None), 1);
        assert_eq!(failures(|facts| facts.is_drained = false), 1);
        assert_eq!(failures(|facts| facts.accounting.gap = 1), 1);
        assert_eq!(failures(|facts| facts.accounting.duplicates = 1), 1);
        assert_eq!(failures(|facts| facts.accounting.dead = 1), 1);
        assert_eq!(failures(|facts| facts.attachments.gap = 1), 1);
        assert_eq!(failures(|facts| facts.items_off = Some(1)), 1);
        let reading = |p99_ms, not_shown| Some(ReadFacts { p99_ms, not_shown });
        assert_eq!(failures(|facts| facts.reading = reading(500.1, 0)), 1);
        assert_eq!(failures(|facts| facts.reading = reading(500.0, 1)), 1);
        assert_eq!(failures(|facts| facts.restarted = Some(1)), 1);
        assert_eq!(failures(|facts| facts.memory[0].mebibytes = 64.1), 1);
    }

    #[test]
    fn what_is_not_known_does_not_fail_and_does_not_pass() {
        let mut facts = good();
        facts.digest_seconds = None;
        facts.late_digest_seconds = None;
        facts.restarted = None;
        facts.reading = None;
        facts.items_off = None;
        facts.memory[0].limit = None;
        let criteria = judge(&facts);
        assert_eq!(failed(&criteria), Vec::<&str>::new());
        let unknown = criteria.iter().filter(|it| it.verdict == Verdict::NotMeasured);
        assert_eq!(unknown.count(), 8, "these and the CPU of PostgreSQL");
    }
}
