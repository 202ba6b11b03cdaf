//! Envelope framing (Sentry envelope spec), read piece by piece.
//!
//! An envelope is a header line and items; an item is a header line and a payload. The [`Framer`]
//! is fed with chunks as they are inflated and tells a [`Frames`] what it finds, so that an item
//! nobody wants costs no memory, however large it is. Fed with a whole envelope at once, each
//! payload is one slice of it.
//!
//! Where peers disagree the framer keeps what can be kept: blank lines are skipped, bytes behind a
//! payload are skipped up to the next line, an unknown type is an item like any other, and a
//! broken item costs only what comes after it.

mod item;

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use self::item::{DataCategory, ItemHeader, ItemType};
use crate::event::timestamp;
use crate::json::{Reader, Writer, repair_utf8};

/// Longest header line, in bytes.
pub const MAX_HEADER_LINE: usize = 64 * 1024;

/// Longest DSN that an envelope's header is believed to name, in bytes. However its characters are
/// escaped, the header that is written again is no longer than [`MAX_HEADER_LINE`].
const MAX_DSN: usize = 2048;

/// What an envelope says of itself. Unknown members, and known ones that make no sense, are
/// ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnvelopeHeader {
    /// The id of the event or transaction inside.
    pub event_id: Option<Uuid>,
    /// The project's address, as the client understood it.
    pub dsn: Option<String>,
    /// When the client sent it, by the client's clock.
    pub sent_at: Option<DateTime<Utc>>,
}

/// Nothing of this envelope can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedEnvelope {
    /// There is no header line.
    #[error("the envelope is empty")]
    Empty,
    /// The header line is not a JSON object.
    #[error("the envelope's header is not a JSON object")]
    Header,
    /// The header line is longer than [`MAX_HEADER_LINE`].
    #[error("the envelope's header is longer than {MAX_HEADER_LINE} bytes")]
    HeaderTooLong,
}

/// How an envelope ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ending {
    /// Every item was whole.
    #[default]
    Whole,
    /// The last item is shorter than its header says.
    Cut,
    /// An item's header cannot be read; what came after it is lost.
    Lost,
}

/// What is told about an envelope, in its order.
pub trait Frames<'a> {
    /// The envelope's header; always first.
    fn envelope(&mut self, header: EnvelopeHeader);
    /// An item begins.
    fn item(&mut self, header: ItemHeader);
    /// The next part of the item's payload.
    fn payload(&mut self, part: &'a [u8]);
    /// The item ends; `whole` is false if its payload was cut short.
    fn item_end(&mut self, whole: bool);
}

/// Finds the items of an envelope.
#[derive(Debug, Default)]
pub struct Framer {
    state: State,
    line: Vec<u8>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    EnvelopeHeader,
    ItemHeader,
    /// Inside a payload of known length; the bytes still to come.
    Payload(u64),
    /// Inside a payload that ends with its line.
    PayloadLine,
    /// Behind a payload of known length, looking for the end of the line.
    BehindPayload,
    /// Nothing that follows can be understood.
    Lost,
}

impl Framer {
    /// At the start of an envelope.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the next chunk.
    pub fn push<'a>(
        &mut self,
        mut chunk: &'a [u8],
        frames: &mut impl Frames<'a>,
    ) -> Result<(), MalformedEnvelope> {
        while !chunk.is_empty() {
            match self.state {
                State::EnvelopeHeader => {
                    if let Some(line) = self.take_line(&mut chunk)? {
                        frames.envelope(EnvelopeHeader::read(&line)?);
                        self.state = State::ItemHeader;
                    }
                }
                State::ItemHeader => match self.take_line(&mut chunk) {
                    Ok(Some(line)) => self.begin_item(&line, frames),
                    Ok(None) => {}
                    Err(_too_long) => self.state = State::Lost,
                },
                State::Payload(left) => {
                    let here = chunk.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    let (part, rest) = chunk.split_at_checked(here).unwrap_or((chunk, &[]));
                    frames.payload(part);
                    chunk = rest;
                    let left = left - part.len() as u64;
                    self.state = State::Payload(left);
                    if left == 0 {
                        frames.item_end(true);
                        self.state = State::BehindPayload;
                    }
                }
                State::PayloadLine => match memchr::memchr(b'\n', chunk) {
                    Some(end) => {
                        let (part, rest) = chunk.split_at_checked(end).unwrap_or((chunk, &[]));
                        frames.payload(part);
                        frames.item_end(true);
                        chunk = rest.get(1..).unwrap_or_default();
                        self.state = State::ItemHeader;
                    }
                    None => {
                        frames.payload(chunk);
                        return Ok(());
                    }
                },
                State::BehindPayload => match memchr::memchr(b'\n', chunk) {
                    Some(end) => {
                        chunk = chunk.get(end + 1..).unwrap_or_default();
                        self.state = State::ItemHeader;
                    }
                    None => return Ok(()),
                },
                State::Lost => return Ok(()),
            }
        }
        Ok(())
    }

    /// Ends the envelope. A header without a line end, and an item without a payload, count.
    pub fn finish<'a>(mut self, frames: &mut impl Frames<'a>) -> Result<Ending, MalformedEnvelope> {
        let line = std::mem::take(&mut self.line);
        match self.state {
            State::EnvelopeHeader => frames.envelope(EnvelopeHeader::read(&line)?),
            State::ItemHeader => self.begin_item(&line, frames),
            State::Payload(_) | State::PayloadLine | State::BehindPayload | State::Lost => {}
        }
        Ok(match self.state {
            State::Payload(_) => {
                frames.item_end(false);
                Ending::Cut
            }
            State::PayloadLine => {
                frames.item_end(true);
                Ending::Whole
            }
            State::EnvelopeHeader | State::ItemHeader | State::BehindPayload => Ending::Whole,
            State::Lost => Ending::Lost,
        })
    }

    fn begin_item<'a>(&mut self, line: &[u8], frames: &mut impl Frames<'a>) {
        if line.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        let Some(header) = ItemHeader::read(line) else {
            self.state = State::Lost;
            return;
        };
        let length = header.length;
        frames.item(header);
        self.state = match length {
            Some(0) => {
                frames.item_end(true);
                State::BehindPayload
            }
            Some(length) => State::Payload(length),
            None => State::PayloadLine,
        };
    }

    /// The line that `chunk` completes, without its end; what is left of an incomplete one is kept.
    fn take_line<'a>(
        &mut self,
        chunk: &mut &'a [u8],
    ) -> Result<Option<Cow<'a, [u8]>>, MalformedEnvelope> {
        let end = memchr::memchr(b'\n', chunk);
        let (part, rest) = chunk.split_at_checked(end.unwrap_or(chunk.len())).unwrap_or_default();
        if self.line.len() + part.len() > MAX_HEADER_LINE {
            return Err(MalformedEnvelope::HeaderTooLong);
        }
        *chunk = rest.get(1..).unwrap_or_default();
        if end.is_none() {
            self.line.extend_from_slice(part);
            return Ok(None);
        }
        if self.line.is_empty() {
            return Ok(Some(Cow::Borrowed(part)));
        }
        self.line.extend_from_slice(part);
        Ok(Some(Cow::Owned(std::mem::take(&mut self.line))))
    }
}

impl EnvelopeHeader {
    /// Reads a header line.
    pub fn read(line: &[u8]) -> Result<Self, MalformedEnvelope> {
        if line.iter().all(u8::is_ascii_whitespace) {
            return Err(MalformedEnvelope::Empty);
        }
        let line = repair_utf8(line);
        let mut reader = Reader::new(&line);
        let mut header = Self::default();
        let is_object = reader.object(|reader, key| {
            match key.as_ref() {
                "event_id" => header.event_id = text(reader)?.and_then(|id| parse_id(&id)),
                "dsn" => {
                    let dsn = text(reader)?.filter(|dsn| dsn.len() <= MAX_DSN);
                    header.dsn = dsn.map(Cow::into_owned);
                }
                "sent_at" => header.sent_at = timestamp::read(reader)?.ok().flatten(),
                _ => reader.skip()?,
            }
            Ok(())
        });
        match is_object.and_then(|is_object| reader.end().map(|()| is_object)) {
            Ok(true) => Ok(header),
            Ok(false) | Err(_) => Err(MalformedEnvelope::Header),
        }
    }

    /// Writes the header line's object.
    pub fn write(&self, writer: &mut Writer) {
        writer.begin_object();
        if let Some(event_id) = self.event_id {
            writer.key("event_id");
            writer.string(&event_id.simple().to_string());
        }
        if let Some(dsn) = &self.dsn {
            writer.key("dsn");
            writer.string(dsn);
        }
        if let Some(sent_at) = self.sent_at {
            writer.key("sent_at");
            writer.string(&timestamp::rfc3339(sent_at));
        }
        writer.end_object();
    }
}

/// An event id in any spelling of a UUID.
pub fn parse_id(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text.trim()).ok()
}

fn text<'a>(reader: &mut Reader<'a>) -> Result<Option<Cow<'a, str>>, crate::json::Malformed> {
    Ok(reader.value()?.into_text())
}

/// An item whose payload is at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item<'a> {
    /// What the item says of itself.
    pub header: ItemHeader,
    /// Its content.
    pub payload: Cow<'a, [u8]>,
    /// Whether the payload is as long as the header says.
    pub is_whole: bool,
}

/// A whole envelope in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// What the envelope says of itself.
    pub header: EnvelopeHeader,
    /// Its items, broken ones included.
    pub items: Vec<Item<'a>>,
    /// Whether something at its end could not be read.
    pub ending: Ending,
}

impl<'a> Envelope<'a> {
    /// Reads a whole envelope; the payloads borrow from it.
    pub fn read(bytes: &'a [u8]) -> Result<Self, MalformedEnvelope> {
        let mut envelope = Self::default();
        let mut framer = Framer::new();
        framer.push(bytes, &mut envelope)?;
        envelope.ending = framer.finish(&mut envelope)?;
        Ok(envelope)
    }

    /// Reads the beginning of an envelope whose rest was lost; the item it breaks off in is not
    /// whole.
    pub fn read_beginning(bytes: &'a [u8]) -> Result<Self, MalformedEnvelope> {
        let mut envelope = Self { ending: Ending::Cut, ..Self::default() };
        Framer::new().push(bytes, &mut envelope)?;
        Ok(envelope)
    }

    /// Prints the envelope as an SDK would, each item with its length.
    pub fn write(&self) -> Vec<u8> {
        let mut header = Writer::new();
        self.header.write(&mut header);
        let mut out = header.into_string().into_bytes();
        out.push(b'\n');
        for item in &self.items {
            let mut header = Writer::new();
            let length = Some(item.payload.len() as u64);
            ItemHeader { length, ..item.header.clone() }.write(&mut header);
            out.extend_from_slice(header.into_string().as_bytes());
            out.push(b'\n');
            out.extend_from_slice(&item.payload);
            out.push(b'\n');
        }
        out
    }
}

impl<'a> Frames<'a> for Envelope<'a> {
    fn envelope(&mut self, header: EnvelopeHeader) {
        self.header = header;
    }

    fn item(&mut self, header: ItemHeader) {
        self.items.push(Item { header, payload: Cow::Borrowed(&[]), is_whole: false });
    }

    fn payload(&mut self, part: &'a [u8]) {
        if let Some(item) = self.items.last_mut() {
            if item.payload.is_empty() {
                item.payload = Cow::Borrowed(part);
            } else {
                item.payload.to_mut().extend_from_slice(part);
            }
        }
    }

    fn item_end(&mut self, whole: bool) {
        if let Some(item) = self.items.last_mut() {
            item.is_whole = whole;
        }
    }
}

#[cfg(test)]
mod tests;
