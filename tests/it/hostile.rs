//! What clients do that mean harm, or are broken in ways that look like it.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must stop")]

mod bombs;
mod floods;
mod shapes;
mod slow;
mod zeros;
