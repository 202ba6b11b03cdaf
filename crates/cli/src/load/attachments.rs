//! Files that come with events: logs and pictures of 100 KiB to 5 MiB, cut from two that are kept.

use mishap_core::random::{Random, SeededRandom};

use super::body::{BodyMaker, Piece};
use super::events::{Draw, log_line};
use crate::command::LoadCoding;

/// Bytes of a chunk; files are made of whole ones.
const CHUNK: usize = 20 * 1024;

/// Chunks of the smallest and of the largest file.
const SMALLEST: u16 = 5;
const LARGEST: u16 = 256;

/// What files are cut from.
pub(super) struct Attachments {
    /// Chunks that can be compressed well.
    log: Vec<Piece>,
    /// Chunks that cannot.
    picture: Vec<Piece>,
}

/// A file that is to be cut.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    /// How large it is, between 0 and 1. Each doubling is as frequent as the one before it.
    pub(super) size: f64,
    /// Where it begins, between 0 and 1.
    pub(super) begins: f64,
    pub(super) is_picture: bool,
}

impl Attachments {
    pub(super) fn new(seed: u64, coding: LoadCoding) -> Self {
        let draw = Draw::new(seed);
        let log = |_chunk| {
            let mut text = String::with_capacity(CHUNK + 128);
            while text.len() < CHUNK {
                text.push_str(&log_line(&draw));
            }
            text.truncate(CHUNK);
            Piece::new(text.as_bytes(), coding)
        };
        let random = SeededRandom::new(seed);
        let picture = |_chunk| {
            let mut bytes = vec![0; CHUNK];
            random.fill(&mut bytes);
            Piece::new(&bytes, coding)
        };
        let chunks = 0..LARGEST;
        Self { log: chunks.clone().map(log).collect(), picture: chunks.map(picture).collect() }
    }

    /// Adds a file to an envelope.
    pub(super) fn put(&self, maker: BodyMaker, cut: Cut) -> BodyMaker {
        let (chunks, name, content_type) = match cut.is_picture {
            true => (&self.picture, "screenshot.png", "image/png"),
            false => (&self.log, "shop.log", "text/plain"),
        };
        let count = chunk_count(cut.size);
        let length = count * CHUNK;
        let maker = maker.text(&format!(
            "{{\"type\":\"attachment\",\"length\":{length},\"filename\":\"{name}\",\
             \"content_type\":\"{content_type}\"}}\n"
        ));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 256")]
        let begins = (cut.begins * f64::from(LARGEST)) as usize;
        let chunks = chunks.iter().cycle().skip(begins).take(count);
        chunks.fold(maker, BodyMaker::piece).text("\n")
    }
}

fn chunk_count(size: f64) -> usize {
    let (smallest, largest) = (f64::from(SMALLEST), f64::from(LARGEST));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 256")]
    let count = (smallest * (largest / smallest).powf(size)).round() as usize;
    count
}

#[cfg(test)]
mod tests {
    use mishap_protocol::envelope::{Envelope, ItemType};

    use super::*;

    /// The file that is cut, and the bytes that are sent for it.
    fn file(attachments: &Attachments, cut: Cut) -> (Vec<u8>, u64) {
        let maker = BodyMaker::new(LoadCoding::Gzip).text("{}\n");
        let body = attachments.put(maker, cut).finish();
        let plain = body.inflated();
        let envelope = Envelope::read(&plain).unwrap();
        let [item] = envelope.items.as_slice() else { panic!("one item") };
        assert_eq!(item.header.item_type, ItemType::Attachment);
        (item.payload.to_vec(), body.len())
    }

    #[test]
    fn files_have_100_kib_to_5_mib_and_only_logs_become_smaller() {
        let attachments = Attachments::new(1, LoadCoding::Gzip);
        let length = |size, is_picture| {
            let (content, sent) = file(&attachments, Cut { size, begins: 0.9, is_picture });
            (content.len() as u64, sent)
        };
        for (size, wanted) in [(0.0, 100 << 10), (0.5, 720 << 10), (1.0, 5 << 20)] {
            let (picture, sent) = length(size, true);
            assert_eq!(picture, wanted);
            assert!(sent > picture, "{sent}");
            let (log, sent) = length(size, false);
            assert!(log == wanted && sent < log / 2, "{log}, {sent}");
        }
    }

    #[test]
    fn files_that_begin_elsewhere_differ() {
        let attachments = Attachments::new(1, LoadCoding::Gzip);
        let begin = |begins| file(&attachments, Cut { size: 0.0, begins, is_picture: false }).0;
        assert!(begin(0.1) != begin(0.2) && begin(0.1) == begin(0.1));
    }
}
