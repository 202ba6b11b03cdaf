//! What must hold whatever the bytes are.
//!
//! Each target is a pure function that panics when a property is broken. The fuzzer (`tests/fuzz`)
//! calls it with what it makes up; the integration test calls it with the corpus in
//! `tests/fixtures/fuzz` and with mutations of it. So whatever the fuzzer finds becomes a test by
//! putting the input into the corpus.

mod auth;
mod compression;
mod envelope;
mod event;

/// One function that takes any bytes.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name: the corpus's folder and the fuzzer's binary.
    pub name: &'static str,
    /// Panics if a property does not hold.
    pub check: fn(&[u8]),
}

/// Every target.
pub const TARGETS: &[Target] = &[AUTH, COMPRESSION, ENVELOPE, EVENT];

/// Headers, queries and DSNs: who a client says it is.
pub const AUTH: Target = Target { name: "auth", check: auth::check };

/// Bodies: what they inflate to.
pub const COMPRESSION: Target = Target { name: "compression", check: compression::check };

/// Envelopes: where items begin and end.
pub const ENVELOPE: Target = Target { name: "envelope", check: envelope::check };

/// Events and security reports: decoding, normalizing, grouping, scrubbing, printing.
pub const EVENT: Target = Target { name: "event", check: event::check };
