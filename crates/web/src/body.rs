//! What a request of the API carries: a JSON body, and the parameters of its query.

use std::future::{Future, Ready, ready};
use std::ops::Deref;
use std::pin::Pin;

use actix_web::dev;
use actix_web::error::PayloadError;
use actix_web::web::BytesMut;
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt as _;
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::account::Problem;
use crate::error::ApiError;
use crate::fields::{Fields, Payload};

/// Largest body of a request that is not an event, in bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// Parameters of a query at most.
const MAX_PARAMETERS: usize = 1000;

/// A JSON body, whatever its `Content-Type` says (GlitchTip).
#[derive(Debug)]
pub struct Body<T>(pub T);

/// The parameters of a query.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<T> Deref for Params<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Payload + 'static> FromRequest for Body<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(_request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let payload = payload.take();
        Box::pin(async move {
            let bytes = read(payload).await?;
            let value: Value =
                serde_json::from_slice(&bytes).map_err(|_unreadable| unreadable())?;
            // Anything but an object lacks every field (GlitchTip).
            let object = match value {
                Value::Object(object) => object,
                _ => Map::new(),
            };
            Ok(Self(Fields::parse(&object, &["body", "payload"]).map_err(ApiError::Invalid)?))
        })
    }
}

/// Reads a body to its end, within the limit.
pub(crate) async fn read(mut payload: dev::Payload) -> Result<BytesMut, ApiError> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| match error {
            PayloadError::Overflow => ApiError::TooLarge,
            _broken => unreadable(),
        })?;
        if bytes.len() + chunk.len() > MAX_BYTES {
            return Err(ApiError::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

impl<T: Payload + 'static> FromRequest for Params<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _payload: &mut dev::Payload) -> Self::Future {
        let object = parameters(request.query_string());
        ready(Fields::parse(&object, &["query"]).map(Self).map_err(ApiError::Invalid))
    }
}

/// The parameters of a query; one that comes several times is a list.
fn parameters(query: &str) -> Map<String, Value> {
    let mut object = Map::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()).take(MAX_PARAMETERS) {
        let value = Value::String(value.into_owned());
        match object.get_mut(name.as_ref()) {
            None => {
                object.insert(name.into_owned(), value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    object
}

/// A JSON object whose members are looked at one by one (allauth's bodies).
#[derive(Debug, Default)]
pub(crate) struct Object(Map<String, Value>);

impl Object {
    /// What was typed into a field; nothing if it is missing or no text. PostgreSQL cannot keep a null
    /// character, so a text with one is none.
    pub(crate) fn typed(&self, name: &str) -> &str {
        let text = self.0.get(name).and_then(Value::as_str);
        text.filter(|text| !text.contains('\0')).unwrap_or_default()
    }

    /// A text that must be there.
    pub(crate) fn text(&self, name: &'static str) -> Result<&str, Problem> {
        self.optional_text(name).ok_or_else(|| Problem::required(name))
    }

    /// A text that may be missing.
    pub(crate) fn optional_text(&self, name: &str) -> Option<&str> {
        Some(self.typed(name)).filter(|text| !text.is_empty())
    }

    /// Whatever must be there.
    pub(crate) fn any(&self, name: &'static str) -> Result<Value, Problem> {
        let value = self.0.get(name).filter(|value| !value.is_null());
        value.cloned().ok_or_else(|| Problem::required(name))
    }
}

impl FromRequest for Object {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(_request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let payload = payload.take();
        Box::pin(async move {
            let bytes = read(payload).await?;
            if bytes.is_empty() {
                return Ok(Self::default());
            }
            let object = serde_json::from_slice(&bytes);
            Ok(Self(object.map_err(|_unreadable| unreadable())?))
        })
    }
}

fn unreadable() -> ApiError {
    ApiError::BadRequest("Cannot parse request body".into())
}
