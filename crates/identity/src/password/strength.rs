//! What is wrong with a password, by the rules of Django's validators, so that clients hear the
//! codes they know (GlitchTip's API, password validators).

use super::MAX_PASSWORD_BYTES;

/// The least number of characters.
pub const MIN_PASSWORD_CHARS: usize = 8;

/// How alike a password and a part of the address or the name may be: the share of characters they
/// have in common.
const MAX_SIMILARITY: f64 = 0.7;

/// In lower case, one a line, sorted by bytes.
const POPULAR_PASSWORDS: &str = include_str!("popular_passwords.txt");

/// Whose password it will be.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    /// The e-mail address.
    pub email: &'a str,
    /// The name, or nothing.
    pub name: &'a str,
}

/// What a password resembles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute {
    /// The owner's e-mail address, or a part of it.
    Email,
    /// The owner's name, or a part of it.
    Name,
}

/// Why a password is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakness {
    /// It is too much like something everybody knows of its owner.
    TooSimilar(Attribute),
    /// It has fewer than [`MIN_PASSWORD_CHARS`].
    TooShort,
    /// It is among the first that are tried.
    TooCommon,
    /// It consists of digits.
    EntirelyNumeric,
    /// It has more than [`MAX_PASSWORD_BYTES`].
    TooLong,
}

impl Weakness {
    /// The code that clients know it by.
    pub fn code(self) -> &'static str {
        match self {
            Self::TooSimilar(_) => "password_too_similar",
            Self::TooShort => "password_too_short",
            Self::TooCommon => "password_too_common",
            Self::EntirelyNumeric => "password_entirely_numeric",
            Self::TooLong => "max_length",
        }
    }
}

/// All that is wrong with a password, in the order of Django's default settings; nothing if it will
/// do.
pub fn weaknesses(password: &str, owner: Owner<'_>) -> Vec<Weakness> {
    if password.len() > MAX_PASSWORD_BYTES {
        return vec![Weakness::TooLong];
    }
    let lower = password.to_lowercase();
    let mut found = Vec::new();
    if is_similar(&lower, owner.email) {
        found.push(Weakness::TooSimilar(Attribute::Email));
    } else if is_similar(&lower, owner.name) {
        found.push(Weakness::TooSimilar(Attribute::Name));
    }
    if password.chars().count() < MIN_PASSWORD_CHARS {
        found.push(Weakness::TooShort);
    }
    if POPULAR_PASSWORDS.lines().any(|popular| popular == lower.trim()) {
        found.push(Weakness::TooCommon);
    }
    if !password.is_empty() && password.chars().all(char::is_numeric) {
        found.push(Weakness::EntirelyNumeric);
    }
    found
}

/// Whether a password in lower case is too much like a text, or one of its words.
fn is_similar(password: &str, text: &str) -> bool {
    let text = text.to_lowercase();
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    let password = sorted(password);
    words.chain([text.as_str()]).filter(|word| !word.is_empty()).any(|word| {
        let word = sorted(word);
        // A short word in a long password says little, though its letters are all there.
        let is_beneath_notice = password.len() >= 10 * word.len();
        !is_beneath_notice && similarity(&password, &word) >= MAX_SIMILARITY
    })
}

fn sorted(text: &str) -> Vec<char> {
    let mut chars: Vec<char> = text.chars().collect();
    chars.sort_unstable();
    chars
}

/// Twice the number of characters that both have, whatever their order, by the number that both have
/// together: from 0 to 1. Both are sorted.
#[expect(clippy::cast_precision_loss, reason = "lengths of a few thousand")]
fn similarity(a: &[char], b: &[char]) -> f64 {
    let (mut common, mut rest) = (0_usize, b.iter().peekable());
    for c in a {
        while rest.next_if(|other| *other < c).is_some() {}
        common += usize::from(rest.next_if_eq(&c).is_some());
    }
    2.0 * common as f64 / (a.len() + b.len()) as f64
}

#[cfg(test)]
mod tests {
    use super::Attribute::{Email, Name};
    use super::Weakness::{EntirelyNumeric, TooCommon, TooLong, TooShort, TooSimilar};
    use super::*;

    const OWNER: Owner<'_> = Owner { email: "Jane.Doering@example.com", name: "Jane D\u{f6}ring" };

    #[test]
    fn passwords_are_judged_as_django_does() {
        for (password, expected) in [
            ("correct horse battery staple", vec![]),
            ("fünfzehn", vec![]),
            ("fünfzeh", vec![TooShort]),
            ("", vec![TooShort]),
            ("Password", vec![TooCommon]),
            (" iloveyou1 ", vec![TooCommon]),
            ("123456", vec![TooShort, TooCommon, EntirelyNumeric]),
            ("74927302847", vec![EntirelyNumeric]),
            ("gnireod.enaj", vec![TooSimilar(Email)]),
            ("doering8", vec![TooSimilar(Email)]),
            ("example.com", vec![TooSimilar(Email)]),
            ("DÖRING döring", vec![]),
            ("döringdö", vec![TooSimilar(Name)]),
        ] {
            assert_eq!(weaknesses(password, OWNER), expected, "{password}");
        }
    }

    #[test]
    fn what_is_much_longer_than_a_word_may_hold_it() {
        let owner = Owner { email: "a@b.io", name: "" };
        assert_eq!(weaknesses("ab.io ab.io ab.io", owner), []);
        assert_eq!(weaknesses("a@b.io..", owner), [TooSimilar(Email)]);
    }

    #[test]
    fn passwords_have_an_end() {
        let longest = "a1".repeat(MAX_PASSWORD_BYTES / 2);
        assert_eq!(weaknesses(&longest, OWNER), []);
        assert_eq!(weaknesses(&format!("{longest}a"), OWNER), [TooLong]);
    }

    #[test]
    fn the_list_is_in_order_and_in_lower_case() {
        let lines: Vec<_> = POPULAR_PASSWORDS.lines().collect();
        assert!(lines.len() > 1000);
        assert!(lines.is_sorted());
        assert!(lines.iter().all(|line| !line.is_empty() && *line == line.trim().to_lowercase()));
    }

    #[test]
    fn clients_know_the_codes() {
        let codes = [TooSimilar(Name), TooShort, TooCommon, EntirelyNumeric].map(Weakness::code);
        let expected = ["similar", "short", "common"].map(|why| format!("password_too_{why}"));
        assert_eq!(codes[..3], expected);
        assert_eq!(codes[3], "password_entirely_numeric");
    }
}
