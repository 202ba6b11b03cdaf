//! Passwords: hashed with argon2id, and verified in Django's formats too.

mod django;
pub mod strength;

use std::fmt;

use argon2::password_hash::phc;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params};
use mishap_core::random::Random;

use django::DjangoHash;

/// The longest password that is looked at, in bytes.
pub const MAX_PASSWORD_BYTES: usize = 4096;

/// The longest stored hash that is looked at, in bytes; ours have 97, Django's column holds 128.
const MAX_HASH_BYTES: usize = 512;

/// What an argon2 hash of others may ask for: memory in KiB, passes, lanes. Django asks for 100 MiB,
/// 2 and 8.
const MAX_ARGON2: (u32, u32, u32) = (256 * 1024, 10, 16);

/// The hash of a random password that nobody knows, with our parameters. It is verified where there
/// is no account or no usable password, so that the answer takes as long.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$\
    bm9ib2R5IGtub3dzIGl0IQ$Zq6cEIok11onu2KL9sicEneksd08WlPBKzaezuJ6o+g";

/// What is stored of a password: ours as a PHC string, or what Django stored.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// What was read from storage.
    pub fn from_stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// What goes to storage.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether some password could ever match: not so for Django's `!…`, for what is empty, and for
    /// formats that we do not know or that ask for more work than we would do.
    pub fn is_usable(&self) -> bool {
        Scheme::read(&self.0).is_some()
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// A password could not be hashed: it is longer than [`MAX_PASSWORD_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the password cannot be hashed")]
pub struct UnhashablePassword;

/// Whether a password is the right one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verified {
    /// It is not, or there is none.
    No,
    /// It is.
    Yes {
        /// The hash is not as we would make it now: hash the password again while it is at hand.
        needs_rehash: bool,
    },
}

/// Hashes a password with argon2id and a fresh salt. Takes some 30 ms of CPU and 19 MiB.
pub fn hash(password: &str, random: &dyn Random) -> Result<PasswordHash, UnhashablePassword> {
    if password.len() > MAX_PASSWORD_BYTES {
        return Err(UnhashablePassword);
    }
    let mut salt = [0; 16];
    random.fill(&mut salt);
    let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
    hash.map(|hash| PasswordHash(hash.to_string())).map_err(|_unusable| UnhashablePassword)
}

/// Verifies a password. Hand in `None` for an unknown account: that takes as long as one of ours.
///
/// Ours takes as much as [`hash()`]. Django's take up to a second of CPU, and its argon2 100 MiB,
/// once: the answer asks for a new hash. What asks for much more than Django's defaults is not
/// computed, and does not match.
pub fn verify(password: &str, stored: Option<&PasswordHash>) -> Verified {
    if password.len() > MAX_PASSWORD_BYTES {
        return Verified::No;
    }
    let scheme = stored.and_then(|stored| Scheme::read(&stored.0));
    let is_somebodys = scheme.is_some();
    let Some(scheme) = scheme.or_else(|| Scheme::read(NOBODY)) else { return Verified::No };
    if scheme.matches(password) && is_somebodys {
        Verified::Yes { needs_rehash: !scheme.is_current() }
    } else {
        Verified::No
    }
}

/// A stored hash, understood and found affordable.
enum Scheme<'a> {
    Argon2(Box<phc::PasswordHash>, Params),
    Django(DjangoHash<'a>),
}

impl<'a> Scheme<'a> {
    fn read(stored: &'a str) -> Option<Self> {
        if stored.len() > MAX_HASH_BYTES {
            return None;
        }
        // Django puts the name of its hasher before a PHC string.
        let phc = stored.strip_prefix("argon2").unwrap_or(stored);
        if phc.starts_with('$') {
            let hash = phc::PasswordHash::new(phc).ok()?;
            let params = Params::try_from(&hash).ok()?;
            let (memory, passes, lanes) = MAX_ARGON2;
            let is_good = Algorithm::try_from(hash.algorithm.as_str()).is_ok()
                && hash.salt.is_some()
                && hash.hash.is_some()
                && params.m_cost() <= memory
                && params.t_cost() <= passes
                && params.p_cost() <= lanes;
            return is_good.then(|| Self::Argon2(Box::new(hash), params));
        }
        DjangoHash::read(stored).map(Self::Django)
    }

    fn matches(&self, password: &str) -> bool {
        match self {
            Self::Argon2(hash, _) => {
                Argon2::default().verify_password(password.as_bytes(), hash.as_ref()).is_ok()
            }
            Self::Django(hash) => hash.matches(password),
        }
    }

    /// Whether it is as [`hash()`] makes it.
    fn is_current(&self) -> bool {
        match self {
            Self::Argon2(hash, params) => {
                let ours = Params::default();
                hash.algorithm.as_str() == Algorithm::Argon2id.as_str()
                    && (params.m_cost(), params.t_cost(), params.p_cost())
                        == (ours.m_cost(), ours.t_cost(), ours.p_cost())
            }
            Self::Django(_) => false,
        }
    }
}

#[cfg(test)]
mod tests;
