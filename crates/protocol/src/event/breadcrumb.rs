//! Breadcrumbs: what happened before.

use super::stacktrace::push_other;
use super::{Notes, Text};
use crate::json::{Json, Malformed, Object, Reader, Writer};

/// An event keeps its last breadcrumbs, at most this many.
const MAX_BREADCRUMBS: usize = 100;

/// One step on the way to the error.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Breadcrumb<'a> {
    /// When, as the client spelled it.
    pub timestamp: Option<Json<'a>>,
    /// What kind of step: `default`, `http`, `navigation`, …
    pub crumb_type: Option<Text<'a>>,
    /// Where it comes from.
    pub category: Option<Text<'a>>,
    /// How bad it was, as the client spelled it.
    pub level: Option<Text<'a>>,
    /// What it says.
    pub message: Option<Text<'a>>,
    /// Its details.
    pub data: Object<'a>,
    /// Anything else.
    pub other: Object<'a>,
}

impl<'a> Breadcrumb<'a> {
    /// Reads breadcrumbs; one that makes no sense does not cost the others.
    pub(super) fn read_all(
        reader: &mut Reader<'a>,
        notes: &mut Notes<'a>,
    ) -> Result<Vec<Self>, Malformed> {
        let mut crumbs = super::read_values(reader, notes, "breadcrumbs", Self::read)?;
        let excess = crumbs.len().saturating_sub(MAX_BREADCRUMBS);
        crumbs.drain(..excess);
        Ok(crumbs)
    }

    fn read(reader: &mut Reader<'a>, notes: &mut Notes<'a>) -> Result<Option<Self>, Malformed> {
        let mut crumb = Self::default();
        reader.object(|reader, key| {
            match key.as_ref() {
                "timestamp" => crumb.timestamp = super::some(reader.value()?),
                "type" | "ty" => crumb.crumb_type = notes.text(reader, "type")?,
                "category" => crumb.category = notes.text(reader, "category")?,
                "level" => crumb.level = notes.text(reader, "level")?,
                "message" => crumb.message = reader.value()?.into_printed(),
                "data" => {
                    crumb.data = match reader.value()? {
                        Json::Null => Vec::new(),
                        Json::Object(members) => members,
                        other => vec![("value".into(), other)],
                    }
                }
                _ => push_other(&mut crumb.other, key, reader.value()?)?,
            }
            Ok(())
        })?;
        Ok(Some(crumb).filter(|crumb| *crumb != Self::default()))
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.begin_object();
        super::write_json(writer, "timestamp", self.timestamp.as_ref());
        super::write_text(writer, "type", &self.crumb_type);
        super::write_text(writer, "category", &self.category);
        super::write_text(writer, "level", &self.level);
        super::write_text(writer, "message", &self.message);
        super::write_object(writer, "data", &self.data);
        super::write_members(writer, &self.other);
        writer.end_object();
    }
}
