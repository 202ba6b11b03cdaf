//! Which items of an envelope are taken.
//!
//! The decision needs an item's header and, for a payload without a length, how large it has
//! become; so an item nobody wants is never held in memory.

use std::collections::BTreeMap;

use mishap_protocol::envelope::{DataCategory, ItemHeader, ItemType};

use crate::outcome::Reason;

/// The largest items that are taken, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SizeLimits {
    /// One event.
    pub event: u64,
    /// One attachment.
    pub attachment: u64,
    /// All attachments of one envelope.
    pub attachments: u64,
    /// A whole body as it arrives.
    pub body: u64,
    /// A whole body, inflated.
    pub inflated: u64,
}

impl Default for SizeLimits {
    /// Relay's limits, except that attachments, which are kept in the database, are smaller.
    fn default() -> Self {
        Self {
            event: 1 << 20,
            attachment: 10 << 20,
            attachments: 20 << 20,
            body: 200 << 20,
            inflated: 200 << 20,
        }
    }
}

/// Taken items of one envelope; what comes after is refused.
pub const MAX_ITEMS: usize = 100;

/// Refused items, by what they count as and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusals(BTreeMap<(DataCategory, Reason), u64>);

impl Refusals {
    /// Adds one.
    pub fn add(&mut self, category: DataCategory, reason: Reason) {
        *self.0.entry((category, reason)).or_default() += 1;
    }

    /// The sums.
    pub fn iter(&self) -> impl Iterator<Item = (DataCategory, Reason, u64)> {
        self.0.iter().map(|((category, reason), quantity)| (*category, *reason, *quantity))
    }

    /// Whether nothing was refused.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The reason of the first refusal.
    pub fn first_reason(&self) -> Option<Reason> {
        self.0.keys().next().map(|(_, reason)| *reason)
    }
}

/// Decides item by item.
#[derive(Debug)]
pub struct Admission {
    limits: SizeLimits,
    items: usize,
    attachment_bytes: u64,
}

impl Admission {
    /// At the start of an envelope.
    pub fn new(limits: SizeLimits) -> Self {
        Self { limits, items: 0, attachment_bytes: 0 }
    }

    /// Whether an item may be taken, by its header; if so, how large its payload may become.
    pub fn begin(&self, header: &ItemHeader) -> Result<u64, Reason> {
        let limit = match header.item_type {
            ItemType::Event | ItemType::RawSecurity => self.limits.event,
            ItemType::Attachment => {
                let left = self.limits.attachments.saturating_sub(self.attachment_bytes);
                self.limits.attachment.min(left)
            }
            _ => return Err(Reason::UnsupportedItem),
        };
        if self.items >= MAX_ITEMS {
            return Err(Reason::TooManyItems);
        }
        if header.length.is_some_and(|length| length > limit) {
            return Err(Reason::TooLarge);
        }
        Ok(limit)
    }

    /// Takes an item of this size.
    pub fn take(&mut self, item_type: &ItemType, bytes: u64) {
        self.items += 1;
        if *item_type == ItemType::Attachment {
            self.attachment_bytes += bytes;
        }
    }
}

/// How much waits to be digested.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Envelopes.
    pub rows: u64,
    /// Age of the oldest, in seconds.
    pub oldest_seconds: u64,
}

impl Backlog {
    /// Whether no more should be taken.
    pub fn exceeds(&self, limit: &Self) -> bool {
        self.rows > limit.rows || self.oldest_seconds > limit.oldest_seconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(item_type: ItemType, length: Option<u64>) -> ItemHeader {
        ItemHeader { length, ..ItemHeader::new(item_type) }
    }

    #[test]
    fn items_are_told_apart_by_type_size_and_number() {
        let limits = SizeLimits::default();
        let mut admission = Admission::new(limits);
        assert_eq!(admission.begin(&header(ItemType::Event, Some(10))), Ok(1 << 20));
        assert_eq!(admission.begin(&header(ItemType::Event, None)), Ok(1 << 20));
        let large = header(ItemType::Event, Some((1 << 20) + 1));
        assert_eq!(admission.begin(&large), Err(Reason::TooLarge));
        let unknown = header(ItemType::Unknown("new".into()), Some(1));
        assert_eq!(admission.begin(&unknown), Err(Reason::UnsupportedItem));
        for _ in 0..MAX_ITEMS {
            admission.take(&ItemType::Event, 10);
        }
        let event = header(ItemType::Event, Some(10));
        assert_eq!(admission.begin(&event), Err(Reason::TooManyItems));
    }

    #[test]
    fn attachments_share_what_an_envelope_may_hold() {
        let limits = SizeLimits { attachment: 100, attachments: 150, ..SizeLimits::default() };
        let mut admission = Admission::new(limits);
        assert_eq!(admission.begin(&header(ItemType::Attachment, Some(100))), Ok(100));
        admission.take(&ItemType::Attachment, 100);
        let second = header(ItemType::Attachment, Some(100));
        assert_eq!(admission.begin(&second), Err(Reason::TooLarge));
        assert_eq!(admission.begin(&header(ItemType::Attachment, Some(50))), Ok(50));
        assert_eq!(admission.begin(&header(ItemType::Event, Some(100))), Ok(1 << 20));
    }

    #[test]
    fn a_backlog_is_too_long_by_rows_or_by_age() {
        let limit = Backlog { rows: 10, oldest_seconds: 60 };
        assert!(!limit.exceeds(&limit));
        assert!(Backlog { rows: 11, oldest_seconds: 0 }.exceeds(&limit));
        assert!(Backlog { rows: 1, oldest_seconds: 61 }.exceeds(&limit));
    }
}
