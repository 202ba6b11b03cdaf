//! Reads a request's body, in time and in bounds.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_ENCODING;
use actix_web::web::Bytes;
use futures_util::{Stream, StreamExt as _};
use mishap_protocol::compression::Codings;
use tokio::time::Instant;

use super::refusal::Refusal;

/// How long the next chunk may take.
const IDLE: Duration = Duration::from_secs(15);

/// How long any body may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Beyond that a body must arrive at this many bytes a second.
const LEAST_BYTES_PER_SECOND: u64 = 16 * 1024;

/// How a body is compressed.
pub(super) fn codings(request: &HttpRequest) -> Result<Codings, Refusal> {
    let mut names = String::new();
    for value in request.headers().get_all(CONTENT_ENCODING) {
        names.push_str(value.to_str().unwrap_or_default());
        names.push(',');
    }
    Codings::parse(&names).map_err(|too_many| Refusal::Malformed(too_many.to_string()))
}

/// The chunks of a body, each in time.
pub(super) struct Chunks<S> {
    stream: S,
    began: Instant,
    arrived: u64,
}

impl<S> Chunks<S>
where
    S: Stream<Item = Result<Bytes, PayloadError>> + Unpin,
{
    /// At the start of a body.
    pub(super) fn new(stream: S) -> Self {
        Self { stream, began: Instant::now(), arrived: 0 }
    }

    /// The next chunk; nothing at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        let earned = Duration::from_secs(self.arrived / LEAST_BYTES_PER_SECOND);
        let deadline = (self.began + PATIENCE + earned).min(Instant::now() + IDLE);
        match tokio::time::timeout_at(deadline, self.stream.next()).await {
            Ok(Some(Ok(chunk))) => {
                self.arrived += chunk.len() as u64;
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

    /// The whole body, at most `limit` bytes.
    pub(super) async fn collect(mut self, limit: u64) -> Result<Vec<u8>, Refusal> {
        let mut body = Vec::new();
        while let Some(chunk) = self.next().await? {
            if body.len() as u64 + chunk.len() as u64 > limit {
                return Err(super::receive::Unreadable::TooLarge(limit).into());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

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
        let refusal = Chunks::new(dripping(bytes, pause)).collect(10 << 20).await.unwrap_err();
        (refusal, began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_of_one_byte_a_second_is_given_up() {
        let (refusal, after) = how_long(1, Duration::from_secs(1)).await;
        assert_eq!((refusal, after), (Refusal::Timeout, PATIENCE));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_is_given_up_sooner() {
        let (refusal, after) = how_long(1, Duration::from_secs(3600)).await;
        assert_eq!((refusal, after), (Refusal::Timeout, IDLE));
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_body_has_the_time_it_needs() {
        let (refusal, after) = how_long(64 * 1024, Duration::from_secs(2)).await;
        assert!(matches!(refusal, Refusal::Unreadable(_)), "{refusal}");
        assert!(after > PATIENCE * 3);
    }
}
