//! What PostgreSQL says in words alone: the driver hands over the text of what it has no name for.

use crate::error::ErrorClass;
use crate::failures::Failure;

/// What texts have in them, what that counts as, and what a caller can do about it.
const COMPLAINTS: &[(&str, Failure, ErrorClass)] = &[
    ("deadlock detected", Failure::Deadlock, ErrorClass::Conflict),
    ("lock timeout", Failure::Timeout, ErrorClass::Conflict),
    ("could not obtain lock", Failure::Timeout, ErrorClass::Conflict),
    ("statement timeout", Failure::Timeout, ErrorClass::Unavailable),
    ("No space left", Failure::DiskFull, ErrorClass::Unavailable),
    ("could not extend file", Failure::DiskFull, ErrorClass::Unavailable),
    ("terminating connection", Failure::Connection, ErrorClass::Unavailable),
    ("connection closed", Failure::Connection, ErrorClass::Unavailable),
    ("connection to client lost", Failure::Connection, ErrorClass::Unavailable),
    ("the database system is", Failure::Connection, ErrorClass::Unavailable),
    ("too many clients", Failure::Connection, ErrorClass::Unavailable),
    ("remaining connection slots", Failure::Connection, ErrorClass::Unavailable),
    ("out of memory", Failure::Other, ErrorClass::Unavailable),
];

/// What a text counts as, and what a caller can do about it.
pub(crate) fn of_text(text: &str) -> (Failure, ErrorClass) {
    COMPLAINTS
        .iter()
        .find(|(words, _, _)| text.contains(words))
        .map_or((Failure::Other, ErrorClass::Fault), |(_, failure, class)| (*failure, *class))
}
