//! What web says to the outside: nothing but what signing in through a provider takes.

use mishap_identity::provider::{Http, HttpError, HttpFuture, HttpRequest};

/// Speaks with sign-in providers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unreachable;

impl Http for Unreachable {
    fn send(&self, _request: HttpRequest) -> HttpFuture<'_> {
        Box::pin(std::future::ready(Err(HttpError("nothing is reachable".into()))))
    }
}
