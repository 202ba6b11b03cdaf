//! Texts to copy: secrets, commands, codes.

use std::fmt;

use maud::{Markup, html};

use super::Glyph;

/// A secret that is shown to the person it belongs to, and nowhere else.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret that a page is made to show.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Copies the text of the element with this id; there only with the script.
pub(crate) fn copy_button(id: &str) -> Markup {
    html! {
        button.button.scripted type="button" data-copy=(id) data-copied="Copied"
            data-selected="Selected" {
            (Glyph::Copy.show()) span aria-live="polite" { "Copy" }
        }
    }
}

/// A text on a line of its own, with a button that copies it.
pub(crate) fn secret_block(id: &str, text: &str) -> Markup {
    html! {
        div.secret { div { code id=(id) { (text) } } (copy_button(id)) }
    }
}

/// A QR code: dark squares on a light ground, whatever the theme.
#[derive(Clone, PartialEq, Eq)]
pub struct QrCode {
    size: u32,
    squares: String,
}

impl QrCode {
    /// Reads the SVG that the `qrcode` crate draws, and takes nothing from it but the size and the
    /// path, so that no markup gets into the page. `None` if it is not such a drawing.
    pub fn parse(svg: &str) -> Option<Self> {
        let (_, rest) = svg.split_once("viewBox=\"0 0 ")?;
        let (size, _) = rest.split_once(' ')?;
        let (_, rest) = svg.split_once(" d=\"")?;
        let (squares, _) = rest.split_once('"')?;
        let draws = |letter: char| matches!(letter, 'M' | 'h' | 'v' | 'H' | 'V' | ' ' | '0'..='9');
        let is_path = !squares.is_empty() && squares.chars().all(draws);
        is_path.then_some(Self { size: size.parse().ok()?, squares: squares.to_owned() })
    }

    pub(crate) fn show(&self, label: &str) -> Markup {
        html! {
            svg.qr viewBox={ "0 0 " (self.size) " " (self.size) } role="img" aria-label=(label)
                shape-rendering="crispEdges" { path fill="#000" d=(self.squares) {} }
        }
    }
}

impl fmt::Debug for QrCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("QrCode(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_is_reduced_to_its_squares() {
        let svg = r##"<?xml version="1.0" standalone="yes"?><svg xmlns="x" width="58" height="58"
            viewBox="0 0 58 58" shape-rendering="crispEdges"><rect fill="#fff"/><path fill="#000"
            d="M8 8h2v2H8V8M12 8h2v2H12V8"/></svg>"##;
        let code = QrCode::parse(svg).unwrap();
        assert_eq!((code.size, code.squares.as_str()), (58, "M8 8h2v2H8V8M12 8h2v2H12V8"));
        for wrong in [
            "",
            "<svg viewBox=\"0 0 58 58\"><path d=\"\"/></svg>",
            "<svg viewBox=\"0 0 x 58\"><path d=\"M1\"/></svg>",
            "<svg viewBox=\"0 0 58 58\"><path d=\"M1&quot;onload=alert(1)\"/></svg>",
        ] {
            assert_eq!(QrCode::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        let code = QrCode { size: 1, squares: "M1".to_owned() };
        assert_eq!(format!("{:?} {code:?}", Secret::new("x")), "Secret(…) QrCode(…)");
    }
}
