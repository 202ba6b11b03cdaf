//! The API's description as a page shows it.

use mishap_templates::pages::{
    ApiAnswer, ApiReference, KindPart, Member, Operation, OperationGroup, Shape, ValueKind,
};
use serde_json::{Map, Value};

/// Objects inside objects whose members are shown, at most.
const DEPTH: usize = 4;

/// The page that the document makes.
pub(super) fn reference(document: &Value) -> ApiReference {
    let mut groups: Vec<OperationGroup> = Vec::new();
    for (path, methods) in members_of(document, "/paths") {
        for (method, value) in methods.as_object().into_iter().flatten() {
            let title = text(value, "/tags/0");
            let operation = operation(path, method, value);
            match groups.iter_mut().find(|group| group.title == title) {
                Some(group) => group.operations.push(operation),
                None => groups.push(OperationGroup { title, operations: vec![operation] }),
            }
        }
    }
    groups.sort_by(|one, other| one.title.cmp(&other.title));
    let shapes = members_of(document, "/components/schemas");
    ApiReference {
        version: text(document, "/info/version"),
        groups,
        shapes: shapes.map(|(name, schema)| shape(name, schema)).collect(),
    }
}

fn operation(path: &str, method: &str, value: &Value) -> Operation {
    let parameters = value.pointer("/parameters").and_then(Value::as_array);
    let answers = members_of(value, "/responses");
    let body = value.pointer("/requestBody/content/application~1json/schema");
    Operation {
        id: text(value, "/operationId"),
        method: method.to_ascii_uppercase(),
        path: path.to_owned(),
        summary: text(value, "/summary"),
        who: text(value, "/description"),
        parameters: parameters.into_iter().flatten().map(parameter).collect(),
        body: body.map(|schema| members(schema, "", DEPTH)).unwrap_or_default(),
        answers: answers.map(|(status, answer)| self::answer(status, answer)).collect(),
    }
}

fn parameter(value: &Value) -> Member {
    let schema = value.get("schema").unwrap_or(&Value::Null);
    Member {
        name: text(value, "/name"),
        kind: kind(schema),
        is_optional: value.get("required") != Some(&Value::Bool(true)),
        meaning: text(value, "/description"),
    }
}

fn answer(status: &str, answer: &Value) -> ApiAnswer {
    let schema = answer.pointer("/content/application~1json/schema");
    ApiAnswer {
        status: status.to_owned(),
        meaning: text(answer, "/description"),
        kind: schema.map(kind).unwrap_or_default(),
    }
}

fn shape(name: &str, schema: &Value) -> Shape {
    let members = members(schema, "", DEPTH);
    Shape {
        name: name.to_owned(),
        meaning: text(schema, "/description"),
        kind: if members.is_empty() { kind(schema) } else { ValueKind::default() },
        members,
    }
}

/// The members of an object, and those of the objects in it that have no name.
fn members(schema: &Value, within: &str, depth: usize) -> Vec<Member> {
    let required = schema.get("required").and_then(Value::as_array);
    let mut shown = Vec::new();
    for (name, schema) in members_of(schema, "/properties") {
        let is_required =
            required.is_some_and(|names| names.iter().any(|required| required == name));
        let path = format!("{within}{name}");
        shown.push(Member {
            name: path.clone(),
            kind: kind(schema),
            is_optional: !is_required,
            meaning: text(schema, "/description"),
        });
        if depth > 0 {
            shown.extend(members(schema, &format!("{path}."), depth - 1));
            if let Some(items) = schema.get("items") {
                shown.extend(members(items, &format!("{path}[]."), depth - 1));
            }
        }
    }
    shown
}

/// What a value is, in words.
fn kind(schema: &Value) -> ValueKind {
    let mut parts = Vec::new();
    say(schema, &mut parts);
    ValueKind(parts)
}

fn say(schema: &Value, parts: &mut Vec<KindPart>) {
    let mut words = |words: &str| parts.push(KindPart::Words(words.to_owned()));
    let Some(object) = schema.as_object() else {
        return words("anything");
    };
    if let Some(name) = object.get("$ref").and_then(Value::as_str) {
        let name = name.rsplit('/').next().unwrap_or_default();
        return parts.push(KindPart::Shape(name.to_owned()));
    }
    if let Some(Value::Array(choices)) = object.get("enum") {
        return words(&choices.iter().map(Value::to_string).collect::<Vec<_>>().join(", "));
    }
    if let Some(constant) = object.get("const") {
        return words(&constant.to_string());
    }
    if let Some(Value::Array(choices)) = object.get("anyOf").or_else(|| object.get("oneOf")) {
        for (place, choice) in choices.iter().enumerate() {
            if place > 0 {
                parts.push(KindPart::Words(" or ".to_owned()));
            }
            say(choice, parts);
        }
        return;
    }
    match object.get("type") {
        Some(Value::String(kind)) => say_type(kind, object, parts),
        Some(Value::Array(kinds)) => {
            for (place, kind) in kinds.iter().filter_map(Value::as_str).enumerate() {
                if place > 0 {
                    parts.push(KindPart::Words(" or ".to_owned()));
                }
                say_type(kind, object, parts);
            }
        }
        _ => words("anything"),
    }
}

fn say_type(kind: &str, schema: &Map<String, Value>, parts: &mut Vec<KindPart>) {
    let inner = match kind {
        "array" => Some(("list of ", schema.get("items"))),
        "object" => schema
            .get("additionalProperties")
            .filter(|other| other.is_object())
            .map(|other| ("object of ", Some(other))),
        _ => None,
    };
    if let Some((words, Some(inner))) = inner {
        parts.push(KindPart::Words(words.to_owned()));
        return say(inner, parts);
    }
    let words = match (kind, schema.get("format").and_then(Value::as_str)) {
        ("string", Some("date-time")) => "time",
        ("string", Some("email")) => "mail address",
        ("string", Some("uuid")) => "UUID",
        ("string", Some("uri")) => "URL",
        ("string", _) => "text",
        ("integer", _) => "whole number",
        ("number", _) => "number",
        ("boolean", _) => "true or false",
        ("array", _) => "list",
        ("null", _) => "null",
        _ => "object",
    };
    parts.push(KindPart::Words(words.to_owned()));
}

fn members_of<'v>(
    value: &'v Value,
    pointer: &str,
) -> impl Iterator<Item = (&'v String, &'v Value)> {
    value.pointer(pointer).and_then(Value::as_object).into_iter().flatten()
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}
