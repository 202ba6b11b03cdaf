//! What bodies inflate to.

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use mishap_protocol::compression::{Coding, Codings, Inflater, PIECE, Stopped, inflate};

/// What a body may inflate to here, in bytes.
const LIMIT: usize = 256 * 1024;

/// Bytes that pass from one coding to the next at most.
const BETWEEN: u64 = 2 * LIMIT as u64;

/// The first byte says how the rest is compressed.
pub(super) fn check(bytes: &[u8]) {
    let Some((choice, body)) = bytes.split_first() else {
        return;
    };
    let codings = codings(*choice);
    check_bounds(&codings, body);
    check_chunks(&codings, body);
    check_round_trip(body);
}

/// One of the lists of codings that a request may name.
fn codings(choice: u8) -> Codings {
    let names = [
        "gzip",
        "deflate",
        "br",
        "zstd",
        "identity",
        "gzip, gzip",
        "zstd, br",
        "br, deflate, gzip",
        "gzip, deflate",
    ];
    let name = names.get(usize::from(choice) % names.len()).copied().unwrap_or_default();
    Codings::parse(name).unwrap_or_default()
}

fn check_bounds(codings: &Codings, body: &[u8]) {
    let (plain, stopped) = inflate(codings, body, LIMIT);
    assert!(plain.len() <= LIMIT);
    if let Some(Stopped::Receiver(_)) = stopped {
        assert_eq!(plain.len(), LIMIT, "what was too long was kept up to the limit");
    }
    let (less, _) = inflate(codings, body, LIMIT / 1024);
    assert!(plain.starts_with(&less), "a lower limit gives the beginning");
}

/// How a body that arrived in chunks ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Whole,
    Cut,
    Corrupt,
    TooLong,
}

/// It does not matter in which chunks a body arrives, unless it is corrupt: how much of it is saved,
/// and whether a codec notices at all, depends on how much it sees at once.
fn check_chunks(codings: &Codings, body: &[u8]) {
    let (whole, end) = inflate_in_chunks(codings, body, body.len().max(1));
    for size in [1, 7, 4096] {
        // A byte at a time is slow for long bodies.
        if body.len() / size > 4096 {
            continue;
        }
        let (plain, end_in_chunks) = inflate_in_chunks(codings, body, size);
        let is_broken = |end| matches!(end, End::Corrupt | End::TooLong);
        if is_broken(end) || is_broken(end_in_chunks) {
            assert!(plain.starts_with(&whole) || whole.starts_with(&plain), "in chunks of {size}");
        } else {
            assert_eq!(end_in_chunks, end, "in chunks of {size}");
            assert!(plain == whole, "in chunks of {size}");
        }
    }
}

fn inflate_in_chunks(codings: &Codings, body: &[u8], size: usize) -> (Vec<u8>, End) {
    let mut inflater = Inflater::new(codings);
    let mut plain = Vec::new();
    for chunk in body.chunks(size) {
        let result = inflater.push(chunk, BETWEEN, &mut |piece: &[u8]| {
            assert!(!piece.is_empty() && piece.len() <= PIECE);
            plain.extend_from_slice(piece);
            if plain.len() > LIMIT { Err(()) } else { Ok(()) }
        });
        match result {
            Ok(()) => {}
            Err(Stopped::Corrupt(_)) => return (plain, End::Corrupt),
            Err(Stopped::Receiver(()) | Stopped::TooMuchBetween) => {
                plain.truncate(LIMIT);
                return (plain, End::TooLong);
            }
        }
    }
    let end = if inflater.is_complete() { End::Whole } else { End::Cut };
    (plain, end)
}

/// What a client compresses comes out as it went in.
fn check_round_trip(plain: &[u8]) {
    let plain = plain.get(..LIMIT).unwrap_or(plain);
    for (coding, compressed) in [
        (Coding::Gzip, written(GzEncoder::new(Vec::new(), Compression::fast()), plain)),
        (Coding::Deflate, written(ZlibEncoder::new(Vec::new(), Compression::fast()), plain)),
        (Coding::Zstd, zstd::bulk::compress(plain, 1)),
    ] {
        let compressed = compressed.unwrap_or_default();
        let (inflated, stopped) = inflate(&coding.into(), &compressed, LIMIT);
        assert_eq!(stopped, None, "{coding:?}");
        assert!(inflated == plain, "{coding:?}");
    }
}

/// What an encoder made of the bytes.
trait Finish: std::io::Write {
    fn finish(self) -> std::io::Result<Vec<u8>>;
}

impl Finish for GzEncoder<Vec<u8>> {
    fn finish(self) -> std::io::Result<Vec<u8>> {
        Self::finish(self)
    }
}

impl Finish for ZlibEncoder<Vec<u8>> {
    fn finish(self) -> std::io::Result<Vec<u8>> {
        Self::finish(self)
    }
}

fn written(mut encoder: impl Finish, plain: &[u8]) -> std::io::Result<Vec<u8>> {
    encoder.write_all(plain)?;
    encoder.finish()
}
