//! What is sent one after the other.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use mishap_core::random::{Random, SeededRandom};
use uuid::Uuid;

use super::bodies::SampleEvents;

/// Of all envelopes, those that cannot be read.
const MALFORMED: f64 = 0.02;

/// Of all events, those of an issue that nobody has seen.
const NEW: f64 = 0.01;

/// A request's body.
pub(super) struct Payload {
    /// The event in it; nothing if it cannot be read.
    pub(super) event_id: Option<Uuid>,
    pub(super) body: Bytes,
}

/// What is sent one after the other.
pub(super) enum Mix {
    /// Events of all issues in turn.
    InTurn(SampleEvents),
    /// As an installation sees it: few issues have most of the events, some are new, and some
    /// envelopes are broken.
    Uneven {
        events: SampleEvents,
        issues: Popularity,
        /// Draws the choices, the same ones for the same seed.
        choices: SeededRandom,
        /// The number of the next new issue.
        next_new: AtomicU64,
    },
}

impl Mix {
    pub(super) fn in_turn(events: SampleEvents) -> Self {
        Self::InTurn(events)
    }

    /// The same choices for the same seed; but an issue that is new is so in each run.
    pub(super) fn uneven(
        events: SampleEvents,
        issues: usize,
        seed: u64,
        random: &dyn Random,
    ) -> Self {
        let mut first = [0; 4];
        random.fill(&mut first);
        let next_new = AtomicU64::new(u64::from(u32::from_le_bytes(first)));
        let (issues, choices) = (Popularity::of(issues), SeededRandom::new(seed));
        Self::Uneven { events, issues, choices, next_new }
    }

    /// The next request.
    pub(super) fn next(&self, random: &dyn Random) -> Payload {
        let (event_id, body) = match self {
            Self::InTurn(events) => events.next(random),
            Self::Uneven { events, issues, choices, next_new } => {
                if share(choices) < MALFORMED {
                    return Payload { event_id: None, body: events.malformed() };
                }
                if share(choices) < NEW {
                    events.of_new_issue(next_new.fetch_add(1, Ordering::Relaxed), random)
                } else {
                    events.of_issue(issues.choose(share(choices)), random)
                }
            }
        };
        Payload { event_id: Some(event_id), body }
    }
}

/// How often each issue is met: the second half as often as the first, the third a third as often,
/// and so on (Zipf's law).
pub(super) struct Popularity {
    /// Weights, each with all before it.
    sums: Vec<f64>,
}

impl Popularity {
    fn of(issues: usize) -> Self {
        let mut sum = 0.0;
        #[expect(clippy::cast_precision_loss, reason = "there are few issues")]
        let weight = |rank: usize| 1.0 / (rank + 1) as f64;
        let sums = (0..issues.max(1)).map(|rank| {
            sum += weight(rank);
            sum
        });
        Self { sums: sums.collect() }
    }

    /// The issue at a place between 0 and 1.
    fn choose(&self, place: f64) -> usize {
        let all = self.sums.last().copied().unwrap_or_default();
        let issue = self.sums.partition_point(|sum| *sum <= place * all);
        issue.min(self.sums.len() - 1)
    }
}

/// A number from 0 to below 1.
fn share(random: &dyn Random) -> f64 {
    let mut bytes = [0; 4];
    random.fill(&mut bytes);
    f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issue_is_met_as_often_as_its_rank_says() {
        let issues = Popularity::of(4);
        // 1 + 1/2 + 1/3 + 1/4 = 25/12: the shares are 48, 24, 16 and 12 %.
        let at = [0.0, 0.47, 0.49, 0.71, 0.73, 0.87, 0.89, 0.999];
        assert_eq!(at.map(|place| issues.choose(place)), [0, 0, 1, 1, 2, 2, 3, 3]);
        assert_eq!(Popularity::of(0).choose(0.9), 0);
    }

    /// Malformed envelopes and events of new issues, of 2,000 requests.
    fn rare(seed: u64) -> (usize, u64) {
        let random = SeededRandom::new(7);
        let mix = Mix::uneven(SampleEvents::with_bodies(1, 1, 1, false), 1, seed, &random);
        let number = || match &mix {
            Mix::Uneven { next_new, .. } => next_new.load(Ordering::Relaxed),
            Mix::InTurn(_) => unreachable!("it is uneven"),
        };
        let first = number();
        let payloads: Vec<_> = (0..2000).map(|_| mix.next(&random)).collect();
        let malformed = payloads.iter().filter(|payload| payload.event_id.is_none()).count();
        (malformed, number() - first)
    }

    #[test]
    fn few_envelopes_are_malformed_few_issues_are_new_and_most_are_known() {
        let (malformed, new) = rare(1);
        assert!((20..60).contains(&malformed) && (8..40).contains(&new), "{malformed}, {new}");
        assert_eq!(rare(1), (malformed, new), "the seed decides");
    }
}
