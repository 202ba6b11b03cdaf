//! An error and what led to it, in one line.

use std::error::Error;
use std::fmt;

/// Shows an error, its cause, the cause's cause, and so on, with colons between.
///
/// An error that is logged by its own text alone says that something failed and not why.
#[derive(Debug, Clone, Copy)]
pub struct Causes<'e>(pub &'e (dyn Error + Sync));

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the letter was not written")]
    struct NotWritten(#[source] fmt::Error);

    #[test]
    fn every_cause_is_told() {
        let text = Causes(&NotWritten(fmt::Error)).to_string();
        assert!(text.starts_with("the letter was not written: an error occurred"), "{text}");
    }
}
