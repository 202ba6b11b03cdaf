//! Who an SDK says it is.
//!
//! A request names its project key in one of many places: the `X-Sentry-Auth` header, the
//! `Authorization` header (`Sentry …`, or HTTP basic with the key as the user), the query string,
//! the envelope's `dsn`, or the path. This module reads what stands in one place; which place wins
//! is for the caller to say.

use std::borrow::Cow;

/// What an authentication carrier says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credentials<'a> {
    /// The project key as sent, not yet parsed.
    pub key: Option<Cow<'a, str>>,
    /// The protocol's version as sent; 7 today.
    pub version: Option<Cow<'a, str>>,
    /// The SDK's name and version, for people only.
    pub client: Option<Cow<'a, str>>,
}

impl<'a> Credentials<'a> {
    /// Reads `Sentry sentry_key=…, sentry_version=7, …`.
    ///
    /// Nothing if the scheme is another one. Spaces around the commas and the case of the scheme
    /// do not matter; a secret or a timestamp is ignored.
    pub fn from_header(header: &'a str) -> Option<Self> {
        let header = header.trim();
        let (scheme, fields) = header.split_once([' ', '\t']).unwrap_or((header, ""));
        if !scheme.eq_ignore_ascii_case("sentry") {
            return None;
        }
        let mut credentials = Self::default();
        for field in fields.split(',') {
            if let Some((name, value)) = field.split_once('=') {
                credentials.set(name.trim(), value.trim().into());
            }
        }
        Some(credentials)
    }

    /// Reads `Basic base64(key:)`, with `decoded` being what the base64 stands for.
    pub fn from_basic(decoded: &'a str) -> Self {
        let key = decoded.split_once(':').map_or(decoded, |(user, _password)| user);
        Self { key: Some(key.into()), ..Self::default() }
    }

    /// Reads `sentry_key=…&sentry_version=7`; the first of several keys counts.
    pub fn from_query(query: &'a str) -> Self {
        let mut credentials = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            credentials.set(&name, value);
        }
        credentials
    }

    fn set(&mut self, name: &str, value: Cow<'a, str>) {
        let field = match name {
            "sentry_key" | "glitchtip_key" => &mut self.key,
            "sentry_version" => &mut self.version,
            "sentry_client" => &mut self.client,
            _ => return,
        };
        if field.is_none() {
            *field = Some(value);
        }
    }

    /// Whether the protocol's version is one we speak: 7 or 8, or unsaid.
    pub fn is_known_version(&self) -> bool {
        matches!(self.version.as_deref(), None | Some("" | "7" | "7.0" | "8" | "8.0"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(credentials: &Credentials<'_>) -> Option<String> {
        credentials.key.as_deref().map(str::to_owned)
    }

    #[test]
    fn the_header_is_read_in_every_spelling_seen() {
        for header in [
            "Sentry sentry_version=7, sentry_client=sentry.python/2.0, sentry_key=abc",
            "sentry sentry_key=abc,sentry_version=7",
            "  SENTRY   sentry_key = abc , sentry_secret=x, sentry_timestamp=1.5",
            "Sentry glitchtip_key=abc",
        ] {
            let credentials = Credentials::from_header(header).unwrap();
            assert_eq!(key(&credentials).as_deref(), Some("abc"), "{header}");
        }
        assert_eq!(Credentials::from_header("Bearer sentry_key=abc"), None);
        assert_eq!(key(&Credentials::from_header("Sentry").unwrap()), None);
    }

    #[test]
    fn the_first_key_of_a_query_counts() {
        let credentials =
            Credentials::from_query("x=1&glitchtip_key=abc&sentry_key=def&sentry_client=a%2F1");
        assert_eq!(key(&credentials).as_deref(), Some("abc"));
        assert_eq!(credentials.client.as_deref(), Some("a/1"));
    }

    #[test]
    fn basic_auth_carries_the_key_as_its_user() {
        assert_eq!(key(&Credentials::from_basic("abc:")).as_deref(), Some("abc"));
        assert_eq!(key(&Credentials::from_basic("abc")).as_deref(), Some("abc"));
    }

    #[test]
    fn only_versions_seven_and_eight_are_known() {
        let version = |query| Credentials::from_query(query).is_known_version();
        assert!(version("sentry_key=a"));
        assert!(version("sentry_version=7"));
        assert!(version("sentry_version=8"));
        assert!(!version("sentry_version=6"));
        assert!(!version("sentry_version=x"));
    }
}
