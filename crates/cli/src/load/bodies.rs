//! Bodies of requests, made beforehand as far as possible.

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{BufMut as _, Bytes, BytesMut};
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use mishap_core::random::Random;
use uuid::Uuid;

use super::events::sample_event;

/// Bodies made beforehand, at least.
const MIN_BODIES: usize = 4000;

/// Bodies of requests, made beforehand as far as possible.
///
/// Each request needs an event id of its own. It stands in the envelope's header, which a gzip body
/// holds as it is, followed by the rest, which was compressed once.
pub struct SampleEvents {
    rests: Vec<Rest>,
    next: AtomicUsize,
    seed: u64,
    issues: usize,
    compressed: bool,
}

/// What follows the header of an envelope.
struct Rest {
    bytes: Bytes,
    /// Of the plain bytes.
    sum: Crc,
}

impl Rest {
    /// The item of an event.
    fn of(issue: u64, variant: u64, compressed: bool) -> Self {
        let event = sample_event(issue, variant).to_string();
        let item = format!("{{\"type\":\"event\",\"length\":{}}}\n{event}\n", event.len());
        let mut sum = Crc::new();
        sum.update(item.as_bytes());
        let bytes = if compressed { deflated(item.as_bytes()) } else { item.into_bytes() };
        Self { bytes: bytes.into(), sum }
    }
}

impl SampleEvents {
    /// Events of so many issues.
    pub fn new(seed: u64, issues: usize, compressed: bool) -> Self {
        Self::with_bodies(seed, issues, issues.max(MIN_BODIES), compressed)
    }

    /// Events of so many issues, of which so many are made beforehand.
    pub(super) fn with_bodies(seed: u64, issues: usize, count: usize, compressed: bool) -> Self {
        let issues = issues.max(1);
        let rest = |number: usize| {
            let issue = (number % issues) as u64;
            let variant = (number / issues) as u64 + seed * 1000;
            Rest::of(issue + seed * 1_000_000, variant, compressed)
        };
        let rests = (0..count).map(rest).collect();
        Self { rests, next: AtomicUsize::new(0), seed, issues, compressed }
    }

    /// The next request's event id and body: issues take turns.
    pub fn next(&self, random: &dyn Random) -> (Uuid, Bytes) {
        let place = self.next.fetch_add(1, Ordering::Relaxed) % self.rests.len();
        let event_id = random.uuid();
        let body = self.rests.get(place).map(|rest| self.body(event_id, rest));
        (event_id, body.unwrap_or_default())
    }

    /// An event of the issue with this number, counted from 0.
    pub(super) fn of_issue(&self, issue: usize, random: &dyn Random) -> (Uuid, Bytes) {
        let event_id = random.uuid();
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let variants = (self.rests.len() / self.issues).max(1);
        let rest = self.rests.get(turn % variants * self.issues + issue);
        (event_id, rest.map(|rest| self.body(event_id, rest)).unwrap_or_default())
    }

    /// An event of an issue that nobody has seen; made when it is asked for.
    pub(super) fn of_new_issue(&self, number: u64, random: &dyn Random) -> (Uuid, Bytes) {
        let event_id = random.uuid();
        let issue = (self.seed * 1_000_000).wrapping_add(self.issues as u64).wrapping_add(number);
        (event_id, self.body(event_id, &Rest::of(issue, 0, self.compressed)))
    }

    /// An envelope whose header breaks off.
    pub(super) fn malformed(&self) -> Bytes {
        let mut body = BytesMut::new();
        let header = b"{\"event_id\":\"";
        if self.compressed {
            let rest = Rest { bytes: deflated(&[]).into(), sum: Crc::new() };
            put_gzip(&mut body, header, &rest);
        } else {
            body.put_slice(header);
        }
        body.freeze()
    }

    fn body(&self, event_id: Uuid, rest: &Rest) -> Bytes {
        let header = format!("{{\"event_id\":\"{}\"}}\n", event_id.simple());
        let mut body = BytesMut::with_capacity(header.len() + rest.bytes.len() + 32);
        if self.compressed {
            put_gzip(&mut body, header.as_bytes(), rest);
        } else {
            body.put_slice(header.as_bytes());
            body.put_slice(&rest.bytes);
        }
        body.freeze()
    }
}

fn deflated(content: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
    // Writing to memory does not fail.
    let _infallible = encoder.write_all(content);
    encoder.finish().unwrap_or_default()
}

/// A gzip member (RFC 1952) whose first block is stored as it is (RFC 1951, 3.2.4).
fn put_gzip(out: &mut BytesMut, first: &[u8], rest: &Rest) {
    out.put_slice(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    let length = u16::try_from(first.len()).unwrap_or(u16::MAX);
    out.put_u8(0);
    out.put_u16_le(length);
    out.put_u16_le(!length);
    out.put_slice(first);
    out.put_slice(&rest.bytes);
    let mut sum = Crc::new();
    sum.update(first);
    sum.combine(&rest.sum);
    out.put_u32_le(sum.sum());
    out.put_u32_le(sum.amount());
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::MultiGzDecoder;
    use mishap_core::random::SeededRandom;

    use super::*;

    #[test]
    fn a_body_is_an_envelope_with_an_id_of_its_own() {
        let events = SampleEvents::with_bodies(1, 3, 6, true);
        let random = SeededRandom::new(1);
        let (first, body) = events.next(&random);
        let mut plain = Vec::new();
        MultiGzDecoder::new(body.as_ref()).read_to_end(&mut plain).unwrap();
        let envelope = mishap_protocol::envelope::Envelope::read(&plain).unwrap();
        assert_eq!(envelope.header.event_id, Some(first));
        assert_eq!(envelope.items.len(), 1);
        assert_ne!(events.next(&random).0, first);
    }

    fn plain(body: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        MultiGzDecoder::new(body).read_to_end(&mut plain).unwrap();
        plain
    }

    /// What is after the header, which no two bodies share.
    fn rest(body: &[u8]) -> Vec<u8> {
        let plain = plain(body);
        let header = plain.iter().position(|byte| *byte == b'\n').unwrap();
        plain[header..].to_vec()
    }

    #[test]
    fn events_of_an_issue_are_found_by_its_number_and_vary() {
        let events = SampleEvents::with_bodies(1, 3, 6, true);
        let random = SeededRandom::new(1);
        let in_turn: Vec<_> = (0..6).map(|_| rest(&events.next(&random).1)).collect();
        let two: Vec<_> = (0..2).map(|_| rest(&events.of_issue(2, &random).1)).collect();
        assert_eq!(two, [in_turn[2].clone(), in_turn[5].clone()]);
    }

    #[test]
    fn an_event_of_a_new_issue_is_like_none_that_was_made_beforehand() {
        let events = SampleEvents::with_bodies(1, 3, 6, true);
        let random = SeededRandom::new(1);
        let fresh = rest(&events.of_new_issue(0, &random).1);
        assert!((0..6).all(|_| rest(&events.next(&random).1) != fresh));
        assert_ne!(rest(&events.of_new_issue(1, &random).1), fresh);
    }

    #[test]
    fn a_malformed_envelope_can_be_inflated_but_not_read() {
        for compressed in [true, false] {
            let body = SampleEvents::with_bodies(1, 1, 1, compressed).malformed();
            let plain = if compressed { plain(&body) } else { body.to_vec() };
            assert!(mishap_protocol::envelope::Envelope::read(&plain).is_err());
        }
    }
}
