//! The document that describes tables of endpoints.

use std::collections::{BTreeMap, BTreeSet};

use mishap_core::access::Role;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::schemas::Schemas;
use super::{Operation, parameter, permissions};
use crate::access::Who;
use crate::endpoint::Endpoint;
use crate::fields::FieldProblem;

/// A table of endpoints.
pub struct Table {
    /// What every path begins with.
    pub prefix: &'static str,
    /// What the endpoints have in common; nothing if their paths say it.
    pub tag: Option<&'static str>,
    /// The rows.
    pub endpoints: Vec<Endpoint>,
}

/// What is wrong with a request.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Error")]
pub(crate) struct ErrorBody {
    /// A sentence, or what is wrong where.
    detail: ErrorDetail,
}

#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "ErrorDetail")]
#[expect(dead_code, reason = "for its description only")]
enum ErrorDetail {
    /// A sentence.
    Sentence(String),
    /// Every field that cannot be understood.
    Fields(Vec<FieldProblem>),
    /// Sentences by member.
    Members(Vec<BTreeMap<String, String>>),
}

/// Describes endpoints; `server` is the address that paths stand under.
pub fn document(tables: &[Table], version: &str, server: &str) -> Value {
    let mut schemas = Schemas::new();
    let mut paths: Map<String, Value> = Map::new();
    let shared = shared_views(tables);
    for table in tables {
        for endpoint in &table.endpoints {
            let (path, parameters) = template(endpoint.path);
            let id = operation_id(endpoint, shared.contains(endpoint.view));
            let operation = operation(table, endpoint, parameters, &id, &mut schemas);
            let methods = paths.entry(format!("{}{path}", table.prefix));
            if let Some(methods) = methods.or_insert_with(|| json!({})).as_object_mut() {
                methods.insert(endpoint.method.as_str().to_ascii_lowercase(), operation);
            }
        }
    }
    schemas.of_answer::<ErrorBody>();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Mishap",
            "version": version,
            "license": { "name": "MIT", "identifier": "MIT" },
        },
        "servers": [{ "url": server }],
        "paths": paths,
        "components": {
            "schemas": schemas.take(),
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "session": { "type": "apiKey", "in": "cookie", "name": "sessionid" },
            },
        },
    })
}

/// Views by which several endpoints are known: their operations are told apart by their methods.
fn shared_views(tables: &[Table]) -> BTreeSet<&'static str> {
    let mut seen = BTreeSet::new();
    let rows = tables.iter().flat_map(|table| &table.endpoints);
    rows.filter(|row| !seen.insert(row.view)).map(|row| row.view).collect()
}

fn operation(
    table: &Table,
    endpoint: &Endpoint,
    parameters: Vec<Value>,
    id: &str,
    schemas: &mut Schemas,
) -> Value {
    let mut operation = Operation { schemas, parameters, body: None, answers: Map::new() };
    (endpoint.describe)(&mut operation);
    let Operation { parameters, body, mut answers, .. } = operation;
    if !answers.contains_key("default") {
        add_refusals(&mut answers, endpoint, !parameters.is_empty() || body.is_some());
    }
    let permission = &endpoint.permission;
    let security = match permission.who {
        Who::Everybody => json!([]),
        Who::Anybody => json!([{}, { "token": [] }, { "session": [] }]),
        Who::Person => json!([{ "session": [] }]),
        Who::Caller => json!([{ "token": [] }, { "session": [] }]),
    };
    let first = endpoint.path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let tag = table.tag.unwrap_or(if first.is_empty() { "server" } else { first });
    let mut value = json!({
        "operationId": id,
        "summary": sentence(id),
        "description": permissions::sentences(permission),
        "tags": [sentence(tag)],
        "parameters": parameters,
        "responses": answers,
        "security": security,
        "x-scopes": permission.scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>(),
        "x-role": permission.role.map(Role::name),
    });
    if let (Some(body), Some(value)) = (body, value.as_object_mut()) {
        value.insert("requestBody".to_owned(), body);
    }
    value
}

/// Adds what every endpoint may answer, unless it says more of it by itself.
fn add_refusals(answers: &mut Map<String, Value>, endpoint: &Endpoint, takes_anything: bool) {
    let mut refuse = |status: &str, description: &str| {
        answers.entry(status).or_insert_with(|| {
            json!({
                "description": description,
                "content": { "application/json": {
                    "schema": { "$ref": "#/components/schemas/Error" },
                } },
            })
        });
    };
    refuse("400", "The request makes no sense.");
    if !matches!(endpoint.permission.who, Who::Everybody | Who::Anybody) {
        refuse("401", "Nobody is signed in.");
    } else if endpoint.permission.proof {
        refuse("403", "The request does not come from a page of ours.");
    }
    refuse("403", "The caller may not do this.");
    refuse("404", "There is no such thing.");
    if !endpoint.method.is_safe() {
        refuse("409", "It is there already.");
        refuse("413", "The body is too large.");
        refuse("429", "Too often.");
    }
    if takes_anything {
        refuse("422", "Fields or parameters cannot be understood.");
    }
    refuse("503", "The database cannot be reached.");
}

/// The name of an operation, which clients' generators make functions of.
fn operation_id(endpoint: &Endpoint, is_shared: bool) -> String {
    let (_space, name) = endpoint.view.split_once(':').unwrap_or(("", endpoint.view));
    let name = name.replace([':', '-'], "_");
    match is_shared {
        true => format!("{name}_{}", endpoint.method.as_str().to_ascii_lowercase()),
        false => name,
    }
}

/// `list_project_keys` → `List project keys`.
fn sentence(id: &str) -> String {
    let words = id.replace(['_', '-'], " ");
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// A path without its patterns, and its parameters: `{member:\d+}` is a whole number.
pub(crate) fn template(path: &str) -> (String, Vec<Value>) {
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
                    "" => json!({ "type": "string", "minLength": 1 }),
                    r"\d+" => json!({ "type": "integer", "minimum": 0 }),
                    "[-0-9a-f]{36}" => json!({ "type": "string", "format": "uuid" }),
                    pattern => json!({ "type": "string", "pattern": format!("^(?:{pattern})$") }),
                };
                parameters.push(parameter(name, "path", true, &schema));
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
