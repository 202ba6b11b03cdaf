//! What SDKs say: DSNs, authentication, compressed bodies, envelopes and events.
//!
//! This crate reads the Sentry protocol leniently and writes it back. It holds no policy, no limit
//! that an operator may change, and does no IO. Reading never panics, unknown things are kept, and
//! one bad field never costs the event it came in.

#![deny(clippy::indexing_slicing)]

pub mod auth;
pub mod compression;
pub mod dsn;
pub mod envelope;
pub mod event;
pub mod json;
pub mod minidump;
pub mod security;
