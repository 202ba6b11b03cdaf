//! Proves who somebody is: passwords, second factors, passkeys, sign-in providers.
//!
//! Nothing here stores, listens or connects. Callers hand in the time, the randomness and, for
//! sign-in providers, what sends a request; they keep what they are given back.

#[cfg(feature = "passkeys")]
pub mod passkey;
pub mod password;
#[cfg(feature = "providers")]
pub mod provider;
pub mod recovery_codes;
pub mod totp;
mod typed_code;
