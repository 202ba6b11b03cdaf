//! Reads a body as it arrives and decides item by item what is kept.
//!
//! A small body is kept as the client sent it, and the items that are refused are noted by their
//! place: nothing is copied or compressed again. A large one is taken apart while it arrives; only
//! the payloads of items that are taken are kept, and a new envelope is made of them. So memory is
//! bounded by what is kept, however large the body is.

use bytes::{Bytes, BytesMut};
use mishap_core::admission::{Admission, Refusals, SizeLimits};
use mishap_core::id::EventId;
use mishap_core::outcome::Reason;
use mishap_protocol::compression::{Coding, Codings, Inflater, Stopped};
use mishap_protocol::envelope::{
    DataCategory, Ending, Envelope, EnvelopeHeader, Framer, Frames, Item, ItemHeader, ItemType,
    MalformedEnvelope,
};
use mishap_protocol::event::event_id_of;
use mishap_protocol::json::repair_utf8;
use mishap_storage::inbox::PayloadCoding;

/// Bodies up to this size are kept as they were sent, in bytes.
pub(super) const KEEP_AS_SENT: usize = 256 * 1024;

/// Payloads of one envelope that are kept at most, in bytes.
const MAX_KEPT: u64 = 32 << 20;

/// Items beyond which an envelope is taken apart, however small.
const MAX_PLACES: usize = 1000;

/// Plain bodies larger than this are compressed before they are kept, in bytes.
const COMPRESS_ABOVE: usize = 1024;

/// A body may inflate to this much whatever its size, in bytes.
const FREE_INFLATION: u64 = 8 << 20;

/// Beyond that it may inflate by this factor; logs do by fifty, zeros by hundreds.
const MAX_RATIO: u64 = 128;

/// The body cannot be taken at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is larger than allowed, as it arrives.
    #[error("the body is larger than {0} bytes")]
    TooLarge(u64),
    /// It is larger than allowed, inflated.
    #[error("the body inflates to more than is allowed")]
    TooLargeInflated,
    /// Nothing of it can be inflated.
    #[error("the body is not what its Content-Encoding says")]
    Encoding,
    /// It is no envelope.
    #[error(transparent)]
    Envelope(#[from] MalformedEnvelope),
}

/// An envelope that was read to its end.
#[derive(Debug)]
pub(super) struct Received {
    /// What the envelope says of itself.
    pub(super) header: EnvelopeHeader,
    /// Items that may be kept, in their order.
    pub(super) kept: Vec<KeptItem>,
    /// Items that are refused, and what could not be read.
    pub(super) refused: Refusals,
    /// Bytes of the body, inflated.
    pub(super) inflated: u64,
    content: Content,
}

/// An item that may be kept.
#[derive(Debug)]
pub(super) struct KeptItem {
    /// What it counts as.
    pub(super) category: DataCategory,
    /// Its place among all items of the envelope.
    place: u16,
}

/// What an envelope is kept as.
#[derive(Debug)]
enum Content {
    /// The body as it was sent.
    AsSent { body: Bytes, coding: PayloadCoding, skip: Vec<u16> },
    /// Headers and payloads.
    TakenApart(Vec<Item<'static>>),
}

/// An envelope in the form in which it is stored.
#[derive(Debug)]
pub(super) struct Packed {
    /// How the payload is compressed.
    pub(super) coding: PayloadCoding,
    /// Bytes of the payload, inflated.
    pub(super) size: u32,
    /// Places of items that are not to be digested.
    pub(super) skip: Vec<u16>,
    /// The envelope.
    pub(super) payload: Bytes,
}

/// Reads one body.
pub(super) struct Receiver {
    limits: SizeLimits,
    codings: Codings,
    arrived: u64,
    state: State,
}

enum State {
    /// The whole body so far.
    Collecting(BytesMut),
    /// Only what is kept of it.
    TakingApart(Box<Reading>),
}

impl Receiver {
    /// At the start of a body with these codings.
    pub(super) fn new(limits: SizeLimits, codings: Codings) -> Self {
        Self { limits, codings, arrived: 0, state: State::Collecting(BytesMut::new()) }
    }

    /// Takes the next chunk.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Result<(), Unreadable> {
        self.arrived += chunk.len() as u64;
        if self.arrived > self.limits.body {
            return Err(Unreadable::TooLarge(self.limits.body));
        }
        match &mut self.state {
            State::Collecting(body) => {
                body.extend_from_slice(chunk);
                if body.len() > KEEP_AS_SENT {
                    let body = body.split().freeze();
                    let mut reading = Reading::new(self.limits, &self.codings, true);
                    reading.push(&body)?;
                    self.state = State::TakingApart(Box::new(reading));
                }
                Ok(())
            }
            State::TakingApart(reading) => reading.push(chunk),
        }
    }

    /// Whether the body is so large, with `more` bytes of it, that it is taken apart.
    pub(super) fn is_large_with(&self, more: usize) -> bool {
        match &self.state {
            State::Collecting(body) => body.len() + more > KEEP_AS_SENT,
            State::TakingApart(_) => true,
        }
    }

    /// Bytes of the body that are kept so far.
    pub(super) fn kept_bytes(&self) -> u64 {
        match &self.state {
            State::Collecting(body) => body.len() as u64,
            State::TakingApart(reading) => reading.held_bytes(),
        }
    }

    /// Ends the body.
    pub(super) fn finish(self) -> Result<Received, Unreadable> {
        let body = match self.state {
            State::TakingApart(reading) => return Ok(reading.finish()?.0),
            State::Collecting(body) => body.freeze(),
        };
        let mut reading = Reading::new(self.limits, &self.codings, false);
        reading.push(&body)?;
        // Only now: the last item may end with the body.
        let (mut received, places) = reading.finish()?;
        let id_is_in_payload = received.header.event_id.is_none()
            && received.kept.iter().any(|item| item.category == DataCategory::Error);
        let coding = match self.codings.as_slice() {
            [] => Some(PayloadCoding::Plain),
            [Coding::Gzip] => Some(PayloadCoding::Gzip),
            [Coding::Zstd] => Some(PayloadCoding::Zstd),
            _ => None,
        };
        match coding {
            Some(coding) if places <= MAX_PLACES && !id_is_in_payload => {
                let kept = |place: &u16| received.kept.iter().any(|item| item.place == *place);
                let all = 0..u16::try_from(places).unwrap_or(u16::MAX);
                let skip = all.filter(|place| !kept(place)).collect();
                received.content = Content::AsSent { body, coding, skip };
                Ok(received)
            }
            _ => {
                let mut reading = Reading::new(self.limits, &self.codings, true);
                reading.push(&body)?;
                Ok(reading.finish()?.0)
            }
        }
    }
}

impl Received {
    /// The id of the event inside: what the header says, else the first event's own.
    pub(super) fn event_id(&self) -> Option<EventId> {
        if let Some(event_id) = self.header.event_id {
            return Some(EventId(event_id));
        }
        let Content::TakenApart(items) = &self.content else {
            return None;
        };
        let event = items.iter().find(|item| item.header.item_type == ItemType::Event)?;
        event_id_of(&repair_utf8(&event.payload)).map(EventId)
    }

    /// Bytes of the payloads that are kept apart from the body.
    pub(super) fn bytes_taken_apart(&self) -> u64 {
        match &self.content {
            Content::AsSent { .. } => 0,
            Content::TakenApart(items) => items.iter().map(|item| item.payload.len() as u64).sum(),
        }
    }

    /// Whether one of the kept items needs an id: everything that belongs to an event does.
    pub(super) fn has_event(&self) -> bool {
        self.kept
            .iter()
            .any(|item| matches!(item.category, DataCategory::Error | DataCategory::Attachment))
    }

    /// Refuses kept items for which `verdict` gives a reason.
    pub(super) fn refuse(&mut self, mut verdict: impl FnMut(&KeptItem) -> Option<Reason>) {
        let mut refused = Vec::new();
        for (index, item) in self.kept.iter().enumerate() {
            if let Some(reason) = verdict(item) {
                self.refused.add(item.category, reason);
                refused.push(index);
            }
        }
        for index in refused.into_iter().rev() {
            let item = self.kept.remove(index);
            match &mut self.content {
                Content::AsSent { skip, .. } => skip.push(item.place),
                Content::TakenApart(items) => {
                    items.remove(index);
                }
            }
        }
        if let Content::AsSent { skip, .. } = &mut self.content {
            skip.sort_unstable();
        }
    }

    /// The form in which the envelope is stored. Costs CPU if it is compressed anew.
    pub(super) fn pack(self, event_id: Option<EventId>) -> std::io::Result<Packed> {
        let (plain, skip) = match self.content {
            Content::AsSent { body, coding: PayloadCoding::Plain, skip } => (body, skip),
            Content::AsSent { body, coding, skip } => {
                let size = clamped(self.inflated);
                return Ok(Packed { coding, size, skip, payload: body });
            }
            Content::TakenApart(items) => {
                let header = EnvelopeHeader { event_id: event_id.map(|id| id.0), ..self.header };
                let envelope = Envelope { header, items, ending: Ending::Whole };
                (envelope.write().into(), Vec::new())
            }
        };
        let size = clamped(plain.len() as u64);
        if plain.len() <= COMPRESS_ABOVE {
            return Ok(Packed { coding: PayloadCoding::Plain, size, skip, payload: plain });
        }
        let payload = zstd::bulk::compress(&plain, 1)?.into();
        Ok(Packed { coding: PayloadCoding::Zstd, size, skip, payload })
    }
}

/// Appends to a buffer that will hold `limit` bytes at most, without room for more.
pub(super) fn append(buffer: &mut Vec<u8>, part: &[u8], limit: u64) {
    let needed = buffer.len() + part.len();
    if needed > buffer.capacity() {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let capacity = buffer.capacity().saturating_mul(2).min(limit).max(needed);
        buffer.reserve_exact(capacity - buffer.len());
    }
    buffer.extend_from_slice(part);
}

fn clamped(bytes: u64) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// One pass over a body.
struct Reading {
    limits: SizeLimits,
    inflater: Inflater,
    framer: Framer,
    arrived: u64,
    inflated: u64,
    admission: Admission,
    header: EnvelopeHeader,
    keeps_payloads: bool,
    places: usize,
    kept: Vec<KeptItem>,
    items: Vec<Item<'static>>,
    kept_bytes: u64,
    refused: Refusals,
    open: Option<OpenItem>,
    corrupt: bool,
}

/// The item whose payload is arriving.
struct OpenItem {
    header: ItemHeader,
    verdict: Result<u64, Reason>,
    bytes: u64,
    payload: Vec<u8>,
}

impl Reading {
    fn new(limits: SizeLimits, codings: &Codings, keeps_payloads: bool) -> Self {
        Self {
            limits,
            inflater: Inflater::new(codings),
            framer: Framer::new(),
            arrived: 0,
            inflated: 0,
            admission: Admission::new(limits),
            header: EnvelopeHeader::default(),
            keeps_payloads,
            places: 0,
            kept: Vec::new(),
            items: Vec::new(),
            kept_bytes: 0,
            refused: Refusals::default(),
            open: None,
            corrupt: false,
        }
    }

    fn push(&mut self, chunk: &[u8]) -> Result<(), Unreadable> {
        if self.corrupt {
            return Ok(());
        }
        self.arrived += chunk.len() as u64;
        let allowed = self.limits.inflated.min(FREE_INFLATION + self.arrived * MAX_RATIO);
        let mut inflater =
            std::mem::replace(&mut self.inflater, Inflater::new(&Codings::default()));
        let result = inflater.push(chunk, allowed, &mut |piece: &[u8]| self.read(piece, allowed));
        self.inflater = inflater;
        match result {
            Ok(()) => Ok(()),
            Err(Stopped::Receiver(unreadable)) => Err(unreadable),
            Err(Stopped::TooMuchBetween) => Err(Unreadable::TooLargeInflated),
            Err(Stopped::Corrupt(_)) if self.inflated == 0 => Err(Unreadable::Encoding),
            Err(Stopped::Corrupt(_)) => {
                self.corrupt = true;
                Ok(())
            }
        }
    }

    fn read(&mut self, piece: &[u8], allowed: u64) -> Result<(), Unreadable> {
        self.inflated += piece.len() as u64;
        if self.inflated > allowed {
            return Err(Unreadable::TooLargeInflated);
        }
        let mut framer = std::mem::take(&mut self.framer);
        let result = framer.push(piece, self);
        self.framer = framer;
        Ok(result?)
    }

    /// Bytes of the payloads so far.
    fn held_bytes(&self) -> u64 {
        self.kept_bytes + self.open.as_ref().map_or(0, |open| open.payload.len() as u64)
    }

    /// Ends the body; what was read, and how many items there were.
    fn finish(mut self) -> Result<(Received, usize), Unreadable> {
        let is_whole = !self.corrupt && (self.inflater.is_complete() || self.arrived == 0);
        if is_whole {
            let framer = std::mem::take(&mut self.framer);
            if framer.finish(&mut self)? == Ending::Lost {
                self.refused.add(DataCategory::Default, Reason::MalformedEnvelope);
            }
        } else if self.places == 0 {
            return Err(Unreadable::Encoding);
        } else {
            let broken_off = self.open.take().map(|open| open.header.item_type.category());
            self.refused.add(broken_off.unwrap_or(DataCategory::Default), Reason::BadEncoding);
        }
        let content = Content::TakenApart(self.items);
        let Self { header, kept, refused, inflated, places, .. } = self;
        Ok((Received { header, kept, refused, inflated, content }, places))
    }
}

impl Frames<'_> for Reading {
    fn envelope(&mut self, header: EnvelopeHeader) {
        self.header = header;
    }

    fn item(&mut self, header: ItemHeader) {
        self.places += 1;
        let verdict = self.admission.begin(&header);
        self.open = Some(OpenItem { header, verdict, bytes: 0, payload: Vec::new() });
    }

    fn payload(&mut self, part: &[u8]) {
        let Some(open) = &mut self.open else {
            return;
        };
        open.bytes += part.len() as u64;
        let Ok(limit) = open.verdict else {
            return;
        };
        if open.bytes > limit || self.kept_bytes + open.bytes > MAX_KEPT {
            open.verdict = Err(Reason::TooLarge);
            open.payload = Vec::new();
        } else if self.keeps_payloads {
            append(&mut open.payload, part, limit);
        }
    }

    fn item_end(&mut self, whole: bool) {
        let Some(open) = self.open.take() else {
            return;
        };
        let category = open.header.item_type.category();
        let verdict = if whole { open.verdict } else { Err(Reason::MalformedEnvelope) };
        if let Err(reason) = verdict {
            self.refused.add(category, reason);
            return;
        }
        self.admission.take(&open.header.item_type, open.bytes);
        self.kept_bytes += open.bytes;
        let place = u16::try_from(self.places - 1).unwrap_or(u16::MAX);
        self.kept.push(KeptItem { category, place });
        if self.keeps_payloads {
            let payload = open.payload.into();
            self.items.push(Item { header: open.header, payload, is_whole: true });
        }
    }
}

#[cfg(test)]
mod tests;
