//! Compresses bodies in every way that clients do.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

/// Bytes, compressed with gzip.
pub fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// `deflate` as RFC 9110 means it: in zlib's wrapping.
pub fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// `deflate` as some clients mean it: without any wrapping.
pub fn raw_deflate(plain: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// Bytes, compressed with zstd.
pub fn zstd(plain: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(plain, 1).unwrap()
}

/// Bytes in a brotli stream.
pub fn brotli(plain: &[u8]) -> Vec<u8> {
    let mut encoder = BrotliEncoder::new();
    let mut stream = encoder.push(plain);
    stream.extend(encoder.finish());
    stream
}

/// Writes brotli (RFC 7932): zeros as copies of a zero, everything else as it is.
#[derive(Debug)]
pub struct BrotliEncoder {
    out: Vec<u8>,
    bits: u64,
    count: u32,
}

impl Default for BrotliEncoder {
    fn default() -> Self {
        Self::new()
    }
}

impl BrotliEncoder {
    /// At the start of a stream.
    pub fn new() -> Self {
        let mut encoder = Self { out: Vec::new(), bits: 0, count: 0 };
        // A window of 4 MiB.
        encoder.put(0b1011, 4);
        encoder
    }

    /// Encodes bytes; what is ready is returned.
    pub fn push(&mut self, plain: &[u8]) -> Vec<u8> {
        for piece in plain.chunks(1 << 24) {
            // A copy has a least length.
            if piece.len() > 4096 && piece == vec![0; piece.len()] {
                self.zeros(piece.len());
            } else {
                piece.chunks(1 << 16).for_each(|literal| self.stored(literal));
            }
        }
        std::mem::take(&mut self.out)
    }

    /// Ends the stream.
    pub fn finish(mut self) -> Vec<u8> {
        // The last meta-block, and it is empty.
        self.put(0b11, 2);
        self.align();
        self.out
    }

    /// A meta-block of bytes as they are.
    fn stored(&mut self, literal: &[u8]) {
        // Not the last; a length of four digits.
        self.put(0, 3);
        self.put(literal.len() as u64 - 1, 16);
        self.put(1, 1);
        self.align();
        self.out.extend_from_slice(literal);
    }

    /// A meta-block of one command: one zero, and copies of it.
    fn zeros(&mut self, length: usize) {
        // Not the last; a length of six digits; compressed.
        self.put(0, 1);
        self.put(2, 2);
        self.put(length as u64 - 1, 24);
        self.put(0, 1);
        // One kind of block each, no postfix, no direct distances, one context, one tree each.
        self.put(0, 3 + 6 + 2 + 2);
        // Trees of one symbol each: the literal 0, "insert 1, copy long", "distance 1 or 2".
        for (symbol, width) in [(0, 8), (399, 10), (16, 6)] {
            self.put(1, 4);
            self.put(symbol, width);
        }
        // How much longer than 2118 the copy is, and the distance 1.
        self.put(length as u64 - 1 - 2118, 24);
        self.put(0, 1);
    }

    fn put(&mut self, bits: u64, count: u32) {
        self.bits |= bits << self.count;
        self.count += count;
        while self.count >= 8 {
            self.out.push(self.bits.to_le_bytes()[0]);
            self.bits >>= 8;
            self.count -= 8;
        }
    }

    fn align(&mut self) {
        let rest = (8 - self.count % 8) % 8;
        self.put(0, rest);
    }
}
