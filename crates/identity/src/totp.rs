//! Codes of authenticator apps (RFC 6238): SHA-1, six digits, a new one every 30 seconds. No app
//! knows less, and few know more.

use chrono::{DateTime, Utc};
use mishap_core::random::Random;
use qrcode::QrCode;
use qrcode::render::svg;
use serde::{Deserialize, Serialize};
use totp_rs::{Builder, Secret, Totp};
use url::Url;

use crate::typed_code;

/// The length of a new secret in bytes, which RFC 4226 recommends.
const SECRET_BYTES: usize = 20;

/// The shortest secret that RFC 4226 permits, in bytes.
const MIN_SECRET_BYTES: usize = 16;

/// The longest secret that is taken over, in bytes: more than the hash's block adds nothing.
const MAX_SECRET_BYTES: usize = 64;

/// What an authenticator app and we know, and nobody else. It is not printed by `{:?}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TotpSecret(Totp);

/// A stretch of 30 seconds, counted from 1970, whose code was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TotpStep(pub i64);

/// What was stored is no secret of an authenticator app: base32 of 16 to 64 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no secret of an authenticator app")]
pub struct BadSecret;

/// The address is too long for a QR code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too long for a QR code")]
pub struct TooLongForQrCode;

impl TotpSecret {
    /// A new secret.
    pub fn generate(random: &dyn Random) -> Self {
        let mut bytes = [0; SECRET_BYTES];
        random.fill(&mut bytes);
        Self::new(Secret::from(bytes))
    }

    /// Reads a secret from storage. GlitchTip stores the same text.
    pub fn from_base32(text: &str) -> Result<Self, BadSecret> {
        if text.len() > 2 * MAX_SECRET_BYTES {
            return Err(BadSecret);
        }
        let text = text.trim_end_matches('=').to_ascii_uppercase();
        let secret = Secret::try_from_base32(text).map_err(|_unreadable| BadSecret)?;
        let is_good = (MIN_SECRET_BYTES..=MAX_SECRET_BYTES).contains(&secret.as_ref().len());
        if is_good { Ok(Self::new(secret)) } else { Err(BadSecret) }
    }

    fn new(secret: Secret) -> Self {
        Self(Builder::new().with_secret(secret).build_noncompliant())
    }

    /// The secret itself: to be stored, and to be shown to its owner for typing.
    pub fn to_base32(&self) -> String {
        self.0.secret().to_base32()
    }

    /// What an app scans: `otpauth://totp/<account>?secret=…&issuer=…`. GlitchTip takes the e-mail
    /// address for the account, and the host of its public URL for the issuer.
    pub fn url(&self, issuer: &str, account: &str) -> String {
        let Ok(mut url) = Url::parse("otpauth://totp") else { return String::new() };
        if let Ok(mut path) = url.path_segments_mut() {
            path.push(account);
        }
        url.query_pairs_mut()
            .append_pair("secret", &self.to_base32())
            .append_pair("issuer", issuer);
        url.into()
    }

    /// Whether a typed code is the one of now, or of 30 seconds before or after: then its step.
    ///
    /// A code counts once. The caller stores the step it is given, and hands in the last one; a code
    /// of that step or of an earlier one is refused.
    pub fn check(
        &self,
        typed: &str,
        now: DateTime<Utc>,
        last_used: Option<TotpStep>,
    ) -> Option<TotpStep> {
        let code = typed_code::digits(typed)?;
        let step = self.0.check(&code, u64::try_from(now.timestamp()).ok()?)?;
        let step = TotpStep(i64::try_from(step).ok()?);
        (Some(step) > last_used).then_some(step)
    }
}

/// A QR code of a [`TotpSecret::url`], as an SVG document. It holds the secret.
pub fn qr_code(url: &str) -> Result<String, TooLongForQrCode> {
    let code = QrCode::new(url).map_err(|_too_long| TooLongForQrCode)?;
    Ok(code.render::<svg::Color<'_>>().min_dimensions(240, 240).build())
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use mishap_core::random::SeededRandom;

    use super::*;

    /// The secret of RFC 6238's examples, `12345678901234567890`.
    const RFC_SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    fn at(timestamp: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(timestamp, 0).unwrap()
    }

    #[test]
    fn codes_are_those_of_the_rfc() {
        let secret = TotpSecret::from_base32(RFC_SECRET).unwrap();
        // RFC 6238, appendix B, the last six of the eight digits.
        for (timestamp, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let step = secret.check(code, at(timestamp), None);
            assert_eq!(step, Some(TotpStep(timestamp / 30)), "{code}");
        }
    }

    #[test]
    fn a_code_is_good_for_a_step_before_and_after() {
        let secret = TotpSecret::from_base32(RFC_SECRET).unwrap();
        // The code of the step that begins here.
        let (begin, code) = (at(1_111_111_110), "050471");
        for (seconds, is_good) in [(-31, false), (-30, true), (0, true), (59, true), (60, false)] {
            let now = begin + TimeDelta::seconds(seconds);
            assert_eq!(secret.check(code, now, None).is_some(), is_good, "{seconds}");
        }
    }

    #[test]
    fn a_code_counts_once() {
        let secret = TotpSecret::from_base32(RFC_SECRET).unwrap();
        let now = at(1_111_111_111);
        let step = secret.check("050471", now, None).unwrap();
        assert_eq!(secret.check("050471", now, Some(step)), None);
        // The one before, which somebody may have seen typed.
        assert_eq!(secret.check("081804", now, Some(step)), None);
        assert!(secret.check("081804", now, None).is_some());
        assert!(secret.check("050471", now, Some(TotpStep(step.0 - 1))).is_some());
    }

    #[test]
    fn only_six_digits_are_a_code() {
        let secret = TotpSecret::from_base32(RFC_SECRET).unwrap();
        let now = at(1_111_111_111);
        for typed in ["050471", "050 471", " 050-471\n"] {
            assert!(secret.check(typed, now, None).is_some(), "{typed}");
        }
        let long = format!("050471{}", " ".repeat(100));
        for typed in ["", "50471", "0050471", "+50471", "05047a", "٠٥٠٤٧١", &long] {
            assert_eq!(secret.check(typed, now, None), None, "{typed}");
        }
    }

    #[test]
    fn secrets_are_random_and_survive_storage() {
        let random = SeededRandom::new(1);
        let secret = TotpSecret::generate(&random);
        let stored = secret.to_base32();
        assert_eq!(stored.len(), 32);
        assert_ne!(secret, TotpSecret::generate(&random));
        assert_eq!(TotpSecret::from_base32(&stored), Ok(secret.clone()));
        assert_eq!(TotpSecret::from_base32(&format!("{}=", stored.to_lowercase())), Ok(secret));
    }

    #[test]
    fn secrets_are_not_printed() {
        let secret = TotpSecret::from_base32(RFC_SECRET).unwrap();
        let printed = format!("{secret:?}");
        assert!(!printed.contains(RFC_SECRET) && !printed.contains("49, 50"), "{printed}");
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        let long = "A".repeat(1000);
        for text in ["", "GEZDGNBV", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ1", "ünlesbar", &long] {
            assert_eq!(TotpSecret::from_base32(text), Err(BadSecret), "{text}");
        }
    }

    #[test]
    fn apps_can_scan_it() {
        let secret = TotpSecret::from_base32(RFC_SECRET).unwrap();
        let url = secret.url("errors.example.com", "jane+1/2?&#:%@example.com");
        let expected = format!(
            "otpauth://totp/jane+1%2F2%3F&%23:%25@example.com?secret={RFC_SECRET}&issuer=errors.example.com"
        );
        assert_eq!(url, expected);
        let svg = qr_code(&url).unwrap();
        assert!(svg.contains("<svg") && svg.contains("</svg>"), "{svg}");
        assert!(!svg.contains(RFC_SECRET));
        assert_eq!(qr_code(&"x".repeat(5000)), Err(TooLongForQrCode));
    }
}
