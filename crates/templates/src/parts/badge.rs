//! How bad, or how good, something is: a drawing, a word and a colour.

use maud::{Markup, html};

use super::Glyph;

/// How bad, or how good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// All is lost.
    Fatal,
    /// Something failed.
    Error,
    /// Something may fail.
    Warning,
    /// Worth knowing.
    Info,
    /// All is well.
    Ok,
    /// Neither.
    Neutral,
}

impl Level {
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Fatal => "fatal",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Ok => "ok",
            Self::Neutral => "neutral",
        }
    }

    pub(crate) fn glyph(self) -> Glyph {
        match self {
            Self::Fatal => Glyph::Fatal,
            Self::Error => Glyph::Error,
            Self::Warning => Glyph::Warning,
            Self::Info => Glyph::Info,
            Self::Ok => Glyph::Ok,
            Self::Neutral => Glyph::Neutral,
        }
    }

    fn is_bad(self) -> bool {
        matches!(self, Self::Fatal | Self::Error)
    }
}

/// A word with a level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Badge {
    /// How bad.
    pub level: Level,
    /// The word.
    pub text: String,
}

impl Badge {
    /// A word with a level.
    pub fn new(level: Level, text: impl Into<String>) -> Self {
        Self { level, text: text.into() }
    }

    pub(crate) fn show(&self) -> Markup {
        html! {
            span.badge.(self.level.class()) { (self.level.glyph().show()) bdi { (self.text) } }
        }
    }
}

/// A sentence that must be seen; what is bad is said at once by screen readers.
pub(crate) fn notice(level: Level, text: &Markup) -> Markup {
    let role = if level.is_bad() { "alert" } else { "status" };
    html! {
        div.notice.(level.class()) role=(role) { (level.glyph().show()) div { bdi { (text) } } }
    }
}
