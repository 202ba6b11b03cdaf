//! `mishap send`: a test event, or events and envelopes from files.

use std::fmt;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use mishap_core::clock::{Clock, SystemClock};
use mishap_core::random::{Random, SystemRandom};
use mishap_protocol::dsn::Dsn;
use mishap_protocol::envelope::{Ending, Envelope, EnvelopeHeader, Item, ItemHeader, ItemType};
use mishap_protocol::event::event_id_of;
use mishap_protocol::json::repair_utf8;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::command::SendOptions;
use crate::output::Output;

/// How long the server may take to answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How we call ourselves.
pub(crate) const CLIENT: &str = concat!("mishap-cli/", env!("CARGO_PKG_VERSION"));

#[derive(Debug, Serialize)]
struct Sent {
    event_ids: Vec<String>,
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.event_ids.as_slice() {
            [one] => write!(f, "Sent the event {one}."),
            many => write!(f, "Sent {} events.", many.len()),
        }
    }
}

pub(crate) async fn run(options: &SendOptions, output: Output) -> anyhow::Result<()> {
    let envelopes = if options.files.is_empty() {
        vec![test_event(&options.message)]
    } else {
        let files = options.files.iter().map(|path| envelope_of(path));
        files.collect::<anyhow::Result<Vec<_>>>()?
    };
    let sender = Sender::new(&options.dsn)?;
    let mut event_ids = Vec::with_capacity(envelopes.len());
    for envelope in envelopes {
        event_ids.extend(sender.send(envelope).await?);
    }
    output.show(&Sent { event_ids })
}

/// Sends envelopes to one project.
pub(crate) struct Sender {
    client: reqwest::Client,
    url: String,
    auth: String,
}

#[derive(Deserialize)]
struct Answer {
    id: Option<String>,
}

impl Sender {
    pub(crate) fn new(dsn: &Dsn) -> anyhow::Result<Self> {
        Ok(Self { client: client()?, url: dsn.envelope_url(), auth: dsn.auth_header(CLIENT) })
    }

    /// Sends an envelope; returns the id that the server acknowledged.
    pub(crate) async fn send(&self, envelope: Vec<u8>) -> anyhow::Result<Option<String>> {
        let request = self
            .client
            .post(&self.url)
            .header("X-Sentry-Auth", &self.auth)
            .header("Content-Type", "application/x-sentry-envelope")
            .body(envelope);
        let response = request.send().await.context("the server cannot be reached")?;
        let status = response.status();
        let text = response.text().await?;
        if !status.is_success() {
            bail!("the server answered {status}: {text}");
        }
        let answer: Answer = serde_json::from_str(&text)
            .with_context(|| format!("the server's answer cannot be read: {text}"))?;
        Ok(answer.id)
    }
}

/// A client for HTTP.
pub(crate) fn client() -> anyhow::Result<reqwest::Client> {
    let client = reqwest::Client::builder().timeout(TIMEOUT).user_agent(CLIENT).build();
    client.context("cannot make an HTTP client")
}

/// An event that says that it is a test, with a stack trace to look at.
pub(crate) fn test_event(message: &str) -> Vec<u8> {
    let event_id = SystemRandom.uuid();
    let frame = |function: &str, line: i64, code: &str| {
        json!({
            "function": function,
            "module": "shop.checkout",
            "filename": "shop/checkout.py",
            "lineno": line,
            "context_line": code,
            "in_app": true,
        })
    };
    let event = json!({
        "event_id": event_id.simple().to_string(),
        "timestamp": SystemClock.now().to_rfc3339(),
        "platform": "python",
        "level": "error",
        "environment": "test",
        "transaction": "/checkout",
        "exception": { "values": [{
            "type": "TestError",
            "value": message,
            "stacktrace": { "frames": [
                frame("checkout", 12, "    return pay(order)"),
                frame("pay", 34, "    raise TestError(message)"),
            ]},
        }]},
        "tags": { "sent_by": "mishap send" },
        "user": { "id": "1", "email": "someone@example.com" },
    });
    in_envelope(event_id, event.to_string().into_bytes())
}

/// An envelope with one event.
fn in_envelope(event_id: Uuid, event: Vec<u8>) -> Vec<u8> {
    let header = EnvelopeHeader {
        event_id: Some(event_id),
        sent_at: Some(SystemClock.now()),
        ..EnvelopeHeader::default()
    };
    let item =
        Item { header: ItemHeader::new(ItemType::Event), payload: event.into(), is_whole: true };
    Envelope { header, items: vec![item], ending: Ending::Whole }.write()
}

/// The content of a file: an envelope as it is, or an event, which gets an envelope and, if it has
/// none, an id.
fn envelope_of(path: &Path) -> anyhow::Result<Vec<u8>> {
    let content = if path == Path::new("-") {
        let mut content = Vec::new();
        std::io::stdin().read_to_end(&mut content).context("cannot read standard input")?;
        content
    } else {
        std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?
    };
    if path.extension().is_none_or(|extension| extension != "json") {
        return Ok(content);
    }
    let own = event_id_of(&repair_utf8(&content));
    Ok(in_envelope(own.unwrap_or_else(|| SystemRandom.uuid()), content))
}

/// The event id in an envelope's header.
pub(crate) fn id_in(envelope: &[u8]) -> Option<Uuid> {
    let header = Envelope::read(envelope).ok()?.header;
    header.event_id
}
