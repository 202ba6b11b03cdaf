//! The compact writer.

use std::fmt::Write as _;

use super::{Json, scan};

/// Prints JSON without whitespace. Members and elements are separated by themselves.
#[derive(Debug, Default)]
pub struct Writer {
    out: String,
}

impl Writer {
    /// An empty document.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty document that can grow to `bytes` without moving.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { out: String::with_capacity(bytes) }
    }

    /// What was written.
    pub fn into_string(self) -> String {
        self.out
    }

    /// Begins an object.
    pub fn begin_object(&mut self) {
        self.separate();
        self.out.push('{');
    }

    /// Ends an object.
    pub fn end_object(&mut self) {
        self.out.push('}');
    }

    /// Begins an array.
    pub fn begin_array(&mut self) {
        self.separate();
        self.out.push('[');
    }

    /// Ends an array.
    pub fn end_array(&mut self) {
        self.out.push(']');
    }

    /// Writes a member's key; its value comes next.
    pub fn key(&mut self, key: &str) {
        self.separate();
        self.quoted(key);
        self.out.push(':');
    }

    /// Writes a string.
    pub fn string(&mut self, text: &str) {
        self.separate();
        self.quoted(text);
    }

    /// Writes a number.
    pub fn integer(&mut self, number: i64) {
        self.raw(&number.to_string());
    }

    /// Writes `true` or `false`.
    pub fn bool(&mut self, value: bool) {
        self.raw(if value { "true" } else { "false" });
    }

    /// Writes `null`.
    pub fn null(&mut self) {
        self.raw("null");
    }

    /// Writes a token that is JSON already.
    pub fn raw(&mut self, token: &str) {
        self.separate();
        self.out.push_str(token);
    }

    /// Writes a value of any shape.
    pub fn json(&mut self, value: &Json<'_>) {
        match value {
            Json::Null => self.null(),
            Json::Bool(value) => self.bool(*value),
            Json::Integer(number) => self.integer(*number),
            Json::Decimal(token) => self.raw(token),
            Json::String(text) => self.string(text),
            Json::Array(items) => {
                self.begin_array();
                for item in items {
                    self.json(item);
                }
                self.end_array();
            }
            Json::Object(members) => self.object(members),
        }
    }

    /// Writes an object.
    pub fn object(&mut self, members: &super::Object<'_>) {
        self.begin_object();
        for (key, value) in members {
            self.key(key);
            self.json(value);
        }
        self.end_object();
    }

    /// Writes the comma that the last token asks for.
    fn separate(&mut self) {
        if !matches!(self.out.as_bytes().last(), None | Some(b'{' | b'[' | b':' | b',')) {
            self.out.push(',');
        }
    }

    fn quoted(&mut self, mut text: &str) {
        self.out.reserve(text.len() + 2);
        self.out.push('"');
        while let Some(place) = scan::to_be_escaped(text.as_bytes())
            && let Some((plain, rest)) = text.split_at_checked(place)
            && let Some((escaped, rest)) = rest.split_at_checked(1)
        {
            self.out.push_str(plain);
            self.escaped(escaped);
            text = rest;
        }
        self.out.push_str(text);
        self.out.push('"');
    }

    /// Writes one character that must be escaped.
    fn escaped(&mut self, character: &str) {
        match character {
            "\"" => self.out.push_str("\\\""),
            "\\" => self.out.push_str("\\\\"),
            "\n" => self.out.push_str("\\n"),
            "\r" => self.out.push_str("\\r"),
            "\t" => self.out.push_str("\\t"),
            control => {
                for byte in control.bytes() {
                    let _infallible = write!(self.out, "\\u{byte:04x}");
                }
            }
        }
    }
}
