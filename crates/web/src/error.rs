//! What an API client is told when something cannot be done.
//!
//! Status and wording are decided here and nowhere else. The shapes are GlitchTip's: `detail` is a
//! text, or a list of fields with what is wrong with them.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use mishap_core::causes::Causes;
use mishap_core::page::InvalidCursor;
use mishap_storage::ErrorClass;
use serde::Serialize;

/// A request of the API cannot be fulfilled.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// No credentials, or unknown ones.
    #[error("Unauthorized")]
    Unauthorized,
    /// The token lacks every scope that would do.
    #[error("Permission denied")]
    Forbidden,
    /// There is no such thing, or it is none of the caller's business.
    #[error("Not Found")]
    NotFound,
    /// A parameter cannot be understood.
    #[error("a parameter cannot be understood")]
    Invalid(FieldProblem),
    /// PostgreSQL cannot be reached.
    #[error("the database cannot be reached; please retry later")]
    Unavailable(#[source] mishap_storage::Error),
    /// Something that should not happen.
    #[error("Internal Error")]
    Internal(#[source] anyhow::Error),
}

/// One parameter, and what is wrong with it (GlitchTip's validation errors).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldProblem {
    /// The kind of problem.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Where it is: `query` or `path`, and the parameter's name.
    loc: [&'static str; 2],
    /// What is wrong, in words.
    msg: String,
}

impl ApiError {
    /// A query parameter is wrong.
    pub fn query(name: &'static str, kind: &'static str, msg: impl Into<String>) -> Self {
        Self::Invalid(FieldProblem { kind, loc: ["query", name], msg: msg.into() })
    }

    /// A part of the path is wrong.
    pub fn path(name: &'static str, kind: &'static str, msg: impl Into<String>) -> Self {
        Self::Invalid(FieldProblem { kind, loc: ["path", name], msg: msg.into() })
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

#[derive(Serialize)]
#[serde(untagged)]
enum Detail<'e> {
    Text(String),
    Fields([&'e FieldProblem; 1]),
}

#[derive(Serialize)]
struct Body<'e> {
    detail: Detail<'e>,
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
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
            Self::Unauthorized | Self::Forbidden | Self::NotFound | Self::Invalid(_) => {}
        }
        let detail = match self {
            Self::Invalid(problem) => Detail::Fields([problem]),
            other => Detail::Text(other.to_string()),
        };
        let mut response = HttpResponse::build(self.status_code());
        if matches!(self, Self::Unavailable(_)) {
            response.insert_header(("Retry-After", "5"));
        }
        response.json(Body { detail })
    }
}
