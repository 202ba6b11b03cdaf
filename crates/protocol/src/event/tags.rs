//! Tags: searchable pairs of text.

use super::{Notes, Text};
use crate::json::{Json, Malformed, Reader, Writer};

/// An event keeps at most this many tags.
pub const MAX_TAGS: usize = 100;

/// Pairs of text in the order of the wire, each key once; the first of two wins.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tags<'a>(Vec<(Text<'a>, Text<'a>)>);

impl<'a> Tags<'a> {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The pairs.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), value.as_ref()))
    }

    /// The pairs, to be changed in place; a pair whose key or value becomes empty goes away with
    /// [`Tags::drop_empty`].
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&mut Text<'a>, &mut Text<'a>)> {
        self.0.iter_mut().map(|(key, value)| (key, value))
    }

    /// The value of a tag.
    pub fn get(&self, key: &str) -> Option<&Text<'a>> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Sets a tag, replacing what it was.
    pub fn set(&mut self, key: impl Into<Text<'a>>, value: impl Into<Text<'a>>) {
        let (key, value) = (key.into(), value.into());
        match self.0.iter_mut().find(|(name, _)| *name == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key, value)),
        }
    }

    /// Removes a tag and returns its value.
    pub fn remove(&mut self, key: &str) -> Option<Text<'a>> {
        let place = self.0.iter().position(|(name, _)| name == key)?;
        Some(self.0.remove(place).1)
    }

    /// Removes pairs without a key or a value.
    pub fn drop_empty(&mut self) {
        self.0.retain(|(key, value)| !key.is_empty() && !value.is_empty());
    }

    /// Reads a map, a list of pairs, or a list of objects with `key` and `value`.
    pub(super) fn read(reader: &mut Reader<'a>, notes: &mut Notes<'a>) -> Result<Self, Malformed> {
        let mut tags = Self::default();
        match reader.value()? {
            Json::Null => {}
            Json::Object(members) => {
                for (key, value) in members {
                    tags.add(key, value);
                }
            }
            Json::Array(items) => {
                for item in items {
                    match pair(item) {
                        Ok(Some((key, value))) => tags.add(key, value),
                        Ok(None) => {}
                        Err(item) => notes.invalid("tags", item),
                    }
                }
            }
            scalar => notes.invalid("tags", scalar),
        }
        Ok(tags)
    }

    fn add(&mut self, key: Text<'a>, value: Json<'a>) {
        let value = match value {
            Json::Bool(true) => Some("True".into()),
            Json::Bool(false) => Some("False".into()),
            other => other.into_printed(),
        };
        if let Some(value) = value
            && !key.trim().is_empty()
            && !value.is_empty()
            && self.0.len() < MAX_TAGS
            && self.get(&key).is_none()
        {
            self.0.push((key, value));
        }
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.begin_object();
        for (key, value) in self.iter() {
            writer.key(key);
            writer.string(value);
        }
        writer.end_object();
    }
}

/// One element of a tag list; the element itself if it is no pair, nothing if it is null.
fn pair(item: Json<'_>) -> Result<Option<(Text<'_>, Json<'_>)>, Json<'_>> {
    match item {
        Json::Null => Ok(None),
        Json::Array(mut items) if items.len() == 2 => {
            let value = items.pop().unwrap_or(Json::Null);
            let key = items.pop().and_then(Json::into_text);
            Ok(key.map(|key| (key, value)))
        }
        Json::Object(mut members) => {
            let mut take = |name: &str| {
                let place = members.iter().position(|(key, _)| key == name)?;
                Some(members.swap_remove(place).1)
            };
            match (take("key").and_then(Json::into_text), take("value")) {
                (Some(key), Some(value)) => Ok(Some((key, value))),
                _ => Err(Json::Object(members)),
            }
        }
        other => Err(other),
    }
}
