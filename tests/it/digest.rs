//! The digest, from rows of the inbox to issues, events and statistics, on a real PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod dictionaries;
mod endings;
mod exactly_once;
mod hostile;
mod issues;
mod names;
mod poison;
mod scrubbing;
mod statistics;
mod together;
