//! Threads.

use super::stacktrace::push_other;
use super::{Notes, Stacktrace, Text};
use crate::json::{Json, Malformed, Object, Reader, Writer};

/// What one thread was doing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Thread<'a> {
    /// Its number or name, as the system gives it.
    pub id: Option<Json<'a>>,
    /// Its name.
    pub name: Option<Text<'a>>,
    /// Whether it ended the program.
    pub crashed: Option<bool>,
    /// Whether the SDK ran in it.
    pub current: Option<bool>,
    /// Its calls.
    pub stacktrace: Option<Stacktrace<'a>>,
    /// Anything else.
    pub other: Object<'a>,
}

impl<'a> Thread<'a> {
    pub(super) fn read_all(
        reader: &mut Reader<'a>,
        notes: &mut Notes<'a>,
    ) -> Result<Vec<Self>, Malformed> {
        super::read_values(reader, notes, "threads", Self::read)
    }

    fn read(reader: &mut Reader<'a>, notes: &mut Notes<'a>) -> Result<Option<Self>, Malformed> {
        let mut thread = Self::default();
        reader.object(|reader, key| {
            match key.as_ref() {
                "id" => thread.id = super::some(reader.value()?),
                "name" => thread.name = notes.text(reader, "name")?,
                "crashed" => thread.crashed = notes.bool(reader, "crashed")?,
                "current" => thread.current = notes.bool(reader, "current")?,
                "stacktrace" => {
                    notes.enter("stacktrace");
                    thread.stacktrace = Stacktrace::read(reader, notes)?;
                    notes.leave();
                }
                _ => push_other(&mut thread.other, key, reader.value()?)?,
            }
            Ok(())
        })?;
        Ok(Some(thread))
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.begin_object();
        super::write_json(writer, "id", self.id.as_ref());
        super::write_text(writer, "name", &self.name);
        for (key, truth) in [("crashed", self.crashed), ("current", self.current)] {
            if let Some(truth) = truth {
                writer.key(key);
                writer.bool(truth);
            }
        }
        if let Some(trace) = &self.stacktrace {
            writer.key("stacktrace");
            trace.write(writer);
        }
        super::write_members(writer, &self.other);
        writer.end_object();
    }
}
