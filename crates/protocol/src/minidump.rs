//! Crash dumps of native programs, as Breakpad and Crashpad upload them.
//!
//! The upload is a form: the dump itself, and fields that say which program crashed. The fields
//! become an event; walking the stack inside the dump is not done here.

use std::collections::HashSet;

use crate::event::{Event, Exception, Level};
use crate::json::{Json, Object, Reader, Writer, set_member};

/// The form field that holds the dump.
pub const DUMP_FIELD: &str = "upload_file_minidump";

/// The attachment type of a dump.
pub const ATTACHMENT_TYPE: &str = "event.minidump";

/// Form fields deeper than this many brackets are left out.
const MAX_BRACKETS: usize = 8;

/// Whether these bytes begin as a minidump does, in either byte order.
pub fn is_minidump(bytes: &[u8]) -> bool {
    bytes.starts_with(b"MDMP") || bytes.starts_with(b"PMDM")
}

/// The event that a dump's form fields describe, as JSON.
///
/// Event attributes come as JSON in a field `sentry`, in pieces `sentry__1`, `sentry__2`, … or one
/// by one as `sentry[release]`; every other field becomes extra data.
pub fn event_json(fields: &[(String, String)]) -> String {
    let mut attributes: Object<'_> = Vec::new();
    let mut extra: Object<'_> = Vec::new();
    let mut pieces: Vec<(u32, &str)> = Vec::new();
    for (name, value) in fields {
        if name == "sentry" {
            merge(&mut attributes, value);
        } else if let Some(place) = name.strip_prefix("sentry__") {
            pieces.push((place.parse().unwrap_or(u32::MAX), value));
        } else if let Some(path) = bracketed(name) {
            put(&mut attributes, &path, value.as_str().into());
        } else {
            set_member(&mut extra, name, value.as_str().into());
        }
    }
    pieces.sort_by_key(|(place, _)| *place);
    let joined: String = pieces.iter().map(|(_, piece)| *piece).collect();
    merge(&mut attributes, &joined);

    let mut writer = Writer::new();
    writer.object(&attributes);
    let attributes = writer.into_string();
    // Reading it as an event makes what the form says tolerable, whatever it says.
    let mut event = Event::read(&attributes).unwrap_or_default();
    for (name, value) in extra {
        if crate::json::member(&event.extra, &name).is_none() {
            event.extra.push((name, value));
        }
    }
    event.platform = event.platform.or(Some("native".into()));
    event.level = event.level.or(Some(Level::Fatal));
    if event.exceptions.is_empty() {
        event.exceptions.push(Exception {
            exception_type: Some("Minidump".into()),
            value: Some("The program crashed and left a minidump".into()),
            mechanism: vec![
                ("type".into(), "minidump".into()),
                ("handled".into(), Json::Bool(false)),
                ("synthetic".into(), Json::Bool(false)),
            ],
            ..Exception::default()
        });
    }
    let mut writer = Writer::new();
    event.write(&mut writer);
    writer.into_string()
}

/// Adds the members of a JSON object; what is none is left out.
fn merge<'a>(attributes: &mut Object<'a>, json: &'a str) {
    let mut reader = Reader::new(json);
    if let Ok(Json::Object(members)) = reader.value() {
        let new: HashSet<&str> = members.iter().map(|(name, _)| name.as_ref()).collect();
        attributes.retain(|(known, _)| !new.contains(known.as_ref()));
        attributes.extend(members);
    }
}

/// `sentry[a][b]` → `a`, `b`.
fn bracketed(name: &str) -> Option<Vec<&str>> {
    let mut rest = name.strip_prefix("sentry")?;
    let mut path = Vec::new();
    while let Some(inner) = rest.strip_prefix('[') {
        let (key, behind) = inner.split_once(']')?;
        path.push(key);
        rest = behind;
    }
    let is_path = rest.is_empty() && !path.is_empty() && path.len() <= MAX_BRACKETS;
    is_path.then_some(path)
}

fn put<'a>(members: &mut Object<'a>, path: &[&'a str], value: Json<'a>) {
    let Some((key, deeper)) = path.split_first() else {
        return;
    };
    if deeper.is_empty() {
        set_member(members, key, value);
        return;
    }
    if !members.iter().any(|(name, old)| name == key && matches!(old, Json::Object(_))) {
        set_member(members, key, Json::Object(Vec::new()));
    }
    if let Some((_, Json::Object(inner))) = members.iter_mut().find(|(name, _)| name == key) {
        put(inner, deeper, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(fields: &[(&str, &str)]) -> String {
        let owned: Vec<_> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        event_json(&owned)
    }

    #[test]
    fn a_bare_dump_is_a_fatal_native_event() {
        let json = event(&[]);
        let event = Event::read(&json).unwrap();
        assert_eq!(event.level, Some(Level::Fatal));
        assert_eq!(event.platform.as_deref(), Some("native"));
        let exception = event.main_exception().unwrap();
        assert_eq!(exception.exception_type.as_deref(), Some("Minidump"));
        assert_eq!(exception.is_handled(), Some(false));
    }

    #[test]
    fn every_form_of_attributes_is_merged() {
        let json = event(&[
            ("sentry", r#"{"release": "game@1", "tags": {"gpu": "a"}}"#),
            ("sentry[environment]", "prod"),
            ("sentry[user][id]", "7"),
            ("sentry__2", r#"":"b"}"#),
            ("sentry__1", r#"{"dist"#),
            ("ptime", "1234"),
            ("sentry[", "left alone"),
        ]);
        let event = Event::read(&json).unwrap();
        assert_eq!(event.release.as_deref(), Some("game@1"));
        assert_eq!(event.environment.as_deref(), Some("prod"));
        assert_eq!(event.dist.as_deref(), Some("b"));
        assert_eq!(event.user.unwrap().id.as_deref(), Some("7"));
        assert_eq!(event.tags.get("gpu").map(AsRef::as_ref), Some("a"));
        let extra: Vec<_> = event.extra.iter().map(|(name, _)| name.as_ref()).collect();
        assert_eq!(extra, ["ptime", "sentry["]);
    }

    #[test]
    fn dumps_are_told_by_their_first_bytes() {
        assert!(is_minidump(b"MDMP\x93\xa7"));
        assert!(is_minidump(b"PMDM"));
        assert!(!is_minidump(b"MDM"));
        assert!(!is_minidump(b"hello"));
    }
}
