//! What can go wrong between us and PostgreSQL.

use diesel::result::DatabaseErrorKind;
use diesel_async::pooled_connection::deadpool::PoolError;

use crate::bodies::PackError;
use crate::{complaints, failures};

/// A database operation failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection could be had.
    #[error("no connection to PostgreSQL")]
    Unavailable(#[source] PoolError),
    /// The statement failed.
    #[error("the database refused a statement")]
    Query(#[source] diesel::result::Error),
    /// The operation took too long.
    #[error("PostgreSQL did not answer in time")]
    Timeout,
    /// A body could not be compressed for want of memory.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// A stored value is none that this version can have written.
    #[error("a row of {table} is not what it should be: {what}")]
    Inconsistent {
        /// Where it is.
        table: &'static str,
        /// What is wrong.
        what: String,
    },
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        failures::count_error(&error);
        Self::Query(error)
    }
}

/// What a caller can do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// The database cannot be reached or does not accept writes: try elsewhere or later.
    Unavailable,
    /// Somebody else was faster: try again.
    Conflict,
    /// The statement or its data are at fault: trying again gives the same.
    Fault,
}

impl Error {
    /// What a caller can do about it.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Unavailable(_) | Self::Timeout | Self::Pack(_) => ErrorClass::Unavailable,
            Self::Inconsistent { .. } => ErrorClass::Fault,
            Self::Query(error) => class_of(error),
        }
    }
}

/// What a caller can do about a failed statement.
pub(crate) fn class_of(error: &diesel::result::Error) -> ErrorClass {
    use diesel::result::Error::{BrokenTransactionManager, DatabaseError};
    match error {
        BrokenTransactionManager => ErrorClass::Unavailable,
        DatabaseError(
            DatabaseErrorKind::UnableToSendCommand
            | DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::ReadOnlyTransaction,
            _,
        ) => ErrorClass::Unavailable,
        DatabaseError(
            DatabaseErrorKind::SerializationFailure | DatabaseErrorKind::UniqueViolation,
            _,
        ) => ErrorClass::Conflict,
        DatabaseError(DatabaseErrorKind::Unknown, information) => {
            complaints::of_text(information.message()).1
        }
        _ => ErrorClass::Fault,
    }
}

/// The result of a database operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;
