//! Real SDKs send to the running product, and what they sent is read back through its API.
//!
//! The SDKs for Python and Node.js are installed once, in the versions that are pinned here, into
//! `target/sdks`; so are Schemathesis, which reads the API's description and asks for everything in it,
//! the clients by which operators automate the product, a mail server that it sends to, and the identity
//! provider that people come from in other tests.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must stop")]

mod api;
pub(crate) mod install;
mod mail;
mod node;
mod python;
mod reconciler;
mod rust;
mod schemathesis;
mod script;
mod sentry_cli;
