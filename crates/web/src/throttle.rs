//! What must not be tried too often, and how often that is.

/// Something that must not be tried too often. The codes are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i16)]
pub(crate) enum Attempt {
    /// Inviting people, by who invites.
    Invitation = 1,
}

impl Attempt {
    /// The stored code.
    pub(crate) fn code(self) -> i16 {
        self as i16
    }
}
