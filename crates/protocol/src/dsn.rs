//! The address that a project gives its SDKs.

use std::fmt;
use std::str::FromStr;

use url::Url;
use uuid::Uuid;

/// The public half of a project key: 128 bits, 32 lower-case hexadecimal digits on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKey(pub Uuid);

/// Not 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a public key has 32 hexadecimal digits")]
pub struct InvalidPublicKey;

impl FromStr for PublicKey {
    type Err = InvalidPublicKey;

    /// Accepts what GlitchTip accepts: upper case, dashes, braces and `urn:uuid:` too.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::try_parse(text.trim()).map(Self).map_err(|_not_a_uuid| InvalidPublicKey)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.simple().fmt(f)
    }
}

/// `{scheme}://{public_key}@{host}[:port][/prefix]/{project_id}`
///
/// The ingest URLs are `{scheme}://{host}[:port][/prefix]/api/{project_id}/…`: a path prefix
/// stands *before* `/api`. An old DSN's secret is ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dsn {
    base: Url,
    public_key: PublicKey,
    project_id: i64,
}

/// Why a text is not a DSN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDsn {
    /// Not a URL, or neither http nor https.
    #[error("a DSN is an http or https URL")]
    Url,
    /// The user name is not a public key.
    #[error("the DSN's user name must be the public key: {0}")]
    PublicKey(InvalidPublicKey),
    /// The last path segment is not a number.
    #[error("the DSN must end in the project's number")]
    Project,
}

impl Dsn {
    /// The DSN of a project on the server whose public address is `base`.
    pub fn new(base: &Url, public_key: PublicKey, project_id: i64) -> Self {
        let mut base = base.clone();
        base.set_query(None);
        base.set_fragment(None);
        let path = base.path().trim_end_matches('/').to_owned();
        base.set_path(&path);
        Self { base, public_key, project_id }
    }

    /// The key's public half.
    pub fn public_key(&self) -> PublicKey {
        self.public_key
    }

    /// The project's number.
    pub fn project_id(&self) -> i64 {
        self.project_id
    }

    /// The server's address, with a path prefix if it has one.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// Where an envelope is posted.
    pub fn envelope_url(&self) -> String {
        self.ingest_url("envelope")
    }

    /// Where a browser sends its security reports; the key is in the query, as GlitchTip does it.
    pub fn security_url(&self) -> String {
        format!("{}?glitchtip_key={}", self.ingest_url("security"), self.public_key)
    }

    /// The value of an `X-Sentry-Auth` header for this DSN.
    pub fn auth_header(&self, client: &str) -> String {
        format!("Sentry sentry_version=7, sentry_client={client}, sentry_key={}", self.public_key)
    }

    fn ingest_url(&self, endpoint: &str) -> String {
        let base = self.base.as_str().trim_end_matches('/');
        format!("{base}/api/{}/{endpoint}/", self.project_id)
    }
}

impl FromStr for Dsn {
    type Err = InvalidDsn;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut url = Url::parse(text.trim()).map_err(|_not_a_url| InvalidDsn::Url)?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(InvalidDsn::Url);
        }
        let public_key = url.username().parse().map_err(InvalidDsn::PublicKey)?;
        let path = url.path().trim_end_matches('/').to_owned();
        let (prefix, project) = path.rsplit_once('/').ok_or(InvalidDsn::Project)?;
        let project_id = project.parse().map_err(|_not_a_number| InvalidDsn::Project)?;
        url.set_path(prefix);
        let cleared = url.set_username("").and_then(|()| url.set_password(None));
        cleared.map_err(|()| InvalidDsn::Url)?;
        Ok(Self::new(&url, public_key, project_id))
    }
}

impl fmt::Display for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.base.scheme();
        let rest = self.base.as_str().trim_end_matches('/');
        let host = rest.strip_prefix(scheme).and_then(|rest| rest.strip_prefix("://"));
        let host = host.unwrap_or_default();
        write!(f, "{scheme}://{}@{host}/{}", self.public_key, self.project_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "c99d81828e5042df9a53f0b493be1230";

    #[test]
    fn a_dsn_survives_the_round_trip() {
        for dsn in [
            format!("http://{KEY}@localhost:8000/5"),
            format!("https://{KEY}@sentry.example.com/7"),
            format!("https://{KEY}@example.com:8443/errors/here/12"),
        ] {
            assert_eq!(dsn.parse::<Dsn>().unwrap().to_string(), dsn);
        }
    }

    #[test]
    fn the_path_prefix_stands_before_api() {
        let dsn: Dsn = format!("https://{KEY}:secret@example.com/errors/12").parse().unwrap();
        assert_eq!(dsn.envelope_url(), "https://example.com/errors/api/12/envelope/");
        assert_eq!(
            dsn.security_url(),
            format!("https://example.com/errors/api/12/security/?glitchtip_key={KEY}")
        );
    }

    #[test]
    fn slashes_at_the_end_of_the_prefix_do_not_matter() {
        let dsn: Dsn = format!("https://{KEY}@example.com/errors//12/").parse().unwrap();
        assert_eq!(dsn.to_string(), format!("https://{KEY}@example.com/errors/12"));
        assert_eq!(dsn.to_string().parse(), Ok(dsn));
    }

    #[test]
    fn what_is_not_a_dsn_says_why() {
        let why = |text: &str| text.parse::<Dsn>().unwrap_err();
        assert_eq!(why("nonsense"), InvalidDsn::Url);
        assert_eq!(why(&format!("ftp://{KEY}@example.com/1")), InvalidDsn::Url);
        assert_eq!(why("https://example.com/1"), InvalidDsn::PublicKey(InvalidPublicKey));
        assert_eq!(why(&format!("https://{KEY}@example.com/")), InvalidDsn::Project);
        assert_eq!(why(&format!("https://{KEY}@example.com/one")), InvalidDsn::Project);
    }

    #[test]
    fn every_spelling_of_a_public_key_is_the_same_key() {
        let key: PublicKey = KEY.parse().unwrap();
        for spelling in [
            "C99D81828E5042DF9A53F0B493BE1230",
            "c99d8182-8e50-42df-9a53-f0b493be1230",
            "{c99d8182-8e50-42df-9a53-f0b493be1230}",
            "urn:uuid:c99d8182-8e50-42df-9a53-f0b493be1230",
        ] {
            assert_eq!(spelling.parse(), Ok(key), "{spelling}");
        }
        assert_eq!(key.to_string(), KEY);
    }
}
