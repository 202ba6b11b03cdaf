//! What an API client is told when something cannot be done.
//!
//! Status and wording are decided here and nowhere else. The shapes are GlitchTip's: `detail` is a
//! text, or a list of fields with what is wrong with them.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use mishap_core::causes::Causes;
use mishap_core::page::InvalidCursor;
use mishap_storage::ErrorClass;
use serde_json::json;

use crate::fields::FieldProblem;

/// A request of the API cannot be fulfilled.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// No credentials, or unknown ones.
    #[error("Unauthorized")]
    Unauthorized,
    /// A change was asked for without a token, or without proof that it comes from our own pages.
    #[error("CSRF check Failed")]
    Csrf,
    /// The token lacks every scope that would do.
    #[error("Permission denied")]
    Forbidden,
    /// The caller may not do this, and is told why.
    #[error("{0}")]
    Refused(Cow<'static, str>),
    /// There is no such thing, or it is none of the caller's business.
    #[error("Not Found")]
    NotFound,
    /// What is asked for makes no sense.
    #[error("{0}")]
    BadRequest(Cow<'static, str>),
    /// It is there already.
    #[error("{0}")]
    Conflict(Cow<'static, str>),
    /// The body is larger than anything that makes sense.
    #[error("Request body is too large")]
    TooLarge,
    /// Fields or parameters cannot be understood.
    #[error("fields cannot be understood")]
    Invalid(Vec<FieldProblem>),
    /// Everything can be understood, and cannot be done together.
    #[error("{0}")]
    Unprocessable(Cow<'static, str>),
    /// A list of what is wrong, by member (GlitchTip).
    #[error("{1}")]
    Rejected(&'static str, Cow<'static, str>),
    /// Too often.
    #[error("Too many requests.")]
    TooMany,
    /// PostgreSQL cannot be reached.
    #[error("the database cannot be reached; please retry later")]
    Unavailable(#[source] mishap_storage::Error),
    /// Something that should not happen.
    #[error("Internal Error")]
    Internal(#[source] anyhow::Error),
}

impl ApiError {
    /// A query parameter is wrong.
    pub fn query(name: &'static str, kind: &'static str, msg: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldProblem::new("query", name, kind, msg)])
    }

    /// A part of the path is wrong.
    pub fn path(name: &'static str, kind: &'static str, msg: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldProblem::new("path", name, kind, msg)])
    }
}

impl From<mishap_storage::Error> for ApiError {
    fn from(error: mishap_storage::Error) -> Self {
        match error.class() {
            ErrorClass::Unavailable => Self::Unavailable(error),
            ErrorClass::Conflict | ErrorClass::Fault => Self::Internal(error.into()),
        }
    }
}

impl From<InvalidCursor> for ApiError {
    fn from(invalid: InvalidCursor) -> Self {
        Self::query("cursor", "value_error", invalid.to_string())
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Csrf | Self::Forbidden | Self::Refused(_) => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Invalid(_) | Self::Unprocessable(_) | Self::Rejected(..) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            Self::Internal(error) => tracing::error!("a request failed: {error:#}"),
            Self::Unavailable(error) => {
                tracing::error!(error = %Causes(error), "a request failed");
            }
            _ => {}
        }
        let detail = match self {
            Self::Invalid(problems) => json!(problems),
            Self::Rejected(member, msg) => json!([{ *member: msg }]),
            other => json!(other.to_string()),
        };
        let mut response = HttpResponse::build(self.status_code());
        if matches!(self, Self::Unavailable(_)) {
            response.insert_header(("Retry-After", "5"));
        }
        response.json(json!({ "detail": detail }))
    }
}
