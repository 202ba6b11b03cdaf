//! The one HTTP client for addresses that people give: web hooks, checks, identity providers.
//!
//! Whoever gives an address makes this server open a connection, and this server may be able to
//! reach what its users must not: its neighbours, its own database, the cloud's metadata. So only
//! public addresses are connected to. Three doors are watched, since each leaves the others open:
//!
//! 1. an address written as numbers is never resolved, so the URL itself is checked;
//! 2. a name may resolve to anything, at each time to something else, so the resolver lets only
//!    public addresses through, and what it lets through is what is connected to;
//! 3. an answer may lead elsewhere, so each redirect is checked like the first URL.
//!
//! An operator can allow networks ([`Policy::allowed`]) or everything ([`Policy::allow_private`]).

use std::error::Error as StdError;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, redirect};
use rustls::crypto::ring;
use rustls_platform_verifier::BuilderVerifierExt as _;
use url::{Host, Url};

mod public;

pub use self::public::is_public;

/// What the client may do.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Whether addresses that are not public may be connected to.
    pub allow_private: bool,
    /// Networks that may be connected to although they are not public.
    pub allowed: Vec<IpNet>,
    /// The proxy that everything goes through (`http://proxy.example.com:3128`). It resolves names
    /// itself, so which names may be reached is then the proxy's business; addresses written as
    /// numbers are still checked here. The environment's proxies are not used.
    pub proxy: Option<Url>,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long the whole may take, body and redirects included.
    pub timeout: Duration,
    /// How many redirects are followed.
    pub max_redirects: usize,
    /// Bytes of a body that are read; the rest is left behind.
    pub max_body: usize,
    /// How the client introduces itself.
    pub user_agent: String,
}

impl Default for Policy {
    /// Public addresses only, without a proxy; ten seconds, five redirects, one MiB.
    fn default() -> Self {
        Self {
            allow_private: false,
            allowed: Vec::new(),
            proxy: None,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
            max_redirects: 5,
            max_body: 1024 * 1024,
            user_agent: "Mishap".to_owned(),
        }
    }
}

impl Policy {
    fn permits(&self, address: IpAddr) -> bool {
        let inner = public::embedded(address);
        self.allow_private
            || is_public(address)
            || self.allowed.iter().any(|network| {
                network.contains(&address) || inner.is_some_and(|inner| network.contains(&inner))
            })
    }

    /// Whether the URL may be fetched, as far as it can be told without resolving a name.
    fn check(&self, url: &Url) -> Result<(), Refused> {
        let refused = || Refused { host: url.host_str().unwrap_or_default().to_owned() };
        let permitted = match url.host() {
            Some(Host::Ipv4(address)) => self.permits(address.into()),
            Some(Host::Ipv6(address)) => self.permits(address.into()),
            Some(Host::Domain(_)) => true,
            None => false,
        };
        permitted.then_some(()).ok_or_else(refused)
    }
}

/// An address of the web: `http` or `https`, with a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebAddress(Url);

/// The text is no address of the web.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a web address begins with http:// or https:// and names a host")]
pub struct InvalidAddress;

impl WebAddress {
    /// Reads an address, as browsers do.
    pub fn parse(text: &str) -> Result<Self, InvalidAddress> {
        let url = Url::parse(text).ok();
        let is_web = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
        url.filter(is_web).map(Self).ok_or(InvalidAddress)
    }

    /// The address as text. It may contain a user and a password.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// A host is not public, and nobody allowed it.
///
/// It does not say where a name led: that would tell strangers about the network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{host} is not a public address")]
pub struct Refused {
    /// The host, as it was written.
    pub host: String,
}

/// Nothing was fetched.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address, or one that it led to, is not public.
    #[error(transparent)]
    Refused(Refused),
    /// It led from one address to the next, too often.
    #[error("there were too many redirects")]
    TooManyRedirects,
    /// It took too long.
    #[error("there was no answer in time")]
    Timeout,
    /// The host is not known, does not answer, or its certificate is not valid.
    #[error("no connection could be made")]
    Connect(#[source] reqwest::Error),
    /// The answer is no HTTP, or ended early.
    #[error("the answer could not be read")]
    Answer(#[source] reqwest::Error),
    /// A header that was to be sent is none.
    #[error("{0:?} is not a header that can be sent")]
    Header(String),
}

/// The client cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be made")]
pub struct BuildError(#[source] Box<dyn StdError + Send + Sync>);

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers with their names in lower case; values that are no text are left out.
    pub headers: Vec<(String, String)>,
    /// The body, as far as it was read.
    pub body: Bytes,
    /// Whether there was more of it.
    pub is_truncated: bool,
}

impl Response {
    /// Whether the status says that it went well.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first header with this name, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The client. Cloning it is cheap and shares its connections.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    policy: Arc<Policy>,
}

impl Client {
    /// A client that follows a policy.
    pub fn new(policy: Policy) -> Result<Self, BuildError> {
        let policy = Arc::new(policy);
        let encryption =
            rustls::ClientConfig::builder_with_provider(ring::default_provider().into())
                .with_safe_default_protocol_versions()
                .and_then(|builder| builder.with_platform_verifier())
                .map_err(|error| BuildError(error.into()))?
                .with_no_client_auth();
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(encryption)
            .redirect(redirects(Arc::clone(&policy)))
            .connect_timeout(policy.connect_timeout)
            .timeout(policy.timeout)
            .user_agent(&policy.user_agent)
            // What was looked at a while ago may be somewhere else by now.
            .pool_idle_timeout(Duration::from_secs(30))
            .no_proxy();
        let builder = match &policy.proxy {
            Some(proxy) => {
                let proxy = reqwest::Proxy::all(proxy.as_str());
                builder.proxy(proxy.map_err(|error| BuildError(error.into()))?)
            }
            None => builder.dns_resolver(Arc::new(PublicNames(Arc::clone(&policy)))),
        };
        let http = builder.build().map_err(|error| BuildError(error.into()))?;
        Ok(Self { http, policy })
    }

    /// Fetches.
    pub async fn get(
        &self,
        address: &WebAddress,
        headers: &[(&str, &str)],
    ) -> Result<Response, Error> {
        self.send(Method::GET, address, headers, Bytes::new()).await
    }

    /// Sends a body; its `Content-Type` is among the headers.
    pub async fn post(
        &self,
        address: &WebAddress,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Response, Error> {
        self.send(Method::POST, address, headers, body).await
    }

    async fn send(
        &self,
        method: Method,
        address: &WebAddress,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Response, Error> {
        self.policy.check(&address.0).map_err(Error::Refused)?;
        let request = self.http.request(method, address.0.clone()).headers(readable(headers)?);
        let request = if body.is_empty() { request } else { request.body(body) };
        let mut response = request.send().await.map_err(explained)?;
        let status = response.status().as_u16();
        let text = |(name, value): (&HeaderName, &HeaderValue)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        };
        let headers = response.headers().iter().filter_map(text).collect();
        let mut body = BytesMut::new();
        let mut is_truncated = false;
        while let Some(chunk) = response.chunk().await.map_err(explained)? {
            let room = self.policy.max_body - body.len();
            is_truncated = chunk.len() > room;
            body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
            if is_truncated {
                break;
            }
        }
        Ok(Response { status, headers, body: body.freeze(), is_truncated })
    }
}

fn readable(headers: &[(&str, &str)]) -> Result<HeaderMap, Error> {
    let header = |(name, value): &(&str, &str)| {
        let header = name.parse::<HeaderName>().ok().zip(value.parse::<HeaderValue>().ok());
        // Not the value: it may be a secret.
        header.ok_or_else(|| Error::Header((*name).to_owned()))
    };
    headers.iter().map(header).collect()
}

/// Finds out what an error is about.
fn explained(error: reqwest::Error) -> Error {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(&error);
    while let Some(inner) = cause {
        if let Some(refused) = inner.downcast_ref::<Refused>() {
            return Error::Refused(refused.clone());
        }
        if inner.is::<TooMany>() {
            return Error::TooManyRedirects;
        }
        cause = inner.source();
    }
    if error.is_timeout() {
        return Error::Timeout;
    }
    let error = error.without_url();
    if error.is_connect() { Error::Connect(error) } else { Error::Answer(error) }
}

#[derive(Debug, thiserror::Error)]
#[error("too many redirects")]
struct TooMany;

fn redirects(policy: Arc<Policy>) -> redirect::Policy {
    redirect::Policy::custom(move |attempt| {
        if attempt.previous().len() > policy.max_redirects {
            return attempt.error(TooMany);
        }
        match policy.check(attempt.url()) {
            Ok(()) => attempt.follow(),
            Err(refused) => attempt.error(refused),
        }
    })
}

/// Resolves names to what may be connected to.
struct PublicNames(Arc<Policy>);

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = Arc::clone(&self.0);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let permitted: Vec<SocketAddr> =
                found.filter(|address| policy.permits(address.ip())).collect();
            if permitted.is_empty() {
                return Err(Refused { host: name.as_str().to_owned() }.into());
            }
            let permitted: Addrs = Box::new(permitted.into_iter());
            Ok(permitted)
        })
    }
}

#[cfg(test)]
mod tests;
