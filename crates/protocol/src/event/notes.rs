//! What could not be understood, and where it stood.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::{Text, timestamp};
use crate::json::{Json, Malformed, Object, Reader, Writer};

/// An event keeps at most this many notes.
const MAX_NOTES: usize = 50;

/// A note's original value is kept if it prints in at most this many bytes.
const MAX_VALUE: usize = 512;

/// Why a field is not as the client sent it. The names are Sentry's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldErrorKind {
    /// The value makes no sense.
    InvalidData,
    /// The value was cut.
    ValueTooLong,
    /// Something required is missing.
    MissingAttribute,
    /// The client's clock was wrong; the event's times were moved.
    ClockDrift,
    /// The event claims to come from the future.
    FutureTimestamp,
}

impl FieldErrorKind {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidData => "invalid_data",
            Self::ValueTooLong => "value_too_long",
            Self::MissingAttribute => "missing_attribute",
            Self::ClockDrift => "clock_drift",
            Self::FutureTimestamp => "future_timestamp",
        }
    }
}

/// One entry of an event's `errors`.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldError<'a> {
    /// Why, by Sentry's name for it.
    pub kind: Text<'a>,
    /// The path of the field, such as `exception.values.0.type`.
    pub name: Option<Text<'a>>,
    /// What the client sent, if it was small.
    pub value: Option<Json<'a>>,
}

impl<'a> FieldError<'a> {
    /// A note about the field at `name`.
    pub fn new(kind: FieldErrorKind, name: impl Into<Text<'a>>) -> Self {
        Self { kind: kind.name().into(), name: Some(name.into()), value: None }
    }

    /// The same note with the value it is about.
    #[must_use]
    pub fn with_value(mut self, value: Json<'a>) -> Self {
        self.value = Some(value);
        self
    }

    /// Reads an event's `errors`, leaving out what has no type.
    pub(super) fn read_all(reader: &mut Reader<'a>) -> Result<Vec<Self>, Malformed> {
        let mut errors = Vec::new();
        reader.array(|reader| {
            let mut kind = None;
            let mut error = Self { kind: Text::default(), name: None, value: None };
            reader.object(|reader, key| {
                match key.as_ref() {
                    "type" => kind = reader.value()?.into_text(),
                    "name" => error.name = reader.value()?.into_text(),
                    "value" => error.value = super::some(reader.value()?),
                    _ => reader.skip()?,
                }
                Ok(())
            })?;
            if let Some(kind) = kind
                && errors.len() < MAX_NOTES
            {
                errors.push(Self { kind, ..error });
            }
            Ok(())
        })?;
        Ok(errors)
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.begin_object();
        writer.key("type");
        writer.string(&self.kind);
        super::write_text(writer, "name", &self.name);
        super::write_json(writer, "value", self.value.as_ref());
        writer.end_object();
    }
}

/// Collects notes while an event is read.
#[derive(Debug, Default)]
pub struct Notes<'a> {
    errors: Vec<FieldError<'a>>,
    path: Vec<Step>,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Name(&'static str),
    Index(usize),
}

impl<'a> Notes<'a> {
    /// What was collected.
    pub fn into_errors(self) -> Vec<FieldError<'a>> {
        self.errors
    }

    pub(super) fn enter(&mut self, name: &'static str) {
        self.path.push(Step::Name(name));
    }

    pub(super) fn enter_index(&mut self, place: usize) {
        self.path.push(Step::Index(place));
    }

    pub(super) fn leave(&mut self) {
        self.path.pop();
    }

    /// Notes that the member `name` of the current field makes no sense.
    pub(super) fn invalid(&mut self, name: &'static str, value: Json<'a>) {
        self.enter(name);
        self.invalid_here(value);
        self.leave();
    }

    /// Notes that the current field makes no sense.
    pub(super) fn invalid_here(&mut self, value: Json<'a>) {
        self.note(FieldErrorKind::InvalidData, Some(value));
    }

    /// Notes that the current field lacks something.
    pub(super) fn missing_here(&mut self) {
        self.note(FieldErrorKind::MissingAttribute, None);
    }

    fn note(&mut self, kind: FieldErrorKind, value: Option<Json<'a>>) {
        if self.errors.len() >= MAX_NOTES {
            return;
        }
        let mut name = String::new();
        for step in &self.path {
            if !name.is_empty() {
                name.push('.');
            }
            match step {
                Step::Name(part) => name.push_str(part),
                Step::Index(place) => {
                    let _infallible = write!(name, "{place}");
                }
            }
        }
        let mut error = FieldError::new(kind, name);
        error.value = value.filter(|value| value.to_string().len() <= MAX_VALUE);
        self.errors.push(error);
    }

    /// Text; numbers and truth values are spelled out, containers noted.
    pub(super) fn text(
        &mut self,
        reader: &mut Reader<'a>,
        name: &'static str,
    ) -> Result<Option<Text<'a>>, Malformed> {
        Ok(match reader.value()? {
            container @ (Json::Array(_) | Json::Object(_)) => {
                self.invalid(name, container);
                None
            }
            scalar => scalar.into_text(),
        })
    }

    /// A whole number of at least zero; digits in a string count.
    pub(super) fn count(
        &mut self,
        reader: &mut Reader<'a>,
        name: &'static str,
    ) -> Result<Option<u64>, Malformed> {
        let value = reader.value()?;
        let number = match &value {
            Json::Null => return Ok(None),
            Json::Integer(number) => u64::try_from(*number).ok(),
            Json::String(text) | Json::Decimal(text) => text.trim().parse().ok(),
            Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
        };
        if number.is_none() {
            self.invalid(name, value);
        }
        Ok(number)
    }

    /// A truth value; its words and 0 and 1 count.
    pub(super) fn bool(
        &mut self,
        reader: &mut Reader<'a>,
        name: &'static str,
    ) -> Result<Option<bool>, Malformed> {
        let value = reader.value()?;
        let truth = match &value {
            Json::Null => return Ok(None),
            Json::Bool(truth) => Some(*truth),
            Json::Integer(0) => Some(false),
            Json::Integer(1) => Some(true),
            Json::String(text) => match text.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" => Some(true),
                "false" | "0" | "no" => Some(false),
                _ => None,
            },
            _ => None,
        };
        if truth.is_none() {
            self.invalid(name, value);
        }
        Ok(truth)
    }

    /// A point in time; see [`timestamp`].
    pub(super) fn timestamp(
        &mut self,
        reader: &mut Reader<'a>,
        name: &'static str,
    ) -> Result<Option<DateTime<Utc>>, Malformed> {
        Ok(timestamp::read(reader)?.unwrap_or_else(|value| {
            self.invalid(name, value);
            None
        }))
    }

    /// An object. A list becomes an object with its indices as keys, as PHP and Lua mean it.
    pub(super) fn map(
        &mut self,
        reader: &mut Reader<'a>,
        name: &'static str,
    ) -> Result<Object<'a>, Malformed> {
        Ok(match reader.value()? {
            Json::Null => Vec::new(),
            Json::Object(members) => members,
            Json::Array(items) => items
                .into_iter()
                .enumerate()
                .map(|(place, item)| (place.to_string().into(), item))
                .collect(),
            scalar => {
                self.invalid(name, scalar);
                Vec::new()
            }
        })
    }

    /// Lines of text; null lines are empty.
    pub(super) fn lines(
        &mut self,
        reader: &mut Reader<'a>,
        name: &'static str,
    ) -> Result<Vec<Text<'a>>, Malformed> {
        Ok(match reader.value()? {
            Json::Null => Vec::new(),
            Json::Array(items) => {
                items.into_iter().map(|item| item.into_printed().unwrap_or_default()).collect()
            }
            Json::String(text) => vec![text],
            other => {
                self.invalid(name, other);
                Vec::new()
            }
        })
    }
}
