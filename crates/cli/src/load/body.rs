//! Bodies of requests: pieces that were compressed beforehand, behind a few bytes of their own.
//!
//! Each request needs an event id of its own. It stands in the envelope's header, which a gzip body
//! holds as it is, followed by pieces that were compressed once and are shared by all bodies.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{BufMut as _, Bytes, BytesMut};
use flate2::{Compress, Compression, Crc, FlushCompress};
use hyper::body::{Frame, SizeHint};

use crate::command::LoadCoding;

/// The most bytes of a block that is not compressed (RFC 1951, 3.2.4).
const BLOCK: usize = u16::MAX as usize;

/// What a member begins with (RFC 1952): no name, no time, of an unknown system.
const GZIP_HEADER: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// An empty block that says that it is the last.
const LAST_BLOCK: &[u8] = &[1, 0, 0, 0xff, 0xff];

/// A part of many bodies.
pub(super) struct Piece {
    /// In the coding of the bodies.
    bytes: Bytes,
    /// Of the plain bytes.
    sum: Crc,
    length: usize,
}

impl Piece {
    pub(super) fn new(content: &[u8], coding: LoadCoding) -> Self {
        let mut sum = Crc::new();
        sum.update(content);
        let bytes = match coding {
            LoadCoding::Gzip => blocks(content).into(),
            LoadCoding::None => Bytes::copy_from_slice(content),
        };
        Self { bytes, sum, length: content.len() }
    }

    /// Its length in the envelope.
    pub(super) fn len(&self) -> usize {
        self.length
    }
}

/// Compressed blocks that end with a byte and of which none is the last, so that others can follow.
fn blocks(content: &[u8]) -> Vec<u8> {
    let mut compress = Compress::new(Compression::new(6), false);
    // With room for all of it, one call compresses everything, and cannot fail.
    let mut blocks = Vec::with_capacity(content.len() + content.len() / 8 + 64);
    let _infallible = compress.compress_vec(content, &mut blocks, FlushCompress::Sync);
    blocks.shrink_to_fit();
    blocks
}

/// Puts a body together.
pub(super) struct BodyMaker {
    body: Body,
    sum: Crc,
    coding: LoadCoding,
}

impl BodyMaker {
    pub(super) fn new(coding: LoadCoding) -> Self {
        let mut maker = Self { body: Body::default(), sum: Crc::new(), coding };
        if coding == LoadCoding::Gzip {
            maker.body.push(Bytes::from_static(GZIP_HEADER));
        }
        maker
    }

    /// Adds a text of this body alone.
    pub(super) fn text(mut self, text: &str) -> Self {
        self.sum.update(text.as_bytes());
        match self.coding {
            LoadCoding::Gzip => {
                for block in text.as_bytes().chunks(BLOCK) {
                    let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
                    let mut bytes = BytesMut::with_capacity(block.len() + 5);
                    bytes.put_u8(0);
                    bytes.put_u16_le(length);
                    bytes.put_u16_le(!length);
                    bytes.put_slice(block);
                    self.body.push(bytes.freeze());
                }
            }
            LoadCoding::None => self.body.push(Bytes::copy_from_slice(text.as_bytes())),
        }
        self
    }

    /// Adds a piece, which is not copied.
    pub(super) fn piece(mut self, piece: &Piece) -> Self {
        self.sum.combine(&piece.sum);
        self.body.push(piece.bytes.clone());
        self
    }

    pub(super) fn finish(mut self) -> Body {
        if self.coding == LoadCoding::Gzip {
            let mut end = BytesMut::with_capacity(LAST_BLOCK.len() + 8);
            end.put_slice(LAST_BLOCK);
            end.put_u32_le(self.sum.sum());
            end.put_u32_le(self.sum.amount());
            self.body.push(end.freeze());
        }
        self.body
    }
}

/// The body of a request, in parts that may belong to others too.
#[derive(Debug, Clone, Default)]
pub(super) struct Body {
    parts: VecDeque<Bytes>,
    length: u64,
}

impl Body {
    fn push(&mut self, part: Bytes) {
        self.length += part.len() as u64;
        self.parts.push_back(part);
    }

    /// Bytes that are left of it.
    pub(super) fn len(&self) -> u64 {
        self.length
    }

    /// All of it.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.parts.iter().flatten().copied().collect()
    }

    /// The envelope in it.
    #[cfg(test)]
    pub(super) fn inflated(&self) -> Vec<u8> {
        use std::io::Read as _;

        let mut plain = Vec::new();
        flate2::read::MultiGzDecoder::new(self.bytes().as_slice()).read_to_end(&mut plain).unwrap();
        plain
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let part = self.parts.pop_front();
        self.length -= part.as_ref().map_or(0, |part| part.len() as u64);
        Poll::Ready(part.map(|part| Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.parts.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[test]
    fn pieces_and_texts_are_one_gzip_member() {
        let (words, noise) = ("one two ".repeat(100_000), [7, 200, 3].repeat(9));
        let pieces = [words.as_bytes(), &noise].map(|it| Piece::new(it, LoadCoding::Gzip));
        let [words_piece, noise_piece] = &pieces;
        let long = "x".repeat(BLOCK + 1);
        let body = BodyMaker::new(LoadCoding::Gzip).text("a").piece(words_piece).text(&long);
        let body = body.piece(noise_piece).piece(words_piece).finish();
        let plain = [b"a", words.as_bytes(), long.as_bytes(), &noise, words.as_bytes()].concat();
        assert!(body.inflated() == plain);
        assert_eq!(body.len(), body.bytes().len() as u64);
        assert!(words_piece.bytes.len() < words.len() / 100 && words_piece.len() == words.len());
    }

    #[test]
    fn what_is_not_compressed_is_sent_as_it_is() {
        let piece = Piece::new(b"piece", LoadCoding::None);
        let body = BodyMaker::new(LoadCoding::None).text("a ").piece(&piece).finish();
        assert_eq!(body.bytes(), b"a piece");
    }

    #[tokio::test]
    async fn a_body_says_how_long_it_is_and_ends() {
        let piece = Piece::new(&[b'p'; 300], LoadCoding::None);
        let body = BodyMaker::new(LoadCoding::None).text("a").piece(&piece).finish();
        assert_eq!(hyper::body::Body::size_hint(&body).exact(), Some(301));
        assert_eq!(body.clone().collect().await.unwrap().to_bytes(), body.bytes());
    }
}
