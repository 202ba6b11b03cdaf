//! Who a client says it is.

use mishap_protocol::auth::Credentials;
use mishap_protocol::compression::{Codings, MAX_CODINGS};
use mishap_protocol::dsn::{Dsn, PublicKey};
use mishap_protocol::envelope::EnvelopeHeader;
use mishap_protocol::json::repair_utf8;

pub(super) fn check(bytes: &[u8]) {
    let text = repair_utf8(bytes);
    for credentials in [
        Credentials::from_header(&text),
        Some(Credentials::from_query(&text)),
        Some(Credentials::from_basic(&text)),
    ]
    .into_iter()
    .flatten()
    {
        check_credentials(&credentials, text.len());
    }
    check_key(&text);
    check_dsn(&text);
    if let Ok(codings) = Codings::parse(&text) {
        assert!(codings.as_slice().len() <= MAX_CODINGS);
    }
    if let Ok(header) = EnvelopeHeader::read(bytes) {
        check_dsn(header.dsn.as_deref().unwrap_or_default());
    }
}

/// Nothing is made up: what is said is no longer than what was sent.
fn check_credentials(credentials: &Credentials<'_>, sent: usize) {
    let _is_known = credentials.is_known_version();
    for said in [&credentials.key, &credentials.version, &credentials.client].into_iter().flatten()
    {
        // A query's escapes may stand for bytes that are no UTF-8: three bytes for each.
        assert!(said.len() <= sent * 3);
        check_key(said);
    }
}

/// A key prints in its one spelling.
fn check_key(text: &str) {
    if let Ok(key) = text.parse::<PublicKey>() {
        let printed = key.to_string();
        assert_eq!(printed.len(), 32);
        assert_eq!(printed.parse(), Ok(key));
    }
}

/// A DSN survives being printed, and leads to where it says.
fn check_dsn(text: &str) {
    let Ok(dsn) = text.parse::<Dsn>() else {
        return;
    };
    let printed = dsn.to_string();
    assert_eq!(printed.parse::<Dsn>().as_ref(), Ok(&dsn), "{printed}");
    let header = dsn.auth_header("fuzz/1");
    let credentials = Credentials::from_header(&header).unwrap_or_default();
    assert_eq!(credentials.key.as_deref(), Some(dsn.public_key().to_string().as_str()));
    assert!(credentials.is_known_version());
    let suffix = format!("/api/{}/envelope/", dsn.project_id());
    assert!(dsn.envelope_url().ends_with(&suffix), "{}", dsn.envelope_url());
    assert!(url::Url::parse(&dsn.envelope_url()).is_ok_and(|url| url.path().ends_with(&suffix)));
}
