//! The API's description (OpenAPI 3.1), read off the endpoints and the types of their handlers.

mod document;
pub(crate) mod permissions;
mod schemas;

use std::collections::BTreeSet;

use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};
use schemars::JsonSchema;
use serde_json::{Map, Value, json};

pub(crate) use self::document::{ErrorBody, template};
pub use self::document::{Table, document};
use self::schemas::Schemas;
use crate::access::{Caller, MaybeCaller, OrgAccess};
use crate::account::Visit;
use crate::body::{Body, Object, Params};
use crate::error::ApiError;
use crate::respond::{Accepted, Created, Listed, MetricsText, NoContent};

/// What one endpoint takes and gives, as far as it is known.
#[derive(Debug)]
pub struct Operation<'g> {
    schemas: &'g mut Schemas,
    parameters: Vec<Value>,
    body: Option<Value>,
    answers: Map<String, Value>,
}

impl Operation<'_> {
    /// Notes an answer with a JSON body. The status is a number, or `default` for all that are not
    /// noted.
    pub(crate) fn answer<T: JsonSchema>(&mut self, status: &str, description: &str) {
        let schema = self.schemas.of_answer::<T>();
        let answer = json!({
            "description": description,
            "content": { "application/json": { "schema": schema } },
        });
        self.answers.insert(status.to_owned(), answer);
    }

    /// Notes an answer without a body.
    fn bare_answer(&mut self, status: &str, description: &str) {
        self.answers.insert(status.to_owned(), json!({ "description": description }));
    }
}

/// Something that a handler takes.
pub trait Input {
    /// Notes what it means for the request.
    fn describe(_operation: &mut Operation<'_>) {}
}

/// Everything that a handler takes.
pub trait Inputs {
    /// Notes what it means for the request.
    fn describe(operation: &mut Operation<'_>);
}

/// What a handler gives.
pub trait Answer {
    /// Notes the answer.
    fn describe(operation: &mut Operation<'_>);
}

impl<T> Input for Data<T> {}
impl<T> Input for Path<T> {}
impl Input for HttpRequest {}
impl Input for Caller {}
impl Input for MaybeCaller {}
impl Input for OrgAccess {}
impl Input for Visit {}

impl Input for Object {
    fn describe(operation: &mut Operation<'_>) {
        let content = json!({ "application/json": { "schema": { "type": "object" } } });
        operation.body = Some(json!({ "required": false, "content": content }));
    }
}

impl<T: JsonSchema> Input for Body<T> {
    fn describe(operation: &mut Operation<'_>) {
        let schema = schemas::of_body::<T>();
        let content = json!({ "application/json": { "schema": schema } });
        operation.body = Some(json!({ "required": true, "content": content }));
    }
}

impl<T: JsonSchema> Input for Params<T> {
    fn describe(operation: &mut Operation<'_>) {
        let schema = schemas::of_query::<T>();
        let required: BTreeSet<_> = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect();
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            operation.parameters.push(parameter(name, "query", required.contains(name), property));
        }
    }
}

/// A parameter; what its schema says of its meaning is said of the parameter.
fn parameter(name: &str, place: &str, is_required: bool, schema: &Value) -> Value {
    let mut schema = schema.clone();
    let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
    let mut parameter =
        json!({ "name": name, "in": place, "required": is_required, "schema": schema });
    if let (Some(description), Some(parameter)) = (description, parameter.as_object_mut()) {
        parameter.insert("description".to_owned(), description);
    }
    parameter
}

macro_rules! inputs {
    ($($input:ident)*) => {
        impl<$($input: Input),*> Inputs for ($($input,)*) {
            fn describe(_operation: &mut Operation<'_>) {
                $($input::describe(_operation);)*
            }
        }
    };
}

inputs!();
inputs!(A);
inputs!(A B);
inputs!(A B C);
inputs!(A B C D);
inputs!(A B C D E);
inputs!(A B C D E F);

impl<T: JsonSchema> Answer for Json<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.answer::<T>("200", "What was asked for.");
    }
}

impl<T: JsonSchema> Answer for Created<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.answer::<T>("201", "What was made.");
    }
}

impl<T: JsonSchema> Answer for Listed<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.answer::<Vec<T>>("200", "A page of a list.");
        let header = |description: &str, kind: &str| json!({ "description": description, "schema": { "type": kind } });
        if let Some(answer) = operation.answers.get_mut("200").and_then(Value::as_object_mut) {
            let headers = json!({
                "Link": header("The ways to the page before and the page after.", "string"),
                "X-Hits": header("How many items are on all pages, as far as counted.", "integer"),
                "X-Max-Hits": header("How far items are counted.", "integer"),
            });
            answer.insert("headers".to_owned(), headers);
        }
    }
}

impl Answer for NoContent {
    fn describe(operation: &mut Operation<'_>) {
        operation.bare_answer("204", "Done.");
    }
}

impl Answer for Accepted {
    fn describe(operation: &mut Operation<'_>) {
        operation.bare_answer("202", "It will be done.");
    }
}

impl Answer for HttpResponse {
    fn describe(operation: &mut Operation<'_>) {
        operation.bare_answer("200", "What was asked for.");
    }
}

impl Answer for MetricsText {
    fn describe(operation: &mut Operation<'_>) {
        let answer = json!({
            "description": "Metrics, as Prometheus reads them.",
            "content": { "text/plain": { "schema": { "type": "string" } } },
        });
        operation.answers.insert("200".to_owned(), answer);
    }
}

impl<T: Answer> Answer for Result<T, ApiError> {
    fn describe(operation: &mut Operation<'_>) {
        T::describe(operation);
    }
}
