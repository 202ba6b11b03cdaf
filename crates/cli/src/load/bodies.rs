//! Envelopes with one event each.

use std::sync::atomic::{AtomicUsize, Ordering};

use mishap_core::random::Random;
use uuid::Uuid;

use super::body::{Body, BodyMaker, Piece};
use super::events::{lean_event, sample_event};
use super::trails::Trails;
use crate::command::LoadCoding;

/// Bodies made beforehand, at least.
const MIN_BODIES: usize = 4000;

/// Issues of a seed: those of another begin behind them.
const ISSUES_OF_SEED: u64 = 1_000_000;

/// Events of so many issues, each like the others of its size.
pub(super) struct SampleEvents {
    events: Vec<Piece>,
    next: AtomicUsize,
    coding: LoadCoding,
}

impl SampleEvents {
    /// Events of so many issues.
    pub(super) fn new(seed: u64, issues: usize, coding: LoadCoding) -> Self {
        Self::with_bodies(seed, issues, issues.max(MIN_BODIES), coding)
    }

    /// Events of so many issues, of which so many are made beforehand.
    fn with_bodies(seed: u64, issues: usize, count: usize, coding: LoadCoding) -> Self {
        let event = |number| {
            let (issue, variant) = place(number, issues.max(1), seed);
            Piece::new(format!("{}\n", sample_event(issue, variant)).as_bytes(), coding)
        };
        Self { events: (0..count).map(event).collect(), next: AtomicUsize::new(0), coding }
    }

    /// The next request's event id and body: issues take turns.
    pub(super) fn next(&self, random: &dyn Random) -> (Uuid, Body) {
        let place = self.next.fetch_add(1, Ordering::Relaxed) % self.events.len();
        let event_id = random.uuid();
        let envelope = |event: &Piece| {
            let header = event_header(event_id, event.len() - 1);
            BodyMaker::new(self.coding).text(&header).piece(event).finish()
        };
        (event_id, self.events.get(place).map(envelope).unwrap_or_default())
    }
}

/// Which issue the body with this number is of, and which of its events it is.
fn place(number: usize, issues: usize, seed: u64) -> (u64, u64) {
    let issue = (number % issues) as u64 + seed * ISSUES_OF_SEED;
    (issue, (number / issues) as u64 + seed * 1000)
}

/// What stands before an event of so many bytes.
fn event_header(event_id: Uuid, length: usize) -> String {
    let id = event_id.simple();
    format!("{{\"event_id\":\"{id}\"}}\n{{\"type\":\"event\",\"length\":{length}}}\n")
}

/// Events of so many issues, each of which may have any size: behind what led to it, its trail, an
/// event says what went wrong.
pub(super) struct SizedEvents {
    trails: Trails,
    /// What follows a trail.
    rests: Vec<Piece>,
    next: AtomicUsize,
    seed: u64,
    issues: usize,
    coding: LoadCoding,
}

impl SizedEvents {
    /// Events of so many issues.
    pub(super) fn new(seed: u64, issues: usize, coding: LoadCoding) -> Self {
        Self::with_bodies(seed, issues, issues.max(MIN_BODIES), coding)
    }

    /// Events of so many issues, of which so many are made beforehand.
    pub(super) fn with_bodies(seed: u64, issues: usize, count: usize, coding: LoadCoding) -> Self {
        let issues = issues.max(1);
        let of = |number| {
            let (issue, variant) = place(number, issues, seed);
            rest(issue, variant, coding)
        };
        let rests: Vec<_> = (0..count).map(of).collect();
        let behind = rests.first().map_or(0, Piece::len);
        let trails = Trails::new(behind, coding);
        Self { trails, rests, next: AtomicUsize::new(0), seed, issues, coding }
    }

    /// An event of the issue with this number, counted from 0, which is larger than this share of all
    /// events; the body is not finished.
    pub(super) fn of_issue(
        &self,
        issue: usize,
        larger_than: f64,
        random: &dyn Random,
    ) -> (Uuid, BodyMaker) {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let variants = (self.rests.len() / self.issues).max(1);
        let place = (turn % variants * self.issues + issue) % self.rests.len();
        let event_id = random.uuid();
        let maker = BodyMaker::new(self.coding);
        match self.rests.get(place) {
            Some(rest) => (event_id, self.put(maker, event_id, larger_than, rest)),
            None => (event_id, maker),
        }
    }

    /// An event of an issue that nobody has seen; made when it is asked for.
    pub(super) fn of_new_issue(
        &self,
        number: u64,
        larger_than: f64,
        random: &dyn Random,
    ) -> (Uuid, BodyMaker) {
        let issue = self.seed * ISSUES_OF_SEED;
        let issue = issue.wrapping_add(self.issues as u64).wrapping_add(number);
        let (event_id, rest) = (random.uuid(), rest(issue, 0, self.coding));
        (event_id, self.put(BodyMaker::new(self.coding), event_id, larger_than, &rest))
    }

    fn put(&self, maker: BodyMaker, event_id: Uuid, larger_than: f64, rest: &Piece) -> BodyMaker {
        let trail = self.trails.longer_than(larger_than);
        let length = trail.len() + rest.len() - 1;
        maker.text(&event_header(event_id, length)).piece(trail).piece(rest)
    }
}

/// An event without its trail, the brace before it and the end of its line.
fn rest(issue: u64, variant: u64, coding: LoadCoding) -> Piece {
    let event = format!("{}\n", lean_event(issue, variant));
    Piece::new(event.as_bytes().get(1..).unwrap_or_default(), coding)
}

#[cfg(test)]
mod tests {
    use mishap_core::random::SeededRandom;
    use mishap_protocol::envelope::Envelope;

    use super::*;

    const GZIP: LoadCoding = LoadCoding::Gzip;

    #[test]
    fn a_body_is_an_envelope_with_an_id_of_its_own() {
        let events = SampleEvents::with_bodies(1, 3, 6, GZIP);
        let random = SeededRandom::new(1);
        let (first, body) = events.next(&random);
        let plain = body.inflated();
        let envelope = Envelope::read(&plain).unwrap();
        assert_eq!(envelope.header.event_id, Some(first));
        assert_eq!(envelope.items.len(), 1);
        let payload: serde_json::Value =
            serde_json::from_slice(&envelope.items[0].payload).unwrap();
        assert_eq!(payload, sample_event(1_000_000, 1000));
        assert_ne!(events.next(&random).0, first);
    }

    /// The event in a body of no particular size.
    fn event((event_id, maker): (Uuid, BodyMaker)) -> serde_json::Value {
        let plain = maker.finish().inflated();
        let envelope = Envelope::read(&plain).unwrap();
        assert_eq!(envelope.header.event_id, Some(event_id));
        let mut event: serde_json::Value =
            serde_json::from_slice(&envelope.items[0].payload).unwrap();
        assert!(!event["breadcrumbs"]["values"].as_array().unwrap().is_empty());
        event.as_object_mut().unwrap().remove("breadcrumbs");
        event
    }

    #[test]
    fn events_of_an_issue_are_found_by_its_number_and_vary() {
        let events = SizedEvents::with_bodies(1, 3, 6, GZIP);
        let random = SeededRandom::new(1);
        let two: Vec<_> = (0..2).map(|_| event(events.of_issue(2, 0.5, &random))).collect();
        assert_eq!(two, [lean_event(1_000_002, 1000), lean_event(1_000_002, 1001)]);
    }

    #[test]
    fn an_event_of_a_new_issue_is_like_none_that_was_made_beforehand() {
        let events = SizedEvents::with_bodies(1, 3, 6, GZIP);
        let random = SeededRandom::new(1);
        assert_eq!(event(events.of_new_issue(4, 0.5, &random)), lean_event(1_000_007, 0));
    }

    #[test]
    fn half_of_the_events_have_12_kib_and_one_in_a_hundred_has_200() {
        let events = SizedEvents::with_bodies(1, 1, 1, GZIP);
        let random = SeededRandom::new(1);
        let kibibytes = |larger_than: f64| {
            let (_, maker) = events.of_issue(0, larger_than, &random);
            let plain = maker.finish().inflated();
            Envelope::read(&plain).unwrap().items[0].payload.len() / 1024
        };
        let sizes = [0.0, 0.5, 0.99, 0.9999].map(kibibytes);
        let wanted = [3..9, 11..13, 190..250, 250..900];
        for (size, wanted) in sizes.iter().zip(&wanted) {
            assert!(wanted.contains(size), "{sizes:?}");
        }
    }
}
