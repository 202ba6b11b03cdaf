//! JSON as clients really send it.
//!
//! SDKs cut UTF-16 strings in half, print `NaN`, repeat keys, nest without end and count past 64
//! bits. A strict parser would refuse the whole document for one such value, and with it the
//! error report. The [`Reader`] repairs what it can and refuses only broken structure:
//!
//! | on the wire | becomes |
//! |---|---|
//! | invalid UTF-8 | U+FFFD |
//! | a lone surrogate escape | U+FFFD |
//! | NUL, escaped or raw, in keys or values | removed (PostgreSQL's text refuses it) |
//! | `NaN`, `Infinity`, `-Infinity`, a number beyond `f64` | null |
//! | an integer beyond `i64` | a string of its digits |
//! | a repeated key | the last value |
//! | nesting deeper than [`MAX_DEPTH`] | null |
//!
//! The [`Writer`] prints what was read, compactly. Strings borrow from the document wherever they
//! needed no repair, so reading a clean event copies no text.

mod read;
mod scan;
#[cfg(test)]
mod tests;
mod write;

use std::borrow::Cow;

pub use self::read::{Kind, Malformed, Reader, repair_utf8};
pub use self::write::Writer;

/// Containers nested deeper than this are read as null.
///
/// Many parsers give up at 128; what shows a value puts some more around it.
pub const MAX_DEPTH: usize = 100;

/// A JSON object, in the order of the wire, each key once.
pub type Object<'a> = Vec<(Cow<'a, str>, Json<'a>)>;

/// A value whose shape is the client's own affair: variables, contexts, extra data.
#[derive(Debug, Clone, PartialEq)]
pub enum Json<'a> {
    /// `null`, or something that could not be represented.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number within `i64`.
    Integer(i64),
    /// A finite number with a fraction or an exponent, as the client spelled it.
    Decimal(Cow<'a, str>),
    /// Text without NUL.
    String(Cow<'a, str>),
    /// `[…]`
    Array(Vec<Json<'a>>),
    /// `{…}`
    Object(Object<'a>),
}

impl<'a> Json<'a> {
    /// Whether this is [`Json::Null`].
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The text, if this is a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The truth value, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The members, if this is an object.
    pub fn as_object(&self) -> Option<&Object<'a>> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The member called `key`, if this is an object that has one.
    pub fn get(&self, key: &str) -> Option<&Json<'a>> {
        self.as_object().and_then(|members| member(members, key))
    }

    /// The text of a string, a number or a truth value; nothing for null and containers.
    ///
    /// Clients send `"id": 7` where `"id": "7"` is meant.
    pub fn into_text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::String(text) | Self::Decimal(text) => Some(text),
            Self::Integer(number) => Some(number.to_string().into()),
            Self::Bool(value) => Some(if value { "true" } else { "false" }.into()),
            Self::Null | Self::Array(_) | Self::Object(_) => None,
        }
    }

    /// As [`Json::into_text`], with containers printed as JSON. Only null has no text.
    pub fn into_printed(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Null => None,
            container @ (Self::Array(_) | Self::Object(_)) => Some(container.to_string().into()),
            scalar => scalar.into_text(),
        }
    }

    /// The value without borrowing from the document it was read from.
    pub fn into_owned(self) -> Json<'static> {
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(value),
            Self::Integer(number) => Json::Integer(number),
            Self::Decimal(text) => Json::Decimal(text.into_owned().into()),
            Self::String(text) => Json::String(text.into_owned().into()),
            Self::Array(items) => Json::Array(items.into_iter().map(Json::into_owned).collect()),
            Self::Object(members) => Json::Object(
                members
                    .into_iter()
                    .map(|(key, value)| (key.into_owned().into(), value.into_owned()))
                    .collect(),
            ),
        }
    }
}

impl serde::Serialize for Json<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Integer(number) => serializer.serialize_i64(*number),
            // Only finite numbers are ever read.
            Self::Decimal(token) => serializer.serialize_f64(token.parse().unwrap_or_default()),
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(items) => serializer.collect_seq(items),
            Self::Object(members) => {
                serializer.collect_map(members.iter().map(|(key, value)| (key, value)))
            }
        }
    }
}

impl std::fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut writer = Writer::new();
        writer.json(self);
        f.write_str(&writer.into_string())
    }
}

impl<'a> From<&'a str> for Json<'a> {
    fn from(text: &'a str) -> Self {
        Self::String(text.into())
    }
}

impl From<String> for Json<'_> {
    fn from(text: String) -> Self {
        Self::String(text.into())
    }
}

impl From<i64> for Json<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

/// The member of an object called `key`.
pub fn member<'o, 'a>(members: &'o Object<'a>, key: &str) -> Option<&'o Json<'a>> {
    members.iter().find(|(name, _)| name == key).map(|(_, value)| value)
}

/// Sets a member of an object, in place if it is there.
pub fn set_member<'a>(members: &mut Object<'a>, key: &'a str, value: Json<'a>) {
    match members.iter_mut().find(|(name, _)| name == key) {
        Some((_, old)) => *old = value,
        None => members.push((key.into(), value)),
    }
}
