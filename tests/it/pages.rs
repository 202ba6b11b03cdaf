//! The pages that people see.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod tokens;
