//! One connection that sends one request at a time.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::sending::Target;
use crate::command::LoadCoding;

pub(super) struct Connection<'t> {
    target: &'t Target,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl<'t> Connection<'t> {
    pub(super) fn new(target: &'t Target) -> Self {
        Self { target, sender: None }
    }

    /// Sends a request and reads its answer to the end; connects anew if need be.
    pub(super) async fn post(&mut self, body: Bytes) -> anyhow::Result<u16> {
        let answered = self.try_post(body).await;
        if answered.is_err() {
            self.sender = None;
        }
        answered
    }

    async fn try_post(&mut self, body: Bytes) -> anyhow::Result<u16> {
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
        let response = sender.send_request(request.body(Full::new(body))?).await?;
        let status = response.status().as_u16();
        response.into_body().collect().await?;
        self.sender = Some(sender);
        Ok(status)
    }
}

async fn connect(target: &Target) -> anyhow::Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect((target.host.as_str(), target.port)).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    #[expect(clippy::disallowed_methods, reason = "it ends with the connection")]
    tokio::spawn(async move {
        // Whoever sends over it hears of its end.
        let _closed = connection.await;
    });
    Ok(sender)
}
