//! What must hold of the code itself, and no compiler checks.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod architecture;
mod cargo;
mod dependencies;
mod edges;
mod environment;
mod files;
mod licences;
mod lints;
mod migrations;
pub(crate) mod sources;

pub(crate) use self::cargo::workspace;
