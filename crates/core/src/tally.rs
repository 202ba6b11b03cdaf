//! Sums that a batch adds to the statistics.
//!
//! Adding every event to every row it counts in would cost more than storing the event. So a batch
//! writes its sums down once, in the transaction that stores its events, and a while later the sums
//! of many batches are added up and folded into the statistics in one go. The fold takes the
//! written sums away in its own transaction; nothing is counted twice or forgotten.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use mishap_protocol::envelope::DataCategory;
use serde::{Deserialize, Serialize};

use crate::id::{IssueId, ProjectId};
use crate::outcome::Reason;

/// Hours since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hour(pub i32);

impl Hour {
    /// The hour that a time is in.
    pub fn of(time: DateTime<Utc>) -> Self {
        Self(i32::try_from(time.timestamp().div_euclid(3600)).unwrap_or_default())
    }

    /// The hour's beginning.
    pub fn start(self) -> DateTime<Utc> {
        DateTime::from_timestamp(i64::from(self.0) * 3600, 0).unwrap_or_default()
    }
}

/// What an outcome is counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OutcomeKey {
    /// The project; 0 if it is not known.
    pub project: ProjectId,
    /// When the item was received.
    pub hour: Hour,
    /// The code of the data category; see [`category_code`].
    pub category: i16,
    /// The code of the reason; see [`Reason::code`].
    pub reason: i16,
}

/// Sums of one batch, or of many.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How items ended.
    pub outcomes: BTreeMap<OutcomeKey, u64>,
    /// Events of an issue in an hour.
    pub issue_hours: BTreeMap<(IssueId, Hour), u64>,
    /// Events of an issue with a tag.
    pub issue_tags: BTreeMap<IssueId, BTreeMap<(String, String), u64>>,
    /// People hit by an issue; see [`crate::sketch::person`].
    pub issue_people: BTreeMap<IssueId, BTreeSet<u64>>,
}

impl Tally {
    /// Whether there is nothing to add.
    pub fn is_empty(&self) -> bool {
        let Self { outcomes, issue_hours, issue_tags, issue_people } = self;
        outcomes.is_empty()
            && issue_hours.is_empty()
            && issue_tags.is_empty()
            && issue_people.is_empty()
    }

    /// Counts items that ended.
    pub fn count(
        &mut self,
        project: ProjectId,
        received: DateTime<Utc>,
        category: DataCategory,
        reason: Reason,
        quantity: u64,
    ) {
        let key = OutcomeKey {
            project,
            hour: Hour::of(received),
            category: category_code(category),
            reason: reason.code(),
        };
        *self.outcomes.entry(key).or_default() += quantity;
    }

    /// Counts an event of an issue.
    pub fn count_event<'t>(
        &mut self,
        issue: IssueId,
        received: DateTime<Utc>,
        tags: impl Iterator<Item = (&'t str, &'t str)>,
        person: Option<u64>,
    ) {
        *self.issue_hours.entry((issue, Hour::of(received))).or_default() += 1;
        let counted = self.issue_tags.entry(issue).or_default();
        for (key, value) in tags {
            *counted.entry((key.to_owned(), value.to_owned())).or_default() += 1;
        }
        if let Some(person) = person {
            self.issue_people.entry(issue).or_default().insert(person);
        }
    }

    /// Adds another tally to this one.
    pub fn add(&mut self, other: Self) {
        let Self { outcomes, issue_hours, issue_tags, issue_people } = other;
        for (key, quantity) in outcomes {
            *self.outcomes.entry(key).or_default() += quantity;
        }
        for (key, quantity) in issue_hours {
            *self.issue_hours.entry(key).or_default() += quantity;
        }
        for (issue, tags) in issue_tags {
            let counted = self.issue_tags.entry(issue).or_default();
            for (tag, quantity) in tags {
                *counted.entry(tag).or_default() += quantity;
            }
        }
        for (issue, people) in issue_people {
            self.issue_people.entry(issue).or_default().extend(people);
        }
    }
}

/// A data category's stored code; never given to another one.
pub fn category_code(category: DataCategory) -> i16 {
    match category {
        DataCategory::Default => 0,
        DataCategory::Error => 1,
        DataCategory::Transaction => 2,
        DataCategory::Security => 3,
        DataCategory::Attachment => 4,
        DataCategory::Session => 5,
        DataCategory::Monitor => 6,
        DataCategory::Feedback => 7,
        DataCategory::Log => 8,
        DataCategory::Metric => 9,
        DataCategory::Span => 10,
        DataCategory::Profile => 11,
        DataCategory::Replay => 12,
    }
}

/// The data category that a stored code stands for.
pub fn category_of(code: i16) -> Option<DataCategory> {
    DataCategory::ALL.into_iter().find(|category| category_code(*category) == code)
}

/// Values of a tag that are counted by themselves, for each issue and key.
pub const MAX_TAG_VALUES: usize = 100;

/// What the values beyond [`MAX_TAG_VALUES`] are counted as.
pub const OTHER_VALUES: &str = "__other__";

#[cfg(test)]
mod tests {
    use super::*;

    fn one(issue: i64, person: u64) -> Tally {
        let now = DateTime::from_timestamp(7200, 0).unwrap();
        let mut tally = Tally::default();
        tally.count(ProjectId(1), now, DataCategory::Error, Reason::Ok, 1);
        let tags = [("os", "Linux"), ("release", "1")];
        tally.count_event(IssueId(issue), now, tags.into_iter(), Some(person));
        tally
    }

    #[test]
    fn tallies_add_up() {
        let mut sum = Tally::default();
        assert!(sum.is_empty());
        for (issue, person) in [(1, 10), (1, 10), (2, 11)] {
            sum.add(one(issue, person));
        }
        assert_eq!(sum.outcomes.values().copied().collect::<Vec<_>>(), [3]);
        assert_eq!(sum.issue_hours[&(IssueId(1), Hour(2))], 2);
        assert_eq!(sum.issue_tags[&IssueId(1)][&("os".to_owned(), "Linux".to_owned())], 2);
        assert_eq!(sum.issue_people[&IssueId(1)].len(), 1);
        assert_eq!(sum.issue_people[&IssueId(2)].len(), 1);
    }

    #[test]
    fn hours_begin_where_they_should() {
        let time = DateTime::from_timestamp(1_795_262_400 + 59 * 60, 0).unwrap();
        assert_eq!(Hour::of(time).start().timestamp(), 1_795_262_400);
        assert_eq!(Hour::of(DateTime::from_timestamp(-1, 0).unwrap()), Hour(-1));
    }

    #[test]
    fn category_codes_are_found_again() {
        for category in DataCategory::ALL {
            assert_eq!(category_of(category_code(category)), Some(category));
        }
        assert_eq!(category_of(99), None);
    }
}
