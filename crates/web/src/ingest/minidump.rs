//! `POST /api/{project}/minidump/`: crash dumps of native programs.
//!
//! The dump becomes an attachment of an event that the form's fields describe. The answer is the
//! event's id as plain text, and never 429: Breakpad's clients would try again for ever.

use std::rc::Rc;

use actix_multipart::Multipart;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{BytesMut, Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::StreamExt as _;
use mishap_core::id::{EventId, ProjectId};
use mishap_protocol::compression::{Coding, Codings, Stopped, TooLong, inflate};
use mishap_protocol::envelope::{
    Ending, Envelope, EnvelopeHeader, Item, ItemHeader, ItemType, parse_id,
};
use mishap_protocol::event::event_id_of;
use mishap_protocol::minidump::{ATTACHMENT_TYPE, DUMP_FIELD, event_json, is_minidump};

use super::body::{Chunks, codings, inflated_stream};
use super::credentials::Sender;
use super::memory::PACKING;
use super::receive::{Receiver, Unreadable};
use super::refusal::Refusal;
use super::store::inflated;
use super::{Ingest, Taken};

/// Fields of a form at most.
const MAX_FIELDS: usize = 1000;

/// Largest field that is no file, in bytes.
const MAX_FIELD: usize = 1 << 20;

/// Takes a dump, alone or in a form.
pub(super) async fn minidump(
    request: HttpRequest,
    project: Path<i64>,
    payload: Payload,
    ingest: Data<Ingest>,
) -> Result<HttpResponse, Refusal> {
    let project = ProjectId(project.into_inner());
    let taken = ingest.take_minidump(&request, project, payload).await;
    let event_id = match ingest.settle(project, taken) {
        // What limits refuse is counted and forgotten.
        Ok(Taken {
            refused: None | Some(Refusal::RateLimited(_) | Refusal::Throttled { .. }),
            event_id,
            ..
        }) => event_id,
        Ok(Taken { refused: Some(refusal), .. }) => return Err(refusal),
        Err(Refusal::RateLimited(_) | Refusal::Throttled { .. } | Refusal::Backpressure { .. }) => {
            None
        }
        Err(refusal) => return Err(refusal),
    };
    let event_id = event_id.unwrap_or_else(|| EventId(ingest.random.uuid()));
    Ok(HttpResponse::Ok().content_type("text/plain").body(event_id.0.hyphenated().to_string()))
}

/// What a form holds.
#[derive(Debug, Default)]
struct Upload {
    fields: Vec<(String, String)>,
    files: Vec<File>,
}

#[derive(Debug)]
struct File {
    field: String,
    name: String,
    content_type: Option<String>,
    content: Vec<u8>,
}

impl Ingest {
    async fn take_minidump(
        &self,
        request: &HttpRequest,
        project: ProjectId,
        payload: Payload,
    ) -> Result<Taken, Refusal> {
        let key = Sender::of(request)?.key_or_dsn(None)?;
        let policy = self.admit(project, key).await?;
        let mut share = self.memory.share();
        share.grow_to(PACKING * (self.sizes.attachments + self.sizes.event)).await?;
        let is_form = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.trim_start().starts_with("multipart/"));
        let upload = if is_form {
            self.read_form(request, payload).await?
        } else {
            let limit = self.sizes.attachment;
            let body = Chunks::of(request, payload, self.patience, limit)?.collect().await?;
            let content = inflated(&codings(request)?, &body, limit)?;
            let field = DUMP_FIELD.to_owned();
            let name = "minidump.dmp".to_owned();
            let dump = File { field, name, content_type: None, content };
            Upload { fields: Vec::new(), files: vec![dump] }
        };
        let envelope = self.envelope_of(upload)?;
        let mut receiver = Receiver::new(self.sizes, Codings::default());
        receiver.push(&envelope.write())?;
        Ok(self.take(request, &policy, receiver.finish()?).await)
    }

    /// Reads a form; Crashpad compresses the whole of it.
    async fn read_form(&self, request: &HttpRequest, payload: Payload) -> Result<Upload, Refusal> {
        let limit = self.sizes.attachments + self.sizes.event;
        let chunks = Chunks::of(request, payload, self.patience, limit)?;
        let refusal = Rc::default();
        let body = inflated_stream(chunks, &codings(request)?, limit, Rc::clone(&refusal));
        let form = Multipart::new(request.headers(), body);
        let upload = Self::read_fields(form).await;
        upload.map_err(|malformed| refusal.take().unwrap_or(malformed))
    }

    async fn read_fields(mut form: Multipart) -> Result<Upload, Refusal> {
        let malformed = |error: &dyn std::fmt::Display| {
            Refusal::Malformed(format!("the form cannot be read: {error}"))
        };
        let mut upload = Upload::default();
        while let Some(field) = form.next().await {
            let mut field = field.map_err(|error| malformed(&error))?;
            if upload.fields.len() + upload.files.len() >= MAX_FIELDS {
                return Err(malformed(&"too many fields"));
            }
            let name = field.name().unwrap_or_default().to_owned();
            let filename = field
                .content_disposition()
                .and_then(|disposition| disposition.get_filename())
                .map(str::to_owned);
            let content_type = field.content_type().map(ToString::to_string);
            let mut content = BytesMut::new();
            while let Some(chunk) = field.next().await {
                let chunk = chunk.map_err(|error| malformed(&error))?;
                content.extend_from_slice(&chunk);
            }
            match filename {
                Some(filename) => upload.files.push(File {
                    field: name,
                    name: filename,
                    content_type,
                    content: content.to_vec(),
                }),
                None if name == DUMP_FIELD => upload.files.push(File {
                    field: name,
                    name: "minidump.dmp".to_owned(),
                    content_type,
                    content: content.to_vec(),
                }),
                None => {
                    content.truncate(MAX_FIELD);
                    let text = String::from_utf8_lossy(&content).into_owned();
                    upload.fields.push((name, text));
                }
            }
        }
        Ok(upload)
    }

    /// An event of the form's fields, with the files attached.
    fn envelope_of(&self, upload: Upload) -> Result<Envelope<'static>, Refusal> {
        let event = event_json(&upload.fields);
        let event_id = event_id_of(&event)
            .or_else(|| {
                let guid = upload.fields.iter().find(|(name, _)| name == "guid")?;
                parse_id(&guid.1)
            })
            .unwrap_or_else(|| self.random.uuid());
        let mut items = vec![Item {
            header: ItemHeader::new(ItemType::Event),
            payload: event.into_bytes().into(),
            is_whole: true,
        }];
        let mut has_dump = false;
        for file in upload.files {
            let is_dump = file.field == DUMP_FIELD;
            let content = if is_dump { self.unpacked_dump(file.content)? } else { file.content };
            has_dump |= is_dump;
            let header = ItemHeader {
                filename: Some(file.name),
                content_type: file.content_type,
                attachment_type: is_dump.then(|| ATTACHMENT_TYPE.to_owned()),
                ..ItemHeader::new(ItemType::Attachment)
            };
            items.push(Item { header, payload: content.into(), is_whole: true });
        }
        if !has_dump {
            return Err(Refusal::Malformed(format!("the form has no field {DUMP_FIELD}")));
        }
        let header = EnvelopeHeader { event_id: Some(event_id), ..EnvelopeHeader::default() };
        Ok(Envelope { header, items, ending: Ending::Whole })
    }

    /// A dump that may have been compressed by itself.
    fn unpacked_dump(&self, content: Vec<u8>) -> Result<Vec<u8>, Refusal> {
        let limit = usize::try_from(self.sizes.attachment).unwrap_or(usize::MAX);
        let coding = match content.as_slice() {
            [0x1f, 0x8b, ..] => Some(Coding::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Coding::Zstd),
            _ => None,
        };
        let plain = match coding {
            None => content,
            Some(coding) => match inflate(&coding.into(), &content, limit) {
                (plain, None) => plain,
                (_, Some(Stopped::Receiver(TooLong) | Stopped::TooMuchBetween)) => {
                    return Err(Unreadable::TooLargeInflated.into());
                }
                (_, Some(Stopped::Corrupt(_))) => return Err(Unreadable::Encoding.into()),
            },
        };
        if plain.is_empty() || !is_minidump(&plain) {
            return Err(Refusal::Malformed("the upload is no minidump".to_owned()));
        }
        Ok(plain)
    }
}
