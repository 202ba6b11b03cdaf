//! Names as they stand in URLs.

use unicode_normalization::UnicodeNormalization as _;

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

/// The slug to try for the `attempt`-th time: `shop`, `shop-2`, `shop-3`, …, never longer than
/// `max` bytes.
pub fn numbered(slug: &str, attempt: u32, max: usize) -> String {
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
    fn taken_slugs_get_numbers() {
        assert_eq!(numbered("shop", 1, 50), "shop");
        assert_eq!(numbered("shop", 2, 50), "shop-2");
        assert_eq!(numbered("shoppers", 12, 7), "shop-12");
    }
}
