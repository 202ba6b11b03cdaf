//! Names as they stand in URLs.

use unicode_normalization::UnicodeNormalization as _;

use crate::random::Random;

/// The part of a URL that a name becomes (Django's `slugify`): ASCII letters and digits in lower
/// case, underscores, and single dashes between words. Empty if nothing of the name is left.
pub fn slugify(name: &str) -> String {
    let mut slug = String::with_capacity(name.len());
    for letter in name.nfkd().filter(char::is_ascii) {
        match letter {
            'a'..='z' | '0'..='9' | '_' => slug.push(letter),
            'A'..='Z' => slug.push(letter.to_ascii_lowercase()),
            '-' => push_dash(&mut slug),
            blank if blank.is_ascii_whitespace() => push_dash(&mut slug),
            _ => {}
        }
    }
    slug.trim_matches(['-', '_']).to_owned()
}

fn push_dash(slug: &mut String) {
    if !slug.ends_with('-') {
        slug.push('-');
    }
}

/// Whether a text is a slug as clients may choose one (GlitchTip: `^[-a-zA-Z0-9_]+$`).
pub fn is_slug(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Longest slug of an organization, in characters (GlitchTip).
pub const MAX_ORGANIZATION: usize = 200;

/// Longest slug of a project, in characters (GlitchTip).
pub const MAX_PROJECT: usize = 50;

/// Longest slug of a team, in characters (GlitchTip).
pub const MAX_TEAM: usize = 50;

/// What the server's own pages are called; an organization's pages stand beside them.
const RESERVED: &[&str] = &[
    "login",
    "register",
    "app",
    "profile",
    "organizations",
    "settings",
    "issues",
    "performance",
    "_health",
    "rest-auth",
    "api",
    "accept",
    "stripe",
    "admin",
    "status_page",
    "__debug__",
    "static",
    "auth",
    "accounts",
    "oauth",
    "mcp",
    "metrics",
    "reset-password",
    "system-info",
];

/// Random suffixes that are tried for a name that is taken.
const SUFFIXES: usize = 8;

/// The slugs to try for an organization, the best first (GlitchTip): the name's own, then with more
/// and more random letters behind it.
pub fn of_organization(name: &str, random: &dyn Random) -> Vec<String> {
    let mut slug = match slugify(name) {
        slug if slug.is_empty() => "organization".to_owned(),
        slug => slug,
    };
    if RESERVED.contains(&slug.as_str()) {
        slug.push_str("-1");
    }
    let suffixed = (2..2 + SUFFIXES).map(|length| {
        let suffix = random_letters(random, length);
        let stem = crate::text::truncated(&slug, MAX_ORGANIZATION - length - 1);
        format!("{}-{suffix}", stem.trim_end_matches('-'))
    });
    let own = crate::text::truncated(&slug, MAX_ORGANIZATION).to_owned();
    std::iter::once(own).chain(suffixed).collect()
}

/// The slugs to try for a project, the best first (GlitchTip): `shop`, `shop-2`, `shop-3`, ….
pub fn of_project(name: &str) -> Vec<String> {
    let slug = match slugify(name) {
        slug if slug.is_empty() => "project".to_owned(),
        slug if slug == "new" => "new-1".to_owned(),
        slug => slug,
    };
    (1..=NUMBERS).map(|attempt| numbered(&slug, attempt, MAX_PROJECT)).collect()
}

/// Numbers that are tried for a name that is taken.
const NUMBERS: u32 = 1000;

/// Lower-case letters and digits.
pub fn random_letters(random: &dyn Random, length: usize) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = vec![0; length];
    random.fill(&mut bytes);
    let letter = |byte: &u8| LETTERS.get(usize::from(byte % 32)).copied().map_or('a', char::from);
    bytes.iter().map(letter).collect()
}

/// The slug to try for the `attempt`-th time: `shop`, `shop-2`, `shop-3`, …, never longer than
/// `max` bytes.
fn numbered(slug: &str, attempt: u32, max: usize) -> String {
    if attempt <= 1 {
        return crate::text::truncated(slug, max).to_owned();
    }
    let suffix = format!("-{attempt}");
    let stem = crate::text::truncated(slug, max.saturating_sub(suffix.len()));
    format!("{}{suffix}", stem.trim_end_matches('-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    #[test]
    fn names_become_slugs_as_in_django() {
        for (name, slug) in [
            ("My Shop", "my-shop"),
            ("  Crème  brûlée!! ", "creme-brulee"),
            ("a--b__c", "a-b__c"),
            ("日本", ""),
            ("_-x-_", "x"),
            ("ＡＢＣ", "abc"),
        ] {
            assert_eq!(slugify(name), slug, "{name}");
        }
    }

    #[test]
    fn an_organization_s_slug_is_no_page_of_ours_and_gets_letters_if_it_is_taken() {
        let random = SeededRandom::new(1);
        let tried = of_organization("My Shop", &random);
        assert_eq!(tried.first().unwrap(), "my-shop");
        assert!(tried.iter().skip(1).all(|slug| slug.starts_with("my-shop-") && is_slug(slug)));
        assert_eq!(tried.get(1).unwrap().len(), "my-shop-xx".len());
        assert_eq!(of_organization("Admin", &random).first().unwrap(), "admin-1");
        assert_eq!(of_organization("日本", &random).first().unwrap(), "organization");
        let long = of_organization(&"a".repeat(300), &random);
        assert!(long.iter().all(|slug| slug.len() <= MAX_ORGANIZATION));
    }

    #[test]
    fn a_project_s_slug_gets_a_number_if_it_is_taken() {
        let tried = of_project("New");
        assert_eq!(tried.iter().take(3).collect::<Vec<_>>(), ["new-1", "new-1-2", "new-1-3"]);
        assert_eq!(of_project("!").first().unwrap(), "project");
    }

    #[test]
    fn slugs_are_ascii_words() {
        assert!(is_slug("a-B_9"));
        for text in ["", "a b", "ä", "a/b", "a.b"] {
            assert!(!is_slug(text), "{text}");
        }
    }

    #[test]
    fn taken_slugs_get_numbers() {
        assert_eq!(numbered("shop", 1, 50), "shop");
        assert_eq!(numbered("shop", 2, 50), "shop-2");
        assert_eq!(numbered("shoppers", 12, 7), "shop-12");
    }
}
