//! Under which key something is sent.

use std::borrow::Cow;

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mishap_protocol::auth::Credentials;
use mishap_protocol::dsn::{Dsn, PublicKey};

use super::refusal::Refusal;

/// What a request says of its sender.
#[derive(Debug, Default)]
pub(super) struct Sender {
    /// The key, if the request names one outside its body.
    pub(super) key: Option<PublicKey>,
}

impl Sender {
    /// Reads the query, `X-Sentry-Auth`, then `Authorization`; the first that names a key counts.
    pub(super) fn of(request: &HttpRequest) -> Result<Self, Refusal> {
        let query = Credentials::from_query(request.query_string());
        if names_key(&query) {
            return Self::from_credentials(&query);
        }
        let header = |name: &str| request.headers().get(name)?.to_str().ok();
        if let Some(credentials) = header("x-sentry-auth").and_then(Credentials::from_header)
            && names_key(&credentials)
        {
            return Self::from_credentials(&credentials);
        }
        let Some(authorization) = header(AUTHORIZATION.as_str()) else {
            return Ok(Self::default());
        };
        if let Some(credentials) = Credentials::from_header(authorization) {
            return Self::from_credentials(&credentials);
        }
        match basic(authorization) {
            Some(user) => Self::from_credentials(&Credentials::from_basic(&user)),
            None => Ok(Self::default()),
        }
    }

    fn from_credentials(credentials: &Credentials<'_>) -> Result<Self, Refusal> {
        if !credentials.is_known_version() {
            return Err(Refusal::UnknownVersion);
        }
        let key = credentials.key.as_deref().filter(|key| !key.is_empty());
        let key = key.map(str::parse::<PublicKey>).transpose();
        Ok(Self { key: key.map_err(|_invalid| Refusal::InvalidKey)? })
    }

    /// The key, or the one in the envelope's own DSN if the request named none.
    pub(super) fn key_or_dsn(&self, dsn: Option<&str>) -> Result<PublicKey, Refusal> {
        if let Some(key) = self.key {
            return Ok(key);
        }
        let dsn = dsn.ok_or(Refusal::NoKey)?;
        let dsn: Dsn = dsn.parse().map_err(|_invalid| Refusal::InvalidKey)?;
        Ok(dsn.public_key())
    }
}

/// Whether a key is named: an empty one, as templates without a value make it, is none.
fn names_key(credentials: &Credentials<'_>) -> bool {
    credentials.key.as_deref().is_some_and(|key| !key.trim().is_empty())
}

/// The user and password of HTTP basic authentication.
fn basic(header: &str) -> Option<Cow<'static, str>> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    const KEY: &str = "c99d81828e5042df9a53f0b493be1230";

    #[track_caller]
    fn key(request: TestRequest) -> Result<Option<String>, Refusal> {
        Sender::of(&request.to_http_request()).map(|sender| sender.key.map(|key| key.to_string()))
    }

    #[test]
    fn a_key_may_stand_in_many_places() {
        let sentry = format!("Sentry sentry_version=7, sentry_key={KEY}");
        for request in [
            TestRequest::with_uri(&format!("/x?sentry_key={KEY}")),
            TestRequest::with_uri(&format!("/x?glitchtip_key={KEY}&sentry_version=7")),
            TestRequest::default().insert_header(("X-Sentry-Auth", sentry.as_str())),
            TestRequest::default().insert_header(("Authorization", sentry.as_str())),
            TestRequest::default().insert_header((
                "Authorization",
                format!("Basic {}", STANDARD.encode(format!("{KEY}:"))),
            )),
            TestRequest::default()
                .insert_header(("X-Sentry-Auth", "Sentry sentry_version=7"))
                .insert_header(("Authorization", sentry.as_str())),
        ] {
            assert_eq!(key(request), Ok(Some(KEY.to_owned())));
        }
        assert_eq!(key(TestRequest::default()), Ok(None));
        assert_eq!(
            key(TestRequest::default().insert_header(("Authorization", "Bearer x"))),
            Ok(None)
        );
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert_eq!(key(TestRequest::with_uri("/x?sentry_key=7")), Err(Refusal::InvalidKey));
        let old = format!("/x?sentry_key={KEY}&sentry_version=4");
        assert_eq!(key(TestRequest::with_uri(&old)), Err(Refusal::UnknownVersion));
    }

    #[test]
    fn the_envelope_s_dsn_counts_last() {
        let dsn = format!("http://{KEY}@localhost/1");
        let none = Sender::default();
        assert_eq!(none.key_or_dsn(Some(&dsn)).unwrap().to_string(), KEY);
        assert_eq!(none.key_or_dsn(None), Err(Refusal::NoKey));
        assert_eq!(none.key_or_dsn(Some("nonsense")), Err(Refusal::InvalidKey));
    }
}
