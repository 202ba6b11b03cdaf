//! What clients read, in GlitchTip's words and order.

pub mod environment;
pub mod event;
pub mod issue;
pub mod member;
pub mod organization;
pub mod project;
pub mod settings;
pub mod stats;
pub mod team;
pub mod token;
pub mod user;
pub mod wizard;

use std::marker::PhantomData;

use chrono::{DateTime, SecondsFormat, Timelike as _, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// A time as GlitchTip prints it: UTC, milliseconds cut rather than rounded, and left out when there
/// are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp(pub DateTime<Utc>);

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let micros = self.0.nanosecond() / 1000;
        let format = if micros == 0 { SecondsFormat::Secs } else { SecondsFormat::Millis };
        serializer.serialize_str(&self.0.to_rfc3339_opts(format, true))
    }
}

impl JsonSchema for Timestamp {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// JSON of a `T` that was put together already.
#[derive(Debug)]
pub struct Prepared<T> {
    json: Box<RawValue>,
    of: PhantomData<fn() -> T>,
}

impl<T> Prepared<T> {
    /// Puts an object together. What is shown may borrow, though the type that it stands for does
    /// not.
    pub fn new(value: &impl Serialize) -> Result<Self, serde_json::Error> {
        Ok(Self { json: serde_json::value::to_raw_value(value)?, of: PhantomData })
    }
}

impl<T> Serialize for Prepared<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}

impl<T: JsonSchema> JsonSchema for Prepared<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}

/// An avatar, which nobody has.
#[derive(Debug, Clone, Copy, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AvatarResponse {
    avatar_type: &'static str,
    avatar_uuid: Option<&'static str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_cut_to_milliseconds() {
        let print = |micros: i64| {
            let time = DateTime::from_timestamp_micros(1_704_164_645_000_000 + micros).unwrap();
            serde_json::to_string(&Timestamp(time)).unwrap()
        };
        assert_eq!(print(678_901), r#""2024-01-02T03:04:05.678Z""#);
        assert_eq!(print(999_999), r#""2024-01-02T03:04:05.999Z""#);
        assert_eq!(print(0), r#""2024-01-02T03:04:05Z""#);
        assert_eq!(print(7), r#""2024-01-02T03:04:05.000Z""#);
    }
}
