//! `POST /api/{project}/store/`: one event, as SDKs sent it before there were envelopes.

use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mishap_core::id::{EventId, ProjectId};
use mishap_protocol::compression::{Coding, Codings, Stopped, TooLong, inflate};
use mishap_protocol::envelope::{Ending, Envelope, EnvelopeHeader, Item, ItemHeader, ItemType};
use mishap_protocol::event::event_id_of;
use mishap_protocol::json::{Kind, Reader, repair_utf8};
use serde_json::json;

use super::body::{Chunks, codings};
use super::credentials::Sender;
use super::envelope::answer;
use super::receive::{Received, Receiver, Unreadable};
use super::refusal::Refusal;
use super::{Ingest, Taken};

/// The first byte of zlib's format.
const ZLIB: u8 = 0x78;

/// Takes an event. The answer has the id under Sentry's name and under GlitchTip's.
pub(super) async fn store(
    request: HttpRequest,
    project: Path<i64>,
    payload: Payload,
    ingest: Data<Ingest>,
) -> Result<HttpResponse, Refusal> {
    let project = ProjectId(project.into_inner());
    let taken = ingest.take_store(&request, project, payload).await;
    answer(ingest.settle(project, taken)?, |event_id| {
        let id = event_id.map(|id| id.to_string());
        json!({ "id": id, "event_id": id, "task_id": null })
    })
}

impl Ingest {
    async fn take_store(
        &self,
        request: &HttpRequest,
        project: ProjectId,
        payload: Payload,
    ) -> Result<Taken, Refusal> {
        let key = Sender::of(request)?.key_or_dsn(None)?;
        let policy = self.admit(project, key).await?;
        let body = Chunks::of(request, payload, self.patience, self.sizes.event)?.collect().await?;
        let event = event_json(&codings(request)?, &body, self.sizes.event)?;
        let event_id = event_id_of(&event).map_or_else(|| EventId(self.random.uuid()), EventId);
        let received = self.received_event(event_id, &[event.into_bytes()], &ItemType::Event)?;
        Ok(self.take(request, &policy, received).await)
    }

    /// Makes an envelope of events that came without one.
    pub(super) fn received_event(
        &self,
        event_id: EventId,
        payloads: &[Vec<u8>],
        item_type: &ItemType,
    ) -> Result<Received, Refusal> {
        let mut header = ItemHeader::new(item_type.clone());
        if *item_type == ItemType::RawSecurity {
            header.content_type = Some(mishap_protocol::security::EVENT_CONTENT_TYPE.to_owned());
        }
        let item = |payload: &'_ Vec<u8>| Item {
            header: header.clone(),
            payload: payload.clone().into(),
            is_whole: true,
        };
        let envelope = Envelope {
            header: EnvelopeHeader { event_id: Some(event_id.0), ..EnvelopeHeader::default() },
            items: payloads.iter().map(item).collect(),
            ending: Ending::Whole,
        };
        let mut receiver = Receiver::new(self.sizes, Codings::default());
        receiver.push(&envelope.write())?;
        Ok(receiver.finish()?)
    }
}

/// The event in a body that may be compressed in any way that SDKs ever did.
fn event_json(codings: &Codings, body: &[u8], limit: u64) -> Result<String, Refusal> {
    let mut plain = inflated(codings, body, limit)?;
    // Very old SDKs send base64 of zlib without saying so.
    let is_json = plain.trim_ascii_start().starts_with(b"{");
    if !is_json
        && let Ok(packed) = STANDARD.decode(plain.trim_ascii())
        && packed.first() == Some(&ZLIB)
    {
        plain = inflated(&Coding::Deflate.into(), &packed, limit)?;
    }
    let text = repair_utf8(&plain).into_owned();
    let mut reader = Reader::new(&text);
    let malformed = |error: mishap_protocol::json::Malformed| Refusal::Malformed(error.to_string());
    if reader.peek().map_err(malformed)? != Kind::Object {
        return Err(Refusal::Malformed("the event is not a JSON object".to_owned()));
    }
    reader.value().and_then(|_event| reader.end()).map_err(malformed)?;
    Ok(text)
}

/// A whole body of at most `limit` bytes, inflated.
pub(super) fn inflated(codings: &Codings, body: &[u8], limit: u64) -> Result<Vec<u8>, Refusal> {
    match inflate(codings, body, usize::try_from(limit).unwrap_or(usize::MAX)) {
        (plain, None) => Ok(plain),
        (_, Some(Stopped::Receiver(TooLong) | Stopped::TooMuchBetween)) => {
            Err(Unreadable::TooLargeInflated.into())
        }
        (_, Some(Stopped::Corrupt(_))) => Err(Unreadable::Encoding.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::*;

    fn zlib(body: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_body_is_read_however_it_is_compressed() {
        let event = br#"{"message":"hi"}"#;
        let plain = Codings::default();
        let read = |codings: &Codings, body: &[u8]| event_json(codings, body, 1000).unwrap();
        assert_eq!(read(&plain, event).as_bytes(), event);
        assert_eq!(read(&Coding::Deflate.into(), &zlib(event)).as_bytes(), event);
        let old = STANDARD.encode(zlib(event));
        assert_eq!(read(&plain, old.as_bytes()).as_bytes(), event);
    }

    #[test]
    fn what_is_no_event_is_refused() {
        let refused = |body: &[u8]| event_json(&Codings::default(), body, 100).unwrap_err();
        for body in ["", "[]", "{\"a\"", "{} x", "hello", "7"] {
            assert!(matches!(refused(body.as_bytes()), Refusal::Malformed(_)), "{body}");
        }
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(100));
        assert_eq!(refused(long.as_bytes()), Unreadable::TooLargeInflated.into());
    }
}
