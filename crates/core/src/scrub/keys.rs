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
    if key.len() > MAX_KEY || key.len() < 3 || matches!(key, "PWD" | "OLDPWD") {
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

fn is_secret_word(word: &str) -> bool {
    SECRET_WORDS.contains(&word)
}
