//! Whether everything that was sent is somewhere.

use mishap_core::outcome::Reason;
use mishap_protocol::envelope::DataCategory;
use mishap_storage::measures::activity::Fates;
use serde::Serialize;

use super::items::Items;
use crate::load::kind::Kind;
use crate::load::tally::Tallied;

/// Where all events are that were sent.
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
    pub(super) fn of(sent: &Tallied, before: Fates, after: Fates) -> Self {
        let events = sent.of(Kind::is_event);
        let (acknowledged, answered) = (signed(events.acknowledged()), signed(events.answered()));
        let unanswered = signed(events.unanswered);
        let (stored, duplicates) =
            (after.stored - before.stored, after.duplicates - before.duplicates);
        let (dead, waiting) = (after.dead - before.dead, after.waiting - before.waiting);
        Self {
            sent: answered + unanswered,
            acknowledged,
            refused: answered - acknowledged,
            unanswered,
            stored,
            duplicates,
            dead,
            waiting,
            gap: acknowledged - stored - duplicates - dead - waiting,
        }
    }

    /// Envelopes that were acknowledged, and of which nothing is stored yet.
    pub(super) fn pending(&self) -> i64 {
        self.waiting + self.dead
    }

    /// Whether nothing is lost, and nothing is there that was not sent.
    pub(super) fn closes(&self) -> bool {
        (-self.unanswered..=0).contains(&self.gap)
    }
}

/// Where all attachments are that were sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct AttachmentAccount {
    /// With their events.
    pub(super) acknowledged: i64,
    pub(super) stored: i64,
    /// Not kept, for a reason that was counted.
    pub(super) ended_otherwise: i64,
    /// What was acknowledged less what is told of.
    pub(super) gap: i64,
    unanswered: i64,
}

impl AttachmentAccount {
    /// Of what was sent while so many were stored.
    pub(super) fn of(sent: &Tallied, items: &[Items], stored: i64) -> Self {
        let answers = sent.of(|kind| kind == Kind::EventWithAttachment);
        let acknowledged = signed(answers.acknowledged());
        let attachments = items.iter().find(|it| it.category == DataCategory::Attachment.name());
        let ended_otherwise = attachments
            .map_or(0, |items| items.outcomes.values().sum::<i64>() - items.ended_as(Reason::Ok));
        let gap = acknowledged - stored - ended_otherwise;
        let unanswered = signed(answers.unanswered);
        Self { acknowledged, stored, ended_otherwise, gap, unanswered }
    }

    /// Whether none is lost, and none is there that was not sent, if so many envelopes wait.
    pub(super) fn closes(&self, waiting: i64) -> bool {
        (-self.unanswered..=waiting).contains(&self.gap)
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOTHING: Fates = Fates { stored: 7, duplicates: 1, attachments: 3, dead: 2, waiting: 0 };

    fn tallied(acknowledged: usize, refused: usize, unanswered: u64) -> Tallied {
        let mut tallied = Tallied::default();
        for status in std::iter::repeat_n(200, acknowledged).chain(vec![429; refused]) {
            tallied.answer(Kind::Event, status, Duration::ZERO, 1);
        }
        (0..unanswered).for_each(|_| tallied.no_answer(Kind::Event));
        // What is not stored does not count here.
        tallied.answer(Kind::Transaction, 200, Duration::ZERO, 1);
        tallied
    }

    #[test]
    fn what_was_acknowledged_is_stored_known_dead_or_waiting() {
        let after = Fates { stored: 16, duplicates: 2, attachments: 3, dead: 3, waiting: 4 };
        let accounting = Accounting::of(&tallied(15, 2, 0), NOTHING, after);
        assert_eq!((accounting.sent, accounting.acknowledged, accounting.refused), (17, 15, 2));
        assert_eq!((accounting.stored, accounting.duplicates), (9, 1));
        assert_eq!((accounting.dead, accounting.waiting), (1, 4));
        assert_eq!(accounting.gap, 0);
        assert!(accounting.closes());
    }

    #[test]
    fn what_is_nowhere_leaves_a_gap() {
        let after = Fates { stored: 11, ..NOTHING };
        let accounting = Accounting::of(&tallied(5, 0, 3), NOTHING, after);
        assert_eq!(accounting.gap, 1);
        assert!(!accounting.closes());
    }

    #[test]
    fn no_more_may_be_there_than_was_sent_and_not_answered() {
        let of_stored = |stored: i64| {
            let after = Fates { stored: 7 + stored, ..NOTHING };
            Accounting::of(&tallied(5, 0, 3), NOTHING, after).closes()
        };
        assert_eq!([4, 5, 8, 9].map(of_stored), [false, true, true, false]);
    }
    #[test]
    fn attachments_are_stored_or_ended_otherwise_or_wait() {
        let mut sent = Tallied::default();
        (0..5).for_each(|_| sent.answer(Kind::EventWithAttachment, 200, Duration::ZERO, 1));
        sent.no_answer(Kind::EventWithAttachment);
        let items = Items {
            category: "attachment",
            received: 5,
            refused: 1,
            outcomes: [("ok", 2), ("orphaned", 2)].into(),
            gap: 1,
        };
        let of_stored = |stored| AttachmentAccount::of(&sent, std::slice::from_ref(&items), stored);
        let account = of_stored(2);
        assert_eq!((account.acknowledged, account.ended_otherwise, account.gap), (5, 2, 1));
        assert_eq!([0, 1].map(|waiting| account.closes(waiting)), [false, true]);
        assert_eq!([3, 4, 5].map(|stored| of_stored(stored).closes(0)), [true, true, false]);
    }
}
