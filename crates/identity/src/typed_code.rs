//! Codes as people type them.

/// Far more than any code has, with all the spaces one might put in.
const MAX_BYTES: usize = 64;

/// The digits of a typed code, without the spaces and dashes that people put between them; nothing
/// if there is anything else.
pub(crate) fn digits(typed: &str) -> Option<String> {
    if typed.len() > MAX_BYTES {
        return None;
    }
    let is_separator = |c: char| c.is_whitespace() || c == '-';
    let digits: String = typed.chars().filter(|c| !is_separator(*c)).collect();
    digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(digits)
}
