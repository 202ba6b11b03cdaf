//! A client that speaks HTTP with the running product.

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use url::Url;

/// A client, with or without credentials.
pub struct Client {
    base: Url,
    headers: HeaderMap,
    http: reqwest::Client,
}

/// What sends requests. Making one takes longer than a request.
pub(crate) fn sender() -> reqwest::Client {
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    builder.no_proxy().build().unwrap()
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: String,
}

impl Answer {
    /// Reads an answer to its end.
    pub async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Self { status, headers, body: response.text().await.unwrap() }
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {} {:?}", self.status, self.body))
    }

    /// A header; empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The same answer, if its status is this one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self
    }
}

impl Client {
    pub(crate) fn new(base: Url, token: Option<&str>) -> Self {
        let bearer = token.map(|token| HeaderValue::from_str(&format!("Bearer {token}")).unwrap());
        let headers = bearer.map(|bearer| (AUTHORIZATION, bearer)).into_iter().collect();
        Self::saying(base, headers, sender())
    }

    /// A client that says this with each request.
    pub(crate) fn saying(base: Url, headers: HeaderMap, http: reqwest::Client) -> Self {
        Self { base, headers, http }
    }

    /// A client for a server that runs somewhere.
    pub fn at(base: &str, token: Option<&str>) -> Self {
        mishap_process::install_encryption();
        Self::new(Url::parse(base).unwrap(), token)
    }

    /// A request for a path.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.base.as_str().trim_end_matches('/'));
        self.http.request(method, url).headers(self.headers.clone())
    }

    /// `GET`s a path.
    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path)).await
    }

    /// A `POST` to be completed and sent with [`Answer::of`].
    pub fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path)
    }

    /// `POST`s a body with headers.
    pub async fn send(&self, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let mut request = self.post(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(request.body(body)).await
    }

    /// Sends JSON to a path.
    pub async fn json(&self, method: Method, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(method, path).json(body)).await
    }

    /// `DELETE`s a path.
    pub async fn delete(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::DELETE, path)).await
    }
}
