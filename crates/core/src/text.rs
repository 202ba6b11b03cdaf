//! Cutting text to a length, always between characters.

use std::borrow::Cow;

/// The first `characters` of a text.
pub fn truncated(text: &str, characters: usize) -> &str {
    // No text has more characters than bytes.
    if text.len() <= characters {
        return text;
    }
    match text.char_indices().nth(characters) {
        Some((end, _)) => text.get(..end).unwrap_or(text),
        None => text,
    }
}

/// A text of at most `characters`, the last one an ellipsis if something was cut.
pub fn ellipsized(text: &str, characters: usize) -> Cow<'_, str> {
    if truncated(text, characters).len() == text.len() {
        return text.into();
    }
    format!("{}…", truncated(text, characters - 1)).into()
}

/// What Python takes for the end of a line.
const LINE_ENDS: [char; 10] =
    ['\n', '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}', '\u{2029}'];

/// The text up to its first line end, as Python sees it.
pub fn first_line(text: &str) -> &str {
    text.split(LINE_ENDS).next().unwrap_or_default()
}

/// Cuts a text in place to at most `characters`; says whether something was cut.
pub fn truncate(text: &mut Cow<'_, str>, characters: usize) -> bool {
    let kept = truncated(text, characters).len();
    if kept == text.len() {
        return false;
    }
    match text {
        Cow::Borrowed(borrowed) => *borrowed = truncated(borrowed, characters),
        Cow::Owned(owned) => owned.truncate(kept),
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(truncated("añb", 2), "añ");
        assert_eq!(truncated("añb", 3), "añb");
        assert_eq!(ellipsized("abcd", 4), "abcd");
        assert_eq!(ellipsized("abcde", 4), "abc…");
        assert_eq!(ellipsized("añbñc", 4), "añb…");
        let mut text = Cow::Borrowed("ñandú");
        assert!(truncate(&mut text, 2));
        assert_eq!(text, "ña");
        assert!(!truncate(&mut text, 2));
    }

    #[test]
    fn a_line_ends_where_any_system_ends_it() {
        for end in ["\n", "\r\n", "\r", "\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}"] {
            assert_eq!(first_line(&format!("a b{end}c\nd")), "a b", "{end:?}");
        }
        assert_eq!(first_line("\nb"), "");
        assert_eq!(first_line("a\tb"), "a\tb");
        assert_eq!(first_line(""), "");
    }
}
