//! `POST /api/{project}/envelope/`

use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use mishap_core::id::{EventId, ProjectId};
use mishap_core::quota::RateLimit;
use serde_json::json;

use super::body::{Chunks, codings};
use super::credentials::Sender;
use super::memory::{PACKING, Share};
use super::receive::{KEEP_AS_SENT, Received, Receiver};
use super::refusal::{RATE_LIMITS, Refusal};
use super::{Ingest, Taken};

/// Takes an envelope; the answer names the id under which its event is stored.
pub(super) async fn envelope(
    request: HttpRequest,
    project: Path<i64>,
    payload: Payload,
    ingest: Data<Ingest>,
) -> Result<HttpResponse, Refusal> {
    let project = ProjectId(project.into_inner());
    let taken = ingest.take_envelope(&request, project, payload).await;
    answer(ingest.settle(project, taken)?, |event_id| match event_id {
        Some(event_id) => json!({ "id": event_id.to_string() }),
        None => json!({}),
    })
}

/// Tells a client what became of what it sent, and which limits it is under.
pub(super) fn answer(
    taken: Taken,
    body: impl FnOnce(Option<EventId>) -> serde_json::Value,
) -> Result<HttpResponse, Refusal> {
    if let Some(refusal) = taken.refused {
        return Err(refusal);
    }
    let mut response = HttpResponse::Ok();
    if !taken.limits.is_empty() {
        let limits: Vec<String> = taken.limits.iter().map(RateLimit::to_string).collect();
        response.insert_header((RATE_LIMITS, limits.join(", ")));
    }
    Ok(response.json(body(taken.event_id)))
}

impl Ingest {
    async fn take_envelope(
        &self,
        request: &HttpRequest,
        project: ProjectId,
        payload: Payload,
    ) -> Result<Taken, Refusal> {
        let sender = Sender::of(request)?;
        let Some(key) = sender.key else {
            // Only the envelope's own header can tell the key now.
            let received = self.receive(request, payload).await;
            let (received, _share) = received.map_err(|_unreadable| Refusal::NoKey)?;
            let key = sender.key_or_dsn(received.header.dsn.as_deref())?;
            let policy = self.admit(project, key).await?;
            return Ok(self.take(request, &policy, received).await);
        };
        let policy = self.admit(project, key).await?;
        let (received, _share) = self.receive(request, payload).await?;
        Ok(self.take(request, &policy, received).await)
    }

    /// Reads an envelope to its end. Its share of the memory is to be kept as long as it is there.
    async fn receive(
        &self,
        request: &HttpRequest,
        payload: Payload,
    ) -> Result<(Received, Share<'_>), Refusal> {
        let mut receiver = Receiver::new(self.sizes, codings(request)?);
        let mut chunks = Chunks::of(request, payload, self.patience, self.sizes.body)?;
        let mut share = self.memory.share();
        while let Some(chunk) = chunks.next().await? {
            let is_large = receiver.is_large_with(chunk.len());
            if is_large {
                share.grow_to(PACKING * (receiver.kept_bytes() + chunk.len() as u64)).await?;
            }
            receiver.push(&chunk)?;
            if is_large {
                // A chunk may inflate to megabytes.
                share.grow_to(PACKING * receiver.kept_bytes()).await?;
                // Let others have their turn.
                tokio::task::yield_now().await;
            }
        }
        let received = receiver.finish()?;
        // A small body that had to be taken apart may have inflated to a large one.
        if received.bytes_taken_apart() > KEEP_AS_SENT as u64 {
            share.grow_at_once_to(PACKING * received.bytes_taken_apart())?;
        }
        Ok((received, share))
    }
}
