//! Where a request comes from, what it is for, and what its client says of it.

use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::http::header::{CONTENT_ENCODING, HOST, HeaderMap};
use ipnet::IpNet;
use mishap_protocol::compression::{Codings, TooManyCodings};

/// The nearest address that is not one of our own proxies.
pub(crate) fn address(request: &HttpRequest, trusted_proxies: &[IpNet]) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip();
    let is_proxy =
        |address: &IpAddr| trusted_proxies.iter().any(|network| network.contains(address));
    if !is_proxy(&peer) {
        return Some(peer);
    }
    let forwarded = request.headers().get_all("x-forwarded-for");
    let hops: Vec<IpAddr> = forwarded
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|hop| hop.trim().parse().ok())
        .collect();
    hops.iter().rev().find(|hop| !is_proxy(hop)).or(hops.first()).copied().or(Some(peer))
}

/// Whether the client speaks TLS, with us or with a proxy of ours.
pub(crate) fn is_secure(request: &HttpRequest, trusted_proxies: &[IpNet]) -> bool {
    let scheme = forwarded(request, trusted_proxies, "x-forwarded-proto");
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
}

/// The host that the client asked for, with its port if it named one.
pub(crate) fn host<'r>(request: &'r HttpRequest, trusted_proxies: &[IpNet]) -> Option<&'r str> {
    forwarded(request, trusted_proxies, "x-forwarded-host")
        .or_else(|| request.headers().get(HOST)?.to_str().ok())
}

/// What the proxy nearest to the client says, if the request comes from a proxy of ours.
fn forwarded<'r>(
    request: &'r HttpRequest,
    trusted_proxies: &[IpNet],
    header: &str,
) -> Option<&'r str> {
    let said = request.headers().get(header)?;
    let peer = request.peer_addr()?.ip();
    let is_proxy = trusted_proxies.iter().any(|network| network.contains(&peer));
    let first = said.to_str().ok()?.split(',').next()?.trim();
    (is_proxy && !first.is_empty()).then_some(first)
}

/// How a body is compressed.
pub(crate) fn codings(headers: &HeaderMap) -> Result<Codings, TooManyCodings> {
    let mut names = String::new();
    for value in headers.get_all(CONTENT_ENCODING) {
        names.push_str(value.to_str().unwrap_or_default());
        names.push(',');
    }
    Codings::parse(&names)
}
