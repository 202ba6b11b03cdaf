//! Where a request comes from.

use std::net::IpAddr;

use actix_web::HttpRequest;
use ipnet::IpNet;

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
    let is_proxy = request
        .peer_addr()
        .is_some_and(|peer| trusted_proxies.iter().any(|network| network.contains(&peer.ip())));
    let forwarded = request.headers().get("x-forwarded-proto");
    let first = forwarded.and_then(|value| value.to_str().ok()?.split(',').next());
    is_proxy && first.is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https"))
}
