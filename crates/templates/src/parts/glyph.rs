//! Small drawings, always beside a word.

use maud::{Markup, html};

/// A drawing in the colour of the text around it. It says nothing that a word does not say too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Glyph {
    Ok,
    Info,
    Warning,
    Error,
    Fatal,
    Neutral,
    Previous,
    Next,
    Down,
    Menu,
    Copy,
    Key,
}

impl Glyph {
    /// Strokes in a square of 16.
    fn strokes(self) -> &'static str {
        match self {
            Self::Ok => "M2.5 8.5 6.5 12.5 13.5 4",
            Self::Info => "M8 1.75a6.25 6.25 0 1 0 0 12.5 6.25 6.25 0 0 0 0-12.5M8 7.5v3.5M8 5v.01",
            Self::Warning => "M8 2 1.5 13.75h13zM8 6.5v3.25M8 11.75v.01",
            Self::Error => {
                "M8 1.75a6.25 6.25 0 1 0 0 12.5 6.25 6.25 0 0 0 0-12.5M8 4.75v4M8 11v.01"
            }
            Self::Fatal => {
                "M5.4 1.75h5.2l3.65 3.65v5.2l-3.65 3.65H5.4L1.75 10.6V5.4zM6 6l4 4M10 6l-4 4"
            }
            Self::Neutral => "M8 3.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9",
            Self::Previous => "M10 3.5 5.5 8l4.5 4.5",
            Self::Next => "M6 3.5 10.5 8 6 12.5",
            Self::Down => "M4 6.25 8 10.25 12 6.25",
            Self::Menu => "M2.5 4h11M2.5 8h11M2.5 12h11",
            Self::Copy => "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
            Self::Key => {
                "M10.5 2a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7M8 8l-5.5 5.5M4 12l1.75 1.75M11 5v.01"
            }
        }
    }

    pub(crate) fn show(self) -> Markup {
        html! {
            svg.glyph viewBox="0 0 16 16" aria-hidden="true" { path d=(self.strokes()) {} }
        }
    }
}
