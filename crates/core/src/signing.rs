//! Links that prove that we made them, so that nothing has to be kept for them.
//!
//! A token is the time it was made, in base 36, and a keyed hash: `t2k3f0-<32 hexadecimal digits>`,
//! the form of GlitchTip's. What it opens is bound into the hash: a link for a new password dies with
//! the old one.

use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// What a link is for. A token for one purpose is none for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To take a place in an organization.
    Invitation,
    /// To choose a new password.
    PasswordReset,
    /// To prove that an address is one's own.
    AddressConfirmation,
    /// To make the first account of an installation.
    FirstRun,
}

impl Purpose {
    fn context(self) -> &'static str {
        match self {
            Self::Invitation => "mishap 2026-11-21 invitation",
            Self::PasswordReset => "mishap 2026-11-21 password reset",
            Self::AddressConfirmation => "mishap 2026-11-21 address confirmation",
            Self::FirstRun => "mishap 2026-11-21 first run",
        }
    }

    /// How long a link holds (GlitchTip).
    pub fn lifetime(self) -> TimeDelta {
        match self {
            Self::Invitation | Self::FirstRun => TimeDelta::days(15),
            Self::PasswordReset | Self::AddressConfirmation => TimeDelta::days(3),
        }
    }
}

/// What links are signed with. It is never printed.
#[derive(Clone)]
pub struct SigningKey {
    current: Vec<u8>,
    former: Vec<Vec<u8>>,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

impl SigningKey {
    /// A key from a secret of any length.
    pub fn new(secret: &[u8]) -> Self {
        Self { current: secret.to_vec(), former: Vec::new() }
    }

    /// The same key, for which links count too that were signed with one of these.
    #[must_use]
    pub fn with_former<'a>(self, secrets: impl IntoIterator<Item = &'a [u8]>) -> Self {
        Self { former: secrets.into_iter().map(<[u8]>::to_vec).collect(), ..self }
    }

    /// A token for `subject`, which stops to hold when anything in `bound_to` changes.
    pub fn sign(
        &self,
        purpose: Purpose,
        subject: i64,
        bound_to: &[&str],
        now: DateTime<Utc>,
    ) -> String {
        let seconds = now.timestamp();
        let hash = hash(&self.current, purpose, subject, bound_to, seconds);
        format!("{}-{hash}", base36(seconds))
    }

    /// Whether a token was made by [`SigningKey::sign`] for the same things and is young enough.
    pub fn verifies(
        &self,
        token: &str,
        purpose: Purpose,
        subject: i64,
        bound_to: &[&str],
        now: DateTime<Utc>,
    ) -> bool {
        let Some((seconds, hash)) = token.split_once('-') else {
            return false;
        };
        let Ok(seconds) = i64::from_str_radix(seconds, 36) else {
            return false;
        };
        let age = now.timestamp().saturating_sub(seconds);
        let is_signed_with = |secret: &Vec<u8>| {
            let expected = self::hash(secret, purpose, subject, bound_to, seconds);
            is_same(expected.as_bytes(), hash.as_bytes())
        };
        age >= -MAX_CLOCK_DIFFERENCE
            && age <= purpose.lifetime().num_seconds()
            && std::iter::once(&self.current).chain(&self.former).any(is_signed_with)
    }
}

fn hash(secret: &[u8], purpose: Purpose, subject: i64, bound_to: &[&str], seconds: i64) -> String {
    let key = blake3::derive_key(purpose.context(), secret);
    let mut hasher = blake3::Hasher::new_keyed(&key);
    hasher.update(&subject.to_le_bytes());
    hasher.update(&seconds.to_le_bytes());
    for part in bound_to {
        // With its length, so that no two lists of parts are the same text.
        hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Seconds that the clocks of two servers may differ.
const MAX_CLOCK_DIFFERENCE: i64 = 60;

/// Compares without telling by its time how much was right.
pub fn is_same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

/// HMAC-SHA256 (RFC 2104), in hexadecimal digits: how services of others want things signed.
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> String {
    // A key of any length will do, so there is no failure.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return String::new();
    };
    mac.update(message);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A number in base 36, as Django writes ids and times in links.
pub fn base36(number: i64) -> String {
    let mut rest = number.unsigned_abs();
    let mut digits = Vec::new();
    loop {
        let digit = u32::try_from(rest % 36).unwrap_or_default();
        digits.extend(char::from_digit(digit, 36));
        rest /= 36;
        if rest == 0 {
            break;
        }
    }
    digits.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_token_holds_for_what_it_was_made_for_and_nothing_else() {
        let key = SigningKey::new(b"secret");
        let token = key.sign(Purpose::PasswordReset, 7, &["hash", "never"], now());
        let holds = |key: &SigningKey, purpose, subject, bound_to: &[&str]| {
            key.verifies(&token, purpose, subject, bound_to, now())
        };
        assert!(holds(&key, Purpose::PasswordReset, 7, &["hash", "never"]));
        assert!(!holds(&key, Purpose::Invitation, 7, &["hash", "never"]));
        assert!(!holds(&key, Purpose::PasswordReset, 8, &["hash", "never"]));
        assert!(!holds(&key, Purpose::PasswordReset, 7, &["hashn", "ever"]));
        assert!(!holds(&SigningKey::new(b"other"), Purpose::PasswordReset, 7, &["hash", "never"]));
    }

    #[test]
    fn a_token_holds_for_its_time() {
        let key = SigningKey::new(b"secret");
        let token = key.sign(Purpose::Invitation, 1, &[], now());
        let holds = |at: DateTime<Utc>| key.verifies(&token, Purpose::Invitation, 1, &[], at);
        assert!(holds(now() + TimeDelta::days(15)));
        assert!(!holds(now() + TimeDelta::days(15) + TimeDelta::seconds(1)));
        assert!(!holds(now() - TimeDelta::hours(1)));
    }

    #[test]
    fn a_former_key_verifies_and_does_not_sign() {
        let [old, older] = [b"old".as_slice(), b"older"].map(SigningKey::new);
        let new = SigningKey::new(b"new").with_former([b"old".as_slice(), b"older"]);
        let sign = |key: &SigningKey| key.sign(Purpose::Invitation, 1, &["a"], now());
        let holds = |key: &SigningKey, token: &str| {
            key.verifies(token, Purpose::Invitation, 1, &["a"], now())
        };
        for key in [&new, &old, &older] {
            assert!(holds(&new, &sign(key)));
        }
        assert!(!holds(&new, &sign(&SigningKey::new(b"another"))));
        assert!(!holds(&old, &sign(&new)));
        assert_eq!(sign(&new), sign(&SigningKey::new(b"new")));
    }

    #[test]
    fn what_is_no_token_does_not_hold() {
        let key = SigningKey::new(b"secret");
        let token = key.sign(Purpose::Invitation, 1, &[], now());
        let (time, hash) = token.split_once('-').unwrap();
        let later = base36(now().timestamp() + 1);
        for wrong in [
            "",
            "-",
            time,
            hash,
            &format!("{later}-{hash}"),
            &format!("{time}-{}", hash.to_uppercase()),
        ] {
            assert!(!key.verifies(wrong, Purpose::Invitation, 1, &[], now()), "{wrong}");
        }
    }

    #[test]
    fn others_can_check_what_we_sign_for_them() {
        // RFC 4231, test case 2.
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(hmac_sha256(b"Jefe", b"what do ya want for nothing?"), expected);
    }

    #[test]
    fn numbers_are_written_as_django_writes_them() {
        assert_eq!((base36(0), base36(35), base36(36)), ("0".into(), "z".into(), "10".into()));
        assert_eq!(base36(1_772_366_400), "tb7yo0");
    }
}
