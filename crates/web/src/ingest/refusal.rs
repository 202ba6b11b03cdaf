//! Why a whole request is refused, and what the client is told.
//!
//! The body is Relay's: `detail` and `causes`, with the same text in `X-Sentry-Error`.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use mishap_core::outcome::Reason;
use mishap_core::quota::RateLimit;

use super::receive::Unreadable;

/// Carries the refusal's text where a body is not read.
pub(super) const SENTRY_ERROR: HeaderName = HeaderName::from_static("x-sentry-error");

/// Carries the limits that are used up.
pub(super) const RATE_LIMITS: HeaderName = HeaderName::from_static("x-sentry-rate-limits");

/// Why nothing of a request is taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No key anywhere.
    #[error("missing authorization information")]
    NoKey,
    /// The key is no key.
    #[error("the public key is not 32 hexadecimal digits")]
    InvalidKey,
    /// The protocol's version is not one that we speak.
    #[error("unsupported protocol version; use 7")]
    UnknownVersion,
    /// There is no such project with this key.
    #[error("event submission rejected: no project {0} with this key")]
    UnknownKey(i64),
    /// The key is off, or the project or organization takes no events.
    #[error("event submission rejected: the key or the project is disabled")]
    Disabled,
    /// The body cannot be taken.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The body is not what the endpoint wants.
    #[error("{0}")]
    Malformed(String),
    /// The body's media type is not one that the endpoint reads.
    #[error("unsupported content type {0:?}")]
    ContentType(String),
    /// The body did not arrive in time.
    #[error("the body did not arrive in time")]
    Timeout,
    /// The client went away in the middle of the body.
    #[error("the body ended early")]
    Disconnected,
    /// Everything in it is over a limit.
    #[error("rate limited: {}", .0.reason)]
    RateLimited(RateLimit),
    /// Thinned out by an administrator.
    #[error("throttled by the administrator")]
    Throttled {
        /// Seconds to wait.
        retry_after: u64,
    },
    /// The backlog is too long.
    #[error("too many events wait to be processed; please retry later")]
    Backpressure {
        /// Seconds to wait.
        retry_after: u64,
    },
    /// Ingest is stopped.
    #[error("Events are not currently being accepted due to maintenance.")]
    Maintenance,
    /// It cannot be kept safely now.
    #[error("events cannot be stored at the moment; please retry later")]
    Unavailable,
}

/// How long clients wait when nothing can be stored, in seconds.
const UNAVAILABLE_RETRY: u64 = 30;

/// How long clients wait during maintenance, in seconds.
const MAINTENANCE_RETRY: u64 = 300;

impl Refusal {
    /// What the outcome is counted as.
    pub(super) fn reason(&self) -> Reason {
        match self {
            Self::NoKey | Self::InvalidKey | Self::UnknownVersion | Self::UnknownKey(_) => {
                Reason::UnknownKey
            }
            Self::Disabled => Reason::Disabled,
            Self::Unreadable(Unreadable::TooLarge(_)) => Reason::TooLarge,
            Self::Unreadable(Unreadable::TooLargeInflated) => Reason::TooLargeInflated,
            Self::Unreadable(Unreadable::Encoding) => Reason::BadEncoding,
            Self::Unreadable(Unreadable::Envelope(_)) | Self::Timeout | Self::Disconnected => {
                Reason::MalformedEnvelope
            }
            Self::Malformed(_) | Self::ContentType(_) => Reason::MalformedItem,
            Self::RateLimited(limit) => limit.reason,
            Self::Throttled { .. } => Reason::Throttled,
            Self::Backpressure { .. } => Reason::Backpressure,
            Self::Maintenance => Reason::Maintenance,
            Self::Unavailable => Reason::Unavailable,
        }
    }

    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::RateLimited(limit) => Some(limit.retry_after),
            Self::Throttled { retry_after } | Self::Backpressure { retry_after } => {
                Some(*retry_after)
            }
            Self::Maintenance => Some(MAINTENANCE_RETRY),
            Self::Unavailable => Some(UNAVAILABLE_RETRY),
            _ => None,
        }
    }

    /// Whether it is not known for sure that the client belongs to the project.
    pub(super) fn is_anonymous(&self) -> bool {
        matches!(
            self,
            Self::NoKey
                | Self::InvalidKey
                | Self::UnknownVersion
                | Self::UnknownKey(_)
                | Self::Maintenance
                | Self::Unavailable
        )
    }

    /// Whether the client sent something wrong, rather than too much or at the wrong time.
    pub(super) fn is_client_fault(&self) -> bool {
        self.status_code().is_client_error() && self.retry_after().is_none()
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NoKey => StatusCode::UNAUTHORIZED,
            Self::InvalidKey | Self::UnknownKey(_) | Self::Disabled => StatusCode::FORBIDDEN,
            Self::UnknownVersion | Self::Malformed(_) | Self::Disconnected => {
                StatusCode::BAD_REQUEST
            }
            Self::Unreadable(Unreadable::TooLarge(_) | Unreadable::TooLargeInflated) => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            Self::Unreadable(Unreadable::Encoding | Unreadable::Envelope(_)) => {
                StatusCode::BAD_REQUEST
            }
            Self::ContentType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::RateLimited(_) | Self::Throttled { .. } | Self::Backpressure { .. } => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::Maintenance | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let detail = self.to_string();
        let mut response = HttpResponse::build(self.status_code());
        if let Ok(text) = HeaderValue::from_str(&detail) {
            response.insert_header((SENTRY_ERROR, text));
        }
        if let Some(seconds) = self.retry_after() {
            response.insert_header((RETRY_AFTER, seconds.to_string()));
        }
        if let Self::RateLimited(limit) = self {
            response.insert_header((RATE_LIMITS, limit.to_string()));
        }
        if matches!(self, Self::Timeout | Self::Disconnected | Self::Unreadable(_)) {
            // What is left of the body must not be taken for the next request.
            response.force_close();
        }
        response.json(serde_json::json!({ "detail": detail, "causes": Vec::<String>::new() }))
    }
}

/// A wait that differs from client to client, so that they do not all come back at once: the time
/// of `about`, a fifth more or less, by `draw`.
pub(super) fn spread(about: Duration, draw: u8) -> u64 {
    let fifth = about.as_secs() / 5;
    about.as_secs() - fifth + 2 * fifth * u64::from(draw) / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_spread_around_their_middle() {
        let about = Duration::from_secs(60);
        assert_eq!((spread(about, 0), spread(about, 255)), (48, 72));
    }

    #[test]
    fn clients_that_may_come_back_are_told_when() {
        for refusal in [
            Refusal::Throttled { retry_after: 4 },
            Refusal::Backpressure { retry_after: 60 },
            Refusal::Maintenance,
            Refusal::Unavailable,
        ] {
            assert!(refusal.error_response().headers().contains_key(RETRY_AFTER), "{refusal}");
            assert!(!refusal.is_client_fault());
        }
        assert!(Refusal::NoKey.is_client_fault());
    }
}
