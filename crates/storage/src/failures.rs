//! Counts what goes wrong between us and PostgreSQL, by what an operator would do about it.

use diesel::result::{DatabaseErrorKind, Error};
use metrics::counter;

use crate::complaints;

/// A kind of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The server cannot be reached, or went away.
    Connection,
    /// It does not take writes: it is a replica, or told not to.
    ReadOnly,
    /// Others were faster; it is tried again.
    Serialization,
    /// Several waited for each other; one of them tries again.
    Deadlock,
    /// A statement or a lock took too long.
    Timeout,
    /// The disk is full.
    DiskFull,
    /// Anything else that should not be.
    Other,
}

impl Failure {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Connection,
        Self::ReadOnly,
        Self::Serialization,
        Self::Deadlock,
        Self::Timeout,
        Self::DiskFull,
        Self::Other,
    ];

    /// What it is called in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::ReadOnly => "readonly",
            Self::Serialization => "serialization",
            Self::Deadlock => "deadlock",
            Self::Timeout => "timeout",
            Self::DiskFull => "disk_full",
            Self::Other => "other",
        }
    }

    /// The kind of a failure; nothing if it is none, but an answer: that there is no row, or one
    /// already.
    fn of(error: &Error) -> Option<Self> {
        let Error::DatabaseError(kind, information) = error else {
            return match error {
                Error::NotFound | Error::RollbackTransaction => None,
                Error::BrokenTransactionManager => Some(Self::Connection),
                _ => Some(Self::Other),
            };
        };
        match kind {
            DatabaseErrorKind::UniqueViolation
            | DatabaseErrorKind::ForeignKeyViolation
            | DatabaseErrorKind::CheckViolation
            | DatabaseErrorKind::ExclusionViolation => None,
            DatabaseErrorKind::UnableToSendCommand | DatabaseErrorKind::ClosedConnection => {
                Some(Self::Connection)
            }
            DatabaseErrorKind::ReadOnlyTransaction => Some(Self::ReadOnly),
            DatabaseErrorKind::SerializationFailure => Some(Self::Serialization),
            _ => Some(complaints::of_text(information.message()).0),
        }
    }
}

/// Counts a failed statement, if it failed.
pub(crate) fn count_error(error: &Error) {
    if let Some(failure) = Failure::of(error) {
        count(failure);
    }
}

/// Counts a failure.
pub(crate) fn count(failure: Failure) {
    counter!("glitchtip_db_errors_total", "class" => failure.name()).increment(1);
}

/// Lets every kind be known before the first one of it.
pub fn begin_counting() {
    for failure in Failure::ALL {
        counter!("glitchtip_db_errors_total", "class" => failure.name()).increment(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: DatabaseErrorKind, text: &str) -> Error {
        Error::DatabaseError(kind, Box::new(text.to_owned()))
    }

    #[test]
    fn an_answer_is_no_failure() {
        assert_eq!(Failure::of(&Error::NotFound), None);
        assert_eq!(Failure::of(&error(DatabaseErrorKind::UniqueViolation, "twice")), None);
    }

    #[test]
    fn failures_are_told_apart() {
        let unknown = DatabaseErrorKind::Unknown;
        for (kind, text, failure) in [
            (DatabaseErrorKind::ClosedConnection, "", Failure::Connection),
            (DatabaseErrorKind::ReadOnlyTransaction, "", Failure::ReadOnly),
            (DatabaseErrorKind::SerializationFailure, "", Failure::Serialization),
            (unknown, "deadlock detected", Failure::Deadlock),
            (unknown, "canceling statement due to lock timeout", Failure::Timeout),
            (unknown, "could not obtain lock on relation \"x\"", Failure::Timeout),
            (unknown, "canceling statement due to statement timeout", Failure::Timeout),
            (unknown, "could not extend file \"x\": No space left", Failure::DiskFull),
            (unknown, "the database system is shutting down", Failure::Connection),
            (unknown, "sorry, too many clients already", Failure::Connection),
            (unknown, "column \"x\" does not exist", Failure::Other),
        ] {
            assert_eq!(Failure::of(&error(kind, text)), Some(failure), "{text}");
        }
    }
}
