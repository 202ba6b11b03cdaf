//! Compressed bodies, inflated piece by piece.
//!
//! A body of 200 bytes can stand for gigabytes, so nothing here holds more than one piece, but for a
//! body that is one gzip member of at most a mebibyte, which is inflated at once.
//! [`Inflater::push`] hands over what comes out in pieces of at most [`PIECE`] bytes and stops when
//! the receiver says so. Memory is bounded by the codecs' windows: 32 KiB for gzip and deflate,
//! 16 MiB for brotli, 8 MiB for zstd, and only as far as a body really uses them.
//!
//! Where codings are chained, what passes from one to the next is bounded too: a body of a few bytes
//! can otherwise inflate to terabytes that the next coding throws away as garbage behind its end.

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::{Decompress, FlushDecompress};
use libdeflater::Decompressor;
use zstd::stream::raw::{DParameter, Decoder as ZstdDecoder, Operation as _};

/// Largest piece handed over at once, in bytes.
pub const PIECE: usize = 32 * 1024;

/// Largest content that is inflated at once, in bytes.
const AT_ONCE: usize = 1 << 20;

/// More codings than this in one `Content-Encoding` are refused.
pub const MAX_CODINGS: usize = 3;

/// Largest window a zstd frame may ask for, as a power of two; what RFC 8878 says to support.
const ZSTD_WINDOW_LOG: u32 = 23;

/// One content coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// `gzip`, `x-gzip`
    Gzip,
    /// `deflate`: with zlib's wrapping as RFC 9110 says, or without as some clients do.
    Deflate,
    /// `br`
    Brotli,
    /// `zstd`
    Zstd,
}

/// The codings of a body, in the order in which the client applied them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Codings(Vec<Coding>);

/// The header names more than [`MAX_CODINGS`] codings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {MAX_CODINGS} content codings")]
pub struct TooManyCodings;

impl Codings {
    /// Reads a `Content-Encoding` header.
    ///
    /// An unknown name counts as no coding: clients put character sets there.
    pub fn parse(header: &str) -> Result<Self, TooManyCodings> {
        let mut codings = Vec::new();
        for name in header.split(',') {
            let coding = match name.trim().to_ascii_lowercase().as_str() {
                "gzip" | "x-gzip" => Coding::Gzip,
                "deflate" => Coding::Deflate,
                "br" => Coding::Brotli,
                "zstd" => Coding::Zstd,
                _ => continue,
            };
            if codings.len() == MAX_CODINGS {
                return Err(TooManyCodings);
            }
            codings.push(coding);
        }
        Ok(Self(codings))
    }

    /// The codings, innermost first.
    pub fn as_slice(&self) -> &[Coding] {
        &self.0
    }
}

impl From<Coding> for Codings {
    fn from(coding: Coding) -> Self {
        Self(vec![coding])
    }
}

/// The body is not what its codings say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body is not valid {0:?}")]
pub struct Corrupt(pub Coding);

/// Why inflating ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped<E> {
    /// The input is corrupt; everything handed over before is good.
    Corrupt(Corrupt),
    /// The receiver wants no more.
    Receiver(E),
    /// More passes from one coding to the next than was allowed.
    TooMuchBetween,
}

/// Undoes a body's codings, fed with chunks as they arrive.
pub struct Inflater {
    stages: Vec<Stage>,
}

impl Inflater {
    /// For a body with these codings.
    pub fn new(codings: &Codings) -> Self {
        Self { stages: codings.as_slice().iter().rev().map(|coding| Stage::new(*coding)).collect() }
    }

    /// Inflates `chunk` and hands what comes out to `receive`, piece by piece.
    ///
    /// Between two codings, `between` bytes of the whole body may pass at most.
    pub fn push<E>(
        &mut self,
        chunk: &[u8],
        between: u64,
        receive: &mut impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), Stopped<E>> {
        if let [Stage { codec: Codec::Gzip { state: state @ Member::Fresh, .. }, .. }] =
            self.stages.as_mut_slice()
            && let Some(plain) = whole_gzip(chunk)
        {
            *state = Member::Ended;
            return feed(&mut [], &plain, between, receive);
        }
        feed(&mut self.stages, chunk, between, receive)
    }

    /// Whether the body ended where its codings say it ends.
    pub fn is_complete(&self) -> bool {
        self.stages.iter().all(|stage| stage.codec.is_complete())
    }
}

/// Inflates a whole body of at most `limit` bytes.
///
/// Returns what could be read and, if that is not all, why.
pub fn inflate(
    codings: &Codings,
    body: &[u8],
    limit: usize,
) -> (Vec<u8>, Option<Stopped<TooLong>>) {
    let mut inflated = Vec::with_capacity(body.len().saturating_mul(6).min(limit));
    let mut inflater = Inflater::new(codings);
    // What cannot be compressed is a little longer in between.
    let between = limit.saturating_add(limit / 8).saturating_add(PIECE) as u64;
    let result = inflater.push(body, between, &mut |piece: &[u8]| {
        let room = limit - inflated.len();
        inflated.extend_from_slice(piece.get(..room).unwrap_or(piece));
        if piece.len() > room { Err(TooLong) } else { Ok(()) }
    });
    let stopped = match result {
        Err(Stopped::TooMuchBetween) => Some(Stopped::Receiver(TooLong)),
        Err(stopped) => Some(stopped),
        Ok(()) if inflater.is_complete() => None,
        Ok(()) => codings.as_slice().last().map(|coding| Stopped::Corrupt(Corrupt(*coding))),
    };
    (inflated, stopped)
}

/// The body inflates to more than was allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

/// The content of a chunk that is one whole gzip member, which nearly all bodies are: at once, which
/// takes less than half the time. Nothing if it is anything else, or too large to be held.
fn whole_gzip(chunk: &[u8]) -> Option<Vec<u8>> {
    const MAGIC: &[u8] = &[0x1f, 0x8b, 8];
    let (_, tail) = chunk.split_last_chunk::<4>()?;
    let size = usize::try_from(u32::from_le_bytes(*tail)).ok()?;
    // Where a second member may begin, the sum and the length at the end may not be the first one's.
    let may_have_more = memchr::memmem::find(chunk.get(1..)?, MAGIC).is_some();
    if size > AT_ONCE || !chunk.starts_with(MAGIC) || may_have_more {
        return None;
    }
    let mut plain = vec![0; size];
    let written = Decompressor::new().gzip_decompress(chunk, &mut plain).ok()?;
    let sum = chunk.len().checked_sub(8).and_then(|at| chunk.get(at..)?.first_chunk::<4>());
    let is_all = written == size && sum? == &libdeflater::crc32(&plain).to_le_bytes();
    is_all.then_some(plain)
}

fn feed<E>(
    stages: &mut [Stage],
    mut input: &[u8],
    between: u64,
    receive: &mut impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), Stopped<E>> {
    let Some((stage, later)) = stages.split_first_mut() else {
        for piece in input.chunks(PIECE) {
            receive(piece).map_err(Stopped::Receiver)?;
        }
        return Ok(());
    };
    loop {
        let step = stage.codec.step(input, &mut stage.piece).map_err(Stopped::Corrupt)?;
        input = input.get(step.read..).unwrap_or_default();
        stage.written += step.written as u64;
        if !later.is_empty() && stage.written > between {
            return Err(Stopped::TooMuchBetween);
        }
        if let Some(piece) = stage.piece.get(..step.written)
            && !piece.is_empty()
        {
            feed(later, piece, between, receive)?;
        }
        // A full piece may mean that more is waiting inside the codec.
        if step.written < stage.piece.len() && (input.is_empty() || step.read == 0) {
            return Ok(());
        }
    }
}

struct Stage {
    codec: Codec,
    piece: Vec<u8>,
    /// Bytes that came out so far.
    written: u64,
}

impl Stage {
    fn new(coding: Coding) -> Self {
        let codec = match coding {
            Coding::Gzip => Codec::Gzip { inflate: Decompress::new_gzip(15), state: Member::Fresh },
            Coding::Deflate => Codec::Deflate { inflate: None, done: false },
            Coding::Brotli => Codec::Brotli {
                state: Box::new(BrotliState::new_strict(
                    StandardAlloc::default(),
                    StandardAlloc::default(),
                    StandardAlloc::default(),
                )),
                done: false,
            },
            Coding::Zstd => Codec::Zstd { decoder: zstd_decoder(), between_frames: true },
        };
        Self { codec, piece: vec![0; PIECE], written: 0 }
    }
}

fn zstd_decoder() -> Option<ZstdDecoder<'static>> {
    let mut decoder = ZstdDecoder::new().ok()?;
    decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG)).ok()?;
    Some(decoder)
}

/// Where a gzip stream stands: it may have several members, and garbage behind the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Member {
    Fresh,
    Open,
    /// A member ended; another one may begin.
    Ended,
    Garbage,
}

enum Codec {
    Gzip { inflate: Decompress, state: Member },
    Deflate { inflate: Option<Decompress>, done: bool },
    Brotli { state: Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>, done: bool },
    Zstd { decoder: Option<ZstdDecoder<'static>>, between_frames: bool },
}

struct Step {
    read: usize,
    written: usize,
}

impl Codec {
    fn is_complete(&self) -> bool {
        match self {
            Self::Gzip { state, .. } => matches!(state, Member::Ended | Member::Garbage),
            Self::Deflate { done, .. } | Self::Brotli { done, .. } => *done,
            Self::Zstd { between_frames, .. } => *between_frames,
        }
    }

    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Corrupt> {
        match self {
            Self::Gzip { inflate, state } => gzip_step(inflate, state, input, output),
            Self::Deflate { inflate, done } => deflate_step(inflate, done, input, output),
            Self::Brotli { state, done } => brotli_step(state, done, input, output),
            Self::Zstd { decoder, between_frames } => {
                let decoder = decoder.as_mut().ok_or(Corrupt(Coding::Zstd))?;
                zstd_step(decoder, between_frames, input, output)
            }
        }
    }
}

fn gzip_step(
    inflate: &mut Decompress,
    state: &mut Member,
    input: &[u8],
    output: &mut [u8],
) -> Result<Step, Corrupt> {
    if *state == Member::Ended && !input.is_empty() {
        *state = Member::Garbage;
        if input.first() == Some(&0x1f) {
            *inflate = Decompress::new_gzip(15);
            *state = Member::Open;
        }
    }
    if *state == Member::Garbage {
        return Ok(Step { read: input.len(), written: 0 });
    }
    if input.is_empty() && matches!(state, Member::Fresh | Member::Ended) {
        return Ok(Step { read: 0, written: 0 });
    }
    *state = Member::Open;
    let (step, ended) = run(inflate, input, output).ok_or(Corrupt(Coding::Gzip))?;
    if ended {
        *state = Member::Ended;
    }
    Ok(step)
}

fn deflate_step(
    inflate: &mut Option<Decompress>,
    done: &mut bool,
    input: &[u8],
    output: &mut [u8],
) -> Result<Step, Corrupt> {
    if *done {
        return Ok(Step { read: input.len(), written: 0 });
    }
    let Some(first) = input.first() else {
        return match inflate {
            None => Ok(Step { read: 0, written: 0 }),
            Some(inflate) => {
                let (step, ended) = run(inflate, input, output).ok_or(Corrupt(Coding::Deflate))?;
                *done = ended;
                Ok(step)
            }
        };
    };
    // A zlib header's low nibble is 8 for the method; a raw stream beginning so would open with
    // a stored block whose padding is not zero, which no encoder writes.
    let inflate = inflate.get_or_insert_with(|| Decompress::new(first & 0x0f == 8));
    let (step, ended) = run(inflate, input, output).ok_or(Corrupt(Coding::Deflate))?;
    *done = ended;
    Ok(step)
}

fn run(inflate: &mut Decompress, input: &[u8], output: &mut [u8]) -> Option<(Step, bool)> {
    let (read, written) = (inflate.total_in(), inflate.total_out());
    let status = match inflate.decompress(input, output, FlushDecompress::None) {
        Ok(status) => status,
        Err(_corrupt) => return None,
    };
    let read = usize::try_from(inflate.total_in() - read).ok()?;
    let written = usize::try_from(inflate.total_out() - written).ok()?;
    Some((Step { read, written }, status == flate2::Status::StreamEnd))
}

fn brotli_step(
    state: &mut BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>,
    done: &mut bool,
    input: &[u8],
    output: &mut [u8],
) -> Result<Step, Corrupt> {
    if *done {
        return Ok(Step { read: input.len(), written: 0 });
    }
    let (mut read, mut written, mut total) = (0, 0, 0);
    let result = BrotliDecompressStream(
        &mut input.len(),
        &mut read,
        input,
        &mut output.len(),
        &mut written,
        output,
        &mut total,
        state,
    );
    match result {
        BrotliResult::ResultFailure => Err(Corrupt(Coding::Brotli)),
        BrotliResult::ResultSuccess => {
            *done = true;
            Ok(Step { read, written })
        }
        BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => Ok(Step { read, written }),
    }
}

fn zstd_step(
    decoder: &mut ZstdDecoder<'static>,
    between_frames: &mut bool,
    input: &[u8],
    output: &mut [u8],
) -> Result<Step, Corrupt> {
    if input.is_empty() && *between_frames {
        return Ok(Step { read: 0, written: 0 });
    }
    let status = decoder.run_on_buffers(input, output);
    let status = status.map_err(|_corrupt| Corrupt(Coding::Zstd))?;
    *between_frames = status.remaining == 0;
    Ok(Step { read: status.bytes_read, written: status.bytes_written })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(data: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn raw_deflate(data: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(data: &[u8]) -> Vec<u8> {
        zstd::bulk::compress(data, 1).unwrap()
    }

    /// "hello hello hello hello\n" twenty times, as `brotli -q 5` prints it.
    const BROTLI: &[u8] = &[
        0x1b, 0xdf, 0x01, 0x00, 0xa4, 0x14, 0x40, 0x72, 0x10, 0x65, 0x18, 0xcb, 0xa3, 0xf2, 0x3c,
        0xdd, 0x2d, 0xa8, 0x01,
    ];

    fn text() -> Vec<u8> {
        b"hello hello hello hello\n".repeat(20)
    }

    fn whole(header: &str, body: &[u8]) -> (Vec<u8>, Option<Stopped<TooLong>>) {
        inflate(&Codings::parse(header).unwrap(), body, 1 << 20)
    }

    #[test]
    fn every_coding_is_undone() {
        for (header, body) in [
            ("", text()),
            ("identity", text()),
            ("utf-8", text()),
            ("gzip", gzip(&text())),
            ("X-GZIP", gzip(&text())),
            ("deflate", zlib(&text())),
            ("deflate", raw_deflate(&text())),
            ("br", BROTLI.to_vec()),
            ("zstd", zstd(&text())),
        ] {
            assert_eq!(whole(header, &body), (text(), None), "{header}");
        }
    }

    #[test]
    fn chained_codings_are_undone_in_reverse() {
        assert_eq!(whole("gzip, zstd", &zstd(&gzip(&text()))), (text(), None));
        assert_eq!(whole("zstd,gzip", &gzip(&zstd(&text()))), (text(), None));
        assert_eq!(Codings::parse("gzip,gzip,gzip,gzip"), Err(TooManyCodings));
    }

    #[test]
    fn a_body_may_arrive_byte_by_byte() {
        for (header, body) in [
            ("gzip", gzip(&text())),
            ("deflate", zlib(&text())),
            ("deflate", raw_deflate(&text())),
            ("br", BROTLI.to_vec()),
            ("zstd", zstd(&text())),
            ("gzip, zstd", zstd(&gzip(&text()))),
        ] {
            let mut inflater = Inflater::new(&Codings::parse(header).unwrap());
            let mut inflated = Vec::new();
            for byte in &body {
                let mut receive = |piece: &[u8]| {
                    inflated.extend_from_slice(piece);
                    Ok::<(), ()>(())
                };
                inflater.push(std::slice::from_ref(byte), 10_000, &mut receive).unwrap();
            }
            assert_eq!(inflated, text(), "{header}");
            assert!(inflater.is_complete(), "{header}");
        }
    }

    #[test]
    fn gzip_members_are_joined_and_garbage_behind_them_is_ignored() {
        let mut body = gzip(&text());
        body.extend(gzip(&text()));
        assert_eq!(whole("gzip", &body), ([text(), text()].concat(), None));
        body.extend(b"garbage");
        assert_eq!(whole("gzip", &body), ([text(), text()].concat(), None));
    }

    #[test]
    fn what_was_read_before_a_cut_or_a_flaw_is_kept() {
        let long: Vec<u8> =
            (0..40_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        for (header, body, coding) in [
            ("gzip", gzip(&long), Coding::Gzip),
            ("deflate", zlib(&long), Coding::Deflate),
            ("zstd", zstd(&long), Coding::Zstd),
        ] {
            let (read, stopped) = whole(header, &body[..body.len() * 3 / 4]);
            assert!(!read.is_empty() && long.starts_with(&read), "{header}");
            assert_eq!(stopped, Some(Stopped::Corrupt(Corrupt(coding))), "{header}");
        }
        let (read, stopped) = whole("gzip", b"not gzip at all");
        assert_eq!((read.len(), stopped), (0, Some(Stopped::Corrupt(Corrupt(Coding::Gzip)))));
    }

    #[test]
    fn garbage_behind_the_inner_coding_s_end_is_not_inflated_without_end() {
        let mut inner = gzip(b"hello");
        inner.resize(64 << 20, 0);
        let (read, stopped) = inflate(&Codings::parse("gzip, gzip").unwrap(), &gzip(&inner), 1000);
        assert_eq!((read.as_slice(), stopped), (&b"hello"[..], Some(Stopped::Receiver(TooLong))));
    }

    #[test]
    fn a_bomb_is_stopped_by_its_receiver_after_one_piece() {
        for (header, body) in
            [("gzip", gzip(&vec![0; 64 << 20])), ("zstd", zstd(&vec![0; 64 << 20]))]
        {
            let (read, stopped) = inflate(&Codings::parse(header).unwrap(), &body, 100_000);
            assert_eq!((read.len(), stopped), (100_000, Some(Stopped::Receiver(TooLong))));
        }
    }

    #[test]
    fn only_what_is_one_member_is_inflated_at_once() {
        let member = |plain: &[u8]| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(plain).unwrap();
            encoder.finish().unwrap()
        };
        let one = member(b"an envelope");
        assert_eq!(whole_gzip(&one).as_deref(), Some(b"an envelope".as_slice()));
        assert_eq!(whole_gzip(&member(b"")).as_deref(), Some(b"".as_slice()));
        // The same member twice ends with the sum and the length of the first.
        let twice = [one.as_slice(), &one].concat();
        assert_eq!(whole_gzip(&twice), None);
        assert_eq!(
            inflate(&Coding::Gzip.into(), &twice, 100),
            (b"an envelopean envelope".to_vec(), None)
        );
        assert_eq!(whole_gzip(&one[..one.len() - 1]), None);
        assert_eq!(whole_gzip(&[one.as_slice(), b"garbage"].concat()), None);
        assert_eq!(whole_gzip(&member(&vec![0; AT_ONCE + 1])), None);
    }
}
