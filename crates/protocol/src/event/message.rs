//! The message interface: a template, its parameters, and the text they make.

use std::borrow::Cow;

use super::{Notes, Text};
use crate::json::{Json, Malformed, Object, Reader, Writer};

/// A log message.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LogEntry<'a> {
    /// The text as a person reads it.
    pub formatted: Option<Text<'a>>,
    /// The template before its parameters went in.
    pub message: Option<Text<'a>>,
    /// The parameters, by place or by name.
    pub params: Option<Json<'a>>,
}

impl<'a> LogEntry<'a> {
    /// Reads a message in any of its forms: text, an object, `false`, or a stray value, which is
    /// printed.
    pub(super) fn read(
        reader: &mut Reader<'a>,
        notes: &mut Notes<'a>,
    ) -> Result<Option<Self>, Malformed> {
        let mut entry = match reader.value()? {
            Json::Null | Json::Bool(false) => return Ok(None),
            Json::Object(members) => Self::from_members(members, notes),
            text => Self { formatted: text.into_printed(), ..Self::default() },
        };
        entry.fill();
        Ok(Some(entry).filter(|entry| entry.formatted.is_some()))
    }

    fn from_members(members: Object<'a>, notes: &mut Notes<'a>) -> Self {
        let mut entry = Self::default();
        for (key, value) in members {
            match key.as_ref() {
                "formatted" => entry.formatted = value.into_printed(),
                "message" => entry.message = value.into_printed(),
                "params" => match value {
                    Json::Array(_) | Json::Object(_) => entry.params = Some(value),
                    Json::Null => {}
                    scalar => notes.invalid("logentry.params", scalar),
                },
                _ => {}
            }
        }
        entry
    }

    /// Makes the formatted text from the template if the client did not, and forgets a template
    /// that says the same.
    fn fill(&mut self) {
        let is_text = |text: &Text<'a>| !text.is_empty();
        self.formatted = self.formatted.take().filter(is_text);
        self.message = self.message.take().filter(is_text);
        let Some(template) = &self.message else {
            return;
        };
        if self.formatted.is_none() {
            let formatted =
                self.params.as_ref().and_then(|params| format_message(template, params));
            self.formatted = Some(formatted.map_or_else(|| template.clone(), Cow::Owned));
        }
        if self.params.is_none() && self.formatted == self.message {
            self.message = None;
        }
    }

    /// This entry, with what it lacks taken from `other`.
    pub(super) fn or(self, other: Self) -> Self {
        let same = self.formatted == other.formatted;
        Self {
            formatted: self.formatted,
            message: self.message.or(if same { other.message } else { None }),
            params: self.params.or(if same { other.params } else { None }),
        }
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.begin_object();
        super::write_text(writer, "formatted", &self.formatted);
        super::write_text(writer, "message", &self.message);
        super::write_json(writer, "params", self.params.as_ref());
        writer.end_object();
    }
}

/// Puts parameters into a template as Python would: `%s`, `%d`, `%(name)s`, `{}` and `{name}`.
///
/// Nothing if the template asks for a parameter that is not there.
pub fn format_message(template: &str, params: &Json<'_>) -> Option<String> {
    let params = match params {
        Json::Array(items) => Params::Places(items),
        Json::Object(members) => Params::Names(members),
        _ => return None,
    };
    let mut out = String::with_capacity(template.len() + 32);
    let mut rest = template;
    let mut place = 0;
    while let Some(at) = rest.find(['%', '{', '}']) {
        let (before, special) = rest.split_at_checked(at)?;
        out.push_str(before);
        rest = if special.starts_with('%') {
            percent(special, &params, &mut place, &mut out)?
        } else {
            brace(special, &params, &mut place, &mut out)?
        };
    }
    out.push_str(rest);
    Some(out)
}

enum Params<'p, 'a> {
    Places(&'p [Json<'a>]),
    Names(&'p Object<'a>),
}

impl Params<'_, '_> {
    fn next(&self, place: &mut usize) -> Option<String> {
        let Self::Places(items) = self else {
            return None;
        };
        *place += 1;
        items.get(*place - 1).map(spelled)
    }

    fn named(&self, name: &str) -> Option<String> {
        match self {
            Self::Names(members) => crate::json::member(members, name).map(spelled),
            Self::Places(items) => items.get(name.parse::<usize>().ok()?).map(spelled),
        }
    }
}

fn spelled(value: &Json<'_>) -> String {
    match value {
        Json::Null => "None".to_owned(),
        Json::Bool(true) => "True".to_owned(),
        Json::Bool(false) => "False".to_owned(),
        other => other.clone().into_printed().unwrap_or_default().into_owned(),
    }
}

/// `rest` begins with a percent sign; returns what follows the directive.
fn percent<'t>(
    rest: &'t str,
    params: &Params<'_, '_>,
    place: &mut usize,
    out: &mut String,
) -> Option<&'t str> {
    let after = rest.strip_prefix('%')?;
    if let Some(after) = after.strip_prefix('%') {
        out.push('%');
        return Some(after);
    }
    let (name, directive) = match after.strip_prefix('(') {
        Some(named) => {
            let (name, directive) = named.split_once(')')?;
            (Some(name), directive)
        }
        None => (None, after),
    };
    let flags = directive.find(|c: char| !matches!(c, '0'..='9' | '.' | '-' | '+' | '#' | ' '))?;
    let (_flags, conversion) = directive.split_at_checked(flags)?;
    if !conversion.starts_with(['s', 'd', 'i', 'r', 'f', 'u', 'v', 'x', 'o', 'g', 'e', 'c', 'a']) {
        out.push('%');
        return Some(after);
    }
    out.push_str(&match name {
        Some(name) => params.named(name)?,
        None => params.next(place)?,
    });
    conversion.get(1..)
}

/// `rest` begins with a brace; returns what follows the field.
fn brace<'t>(
    rest: &'t str,
    params: &Params<'_, '_>,
    place: &mut usize,
    out: &mut String,
) -> Option<&'t str> {
    for doubled in ["{{", "}}"] {
        if let Some(after) = rest.strip_prefix(doubled) {
            out.push_str(doubled.get(1..)?);
            return Some(after);
        }
    }
    let field = rest.strip_prefix('{').and_then(|field| field.split_once('}'));
    let Some((field, after)) = field else {
        out.push_str(rest.get(..1)?);
        return rest.get(1..);
    };
    let name = field.split([':', '!']).next().unwrap_or_default();
    let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_');
    if !is_name {
        out.push('{');
        return rest.get(1..);
    }
    out.push_str(&if name.is_empty() { params.next(place)? } else { params.named(name)? });
    Some(after)
}
