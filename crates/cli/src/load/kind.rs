//! What kinds of envelopes are sent, and how many of each.

use mishap_protocol::envelope::DataCategory;
use serde::Serialize;

/// A kind of envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Event,
    EventWithAttachment,
    Transaction,
    Session,
    ClientReport,
    /// It cannot be read.
    Malformed,
}

impl Kind {
    pub(super) const ALL: [Self; 6] = [
        Self::Event,
        Self::EventWithAttachment,
        Self::Transaction,
        Self::Session,
        Self::ClientReport,
        Self::Malformed,
    ];

    /// How many of 1,000 envelopes of a load test are of this kind.
    fn per_mille(self) -> u32 {
        match self {
            Self::Event => 800,
            Self::EventWithAttachment => 30,
            Self::Transaction => 100,
            Self::Session | Self::ClientReport => 25,
            Self::Malformed => 20,
        }
    }

    /// The kind at a place between 0 and 1.
    pub(super) fn at(place: f64) -> Self {
        let mut passed = 0;
        let is_here = |kind: &Self| {
            passed += kind.per_mille();
            place * 1000.0 < f64::from(passed)
        };
        Self::ALL.into_iter().find(is_here).unwrap_or(Self::Event)
    }

    /// What people call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::EventWithAttachment => "event with an attachment",
            Self::Transaction => "transaction",
            Self::Session => "session",
            Self::ClientReport => "client report",
            Self::Malformed => "malformed",
        }
    }

    /// What its items count as.
    pub(super) fn items(self) -> &'static [DataCategory] {
        match self {
            Self::Event => &[DataCategory::Error],
            Self::EventWithAttachment => &[DataCategory::Error, DataCategory::Attachment],
            Self::Transaction => &[DataCategory::Transaction],
            Self::Session => &[DataCategory::Session],
            Self::ClientReport => &[DataCategory::Default],
            Self::Malformed => &[],
        }
    }

    /// Whether there is an event in it that is to be stored.
    pub(super) fn is_event(self) -> bool {
        self.items().contains(&DataCategory::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_met_as_often_as_they_should() {
        assert_eq!(Kind::ALL.iter().map(|kind| kind.per_mille()).sum::<u32>(), 1000);
        let kinds: Vec<_> = (0..1000).map(|place| Kind::at(f64::from(place) / 1000.0)).collect();
        let counts = Kind::ALL.map(|kind| kinds.iter().filter(|it| **it == kind).count());
        assert_eq!(counts, [800, 30, 100, 25, 25, 20]);
    }
}
