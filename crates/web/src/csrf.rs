//! Proof that a request which changes something comes from a page of ours (Django's rules).
//!
//! A browser that has the cookie `csrftoken` must say the same in the header `X-CSRFToken` or in the
//! form field `csrfmiddlewaretoken`, which another site cannot; and the origin that the browser names
//! must be ours, or one that the operator trusts.

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::{ORIGIN, REFERER};
use actix_web::{HttpRequest, HttpResponse};
use mishap_core::random::Random;
use mishap_core::signing::is_same;
use url::Url;

use crate::error::ApiError;
use crate::{AppState, client};

/// The cookie (Django).
pub(crate) const COOKIE: &str = "csrftoken";

/// The header (Django).
const HEADER: &str = "x-csrftoken";

/// How long the cookie is kept, in seconds (Django: a year).
const MAX_AGE: i64 = 31_449_600;

/// What is wrong, in words that people find when they search for it.
const PAGE: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<head><title>403 Forbidden</title></head>\n\
    <body><h1>Forbidden</h1><p>CSRF verification failed. Request aborted.</p></body>\n</html>\n";

/// Length of a token (Django).
const LENGTH: usize = 32;

/// The token of a browser: the one it has, or a new one.
pub(crate) fn token(request: &HttpRequest, random: &dyn Random) -> String {
    let has = request.cookie(COOKIE).map(|cookie| cookie.value().to_owned());
    let is_sound = |token: &String| {
        (LENGTH..=2 * LENGTH).contains(&token.len())
            && token.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    has.filter(is_sound).unwrap_or_else(|| new_token(random))
}

/// A token that no browser has yet.
pub(crate) fn new_token(random: &dyn Random) -> String {
    mishap_core::slug::random_letters(random, LENGTH)
}

/// The cookie that tells a browser its token.
pub(crate) fn cookie(token: String, state: &AppState) -> Cookie<'static> {
    Cookie::build(COOKIE, token)
        .path(state.config.cookie_path())
        .max_age(Duration::seconds(MAX_AGE))
        .same_site(SameSite::Lax)
        .secure(state.config.sessions.is_secure)
        .finish()
}

/// Checks a request that changes something; `field` is the token of a form.
pub(crate) fn check(
    request: &HttpRequest,
    state: &AppState,
    field: Option<&str>,
) -> Result<(), ApiError> {
    let cookie = request.cookie(COOKIE).ok_or(ApiError::Csrf)?;
    let header = request.headers().get(HEADER).and_then(|value| value.to_str().ok());
    let said = header.or(field).ok_or(ApiError::Csrf)?;
    let is_token =
        cookie.value().len() >= LENGTH && is_same(cookie.value().as_bytes(), said.as_bytes());
    if is_token && comes_from_us(request, state) { Ok(()) } else { Err(ApiError::Csrf) }
}

/// What a browser is shown whose request proves nothing, though a script may have sent it (Django).
pub(crate) fn refusal() -> HttpResponse {
    HttpResponse::Forbidden().content_type("text/html; charset=utf-8").body(PAGE)
}

/// Whether the page that sent the request is ours, as far as the browser says.
fn comes_from_us(request: &HttpRequest, state: &AppState) -> bool {
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let origin = match (text(ORIGIN), text(REFERER)) {
        (Some(origin), _) => origin.to_owned(),
        (None, Some(referer)) => match Url::parse(referer) {
            Ok(url) => url.origin().ascii_serialization(),
            Err(_) => return false,
        },
        // No browser of today leaves both out where it matters.
        (None, None) => return state.config.public_url.scheme() != "https",
    };
    let public = state.config.public_url.origin().ascii_serialization();
    let host = client::host(request, &state.config.trusted_proxies).unwrap_or_default();
    let is_secure = || client::is_secure(request, &state.config.trusted_proxies);
    // Behind a proxy that nobody told us of, a page that came over TLS asks us without. The other way
    // round, whoever is between a browser and us could make a page without TLS.
    let is_host = match origin.split_once("://") {
        Some(("https", authority)) => authority == host,
        Some(("http", authority)) => {
            let of_public = public.strip_prefix("https://");
            authority == host && of_public != Some(authority) && !is_secure()
        }
        _ => false,
    };
    origin == public
        || is_host
        || state.config.trusted_origins.iter().any(|trusted| is_trusted(trusted, &origin))
}

/// Whether an origin is one that the operator trusts, which may begin with `https://*.`.
fn is_trusted(trusted: &str, origin: &str) -> bool {
    match trusted.split_once("://*.") {
        Some((scheme, domain)) => origin
            .strip_prefix(scheme)
            .and_then(|rest| rest.strip_prefix("://"))
            .and_then(|host| host.strip_suffix(domain))
            .is_some_and(|label| label.ends_with('.')),
        None => trusted == origin,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_labels_and_nothing_else() {
        for (origin, trusts) in [
            ("https://a.example.com", true),
            ("https://a.b.example.com", true),
            ("https://example.com", false),
            ("https://badexample.com", false),
            ("http://a.example.com", false),
        ] {
            assert_eq!(is_trusted("https://*.example.com", origin), trusts, "{origin}");
        }
        assert!(is_trusted("https://x.y", "https://x.y"));
    }
}
