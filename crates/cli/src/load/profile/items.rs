//! Whether each item that was sent has ended as one outcome.

use std::collections::BTreeMap;

use mishap_core::outcome::Reason;
use mishap_protocol::envelope::DataCategory;
use mishap_storage::outcomes::OutcomeTotal;
use serde::Serialize;

use crate::load::kind::Kind;
use crate::load::tally::Tallied;

/// What became of the items of one category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Items {
    pub(super) category: &'static str,
    /// In envelopes that were acknowledged; envelopes that cannot be read and were answered are items
    /// too.
    pub(super) received: i64,
    /// In envelopes that were refused or not answered: they may count one by one, as a refused
    /// request, or not at all.
    pub(super) refused: i64,
    /// How items ended, by reason.
    pub(super) outcomes: BTreeMap<&'static str, i64>,
    /// What was received less what ended; below zero, more ended than was received.
    pub(super) gap: i64,
}

impl Items {
    /// Of what was sent between two moments. What was not received and did not end is left out.
    pub(super) fn of(sent: &Tallied, before: &[OutcomeTotal], after: &[OutcomeTotal]) -> Vec<Self> {
        let of_category = |category| {
            let (received, refused) = sent_items(sent, category);
            let outcomes = ended(category, before, after);
            let gap = received - outcomes.values().sum::<i64>();
            Self { category: category.name(), received, refused, outcomes, gap }
        };
        let all = DataCategory::ALL.into_iter().map(of_category);
        let is_empty = |items: &Self| items.received == 0 && items.outcomes.is_empty();
        all.filter(|items| !is_empty(items)).collect()
    }

    /// Whether all ended that do not wait, of which there are so many.
    fn close(&self, waiting: i64) -> bool {
        let is_digested = [DataCategory::Error, DataCategory::Attachment]
            .iter()
            .any(|category| category.name() == self.category);
        (-self.refused..=if is_digested { waiting } else { 0 }).contains(&self.gap)
    }

    /// Those that ended for one reason.
    pub(super) fn ended_as(&self, reason: Reason) -> i64 {
        self.outcomes.get(reason.name()).copied().unwrap_or_default()
    }
}

/// Items that did not end and do not wait, or that ended and were not sent, if so many wait.
pub(super) fn off(items: &[Items], waiting: i64) -> i64 {
    items.iter().filter(|items| !items.close(waiting)).map(|items| items.gap.abs()).sum()
}

/// Items of a category that were received, and that were refused.
fn sent_items(sent: &Tallied, category: DataCategory) -> (i64, i64) {
    let (mut received, mut refused) = (0, 0);
    for (kind, answers) in sent.kinds() {
        let each = kind.items().iter().filter(|item| **item == category).count() as u64;
        let lost = answers.refused() + answers.unanswered;
        match (kind, category) {
            // However it is answered, it is one item of no particular category.
            (Kind::Malformed, DataCategory::Default) => {
                received += answers.answered();
                refused += answers.unanswered;
            }
            (_, DataCategory::Default) => {
                received += each * answers.acknowledged();
                // A refused request counts as one such item, whatever is in it.
                refused += lost;
            }
            _ => {
                received += each * answers.acknowledged();
                refused += each * lost;
            }
        }
    }
    let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    (signed(received), signed(refused))
}

/// Items of a category that ended between two moments, by reason.
fn ended(
    category: DataCategory,
    before: &[OutcomeTotal],
    after: &[OutcomeTotal],
) -> BTreeMap<&'static str, i64> {
    let mut outcomes = BTreeMap::new();
    for (totals, sign) in [(before, -1), (after, 1)] {
        for total in totals.iter().filter(|total| total.category == category) {
            *outcomes.entry(total.reason.name()).or_default() += sign * total.quantity;
        }
    }
    outcomes.retain(|_, quantity| *quantity != 0);
    outcomes
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn total(category: DataCategory, reason: Reason, quantity: i64) -> OutcomeTotal {
        OutcomeTotal { category, reason, quantity }
    }

    /// Five envelopes of each kind, all answered as they should be.
    fn sent() -> Tallied {
        let mut sent = Tallied::default();
        for kind in [Kind::Event, Kind::EventWithAttachment, Kind::Transaction] {
            (0..5).for_each(|_| sent.answer(kind, 200, Duration::ZERO, 1));
        }
        (0..5).for_each(|_| sent.answer(Kind::ClientReport, 200, Duration::ZERO, 1));
        (0..5).for_each(|_| sent.answer(Kind::Malformed, 400, Duration::ZERO, 1));
        sent
    }

    const BEFORE: [OutcomeTotal; 1] =
        [OutcomeTotal { category: DataCategory::Error, reason: Reason::Ok, quantity: 100 }];

    fn after(stored: i64) -> Vec<OutcomeTotal> {
        vec![
            total(DataCategory::Error, Reason::Ok, 100 + stored),
            total(DataCategory::Error, Reason::Duplicate, 1),
            total(DataCategory::Attachment, Reason::Ok, 5),
            total(DataCategory::Transaction, Reason::UnsupportedItem, 5),
            total(DataCategory::Default, Reason::UnsupportedItem, 5),
            total(DataCategory::Default, Reason::MalformedEnvelope, 5),
        ]
    }

    fn gaps(items: &[Items]) -> Vec<(&str, i64)> {
        items.iter().map(|items| (items.category, items.gap)).collect()
    }

    #[test]
    fn each_item_ends_once_and_what_was_there_before_does_not_count() {
        let items = Items::of(&sent(), &BEFORE, &after(9));
        let closed = [("default", 0), ("error", 0), ("transaction", 0), ("attachment", 0)];
        assert_eq!(gaps(&items), closed);
        assert_eq!(off(&items, 0), 0);
        let errors = items.iter().find(|items| items.category == "error").unwrap();
        assert_eq!((errors.received, errors.ended_as(Reason::Ok)), (10, 9));
    }

    #[test]
    fn what_has_not_ended_must_wait() {
        let items = Items::of(&sent(), &BEFORE, &after(7));
        assert_eq!([1, 2].map(|waiting| off(&items, waiting)), [2, 0]);
        let mut more = after(9);
        more[3].quantity = 4;
        assert!(!Items::of(&sent(), &BEFORE, &more).iter().all(|items| items.close(100)));
    }

    #[test]
    fn refused_requests_may_count_as_one_item_or_as_what_is_in_them() {
        let mut sent = sent();
        sent.answer(Kind::Event, 429, Duration::ZERO, 1);
        sent.no_answer(Kind::Event);
        for (category, quantities) in
            [(DataCategory::Default, [0, 1, 2, 3]), (DataCategory::Error, [0, 1, 2, 3])]
        {
            let close = quantities.map(|quantity| {
                let mut after = after(9);
                after.push(total(category, Reason::QuotaKey, quantity));
                off(&Items::of(&sent, &BEFORE, &after), 0)
            });
            assert_eq!(close, [0, 0, 0, 3]);
        }
    }
}
