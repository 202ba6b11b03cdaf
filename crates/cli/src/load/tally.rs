//! What connections count.

use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;

use super::kind::Kind;
use super::latencies::Latencies;

/// What connections counted.
#[derive(Default)]
pub(super) struct Tallied {
    kinds: BTreeMap<Kind, Answers>,
    pub(super) acknowledged: Vec<Uuid>,
}

/// How envelopes of a kind were answered.
#[derive(Clone, Default)]
pub(super) struct Answers {
    pub(super) statuses: BTreeMap<u16, u64>,
    pub(super) latencies: Latencies,
    /// Bytes of the bodies that were answered.
    pub(super) bytes: u64,
    /// Requests that were not answered.
    pub(super) unanswered: u64,
}

impl Answers {
    /// Counts an answer.
    pub(super) fn answer(&mut self, status: u16, latency: Duration, bytes: u64) {
        *self.statuses.entry(status).or_default() += 1;
        self.latencies.note(latency);
        self.bytes += bytes;
    }

    /// Those that were acknowledged.
    pub(super) fn acknowledged(&self) -> u64 {
        self.statuses.get(&200).copied().unwrap_or_default()
    }

    /// Those that were answered, well or not.
    pub(super) fn answered(&self) -> u64 {
        self.statuses.values().sum()
    }

    /// Those that were answered with anything but 200.
    pub(super) fn refused(&self) -> u64 {
        self.answered() - self.acknowledged()
    }

    /// Adds others.
    pub(super) fn add(&mut self, others: &Self) {
        let Self { statuses, latencies, bytes, unanswered } = others;
        for (status, count) in statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        self.latencies.add(latencies);
        self.bytes += bytes;
        self.unanswered += unanswered;
    }
}

impl Tallied {
    /// Counts an answer.
    pub(super) fn answer(&mut self, kind: Kind, status: u16, latency: Duration, bytes: u64) {
        self.kinds.entry(kind).or_default().answer(status, latency, bytes);
    }

    /// Counts a request that was not answered.
    pub(super) fn no_answer(&mut self, kind: Kind) {
        self.kinds.entry(kind).or_default().unanswered += 1;
    }

    /// How envelopes of each kind were answered.
    pub(super) fn kinds(&self) -> impl Iterator<Item = (Kind, &Answers)> {
        self.kinds.iter().map(|(kind, answers)| (*kind, answers))
    }

    /// How all envelopes of some kinds were answered.
    pub(super) fn of(&self, is_wanted: impl Fn(Kind) -> bool) -> Answers {
        let mut all = Answers::default();
        let wanted = self.kinds().filter(|(kind, _)| is_wanted(*kind));
        wanted.for_each(|(_, answers)| all.add(answers));
        all
    }

    /// How all envelopes were answered but those that cannot be read.
    pub(super) fn readable(&self) -> Answers {
        self.of(|kind| kind != Kind::Malformed)
    }

    /// How envelopes were answered that cannot be read.
    pub(super) fn malformed(&self) -> Answers {
        self.of(|kind| kind == Kind::Malformed)
    }

    /// Adds another.
    pub(super) fn add(&mut self, other: &Self) {
        for (kind, answers) in other.kinds() {
            self.kinds.entry(kind).or_default().add(answers);
        }
        self.acknowledged.extend(&other.acknowledged);
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

    const TIME: Duration = Duration::from_millis(5);

    #[test]
    fn tallies_are_added_up_and_malformed_envelopes_are_counted_apart() {
        let (mut all, mut other) = (Tallied::default(), Tallied::default());
        all.answer(Kind::Event, 200, TIME, 10);
        all.answer(Kind::Transaction, 200, TIME, 10);
        other.answer(Kind::Event, 200, 100 * TIME, 10);
        for status in [429, 503] {
            other.answer(Kind::Event, status, TIME, 10);
        }
        other.answer(Kind::Malformed, 400, 1000 * TIME, 10);
        other.no_answer(Kind::Malformed);
        other.no_answer(Kind::Event);
        all.add(&other);

        let readable = all.readable();
        assert_eq!((readable.acknowledged(), readable.refused()), (3, 2));
        assert_eq!((readable.unanswered, readable.bytes), (1, 50));
        assert!((499.0..510.0).contains(&readable.latencies.at_most_ms(1.0)));
        let malformed = all.malformed();
        assert_eq!((malformed.answered(), malformed.refused(), malformed.unanswered), (1, 1, 1));
        assert_eq!(all.of(Kind::is_event).acknowledged(), 2);
    }
}
