//! One connection that sends one request at a time.

use std::sync::Arc;

use anyhow::Context as _;
use http_body_util::BodyExt as _;
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use mishap_protocol::dsn::Dsn;
use rustls_platform_verifier::ConfigVerifierExt as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use super::body::Body;
use crate::command::LoadCoding;

/// Where requests go.
pub(super) struct Target {
    /// As TCP wants it.
    address: String,
    port: u16,
    /// As requests name it.
    host: String,
    path: String,
    auth: String,
    coding: LoadCoding,
    /// If connections are to be encrypted.
    encryption: Option<Encryption>,
}

struct Encryption {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Target {
    pub(super) fn of(dsn: &Dsn, coding: LoadCoding) -> anyhow::Result<Self> {
        let url = url::Url::parse(&dsn.envelope_url())?;
        let host = url.host_str().context("the DSN has no host")?;
        let port = url.port_or_known_default().context("the DSN has no port")?;
        let address = host.trim_matches(['[', ']']).to_owned();
        let encryption = match url.scheme() {
            "https" => Some(Encryption::with(&address)?),
            _ => None,
        };
        Ok(Self {
            address,
            port,
            host: url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
            path: url.path().to_owned(),
            auth: dsn.auth_header(crate::send::CLIENT),
            coding,
            encryption,
        })
    }
}

impl Encryption {
    /// Certificates are looked at as by everything else that connects: `SSL_CERT_FILE` counts.
    fn with(name: &str) -> anyhow::Result<Self> {
        let config = ClientConfig::with_platform_verifier().context("cannot check certificates")?;
        let name = ServerName::try_from(name.to_owned()).context("the DSN's host is no name")?;
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name })
    }
}

pub(super) struct Connection<'t> {
    target: &'t Target,
    sender: Option<SendRequest<Body>>,
}

impl<'t> Connection<'t> {
    pub(super) fn new(target: &'t Target) -> Self {
        Self { target, sender: None }
    }

    /// Sends a request and reads its answer to the end; connects anew if need be.
    pub(super) async fn post(&mut self, body: Body) -> anyhow::Result<u16> {
        let answered = self.try_post(body).await;
        if answered.is_err() {
            self.sender = None;
        }
        answered
    }

    async fn try_post(&mut self, body: Body) -> anyhow::Result<u16> {
        let target = self.target;
        let mut sender = match self.sender.take().filter(|sender| !sender.is_closed()) {
            Some(sender) => sender,
            None => connect(target).await?,
        };
        sender.ready().await?;
        let mut request = Request::post(&target.path)
            .header("host", &target.host)
            .header("x-sentry-auth", &target.auth)
            .header("content-type", "application/x-sentry-envelope");
        if target.coding == LoadCoding::Gzip {
            request = request.header("content-encoding", "gzip");
        }
        let response = sender.send_request(request.body(body)?).await?;
        let status = response.status().as_u16();
        response.into_body().collect().await?;
        self.sender = Some(sender);
        Ok(status)
    }
}

async fn connect(target: &Target) -> anyhow::Result<SendRequest<Body>> {
    let stream = TcpStream::connect((target.address.as_str(), target.port)).await?;
    stream.set_nodelay(true)?;
    match &target.encryption {
        None => speak(stream).await,
        Some(Encryption { connector, name }) => {
            speak(connector.connect(name.clone(), stream).await?).await
        }
    }
}

/// Speaks HTTP over a stream.
async fn speak<S>(stream: S) -> anyhow::Result<SendRequest<Body>>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    #[expect(clippy::disallowed_methods, reason = "it ends with the connection")]
    tokio::spawn(async move {
        // Whoever sends over it hears of its end.
        let _closed = connection.await;
    });
    Ok(sender)
}
