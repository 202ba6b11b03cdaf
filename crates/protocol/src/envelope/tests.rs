use proptest::prelude::*;

use super::*;

const EVENT: &str = r#"{"message":"hi"}"#;

/// The items of an envelope: type, payload, whole or not.
#[track_caller]
fn items(envelope: &[u8]) -> Vec<(String, Vec<u8>, bool)> {
    let envelope = Envelope::read(envelope).unwrap();
    envelope
        .items
        .into_iter()
        .map(|item| {
            (item.header.item_type.name().to_owned(), item.payload.into_owned(), item.is_whole)
        })
        .collect()
}

#[track_caller]
fn check(rest: &str, expected: &[(&str, &str, bool)]) {
    let envelope = format!("{{}}\n{rest}");
    let found = items(envelope.as_bytes());
    let found: Vec<_> = found
        .iter()
        .map(|(name, payload, whole)| {
            (name.as_str(), std::str::from_utf8(payload).unwrap(), *whole)
        })
        .collect();
    assert_eq!(found, expected, "{rest}");
}

#[test]
fn an_event_without_a_final_line_end_is_found() {
    check(&format!("{{\"type\":\"event\"}}\n{EVENT}"), &[("event", EVENT, true)]);
}

#[test]
fn an_empty_item_does_not_hide_the_next() {
    check(
        &format!("{{\"type\":\"attachment\",\"length\":0}}\n\n{{\"type\":\"event\"}}\n{EVENT}\n"),
        &[("attachment", "", true), ("event", EVENT, true)],
    );
    check(r#"{"type":"attachment","length":0}"#, &[("attachment", "", true)]);
}

#[test]
fn a_payload_with_a_length_may_hold_line_ends() {
    check("{\"type\":\"attachment\",\"length\":5}\nab\ncd\n", &[("attachment", "ab\ncd", true)]);
}

#[test]
fn an_unknown_type_is_an_item_like_any_other() {
    check(
        &format!("{{\"type\":\"brand_new\",\"length\":3}}\nxyz\n{{\"type\":\"event\"}}\n{EVENT}"),
        &[("brand_new", "xyz", true), ("event", EVENT, true)],
    );
}

#[test]
fn blank_lines_are_skipped() {
    check(&format!("\n\r\n{{\"type\":\"event\"}}\n{EVENT}"), &[("event", EVENT, true)]);
}

#[test]
fn a_payload_cut_short_keeps_the_items_before() {
    let envelope = format!(
        "{{}}\n{{\"type\":\"session\"}}\n{{}}\n{{\"type\":\"event\",\"length\":9999}}\n{EVENT}"
    );
    let envelope = Envelope::read(envelope.as_bytes()).unwrap();
    assert_eq!(envelope.ending, Ending::Cut);
    let whole: Vec<_> = envelope.items.iter().map(|item| item.is_whole).collect();
    assert_eq!(whole, [true, false]);
}

#[test]
fn what_breaks_off_in_the_middle_is_not_whole() {
    let beginning =
        format!("{{}}\n{{\"type\":\"session\"}}\n{{}}\n{{\"type\":\"event\"}}\n{EVENT}");
    let envelope = Envelope::read_beginning(beginning.as_bytes()).unwrap();
    let whole: Vec<_> = envelope.items.iter().map(|item| item.is_whole).collect();
    assert_eq!((whole.as_slice(), envelope.ending), ([true, false].as_slice(), Ending::Cut));
}

#[test]
fn a_broken_item_header_keeps_the_items_before() {
    for broken in ["{\"type\":", "[]", "{\"length\":3}", "nonsense", "{\"type\":\"a\"} x"] {
        let envelope = format!(
            "{{}}\n{{\"type\":\"event\"}}\n{EVENT}\n{broken}\nx\n{{\"type\":\"event\"}}\n{EVENT}"
        );
        let envelope = Envelope::read(envelope.as_bytes()).unwrap();
        assert_eq!((envelope.items.len(), envelope.ending), (1, Ending::Lost), "{broken}");
    }
}

#[test]
fn bytes_behind_a_payload_are_skipped_to_the_next_line() {
    check(
        &format!(
            "{{\"type\":\"session\",\"length\":2}}\n{{}}junk\n{{\"type\":\"event\"}}\n{EVENT}"
        ),
        &[("session", "{}", true), ("event", EVENT, true)],
    );
}

#[test]
fn carriage_returns_belong_to_the_payload() {
    check(
        &format!("{{\"type\":\"event\"}}\r\n{EVENT}\r\n"),
        &[("event", &format!("{EVENT}\r"), true)],
    );
}

#[test]
fn a_header_may_stand_alone() {
    let id = "9ec79c33ec9942ab8353589fcb2e04dc";
    let envelope = format!("{{\"event_id\":\"{id}\"}}");
    let envelope = Envelope::read(envelope.as_bytes()).unwrap();
    assert_eq!(envelope.header.event_id, parse_id(id));
    assert!(envelope.items.is_empty());
    check(r#"{"type":"event"}"#, &[("event", "", true)]);
}

#[test]
fn header_members_that_make_no_sense_are_ignored() {
    let header = EnvelopeHeader::read(
        br#"{"event_id":[],"dsn":7,"sent_at":"yesterday","sdk":5,"sent_at":"2026-11-21T00:00:00Z"}"#,
    );
    let header = header.unwrap();
    assert_eq!(header.event_id, None);
    assert_eq!(header.dsn.as_deref(), Some("7"));
    assert_eq!(header.sent_at.map(timestamp::rfc3339).unwrap(), "2026-11-21T00:00:00.000000Z");
}

#[test]
fn a_header_that_is_written_again_is_never_too_long() {
    // Each control character becomes six when it is written.
    let header = format!(r#"{{"dsn": "{}"}}"#, "\u{1}".repeat(20_000));
    let header = EnvelopeHeader::read(header.as_bytes()).unwrap();
    let written = Envelope { header, items: Vec::new(), ending: Ending::Whole }.write();
    Envelope::read(&written).unwrap();
}

#[test]
fn an_envelope_without_a_header_is_refused() {
    let refused = |bytes: &[u8]| Envelope::read(bytes).unwrap_err();
    assert_eq!(refused(b""), MalformedEnvelope::Empty);
    assert_eq!(refused(b"\n{}"), MalformedEnvelope::Empty);
    assert_eq!(refused(b"[]\n"), MalformedEnvelope::Header);
    assert_eq!(refused(b"{\"event_id\""), MalformedEnvelope::Header);
    assert_eq!(refused(&vec![b' '; MAX_HEADER_LINE + 1]), MalformedEnvelope::HeaderTooLong);
}

#[test]
fn an_endless_item_header_ends_the_envelope() {
    let mut envelope = b"{}\n{\"type\":\"event\"}\n{}\n".to_vec();
    envelope.extend(vec![b'x'; MAX_HEADER_LINE + 1]);
    let envelope = Envelope::read(&envelope).unwrap();
    assert_eq!((envelope.items.len(), envelope.ending), (1, Ending::Lost));
}

#[test]
fn category_names_are_found_again() {
    for category in DataCategory::ALL {
        assert_eq!(DataCategory::from_name(category.name()), Some(category));
    }
}

fn any_item() -> impl Strategy<Value = Item<'static>> {
    let name = prop_oneof!["[a-z_]{1,12}", Just("event".to_owned()), Just("attachment".to_owned())];
    let payload = prop::collection::vec(any::<u8>(), 0..60);
    (name, payload, proptest::option::of("[a-z.]{1,8}")).prop_map(|(name, payload, filename)| {
        let mut header = ItemHeader::new(ItemType::from_name(&name));
        header.filename = filename;
        header.length = Some(payload.len() as u64);
        Item { header, payload: payload.into(), is_whole: true }
    })
}

proptest! {
    #[test]
    fn writing_and_reading_are_inverse(
        items in prop::collection::vec(any_item(), 0..6),
        id in any::<u128>(),
    ) {
        let header = EnvelopeHeader { event_id: Some(Uuid::from_u128(id)), ..Default::default() };
        let envelope = Envelope { header, items, ending: Ending::Whole };
        let bytes = envelope.write();
        prop_assert_eq!(Envelope::read(&bytes).unwrap(), envelope);
    }

    /// However the bytes are cut into chunks, the same is found.
    #[test]
    fn chunks_do_not_matter(
        items in prop::collection::vec(any_item(), 0..4),
        noise in "[\\n\\r a-z{}\":]{0,20}",
        size in 1_usize..40,
    ) {
        let header = EnvelopeHeader::default();
        let mut bytes = Envelope { header, items, ending: Ending::Whole }.write();
        bytes.extend(noise.as_bytes());
        let at_once = Envelope::read(&bytes).unwrap();
        let mut in_chunks = Envelope::default();
        let mut framer = Framer::new();
        for chunk in bytes.chunks(size) {
            framer.push(chunk, &mut in_chunks).unwrap();
        }
        in_chunks.ending = framer.finish(&mut in_chunks).unwrap();
        prop_assert_eq!(in_chunks, at_once);
    }

    #[test]
    fn reading_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _maybe = Envelope::read(&bytes);
    }
}
