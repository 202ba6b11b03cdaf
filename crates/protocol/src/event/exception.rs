//! Exceptions.

use super::stacktrace::push_other;
use super::{Notes, Stacktrace, Text};
use crate::json::{Json, Malformed, Object, Reader, Writer, member};

/// One exception of a chain.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Exception<'a> {
    /// The class.
    pub exception_type: Option<Text<'a>>,
    /// The message.
    pub value: Option<Text<'a>>,
    /// The module of the class.
    pub module: Option<Text<'a>>,
    /// The thread it was raised in.
    pub thread_id: Option<Json<'a>>,
    /// How it was caught.
    pub mechanism: Object<'a>,
    /// Where it was raised.
    pub stacktrace: Option<Stacktrace<'a>>,
    /// The stack trace before it was made readable.
    pub raw_stacktrace: Option<Stacktrace<'a>>,
    /// Anything else.
    pub other: Object<'a>,
}

impl<'a> Exception<'a> {
    /// Reads a chain; entries with neither a type nor a value are noted and left out.
    pub(super) fn read_all(
        reader: &mut Reader<'a>,
        notes: &mut Notes<'a>,
    ) -> Result<Vec<Self>, Malformed> {
        super::read_values(reader, notes, "exception", Self::read)
    }

    fn read(reader: &mut Reader<'a>, notes: &mut Notes<'a>) -> Result<Option<Self>, Malformed> {
        let mut exception = Self::default();
        reader.object(|reader, key| {
            match key.as_ref() {
                "type" => exception.exception_type = notes.text(reader, "type")?,
                "value" => exception.value = reader.value()?.into_printed(),
                "module" => exception.module = notes.text(reader, "module")?,
                "thread_id" => exception.thread_id = super::some(reader.value()?),
                "mechanism" => exception.mechanism = notes.map(reader, "mechanism")?,
                "stacktrace" => {
                    notes.enter("stacktrace");
                    exception.stacktrace = Stacktrace::read(reader, notes)?;
                    notes.leave();
                }
                "raw_stacktrace" => {
                    notes.enter("raw_stacktrace");
                    exception.raw_stacktrace = Stacktrace::read(reader, notes)?;
                    notes.leave();
                }
                _ => push_other(&mut exception.other, key, reader.value()?)?,
            }
            Ok(())
        })?;
        if exception.exception_type.is_none() && exception.value.is_none() {
            notes.missing_here();
            return Ok(None);
        }
        Ok(Some(exception))
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        let Self {
            exception_type,
            value,
            module,
            thread_id,
            mechanism,
            stacktrace,
            raw_stacktrace,
            other,
        } = self;
        writer.begin_object();
        super::write_text(writer, "type", exception_type);
        super::write_text(writer, "value", value);
        super::write_text(writer, "module", module);
        super::write_json(writer, "thread_id", thread_id.as_ref());
        super::write_object(writer, "mechanism", mechanism);
        for (key, trace) in [("stacktrace", stacktrace), ("raw_stacktrace", raw_stacktrace)] {
            if let Some(trace) = trace {
                writer.key(key);
                trace.write(writer);
            }
        }
        super::write_members(writer, other);
        writer.end_object();
    }

    /// Whether the type says nothing: the SDK made the exception up to carry a stack trace.
    pub fn is_synthetic(&self) -> bool {
        member(&self.mechanism, "synthetic").and_then(Json::as_bool) == Some(true)
    }

    /// Whether the program caught it, if the SDK says.
    pub fn is_handled(&self) -> Option<bool> {
        member(&self.mechanism, "handled").and_then(Json::as_bool)
    }

    /// How it was caught, by the SDK's name for it.
    pub fn mechanism_type(&self) -> Option<&str> {
        member(&self.mechanism, "type").and_then(Json::as_str)
    }

    /// The frames, the innermost last; none if there is no stack trace.
    pub fn frames(&self) -> &[super::Frame<'a>] {
        self.stacktrace.as_ref().map_or(&[], |trace| &trace.frames)
    }
}
