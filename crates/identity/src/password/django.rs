//! The formats that Django's `PASSWORD_HASHERS` write, besides argon2:
//! `pbkdf2_sha256$<iterations>$<salt>$<base64>`, `pbkdf2_sha1$…`, `bcrypt_sha256$<bcrypt>`,
//! `scrypt$<n>$<salt>$<r>$<p>$<base64>`. Read from databases that GlitchTip filled, never written.

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bcrypt::HashParts;
use ring::{digest, pbkdf2};
use subtle::ConstantTimeEq as _;

/// Django 6.1 is at 1.5 million.
const MAX_PBKDF2_ITERATIONS: u32 = 5_000_000;

/// Each step doubles the work. Django's is 12.
const MAX_BCRYPT_COST: u32 = 15;

/// `n` times `r`: each takes 128 bytes. Django's are 16,384 and 8, which take 16 MiB.
const MAX_SCRYPT_BLOCKS: u32 = 1 << 20;

/// How often scrypt may do its work. Django's is 5.
const MAX_SCRYPT_PARALLELISM: u32 = 16;

/// A hash of Django's, understood and found affordable.
pub(super) enum DjangoHash<'a> {
    Pbkdf2 { algorithm: pbkdf2::Algorithm, iterations: NonZeroU32, salt: &'a str, key: Vec<u8> },
    BcryptSha256(&'a str),
    Scrypt { params: scrypt::Params, salt: &'a str, key: Vec<u8> },
}

impl<'a> DjangoHash<'a> {
    pub(super) fn read(stored: &'a str) -> Option<Self> {
        let (hasher, rest) = stored.split_once('$')?;
        match hasher {
            "pbkdf2_sha256" => pbkdf2(pbkdf2::PBKDF2_HMAC_SHA256, rest),
            "pbkdf2_sha1" => pbkdf2(pbkdf2::PBKDF2_HMAC_SHA1, rest),
            "bcrypt_sha256" => {
                let parts: HashParts = rest.parse().ok()?;
                (parts.get_cost() <= MAX_BCRYPT_COST).then_some(Self::BcryptSha256(rest))
            }
            "scrypt" => scrypt(rest),
            _ => None,
        }
    }

    pub(super) fn matches(&self, password: &str) -> bool {
        match self {
            Self::Pbkdf2 { algorithm, iterations, salt, key } => {
                pbkdf2::verify(*algorithm, *iterations, salt.as_bytes(), password.as_bytes(), key)
                    .is_ok()
            }
            Self::BcryptSha256(hash) => {
                // bcrypt ends at 72 bytes, so Django hands it a digest in hexadecimal.
                let digest = digest::digest(&digest::SHA256, password.as_bytes());
                let digest: String = digest.as_ref().iter().map(|b| format!("{b:02x}")).collect();
                bcrypt::verify(digest, hash).unwrap_or(false)
            }
            Self::Scrypt { params, salt, key } => {
                let mut derived = vec![0; key.len()];
                scrypt::scrypt(password.as_bytes(), salt.as_bytes(), params, &mut derived).is_ok()
                    && derived.ct_eq(key).into()
            }
        }
    }
}

fn pbkdf2(algorithm: pbkdf2::Algorithm, rest: &str) -> Option<DjangoHash<'_>> {
    let mut parts = rest.split('$');
    let (iterations, salt, key) = (parts.next()?, parts.next()?, parts.next()?);
    let iterations: NonZeroU32 = iterations.parse().ok()?;
    let key = read_key(key)?;
    let is_good = parts.next().is_none() && iterations.get() <= MAX_PBKDF2_ITERATIONS;
    is_good.then_some(DjangoHash::Pbkdf2 { algorithm, iterations, salt, key })
}

fn scrypt(rest: &str) -> Option<DjangoHash<'_>> {
    let mut parts = rest.split('$');
    let (n, salt) = (parts.next()?, parts.next()?);
    let (r, p, key) = (parts.next()?, parts.next()?, parts.next()?);
    let (n, r, p): (u32, u32, u32) = (n.parse().ok()?, r.parse().ok()?, p.parse().ok()?);
    let key = read_key(key)?;
    let is_good = parts.next().is_none()
        && n.is_power_of_two()
        && n.checked_mul(r)? <= MAX_SCRYPT_BLOCKS
        && p <= MAX_SCRYPT_PARALLELISM;
    let params = scrypt::Params::new(u8::try_from(n.checked_ilog2()?).ok()?, r, p).ok()?;
    is_good.then_some(DjangoHash::Scrypt { params, salt, key })
}

/// The derived key. An empty one would match whatever the password.
fn read_key(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok().filter(|key| key.len() >= 16)
}
