//! Which events have the same cause.
//!
//! A mechanism makes a hash of an event; events of a project with the same hash are one issue.
//! Mechanisms are versioned and never change once released: a better one gets a new name. Every
//! mechanism's hash is computed and stored for each event's issue, so that a project can move to
//! another mechanism and its issues stay whole (see [`choose`]).

mod glitchtip;
mod parameterize;
mod stack;

use std::fmt;

use mishap_protocol::event::Event;

pub use self::parameterize::parameterize;
use crate::id::IssueId;
use crate::issue::stored_enum;

stored_enum! {
    /// A way of telling which events have the same cause.
    GroupingMechanism {
        /// GlitchTip's: title, culprit and type, bit by bit. For moving in.
        GlitchTip = 1, "glitchtip";
        /// Ours: the program's own frames, else the message without its variable parts.
        Stack1 = 2, "stack-1";
    }
}

impl GroupingMechanism {
    /// What new projects get.
    pub const DEFAULT: Self = Self::Stack1;
}

/// 128 bits that events of one issue share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupingHash(pub [u8; 16]);

impl fmt::Display for GroupingHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// An event's hash under each mechanism.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupingHashes {
    /// By [`GroupingMechanism::GlitchTip`].
    pub glitchtip: GroupingHash,
    /// By [`GroupingMechanism::Stack1`].
    pub stack_1: GroupingHash,
}

impl GroupingHashes {
    /// Computes every mechanism's hash of a normalized event.
    pub fn of(event: &Event<'_>) -> Self {
        Self { glitchtip: glitchtip::hash(event), stack_1: stack::hash(event) }
    }

    /// The hash under one mechanism.
    pub fn get(&self, mechanism: GroupingMechanism) -> GroupingHash {
        match mechanism {
            GroupingMechanism::GlitchTip => self.glitchtip,
            GroupingMechanism::Stack1 => self.stack_1,
        }
    }

    /// Every mechanism with its hash.
    pub fn iter(&self) -> impl Iterator<Item = (GroupingMechanism, GroupingHash)> {
        GroupingMechanism::ALL.iter().map(|mechanism| (*mechanism, self.get(*mechanism)))
    }
}

/// A stored hash of an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownHash {
    /// The mechanism that made it.
    pub mechanism: GroupingMechanism,
    /// The hash.
    pub hash: GroupingHash,
    /// The issue it belongs to.
    pub issue: IssueId,
    /// Whether it is what the issue was founded on; the others were written down beside it.
    pub decides: bool,
}

/// The issue an event belongs to, if one of the hashes known for the project says so.
///
/// First counts the hash that founded an issue under the project's own mechanism, then one that
/// founded an issue under another mechanism, so that a project that changed its mechanism keeps its
/// issues whole, and last a hash of the project's mechanism that was written down for an issue
/// founded under another one. Under a mechanism that the project never used, a hash says nothing.
pub fn choose(
    hashes: &GroupingHashes,
    mechanism: GroupingMechanism,
    known: &[KnownHash],
) -> Option<IssueId> {
    let matches = |known: &&KnownHash| hashes.get(known.mechanism) == known.hash;
    let rank = |known: &KnownHash| match (known.mechanism == mechanism, known.decides) {
        (true, true) => Some(0),
        (false, true) => Some(1),
        (true, false) => Some(2),
        (false, false) => None,
    };
    let ranked = known.iter().filter(matches).filter_map(|known| Some((rank(known)?, known.issue)));
    ranked.min().map(|(_, issue)| issue)
}

#[cfg(test)]
mod tests;
