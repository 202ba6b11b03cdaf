//! What goes out to a provider, and what comes back.

use std::error::Error;
use std::pin::Pin;

use openidconnect::{AsyncHttpClient, http};
use serde::de::DeserializeOwned;
use url::Url;

use super::{Endpoint, ProviderError, shortened};

/// The longest answer that is looked at, in bytes.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// What is to be sent.
pub type HttpRequest = http::Request<Vec<u8>>;

/// What was answered.
pub type HttpResponse = http::Response<Vec<u8>>;

/// A request under way.
pub type HttpFuture<'a> =
    Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'a>>;

/// What sends requests: within bounds of time and size, without following redirects, and not to the
/// inner network unless that is wanted.
pub trait Http: Send + Sync {
    /// Sends a request.
    fn send(&self, request: HttpRequest) -> HttpFuture<'_>;
}

/// There is no answer.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct HttpError(#[from] pub Box<dyn Error + Send + Sync>);

async fn send(http: &dyn Http, request: HttpRequest) -> Result<HttpResponse, HttpError> {
    let response = http.send(request).await?;
    if response.body().len() > MAX_ANSWER_BYTES {
        return Err(HttpError("the answer is too long".into()));
    }
    Ok(response)
}

/// The same for the library.
pub(super) struct Sender<'a>(pub(super) &'a dyn Http);

impl<'c> AsyncHttpClient<'c> for Sender<'_> {
    type Error = HttpError;
    type Future = HttpFuture<'c>;

    fn call(&'c self, request: HttpRequest) -> HttpFuture<'c> {
        Box::pin(send(self.0, request))
    }
}

/// Gets JSON from a URL, with an access token if there is one. What is wrong with the answer is told
/// for what anybody may read; other answers have somebody's data in them.
pub(super) async fn get<T: DeserializeOwned>(
    http: &dyn Http,
    endpoint: Endpoint,
    url: &Url,
    access_token: Option<&str>,
) -> Result<T, ProviderError> {
    let mut request = http::Request::get(url.as_str())
        .header(http::header::ACCEPT, "application/json")
        .header(http::header::USER_AGENT, "mishap");
    if let Some(token) = access_token {
        request = request.header(http::header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let request = request.body(Vec::new());
    let unsendable = |error: http::Error| unreachable(endpoint, HttpError(error.into()));
    let response = send(http, request.map_err(unsendable)?).await;
    let response = response.map_err(|error| unreachable(endpoint, error))?;
    if response.status() != http::StatusCode::OK {
        return Err(ProviderError::Status { endpoint, status: response.status().as_u16() });
    }
    serde_json::from_slice(response.body()).map_err(|error| {
        let detail = match access_token {
            None => shortened(&error.to_string()),
            Some(_) => "it is not the expected JSON".to_owned(),
        };
        ProviderError::Unreadable { endpoint, detail }
    })
}

pub(super) fn unreachable(endpoint: Endpoint, source: HttpError) -> ProviderError {
    ProviderError::Unreachable { endpoint, source }
}
