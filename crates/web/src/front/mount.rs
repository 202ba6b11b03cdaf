//! An installation may live under a path of its host.

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Uri;
use actix_web::http::uri::PathAndQuery;
use actix_web::middleware::Next;
use actix_web::web::Data;

use crate::AppState;

/// Takes the installation's own path off the request's, before anything looks at it. Proxies that took
/// it off already are as welcome.
pub(crate) async fn unmount<B: MessageBody>(
    state: Data<AppState>,
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    if let Some(uri) = within(request.uri(), state.config.base_path()) {
        request.match_info_mut().get_mut().update(&uri);
        request.head_mut().uri = uri;
    }
    next.call(request).await
}

/// The same address below `mount`, if it is one.
fn within(uri: &Uri, mount: &str) -> Option<Uri> {
    if mount.is_empty() {
        return None;
    }
    let path = match uri.path().strip_prefix(mount)? {
        "" => "/",
        path if path.starts_with('/') => path,
        _longer_name => return None,
    };
    let path_and_query = match uri.query() {
        Some(query) => PathAndQuery::try_from(format!("{path}?{query}")),
        None => PathAndQuery::try_from(path),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path_and_query.ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_installation_s_own_path_is_taken_off() {
        for (uri, within_sub) in [
            ("/sub", Some("/")),
            ("/sub?a=b", Some("/?a=b")),
            ("/sub/api/0/?next=/sub/", Some("/api/0/?next=/sub/")),
            ("/sub/sub/", Some("/sub/")),
            ("/sub//login", Some("//login")),
            ("http://example.com/sub/login", Some("http://example.com/login")),
            ("/subway/", None),
            ("/api/0/", None),
            ("/", None),
        ] {
            let found = within(&uri.parse().unwrap(), "/sub");
            assert_eq!(found.map(|uri| uri.to_string()).as_deref(), within_sub, "{uri}");
        }
        assert_eq!(within(&"/login".parse().unwrap(), ""), None);
    }
}
