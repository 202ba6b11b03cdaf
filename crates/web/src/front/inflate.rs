//! Inflates what clients compressed, for every handler but ingest's, which read it themselves.

use actix_web::HttpMessage as _;
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use actix_web::web::Bytes;
use futures_util::{StreamExt as _, stream};
use mishap_protocol::compression::{Inflater, Stopped};

use crate::client;
use crate::error::ApiError;

/// Puts the content of a compressed body in the place of the body; at most `limit` bytes of it can be
/// read. The handler sees a body that was never compressed.
pub(super) fn inflate(request: &mut ServiceRequest, limit: u64) -> Result<(), ApiError> {
    if !request.headers().contains_key(CONTENT_ENCODING) {
        return Ok(());
    }
    let codings = client::codings(request.headers());
    let codings = codings.map_err(|error| ApiError::BadRequest(error.to_string().into()))?;
    if codings.as_slice().is_empty() {
        return Ok(());
    }
    let payload = request.take_payload();
    let start = Inflating { payload, inflater: Inflater::new(&codings), limit, inflated: 0 };
    let pieces = stream::unfold(Some(start), |inflating| async {
        let mut inflating = inflating?;
        match inflating.next().await {
            Ok(Some(piece)) => Some((Ok(piece), Some(inflating))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    });
    request.set_payload(Payload::Stream { payload: Box::pin(pieces) });
    let headers = request.headers_mut();
    headers.remove(CONTENT_ENCODING);
    headers.remove(CONTENT_LENGTH);
    Ok(())
}

struct Inflating {
    payload: Payload,
    inflater: Inflater,
    limit: u64,
    inflated: u64,
}

impl Inflating {
    async fn next(&mut self) -> Result<Option<Bytes>, PayloadError> {
        let Some(chunk) = self.payload.next().await else {
            let is_whole = self.inflater.is_complete();
            return if is_whole { Ok(None) } else { Err(PayloadError::EncodingCorrupted) };
        };
        let mut out = Vec::new();
        let room = self.limit.saturating_sub(self.inflated);
        let result = self.inflater.push(&chunk?, self.limit, &mut |piece: &[u8]| {
            out.extend_from_slice(piece);
            if out.len() as u64 > room { Err(()) } else { Ok(()) }
        });
        match result {
            Ok(()) => {
                self.inflated += out.len() as u64;
                Ok(Some(out.into()))
            }
            Err(Stopped::Receiver(()) | Stopped::TooMuchBetween) => Err(PayloadError::Overflow),
            Err(Stopped::Corrupt(_)) => Err(PayloadError::EncodingCorrupted),
        }
    }
}
