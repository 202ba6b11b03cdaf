//! Gigabytes of zeros, compressed while they are sent.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{DeflateEncoder, ZlibEncoder};
use mishap_testkit::compress::{BrotliEncoder, gzip, zstd};

/// Zeros that are compressed at once, in bytes.
const BLOCK: usize = 16 << 20;

/// A body in pieces.
pub(super) type Pieces = Box<dyn Iterator<Item = Vec<u8>> + Send>;

/// A beginning, and `gigabytes` of zeros behind it.
pub(super) fn plain(beginning: &str, gigabytes: usize) -> Pieces {
    let zeros = std::iter::repeat_n(vec![0; BLOCK], gigabytes << (30 - 24));
    Box::new(std::iter::once(beginning.as_bytes().to_vec()).chain(zeros))
}

/// The body in a coding; `deflate-raw` is deflate without zlib's wrapping.
pub(super) fn coded(coding: &str, pieces: Pieces) -> Pieces {
    match coding {
        "gzip" => each(pieces, gzip),
        "zstd" => each(pieces, zstd),
        "br" => {
            let mut encoder = BrotliEncoder::new();
            Box::new(pieces.map(move |piece| encoder.push(&piece)))
        }
        "deflate" => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
            Box::new(pieces.map(move |piece| {
                encoder.write_all(&piece).unwrap();
                encoder.flush().unwrap();
                std::mem::take(encoder.get_mut())
            }))
        }
        "deflate-raw" => {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
            Box::new(pieces.map(move |piece| {
                encoder.write_all(&piece).unwrap();
                encoder.flush().unwrap();
                std::mem::take(encoder.get_mut())
            }))
        }
        other => panic!("no coding {other}"),
    }
}

/// Each piece is a whole stream: these codings may be put one behind the other.
fn each(pieces: Pieces, pack: fn(&[u8]) -> Vec<u8>) -> Pieces {
    let mut last = (Vec::new(), Vec::new());
    Box::new(pieces.map(move |piece| {
        if last.0 != piece {
            last = (piece.clone(), pack(&piece));
        }
        last.1.clone()
    }))
}

/// Fewer, larger pieces.
pub(super) fn gathered(mut pieces: Pieces, least: usize) -> Pieces {
    Box::new(std::iter::from_fn(move || {
        let mut gathered = pieces.next()?;
        while gathered.len() < least {
            match pieces.next() {
                Some(piece) => gathered.extend(piece),
                None => break,
            }
        }
        Some(gathered)
    }))
}
