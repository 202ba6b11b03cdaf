//! Which keys sound like secrets.

/// Words that make any key with one of them a secret one.
const SECRET_WORDS: &[&str] = &[
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "secret",
    "secrets",
    "auth",
    "authorization",
    "credential",
    "credentials",
    "token",
    "tokens",
    "session",
    "sessionid",
    "cookie",
    "cookies",
    "csrf",
    "xsrf",
    "csrftoken",
    "csrfmiddlewaretoken",
    "ssn",
    "cvv",
    "cvc",
    "pin",
    "jwt",
    "bearer",
    "apikey",
    "privatekey",
    "mysql_pwd",
    "stripetoken",
];

/// Whole keys, their words joined by `_`.
const SECRET_KEYS: &[&str] = &[
    "api_key",
    "access_key",
    "secret_key",
    "private_key",
    "encryption_key",
    "signing_key",
    "session_id",
    "set_cookie",
    "connect_sid",
    "x_api_key",
    "card_number",
    "credit_card",
    "creditcard",
    "cardnumber",
    "card_no",
    "social_security",
    "social_security_number",
    "account_number",
    "iban",
    "phpsessid",
    "jsessionid",
];

/// Keys that contain a secret word and are none.
const HARMLESS_KEYS: &[&str] = &[
    "session_duration",
    "session_start",
    "session_count",
    "token_type",
    "token_count",
    "max_tokens",
    "total_tokens",
    "prompt_tokens",
    "completion_tokens",
    "input_tokens",
    "output_tokens",
    "auth_type",
    "auth_method",
    "is_session",
    "has_session",
];

/// Longest key that is looked at, in bytes; no secret is called by a longer name.
const MAX_KEY: usize = 128;

/// Whether a value under this key is a secret, by the key's words: `userPassword`, `X-Api-Key`,
/// `session[csrf_token]`.
pub fn is_secret_key(key: &str) -> bool {
    if key.len() > MAX_KEY || !may_be_secret(key) || matches!(key, "PWD" | "OLDPWD") {
        return false;
    }
    let mut joined = String::with_capacity(key.len() + 8);
    let mut found = false;
    let mut word_start = 0;
    let mut previous = ' ';
    for letter in key.chars() {
        let is_word = letter.is_alphanumeric();
        let begins = is_word
            && (!previous.is_alphanumeric() || (letter.is_uppercase() && previous.is_lowercase()));
        if (begins || !is_word) && joined.len() > word_start {
            found |= is_secret_word(joined.get(word_start..).unwrap_or_default());
            joined.push('_');
            word_start = joined.len();
        }
        if is_word {
            joined.extend(letter.to_lowercase());
        }
        previous = letter;
    }
    found |= is_secret_word(joined.get(word_start..).unwrap_or_default());
    let joined = joined.trim_end_matches('_');
    (found && !HARMLESS_KEYS.contains(&joined))
        || SECRET_KEYS.contains(&joined)
        || SECRET_KEYS
            .iter()
            .any(|secret| joined.strip_suffix(secret).is_some_and(|before| before.ends_with('_')))
}

/// Whether a key has the letters that a secret one cannot do without: quick, and never wrong about
/// a secret.
fn may_be_secret(key: &str) -> bool {
    // Letters of other scripts may become those of ours in lower case.
    !key.is_ascii()
        || key.as_bytes().windows(3).any(|letters| {
            let [first, second, third] = letters else {
                return false;
            };
            match first | 0x20 {
                b'a' => matches!([second | 0x20, third | 0x20], [b'u', b't'] | [b'c', b'c']),
                b'b' => matches!([second | 0x20, third | 0x20], [b'e', b'a']),
                b'c' => matches!(
                    [second | 0x20, third | 0x20],
                    [b'r', b'e'] | [b'o', b'o'] | [b's', b'r'] | [b'v', b'v' | b'c'] | [b'a', b'r']
                ),
                b'i' => matches!([second | 0x20, third | 0x20], [b'b', b'a']),
                b'j' => matches!([second | 0x20, third | 0x20], [b'w', b't']),
                b'k' => matches!([second | 0x20, third | 0x20], [b'e', b'y']),
                b'p' => matches!(
                    [second | 0x20, third | 0x20],
                    [b'a', b's'] | [b'w', b'd'] | [b'i', b'n']
                ),
                b's' => matches!(
                    [second | 0x20, third | 0x20],
                    [b'e', b'c' | b's'] | [b's', b'n'] | [b'i', b'd'] | [b'o', b'c']
                ),
                b't' => matches!([second | 0x20, third | 0x20], [b'o', b'k']),
                b'x' => matches!([second | 0x20, third | 0x20], [b's', b'r']),
                _ => false,
            }
        })
}

fn is_secret_word(word: &str) -> bool {
    SECRET_WORDS.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quick_look_misses_no_secret() {
        for secret in SECRET_WORDS.iter().chain(SECRET_KEYS) {
            assert!(may_be_secret(secret), "{secret}");
            assert!(may_be_secret(&secret.to_uppercase()), "{secret}");
            assert!(is_secret_key(secret), "{secret}");
        }
        assert!(may_be_secret("to\u{212a}en"));
        for harmless in ["self", "request", "limit", "url", "method", "status_code", "queue", ""] {
            assert!(!may_be_secret(harmless), "{harmless}");
        }
    }
}
