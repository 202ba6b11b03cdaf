//! What is sent one after the other.

use std::sync::atomic::{AtomicU64, Ordering};

use mishap_core::random::{Random, SeededRandom};
use uuid::Uuid;

use super::attachments::{Attachments, Cut};
use super::bodies::{SampleEvents, SizedEvents};
use super::body::{Body, BodyMaker};
use super::kind::Kind;
use super::popularity::Popularity;
use super::unkept::Unkept;
use crate::command::LoadCoding;

/// Of all events, those of an issue that nobody has seen.
const NEW: f64 = 0.01;

/// An envelope whose header breaks off.
const MALFORMED: &str = "{\"event_id\":\"";

/// A request's body.
pub(super) struct Payload {
    pub(super) kind: Kind,
    /// The event in it that is to be stored, if there is one.
    pub(super) event_id: Option<Uuid>,
    pub(super) body: Body,
}

/// What is sent one after the other.
pub(super) enum Mix {
    /// Events of all issues in turn.
    InTurn(SampleEvents),
    /// As an installation sees it.
    Uneven(Box<Uneven>),
}

/// As an installation sees it: few issues have most of the events, some are new, some events are
/// large and some come with files; there are transactions, sessions and client reports besides; and
/// some envelopes are broken.
pub(super) struct Uneven {
    events: SizedEvents,
    issues: Popularity,
    attachments: Attachments,
    unkept: Unkept,
    coding: LoadCoding,
    /// Draws the choices, the same ones for the same seed.
    choices: SeededRandom,
    /// The number of the next new issue.
    next_new: AtomicU64,
}

impl Mix {
    /// The same choices for the same seed; but an issue that is new is so in each run.
    pub(super) fn uneven(
        issues: usize,
        seed: u64,
        coding: LoadCoding,
        random: &dyn Random,
    ) -> Self {
        Self::Uneven(Box::new(Uneven {
            events: SizedEvents::new(seed, issues, coding),
            issues: Popularity::of(issues),
            attachments: Attachments::new(seed, coding),
            unkept: Unkept::new(seed, coding),
            coding,
            choices: SeededRandom::new(seed),
            next_new: AtomicU64::new(first_new(random)),
        }))
    }

    /// The next request.
    pub(super) fn next(&self, random: &dyn Random) -> Payload {
        match self {
            Self::InTurn(events) => {
                let (event_id, body) = events.next(random);
                Payload { kind: Kind::Event, event_id: Some(event_id), body }
            }
            Self::Uneven(uneven) => uneven.next(random),
        }
    }
}

fn first_new(random: &dyn Random) -> u64 {
    let mut first = [0; 4];
    random.fill(&mut first);
    u64::from(u32::from_le_bytes(first))
}

impl Uneven {
    fn next(&self, random: &dyn Random) -> Payload {
        let kind = Kind::at(self.share());
        let (event_id, body) = match kind {
            Kind::Event => {
                let (event_id, maker) = self.event(random);
                (Some(event_id), maker.finish())
            }
            Kind::EventWithAttachment => {
                let (event_id, maker) = self.event(random);
                let is_picture = self.share() < 0.5;
                let cut = Cut { size: self.share(), begins: self.share(), is_picture };
                (Some(event_id), self.attachments.put(maker, cut).finish())
            }
            Kind::Transaction => (None, self.unkept.transaction(random)),
            Kind::Session => (None, self.unkept.session()),
            Kind::ClientReport => (None, self.unkept.client_report()),
            Kind::Malformed => (None, BodyMaker::new(self.coding).text(MALFORMED).finish()),
        };
        Payload { kind, event_id, body }
    }

    fn event(&self, random: &dyn Random) -> (Uuid, BodyMaker) {
        let larger_than = self.share();
        if self.share() < NEW {
            let number = self.next_new.fetch_add(1, Ordering::Relaxed);
            self.events.of_new_issue(number, larger_than, random)
        } else {
            let issue = self.issues.choose(self.share());
            self.events.of_issue(issue, larger_than, random)
        }
    }

    /// A number from 0 to below 1.
    fn share(&self) -> f64 {
        let mut bytes = [0; 4];
        self.choices.fill(&mut bytes);
        f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use mishap_protocol::envelope::Envelope;

    use super::*;

    /// Of 2,000 envelopes, how many are of each kind, and how many events are of new issues.
    fn met(seed: u64) -> (BTreeMap<Kind, u64>, u64) {
        let random = SeededRandom::new(7);
        let uneven = Uneven {
            events: SizedEvents::with_bodies(1, 1, 1, LoadCoding::None),
            issues: Popularity::of(1),
            attachments: Attachments::new(1, LoadCoding::None),
            unkept: Unkept::new(1, LoadCoding::None),
            coding: LoadCoding::None,
            choices: SeededRandom::new(seed),
            next_new: AtomicU64::new(0),
        };
        let mut kinds = BTreeMap::new();
        for _ in 0..2000 {
            let payload = uneven.next(&random);
            *kinds.entry(payload.kind).or_default() += 1;
            assert_eq!(payload.event_id.is_some(), payload.kind.is_event());
            let body = payload.body.bytes();
            let envelope = Envelope::read(&body);
            let Ok(envelope) = envelope else {
                assert_eq!(payload.kind, Kind::Malformed);
                continue;
            };
            let items = envelope.items.iter().map(|item| item.header.item_type.category());
            assert_eq!(items.collect::<Vec<_>>(), payload.kind.items());
            if payload.event_id.is_some() {
                assert_eq!(envelope.header.event_id, payload.event_id);
            }
        }
        (kinds, uneven.next_new.into_inner())
    }

    #[test]
    fn envelopes_are_of_all_kinds_and_hold_what_their_kind_says() {
        let (kinds, new) = met(1);
        let count = |kind| kinds.get(&kind).copied().unwrap_or_default();
        for (kind, wanted) in [
            (Kind::Event, 1540..1660),
            (Kind::EventWithAttachment, 40..80),
            (Kind::Transaction, 160..240),
            (Kind::Session, 30..70),
            (Kind::ClientReport, 30..70),
            (Kind::Malformed, 20..60),
        ] {
            assert!(wanted.contains(&count(kind)), "{kind:?}: {}", count(kind));
        }
        assert!((6..35).contains(&new), "{new}");
        assert_eq!(met(1), (kinds, new), "the seed decides");
    }

    #[test]
    fn a_malformed_envelope_can_be_inflated_but_not_read() {
        let body = BodyMaker::new(LoadCoding::Gzip).text(MALFORMED).finish();
        assert!(Envelope::read(&body.inflated()).is_err());
    }
}
