//! Envelopes that are given up: what was in them is counted, so that everything received has ended.

use chrono::{DateTime, Utc};
use mishap_protocol::compression::{Codings, inflate};
use mishap_protocol::envelope::{DataCategory, Envelope};

use crate::id::ProjectId;
use crate::outcome::Reason;
use crate::tally::Tally;

/// Largest envelope that is opened to be counted, in bytes.
const MAX_ENVELOPE: usize = 64 << 20;

/// An envelope that is given up.
#[derive(Debug, Clone, Copy)]
pub struct Abandoned<'a> {
    /// The project it was sent to.
    pub project: ProjectId,
    /// When it was acknowledged.
    pub received: DateTime<Utc>,
    /// How the payload is compressed, if that is known.
    pub codings: Option<&'a Codings>,
    /// Places of items that were refused, and counted, when it arrived.
    pub skip: &'a [u16],
    /// The envelope.
    pub payload: &'a [u8],
}

impl Abandoned<'_> {
    /// Counts its items as given up. What cannot be read counts as one.
    pub fn count(&self, tally: &mut Tally) {
        let Self { project, received, codings, skip, payload } = *self;
        let (plain, _broken_off) = match codings {
            Some(codings) => inflate(codings, payload, MAX_ENVELOPE),
            None => inflate(&Codings::default(), payload, MAX_ENVELOPE),
        };
        let envelope = Envelope::read_beginning(&plain).unwrap_or_default();
        let mut counted = 0;
        for (place, item) in envelope.items.iter().enumerate() {
            let is_skipped = skip.iter().any(|skip| usize::from(*skip) == place);
            if item.is_whole && !is_skipped {
                let category = item.header.item_type.category();
                tally.count(project, received, category, Reason::Poison, 1);
                counted += 1;
            }
        }
        if counted == 0 {
            tally.count(project, received, DataCategory::Default, Reason::Poison, 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::category_code;

    /// What is counted: category and quantity.
    fn counted(payload: &[u8], skip: &[u16]) -> Vec<(i16, u64)> {
        let abandoned = Abandoned {
            project: ProjectId(1),
            received: DateTime::UNIX_EPOCH,
            codings: Some(&Codings::default()),
            skip,
            payload,
        };
        let mut tally = Tally::default();
        abandoned.count(&mut tally);
        tally.outcomes.into_iter().map(|(key, quantity)| (key.category, quantity)).collect()
    }

    #[test]
    fn items_count_as_what_they_are_unless_they_were_counted_before() {
        let envelope = b"{}\n{\"type\":\"event\"}\n{}\n{\"type\":\"session\"}\n{}\n";
        let error = (category_code(DataCategory::Error), 1);
        let session = (category_code(DataCategory::Session), 1);
        assert_eq!(counted(envelope, &[]), [error, session]);
        assert_eq!(counted(envelope, &[1]), [error]);
    }

    #[test]
    fn what_cannot_be_read_counts_as_one() {
        let unknown = (category_code(DataCategory::Default), 1);
        assert_eq!(counted(b"\xff", &[]), [unknown]);
        assert_eq!(counted(b"{}\n{\"type\":\"event\"}\n{}\n", &[0]), [unknown]);
    }
}
