//! Whether everything that was sent is somewhere.

use mishap_storage::measures::activity::Fates;
use serde::Serialize;

use crate::load::tally::Tallied;

/// Where everything is that was sent, malformed envelopes apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Accounting {
    pub(super) sent: i64,
    pub(super) acknowledged: i64,
    /// Answered with anything else.
    pub(super) refused: i64,
    /// Sent over connections that broke: the server may have them or not.
    pub(super) unanswered: i64,
    pub(super) stored: i64,
    pub(super) duplicates: i64,
    pub(super) dead: i64,
    /// In the inbox, or in the overflow.
    pub(super) waiting: i64,
    /// What was acknowledged less what is somewhere; below zero, there is more than was acknowledged.
    pub(super) gap: i64,
}

impl Accounting {
    /// Of what was sent between two moments.
    pub(super) fn of<'t>(
        tallies: impl IntoIterator<Item = &'t Tallied>,
        before: Fates,
        after: Fates,
    ) -> Self {
        let (mut acknowledged, mut answered, mut unanswered) = (0, 0, 0);
        for tallied in tallies {
            acknowledged += tallied.count(200);
            answered += tallied.answered();
            unanswered += tallied.errors;
        }
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let (acknowledged, unanswered) = (signed(acknowledged), signed(unanswered));
        let (stored, duplicates) =
            (after.stored - before.stored, after.duplicates - before.duplicates);
        let (dead, waiting) = (after.dead - before.dead, after.waiting - before.waiting);
        Self {
            sent: signed(answered) + unanswered,
            acknowledged,
            refused: signed(answered) - acknowledged,
            unanswered,
            stored,
            duplicates,
            dead,
            waiting,
            gap: acknowledged - stored - duplicates - dead - waiting,
        }
    }

    /// Whether nothing is lost, and nothing is there that was not sent.
    pub(super) fn closes(&self) -> bool {
        (-self.unanswered..=0).contains(&self.gap)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOTHING: Fates = Fates { stored: 7, duplicates: 1, dead: 2, waiting: 0 };

    fn tallied(acknowledged: usize, refused: usize, unanswered: u64) -> Tallied {
        let mut tallied = Tallied::default();
        for status in std::iter::repeat_n(200, acknowledged).chain(vec![429; refused]) {
            tallied.answer(status, Duration::ZERO, 1);
        }
        tallied.errors = unanswered;
        tallied
    }

    #[test]
    fn what_was_acknowledged_is_stored_known_dead_or_waiting() {
        let after = Fates { stored: 16, duplicates: 2, dead: 3, waiting: 4 };
        let accounting = Accounting::of(&[tallied(10, 2, 0), tallied(5, 0, 0)], NOTHING, after);
        assert_eq!((accounting.sent, accounting.acknowledged, accounting.refused), (17, 15, 2));
        assert_eq!((accounting.stored, accounting.duplicates), (9, 1));
        assert_eq!((accounting.dead, accounting.waiting), (1, 4));
        assert_eq!(accounting.gap, 0);
        assert!(accounting.closes());
    }

    #[test]
    fn what_is_nowhere_leaves_a_gap() {
        let after = Fates { stored: 11, ..NOTHING };
        let accounting = Accounting::of(&[tallied(5, 0, 3)], NOTHING, after);
        assert_eq!(accounting.gap, 1);
        assert!(!accounting.closes());
    }

    #[test]
    fn no_more_may_be_there_than_was_sent_and_not_answered() {
        let of_stored = |stored: i64| {
            let after = Fates { stored: 7 + stored, ..NOTHING };
            Accounting::of(&[tallied(5, 0, 3)], NOTHING, after).closes()
        };
        assert_eq!([4, 5, 8, 9].map(of_stored), [false, true, true, false]);
    }
}
