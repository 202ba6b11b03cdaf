//! Tokens: made here, stored only as hashes.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::random::Random;

/// The secret text of an API token. It is never printed by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiToken(String);

/// What is stored of an API token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenHash(pub [u8; 32]);

impl ApiToken {
    /// A new token: 64 hexadecimal digits, as GlitchTip's.
    pub fn generate(random: &dyn Random) -> Self {
        let mut bytes = [0; 32];
        random.fill(&mut bytes);
        Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// A token that an operator or a client chose.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, to be shown once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The last characters, by which an owner knows the token again: eight of a long one, none of
    /// one so short that they would give it away.
    pub fn hint(&self) -> &str {
        let length = self.0.chars().count();
        if length < 24 {
            return "";
        }
        let start = self.0.char_indices().nth(length - 8).map_or(0, |(start, _)| start);
        self.0.get(start..).unwrap_or_default()
    }

    /// What is stored. A token has too many bits to be guessed, so a plain hash will do.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0.as_bytes()).into())
    }
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    #[test]
    fn tokens_are_long_different_and_never_printed() {
        let random = SeededRandom::new(1);
        let token = ApiToken::generate(&random);
        assert_eq!(token.reveal().len(), 64);
        assert_ne!(token, ApiToken::generate(&random));
        assert_eq!(format!("{token:?}"), "ApiToken(…)");
        assert_eq!(ApiToken::new(token.reveal()).hash(), token.hash());
        assert!(token.reveal().ends_with(token.hint()) && token.hint().len() == 8);
        assert_eq!(ApiToken::new("short").hint(), "");
    }
}
