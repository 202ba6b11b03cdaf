//! What web says to the outside: nothing but what signing in through a provider takes.

use std::time::Duration;

use mishap_identity::provider::{Http, HttpError, HttpFuture, HttpRequest, HttpResponse};
use mishap_outbound::http::{BuildError, Client, Policy, WebAddress};

/// How long a provider may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Speaks with sign-in providers. Those are named by operators and administrators, who often have one
/// in their own network, so addresses need not be public.
pub struct ProviderHttp(Client);

impl ProviderHttp {
    /// A client for sign-in providers. It follows no redirects: nobody is to be sent elsewhere with
    /// our password.
    pub fn new() -> Result<Self, BuildError> {
        let policy = Policy {
            allow_private: true,
            timeout: PATIENCE,
            max_redirects: 0,
            ..Policy::default()
        };
        Client::new(policy).map(Self)
    }

    async fn answer(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| HttpError(error);
        let (parts, body) = request.into_parts();
        let address = WebAddress::parse(&parts.uri.to_string());
        let address = address.map_err(|error| failed(error.into()))?;
        let text = |(name, value): (&_, &http::HeaderValue)| {
            let name: &http::HeaderName = name;
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        };
        let headers: Vec<(String, String)> = parts.headers.iter().filter_map(text).collect();
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = match parts.method {
            http::Method::POST => self.0.post(&address, &headers, body.into()).await,
            _ => self.0.get(&address, &headers).await,
        };
        let answer = answer.map_err(|error| failed(error.into()))?;
        let mut response = http::Response::builder().status(answer.status);
        for (name, value) in &answer.headers {
            response = response.header(name, value);
        }
        response.body(answer.body.to_vec()).map_err(|error| failed(error.into()))
    }
}

impl Http for ProviderHttp {
    fn send(&self, request: HttpRequest) -> HttpFuture<'_> {
        Box::pin(self.answer(request))
    }
}

/// Reaches nothing: for servers whose people only have passwords.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unreachable;

impl Http for Unreachable {
    fn send(&self, _request: HttpRequest) -> HttpFuture<'_> {
        Box::pin(std::future::ready(Err(HttpError("nothing is reachable".into()))))
    }
}
