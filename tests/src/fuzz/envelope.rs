//! Where an envelope's items begin and end.

use std::borrow::Cow;

use mishap_protocol::envelope::{
    DataCategory, Ending, Envelope, EnvelopeHeader, Framer, Frames, Item, ItemHeader, ItemType,
    MalformedEnvelope,
};

pub(super) fn check(bytes: &[u8]) {
    let whole = Envelope::read(bytes);
    check_beginning(bytes, whole.as_ref().ok());
    for size in [1, 2, 3, 61] {
        assert_eq!(in_chunks(bytes, size).map(Collected::finish), owned(&whole), "by {size}");
    }
    if let Ok(envelope) = whole {
        check_bounds(&envelope, bytes.len());
        check_round_trip(&envelope);
    }
}

/// Whatever is found was there.
fn check_bounds(envelope: &Envelope<'_>, sent: usize) {
    let payloads: usize = envelope.items.iter().map(|item| item.payload.len()).sum();
    assert!(payloads <= sent);
    assert!(envelope.items.len() <= sent);
    for item in &envelope.items {
        let name = item.header.item_type.name();
        assert_eq!(ItemType::from_name(name).category(), item.header.item_type.category());
        let category = item.header.item_type.category();
        assert_eq!(DataCategory::from_name(category.name()), Some(category));
        if let (Some(length), true) = (item.header.length, item.is_whole) {
            assert_eq!(length, item.payload.len() as u64);
        }
    }
}

/// What we write of an envelope is read as the same envelope: it may wait in that form.
fn check_round_trip(envelope: &Envelope<'_>) {
    let written = envelope.write();
    let read = Envelope::read(&written);
    let expected: Vec<Item<'_>> = envelope
        .items
        .iter()
        .map(|item| Item {
            header: ItemHeader { length: Some(item.payload.len() as u64), ..item.header.clone() },
            payload: item.payload.clone(),
            is_whole: true,
        })
        .collect();
    let expected =
        Envelope { header: envelope.header.clone(), items: expected, ending: Ending::Whole };
    assert_eq!(read.as_ref(), Ok(&expected), "{}", written.escape_ascii());
}

/// Where an envelope breaks off, the items before are as they would have been.
fn check_beginning(bytes: &[u8], whole: Option<&Envelope<'_>>) {
    let Some(whole) = whole else {
        return;
    };
    for parts in 1..4 {
        let beginning = bytes.get(..bytes.len() * parts / 4).unwrap_or_default();
        let Ok(beginning) = Envelope::read_beginning(beginning) else {
            continue;
        };
        let complete: Vec<_> = beginning.items.iter().filter(|item| item.is_whole).collect();
        assert!(complete.len() <= whole.items.len());
        for (one, other) in complete.into_iter().zip(&whole.items) {
            assert_eq!(one, other);
        }
    }
}

fn owned(
    envelope: &Result<Envelope<'_>, MalformedEnvelope>,
) -> Result<Envelope<'static>, MalformedEnvelope> {
    let Envelope { header, items, ending } = envelope.clone()?;
    let items = items.into_iter().map(|item| Item {
        header: item.header,
        payload: Cow::Owned(item.payload.into_owned()),
        is_whole: item.is_whole,
    });
    Ok(Envelope { header, items: items.collect(), ending })
}

/// Reads an envelope that arrives in chunks of this size.
fn in_chunks(bytes: &[u8], size: usize) -> Result<Collected, MalformedEnvelope> {
    let mut collected = Collected::default();
    let mut framer = Framer::new();
    for chunk in bytes.chunks(size) {
        framer.push(chunk, &mut collected)?;
    }
    collected.0.ending = framer.finish(&mut collected)?;
    Ok(collected)
}

/// An envelope that does not borrow from the chunks in which it arrived.
#[derive(Default)]
struct Collected(Envelope<'static>);

impl Collected {
    fn finish(self) -> Envelope<'static> {
        self.0
    }
}

impl Frames<'_> for Collected {
    fn envelope(&mut self, header: EnvelopeHeader) {
        assert!(self.0.items.is_empty(), "the header comes first");
        self.0.header = header;
    }

    fn item(&mut self, header: ItemHeader) {
        self.0.items.push(Item { header, payload: Cow::Borrowed(&[]), is_whole: false });
    }

    fn payload(&mut self, part: &[u8]) {
        if let Some(item) = self.0.items.last_mut() {
            item.payload.to_mut().extend_from_slice(part);
        }
    }

    fn item_end(&mut self, whole: bool) {
        if let Some(item) = self.0.items.last_mut() {
            item.is_whole = whole;
        }
    }
}
