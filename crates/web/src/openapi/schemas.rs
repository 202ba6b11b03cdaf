//! JSON schemas of what the API takes and gives.

use std::borrow::Cow;

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value};

/// Where the document keeps schemas that have names.
const PLACE: &str = "/components/schemas";

/// The schemas of what endpoints answer, by name. They are closed: what is answered is all there is.
#[derive(Debug)]
pub(super) struct Schemas(SchemaGenerator);

impl Schemas {
    pub(super) fn new() -> Self {
        let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
            settings.definitions_path = Cow::Borrowed(PLACE);
            settings.meta_schema = None;
        });
        Self(settings.with_transform(RecursiveTransform(close)).into_generator())
    }

    /// The schema of an answer.
    pub(super) fn of_answer<T: JsonSchema>(&mut self) -> Schema {
        self.0.subschema_for::<T>()
    }

    /// Every schema that has a name.
    pub(super) fn take(&mut self) -> Map<String, Value> {
        self.0.take_definitions(true)
    }
}

/// The schema of a body. It is open: what clients send besides is not looked at.
pub(super) fn of_body<T: JsonSchema>() -> Schema {
    inlined().into_generator().into_root_schema_for::<T>()
}

/// The schema of a query's parameters, without null, which no query can say.
pub(super) fn of_query<T: JsonSchema>() -> Schema {
    let settings = inlined().with_transform(RecursiveTransform(without_null));
    settings.into_generator().into_root_schema_for::<T>()
}

/// Schemas that name no others.
fn inlined() -> SchemaSettings {
    SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    })
}

fn close(schema: &mut Schema) {
    let has_members = schema.get("properties").is_some();
    if has_members && schema.get("additionalProperties").is_none() {
        schema.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
}

fn without_null(schema: &mut Schema) {
    let Some(Value::Array(kinds)) = schema.get_mut("type") else {
        return;
    };
    kinds.retain(|kind| kind != "null");
    if let [kind] = kinds.as_slice() {
        let kind = kind.clone();
        schema.insert("type".to_owned(), kind);
    }
}
