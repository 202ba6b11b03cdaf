use std::io::Write as _;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use mishap_protocol::compression::inflate;

use super::*;

const ID: &str = "9ec79c33ec9942ab8353589fcb2e04dc";
const EVENT: &str = r#"{"message":"hi"}"#;

fn limits() -> SizeLimits {
    SizeLimits::default()
}

fn zstd(body: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(body, 1).unwrap()
}

fn gzip(body: &[u8], level: Compression) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), level);
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn zlib(body: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// Text that hardly compresses.
fn noise(bytes: usize) -> String {
    let mut state = 1_u64;
    let mut letters = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(b'A' + u8::try_from(state >> 59).unwrap())
    });
    letters.by_ref().take(bytes).collect()
}

fn receive(codings: &str, body: &[u8]) -> Result<Received, Unreadable> {
    let mut receiver = Receiver::new(limits(), Codings::parse(codings).unwrap());
    for chunk in body.chunks(10_000) {
        receiver.push(chunk)?;
    }
    receiver.finish()
}

/// What a packed envelope holds for the digest: the payloads of items that are not skipped.
fn digested(packed: &Packed) -> Vec<String> {
    let (plain, stopped) = inflate(&packed.coding.codings().unwrap(), &packed.payload, 64 << 20);
    let envelope = match stopped {
        None => Envelope::read(&plain).unwrap(),
        Some(_) => Envelope::read_beginning(&plain).unwrap(),
    };
    let is_skipped = |place: usize| packed.skip.iter().any(|skip| usize::from(*skip) == place);
    let items = envelope.items.iter().enumerate();
    items
        .filter(|(place, item)| item.is_whole && !is_skipped(*place))
        .map(|(_, item)| String::from_utf8_lossy(&item.payload).into_owned())
        .collect()
}

#[track_caller]
fn check(envelope: &str, kept: &[&str], refused: &[(DataCategory, Reason)]) {
    let bytes = envelope.as_bytes();
    let short = envelope.get(..200).unwrap_or(envelope);
    for (codings, body) in [("", bytes.to_vec()), ("zstd", zstd(bytes)), ("deflate", zlib(bytes))] {
        let received = receive(codings, &body).unwrap();
        let reasons: Vec<_> =
            received.refused.iter().map(|(category, reason, _)| (category, reason)).collect();
        assert_eq!(reasons, refused, "{codings} {short}");
        assert_eq!(digested(&received.pack(None).unwrap()), kept, "{codings} {short}");
    }
}

#[test]
fn wanted_items_are_kept_and_others_are_refused_with_a_reason() {
    check(&format!("{{\"event_id\":\"{ID}\"}}\n{{\"type\":\"event\"}}\n{EVENT}\n"), &[EVENT], &[]);
    check(
        &format!(
            "{{\"event_id\":\"{ID}\"}}\n{{\"type\":\"brand_new\",\"length\":2}}\n{{}}\n\
             {{\"type\":\"session\"}}\n{{}}\n{{\"type\":\"event\"}}\n{EVENT}\n"
        ),
        &[EVENT],
        &[
            (DataCategory::Default, Reason::UnsupportedItem),
            (DataCategory::Session, Reason::UnsupportedItem),
        ],
    );
    check(
        &format!(
            "{{}}\n{{\"type\":\"event\"}}\n{EVENT}\n{{\"type\":\"event\",\"length\":99}}\n{EVENT}"
        ),
        &[EVENT],
        &[(DataCategory::Error, Reason::MalformedEnvelope)],
    );
    check(
        &format!("{{}}\n{{\"type\":\"event\"}}\n{EVENT}\nnonsense\n"),
        &[EVENT],
        &[(DataCategory::Default, Reason::MalformedEnvelope)],
    );
    check(&format!("{{\"event_id\":\"{ID}\"}}"), &[], &[]);
}

#[test]
fn an_item_that_is_too_large_does_not_cost_the_event() {
    let large = noise((10 << 20) + 1);
    let length = format!(",\"length\":{}", large.len());
    // Without a length it is known only on the way.
    for length in [length.as_str(), ""] {
        check(
            &format!(
                "{{\"event_id\":\"{ID}\"}}\n{{\"type\":\"attachment\"{length}}}\n{large}\n\
                 {{\"type\":\"event\"}}\n{EVENT}\n"
            ),
            &[EVENT],
            &[(DataCategory::Attachment, Reason::TooLarge)],
        );
    }
}

#[test]
fn a_small_body_is_kept_as_it_was_sent() {
    let envelope = format!("{{\"event_id\":\"{ID}\"}}\n{{\"type\":\"event\"}}\n{EVENT}\n");
    let body = zstd(envelope.as_bytes());
    let received = receive("zstd", &body).unwrap();
    assert_eq!(received.event_id().unwrap().to_string(), ID);
    let packed = received.pack(None).unwrap();
    assert_eq!((packed.payload.as_ref(), packed.coding), (body.as_slice(), PayloadCoding::Zstd));
    assert!(packed.skip.is_empty());
}

#[test]
fn the_id_may_stand_in_the_payload() {
    let id = |body: &str| receive("", body.as_bytes()).unwrap().event_id();
    let body = format!("{{}}\n{{\"type\":\"event\"}}\n{{\"event_id\":\"{ID}\"}}\n");
    assert_eq!(id(&body).unwrap().to_string(), ID);
    assert_eq!(id("{}\n{\"type\":\"event\"}\n{}\n"), None);
}

#[test]
fn items_may_be_refused_later() {
    let body = format!(
        "{{\"event_id\":\"{ID}\"}}\n{{\"type\":\"event\"}}\na\n{{\"type\":\"session\"}}\nb\n\
         {{\"type\":\"attachment\"}}\nc\n{{\"type\":\"event\"}}\nd\n"
    );
    let body = body.as_bytes();
    for (codings, bytes) in [("", body.to_vec()), ("zstd", zstd(body)), ("deflate", zlib(body))] {
        let mut received = receive(codings, &bytes).unwrap();
        received
            .refuse(|item| (item.category == DataCategory::Error).then_some(Reason::QuotaProject));
        let sums: Vec<_> = received.refused.iter().collect();
        assert_eq!(
            sums,
            [
                (DataCategory::Error, Reason::QuotaProject, 2),
                (DataCategory::Session, Reason::UnsupportedItem, 1),
            ]
        );
        assert_eq!(digested(&received.pack(None).unwrap()), ["c"], "{codings}");
    }
}

#[test]
fn a_large_body_is_taken_apart_and_holds_the_same() {
    let event = format!(r#"{{"message":"{}"}}"#, noise(400_000));
    let body = format!(
        "{{\"event_id\":\"{ID}\",\"sent_at\":\"2026-11-21T12:00:00Z\"}}\n\
         {{\"type\":\"session\"}}\n{{}}\n{{\"type\":\"event\"}}\n{event}\n"
    );
    assert!(body.len() > KEEP_AS_SENT);
    let packed = receive("", body.as_bytes()).unwrap().pack(None).unwrap();
    assert_eq!(packed.coding, PayloadCoding::Zstd);
    assert_eq!(digested(&packed), [event]);
    let (plain, _) = inflate(&packed.coding.codings().unwrap(), &packed.payload, 1 << 20);
    assert!(Envelope::read(&plain).unwrap().header.sent_at.is_some());
}

#[test]
fn a_body_cut_short_keeps_what_is_whole() {
    let filler = "y".repeat(40_000);
    let body = format!(
        "{{\"event_id\":\"{ID}\"}}\n{{\"type\":\"event\"}}\n{EVENT}\n\
         {{\"type\":\"event\"}}\n\"{filler}\""
    );
    let whole = gzip(body.as_bytes(), Compression::none());
    let received = receive("gzip", &whole[..whole.len() - 5000]).unwrap();
    let reasons: Vec<_> = received.refused.iter().collect();
    assert_eq!(reasons, [(DataCategory::Error, Reason::BadEncoding, 1)]);
    assert_eq!(digested(&received.pack(None).unwrap()), [EVENT]);
}

#[test]
fn what_cannot_be_read_is_told_apart() {
    let refused = |codings, body: &[u8]| receive(codings, body).unwrap_err();
    assert_eq!(refused("", b""), Unreadable::Envelope(MalformedEnvelope::Empty));
    assert_eq!(refused("gzip", b""), Unreadable::Envelope(MalformedEnvelope::Empty));
    assert_eq!(refused("gzip", b"plain text"), Unreadable::Encoding);
    assert_eq!(refused("zstd", &zstd(b"[]\n")), Unreadable::Envelope(MalformedEnvelope::Header));
    let mut receiver = Receiver::new(SizeLimits { body: 10, ..limits() }, Codings::default());
    assert_eq!(receiver.push(&[b'x'; 11]), Err(Unreadable::TooLarge(10)));
}

#[test]
fn a_bomb_is_refused_by_what_it_inflates_to() {
    // Zeros behind an attachment's header, so that nothing ends early.
    let mut body = b"{}\n{\"type\":\"attachment\"}\n".to_vec();
    body.resize(64 << 20, 0);
    for (codings, body) in [("gzip", gzip(&body, Compression::best())), ("zstd", zstd(&body))] {
        assert_eq!(receive(codings, &body).unwrap_err(), Unreadable::TooLargeInflated, "{codings}");
    }
}

#[test]
fn of_many_tiny_items_the_first_hundred_are_kept() {
    let mut body = format!("{{\"event_id\":\"{ID}\"}}\n");
    for n in 0..50_000_u32 {
        body.push_str(&format!("{{\"type\":\"event\"}}\n{{\"n\":{}}}\n", n.wrapping_mul(40_503)));
    }
    let received = receive("zstd", &zstd(body.as_bytes())).unwrap();
    assert_eq!(received.kept.len(), 100);
    let sums: Vec<_> = received.refused.iter().collect();
    assert_eq!(sums, [(DataCategory::Error, Reason::TooManyItems, 49_900)]);
    assert_eq!(digested(&received.pack(None).unwrap()).len(), 100);
}
