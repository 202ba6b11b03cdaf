//! Redis: the fast path, and the second chance.
//!
//! Redis holds nothing that PostgreSQL does not hold too, with one exception: while PostgreSQL is
//! away, envelopes are kept in the [`overflow`] until they can be moved into the inbox. Everything
//! else are [`hints`]: "look at these rows". A hint that is lost costs seconds, because a sweep finds
//! what has none; so flushing Redis at any moment loses no event and no job.
//!
//! This crate decides nothing and implements no job.

pub mod hints;
pub mod job;
mod keys;
pub mod overflow;
mod redis;
pub mod vitals;

pub use self::keys::Keys;
pub use self::redis::{ConfigError, Error, Redis, RedisConfig, Server};
