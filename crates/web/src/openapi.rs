//! The API's description (OpenAPI 3.1), read off the endpoints and the types of their handlers.

use std::collections::BTreeSet;

use actix_web::HttpRequest;
use actix_web::web::{Data, Json, Path};
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use crate::access::{Caller, MaybeCaller, OrgAccess, Who};
use crate::account::Visit;
use crate::body::{Body, Object, Params};
use crate::endpoint::Endpoint;
use crate::error::ApiError;
use crate::respond::{Accepted, Created, Listed, MetricsText, NoContent};

/// What one endpoint takes and gives, as far as it is known.
#[derive(Debug)]
pub struct Operation<'g> {
    schemas: &'g mut SchemaGenerator,
    parameters: Vec<Value>,
    body: Option<Value>,
    answers: Map<String, Value>,
    can_be_unprocessable: bool,
}

impl Operation<'_> {
    fn schema<T: JsonSchema>(&mut self) -> Schema {
        self.schemas.subschema_for::<T>()
    }

    /// Notes an answer with a JSON body.
    fn answer<T: JsonSchema>(&mut self, status: &str, description: &str) {
        let schema = self.schema::<T>();
        let answer = json!({
            "description": description,
            "content": { "application/json": { "schema": schema } },
        });
        self.answers.insert(status.to_owned(), answer);
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
impl Input for Object {}

impl<T: JsonSchema> Input for Body<T> {
    fn describe(operation: &mut Operation<'_>) {
        let schema = operation.schema::<T>();
        let content = json!({ "application/json": { "schema": schema } });
        operation.body = Some(json!({ "required": true, "content": content }));
        operation.can_be_unprocessable = true;
    }
}

impl<T: JsonSchema> Input for Params<T> {
    fn describe(operation: &mut Operation<'_>) {
        let schema =
            SchemaGenerator::new(SchemaSettings::draft2020_12()).into_root_schema_for::<T>();
        let required: BTreeSet<_> = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect();
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            operation.parameters.push(json!({
                "name": name,
                "in": "query",
                "required": required.contains(name),
                "schema": property,
            }));
        }
        operation.can_be_unprocessable = true;
    }
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
        operation.answer::<Vec<T>>("200", "A page; the ways to its neighbours are in `Link`.");
    }
}

impl Answer for NoContent {
    fn describe(operation: &mut Operation<'_>) {
        operation.answers.insert("204".to_owned(), json!({ "description": "Done." }));
    }
}

impl Answer for Accepted {
    fn describe(operation: &mut Operation<'_>) {
        operation.answers.insert("202".to_owned(), json!({ "description": "It will be done." }));
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

/// What is wrong with a request.
#[derive(JsonSchema)]
#[schemars(rename = "Error")]
struct ErrorBody {
    /// A sentence, or a list of fields and what is wrong with each.
    #[expect(dead_code, reason = "for its description only")]
    detail: Value,
}

/// Describes endpoints that stand under a prefix.
pub fn document(prefix: &str, endpoints: &[Endpoint], version: &str, server: &str) -> Value {
    let mut schemas = SchemaGenerator::new(SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    }));
    let mut paths: Map<String, Value> = Map::new();
    for endpoint in endpoints {
        let (path, parameters) = template(endpoint.path);
        let operation = operation(endpoint, parameters, &mut schemas);
        let methods = paths.entry(format!("{prefix}{path}")).or_insert_with(|| json!({}));
        if let Some(methods) = methods.as_object_mut() {
            methods.insert(endpoint.method.as_str().to_ascii_lowercase(), operation);
        }
    }
    let error = schemas.subschema_for::<ErrorBody>();
    drop(error);
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Mishap", "version": version },
        "servers": [{ "url": server }],
        "paths": paths,
        "components": {
            "schemas": schemas.take_definitions(true),
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "session": { "type": "apiKey", "in": "cookie", "name": "sessionid" },
            },
        },
    })
}

fn operation(endpoint: &Endpoint, parameters: Vec<Value>, schemas: &mut SchemaGenerator) -> Value {
    let mut operation = Operation {
        schemas,
        parameters,
        body: None,
        answers: Map::new(),
        can_be_unprocessable: false,
    };
    (endpoint.describe)(&mut operation);
    let permission = &endpoint.permission;
    let mut refuse = |status: &str, description: &str| {
        operation.answers.entry(status.to_owned()).or_insert_with(|| {
            json!({
                "description": description,
                "content": { "application/json": {
                    "schema": { "$ref": "#/components/schemas/Error" },
                } },
            })
        });
    };
    if !matches!(permission.who, Who::Everybody | Who::Anybody) {
        refuse("401", "Nobody is signed in.");
        refuse("403", "The caller may not do this.");
    }
    refuse("404", "There is no such thing.");
    refuse("400", "The request makes no sense.");
    refuse("409", "It is there already.");
    if operation.can_be_unprocessable {
        refuse("422", "Fields cannot be understood.");
    }
    refuse("413", "The body is too large.");
    refuse("429", "Too often.");
    refuse("503", "The database cannot be reached.");
    let security = match permission.who {
        Who::Everybody => json!([]),
        Who::Anybody => json!([{}, { "token": [] }, { "session": [] }]),
        Who::Person => json!([{ "session": [] }]),
        Who::Caller => json!([{ "token": [] }, { "session": [] }]),
    };
    let tag = endpoint.path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let id = endpoint.view.trim_start_matches("api:");
    let mut value = json!({
        "operationId": id,
        "summary": sentence(id),
        "tags": [if tag.is_empty() { "server" } else { tag }],
        "parameters": operation.parameters,
        "responses": operation.answers,
        "security": security,
        "x-scopes": permission.scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>(),
        "x-role": permission.role.map(mishap_core::access::Role::name),
    });
    if let (Some(body), Some(value)) = (operation.body, value.as_object_mut()) {
        value.insert("requestBody".to_owned(), body);
    }
    value
}

/// `list_project_keys` → `List project keys`.
fn sentence(id: &str) -> String {
    let words = id.replace(['_', ':'], " ");
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// A path without its patterns, and its parameters: `{member:\d+}` is a whole number.
fn template(path: &str) -> (String, Vec<Value>) {
    let mut template = String::new();
    let mut parameters = Vec::new();
    for piece in path.split_inclusive('/') {
        let (segment, slash) = match piece.strip_suffix('/') {
            Some(segment) => (segment, "/"),
            None => (piece, ""),
        };
        match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(inside) => {
                let (name, pattern) = inside.split_once(':').unwrap_or((inside, ""));
                let schema = match pattern {
                    r"\d+" => json!({ "type": "integer", "minimum": 0 }),
                    "[-0-9a-f]{36}" => json!({ "type": "string", "format": "uuid" }),
                    _ => json!({ "type": "string" }),
                };
                parameters.push(json!({
                    "name": name, "in": "path", "required": true, "schema": schema,
                }));
                template.push_str(&format!("{{{name}}}{slash}"));
            }
            None => template.push_str(piece),
        }
    }
    (template, parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lose_their_patterns() {
        let (path, parameters) = template(r"/organizations/{organization}/members/{member:\d+}/");
        assert_eq!(path, "/organizations/{organization}/members/{member}/");
        assert_eq!(parameters.len(), 2);
        assert_eq!(parameters[1]["schema"]["type"], "integer");
        assert_eq!(sentence("list_project_keys"), "List project keys");
    }
}
