//! Reads a request's body, in time and in bounds.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::web::{Bytes, Payload};
use futures_util::{Stream, StreamExt as _, stream};
use mishap_protocol::compression::{Codings, Inflater, Stopped};
use tokio::time::Instant;

use super::receive::{Unreadable, append};
use super::refusal::Refusal;
use crate::client;

/// How long clients may take to send a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How long the next chunk may take.
    pub idle: Duration,
    /// How long any body may take.
    pub whole: Duration,
    /// Beyond that a body must arrive at this many bytes a second.
    pub least_bytes_per_second: u64,
}

impl Default for Patience {
    /// Enough for a telephone at the edge of its network.
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(15),
            whole: Duration::from_secs(30),
            least_bytes_per_second: 16 * 1024,
        }
    }
}

/// How a body is compressed.
pub(super) fn codings(request: &HttpRequest) -> Result<Codings, Refusal> {
    let codings = client::codings(request.headers());
    codings.map_err(|too_many| Refusal::Malformed(too_many.to_string()))
}

/// The chunks of a body, each in time, and no more of them than allowed.
pub(super) struct Chunks<S> {
    stream: S,
    patience: Patience,
    limit: u64,
    began: Instant,
    arrived: u64,
}

impl Chunks<Payload> {
    /// At the start of a request's body of at most `limit` bytes.
    ///
    /// A body that says at once that it is larger is refused before it is read.
    pub(super) fn of(
        request: &HttpRequest,
        payload: Payload,
        patience: Patience,
        limit: u64,
    ) -> Result<Self, Refusal> {
        let length = request.headers().get(CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if length.is_some_and(|length| length > limit) {
            return Err(Unreadable::TooLarge(limit).into());
        }
        Ok(Self::new(payload, patience, limit))
    }
}

impl<S> Chunks<S>
where
    S: Stream<Item = Result<Bytes, PayloadError>> + Unpin,
{
    fn new(stream: S, patience: Patience, limit: u64) -> Self {
        Self { stream, patience, limit, began: Instant::now(), arrived: 0 }
    }

    /// The next chunk; nothing at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        let Patience { idle, whole, least_bytes_per_second } = self.patience;
        let earned = Duration::from_secs(self.arrived / least_bytes_per_second.max(1));
        let deadline = (self.began + whole + earned).min(Instant::now() + idle);
        match tokio::time::timeout_at(deadline, self.stream.next()).await {
            Ok(Some(Ok(chunk))) => {
                self.arrived += chunk.len() as u64;
                if self.arrived > self.limit {
                    return Err(Unreadable::TooLarge(self.limit).into());
                }
                Ok(Some(chunk))
            }
            Ok(Some(Err(PayloadError::Overflow))) => {
                Err(Refusal::Malformed("the body is larger than its Content-Length".to_owned()))
            }
            Ok(Some(Err(_broken))) => Err(Refusal::Disconnected),
            Ok(None) => Ok(None),
            Err(_elapsed) => Err(Refusal::Timeout),
        }
    }

    /// The whole body.
    pub(super) async fn collect(mut self) -> Result<Vec<u8>, Refusal> {
        let mut body = Vec::new();
        while let Some(chunk) = self.next().await? {
            append(&mut body, &chunk, self.limit);
        }
        Ok(body)
    }
}

impl<S> Drop for Chunks<S> {
    fn drop(&mut self) {
        metrics::counter!("glitchtip_ingest_bytes_total").increment(self.arrived);
    }
}

/// A body as it is inflated, for what reads streams; at most `limit` bytes come out.
///
/// Such a reader has errors of its own: what really happened is left in `refusal`.
pub(super) fn inflated_stream(
    chunks: Chunks<Payload>,
    codings: &Codings,
    limit: u64,
    refusal: Rc<RefCell<Option<Refusal>>>,
) -> impl Stream<Item = Result<Bytes, PayloadError>> + use<> {
    let start = Inflating { chunks, inflater: Inflater::new(codings), limit, inflated: 0 };
    stream::unfold(Some(start), move |inflating| {
        let refusal = Rc::clone(&refusal);
        async move {
            let mut inflating = inflating?;
            match inflating.next().await {
                Ok(Some(piece)) => Some((Ok(piece), Some(inflating))),
                Ok(None) => None,
                Err(error) => {
                    refusal.replace(Some(error));
                    Some((Err(PayloadError::Incomplete(None)), None))
                }
            }
        }
    })
    .fuse()
}

struct Inflating {
    chunks: Chunks<Payload>,
    inflater: Inflater,
    limit: u64,
    inflated: u64,
}

impl Inflating {
    async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        let Some(chunk) = self.chunks.next().await? else {
            let is_whole = self.inflater.is_complete();
            return if is_whole { Ok(None) } else { Err(Unreadable::Encoding.into()) };
        };
        let mut out = Vec::new();
        let room = self.limit - self.inflated;
        let result = self.inflater.push(&chunk, self.limit, &mut |piece: &[u8]| {
            out.extend_from_slice(piece);
            if out.len() as u64 > room { Err(()) } else { Ok(()) }
        });
        match result {
            Ok(()) => {
                self.inflated += out.len() as u64;
                Ok(Some(out.into()))
            }
            Err(Stopped::Receiver(()) | Stopped::TooMuchBetween) => {
                Err(Unreadable::TooLargeInflated.into())
            }
            Err(Stopped::Corrupt(_)) => Err(Unreadable::Encoding.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream that gives `bytes` every `pause`, for ever.
    fn dripping(
        bytes: usize,
        pause: Duration,
    ) -> impl Stream<Item = Result<Bytes, PayloadError>> + Unpin {
        Box::pin(stream::unfold((), move |()| async move {
            tokio::time::sleep(pause).await;
            Some((Ok(Bytes::from(vec![b'x'; bytes])), ()))
        }))
    }

    async fn how_long(bytes: usize, pause: Duration) -> (Refusal, Duration) {
        let began = Instant::now();
        let chunks = Chunks::new(dripping(bytes, pause), Patience::default(), 10 << 20);
        let refusal = chunks.collect().await.unwrap_err();
        (refusal, began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_of_one_byte_a_second_is_given_up() {
        let (refusal, after) = how_long(1, Duration::from_secs(1)).await;
        assert_eq!((refusal, after), (Refusal::Timeout, Patience::default().whole));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_is_given_up_sooner() {
        let (refusal, after) = how_long(1, Duration::from_secs(3600)).await;
        assert_eq!((refusal, after), (Refusal::Timeout, Patience::default().idle));
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_body_has_the_time_it_needs() {
        let (refusal, after) = how_long(64 * 1024, Duration::from_secs(2)).await;
        assert!(matches!(refusal, Refusal::Unreadable(_)), "{refusal}");
        assert!(after > Patience::default().whole * 3);
    }
}
