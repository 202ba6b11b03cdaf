//! Which values look like secrets, whatever their key.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use mishap_protocol::event::Text;

use super::FILTERED;

/// Shortest and longest payment card number, in digits.
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

/// Filters card numbers and private keys out of a text; says whether there were any.
pub(super) fn scrub_text(text: &mut Text<'_>) -> bool {
    let cards = has_long_number(text) && scrub_cards(text);
    scrub_private_key(text) || cards
}

/// Whether a card number may hide in the text: quick, and right nearly always.
fn has_long_number(text: &str) -> bool {
    if !has_long_run(text) {
        return false;
    }
    let mut digits = 0;
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' => {
                digits += 1;
                if digits >= *CARD_DIGITS.start() {
                    return true;
                }
            }
            b' ' | b'-' => {}
            _ => digits = 0,
        }
    }
    false
}

/// Whether digits, blanks and dashes may follow each other for as long as a card number: of 13 bytes
/// in a row, two are looked at.
fn has_long_run(text: &str) -> bool {
    let mut is_run = false;
    for byte in text.bytes().step_by(6) {
        let belongs = matches!(byte, b'0'..=b'9' | b' ' | b'-');
        if belongs && is_run {
            return true;
        }
        is_run = belongs;
    }
    false
}

/// A run of digits, grouped by single blanks or dashes.
struct Run {
    start: usize,
    end: usize,
    digits: Vec<u8>,
}

fn scrub_cards(text: &mut Text<'_>) -> bool {
    let mut out = String::new();
    let mut kept = 0;
    for run in runs(text) {
        if is_card(&run.digits) {
            out.push_str(text.get(kept..run.start).unwrap_or_default());
            out.push_str(FILTERED);
            kept = run.end;
        }
    }
    if kept == 0 {
        return false;
    }
    out.push_str(text.get(kept..).unwrap_or_default());
    *text = out.into();
    true
}

fn runs(text: &str) -> Vec<Run> {
    let bytes = text.as_bytes();
    let mut runs = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let after_word = at > 0
            && bytes.get(at - 1).is_some_and(|before| {
                before.is_ascii_alphanumeric() || matches!(before, b'.' | b'_')
            });
        if !byte.is_ascii_digit() || after_word {
            at += 1;
            continue;
        }
        let mut run = Run { start: at, end: at, digits: Vec::new() };
        while let Some(byte) = bytes.get(at) {
            if byte.is_ascii_digit() {
                run.digits.push(byte - b'0');
                run.end = at + 1;
            } else if !(matches!(byte, b' ' | b'-') && run.end == at) {
                break;
            }
            at += 1;
        }
        let before_word = bytes
            .get(run.end)
            .is_some_and(|behind| behind.is_ascii_alphabetic() || *behind == b'_');
        if !before_word {
            runs.push(run);
        }
    }
    runs
}

/// Whether digits are a card number: an issuer's first digit, a card's length, and a check digit
/// that fits (Luhn).
fn is_card(digits: &[u8]) -> bool {
    if !CARD_DIGITS.contains(&digits.len()) || !matches!(digits.first(), Some(2..=6)) {
        return false;
    }
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(*digit);
            if place % 2 == 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 }
        })
        .sum();
    sum.is_multiple_of(10)
}

fn scrub_private_key(text: &mut Text<'_>) -> bool {
    const BEGIN: &str = "-----BEGIN ";
    const END: &str = "-----END ";
    static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(BEGIN));
    if text.len() < BEGIN.len() {
        return false;
    }
    let Some(start) = FINDER.find(text.as_bytes()) else {
        return false;
    };
    let label = text.get(start + BEGIN.len()..).unwrap_or_default();
    let label = label.split("-----").next().unwrap_or_default();
    if !label.ends_with("PRIVATE KEY") {
        return false;
    }
    let end = text
        .find(END)
        .and_then(|end| {
            let behind = text.get(end + END.len()..)?;
            Some(end + END.len() + behind.find("-----")? + 5)
        })
        .unwrap_or(text.len());
    let before = text.get(..start).unwrap_or_default();
    let behind = text.get(end..).unwrap_or_default();
    *text = format!("{before}{FILTERED}{behind}").into();
    true
}
