//! The tolerant reader.

use std::borrow::Cow;
use std::collections::HashMap;

use super::{Json, MAX_DEPTH, Object, scan};

/// Objects larger than this find repeated keys by hashing instead of by looking at each member.
const LINEAR_KEYS: usize = 16;

/// What the next value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `null`, or a word that JSON does not know but clients print, such as `NaN`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A number.
    Number,
    /// A string.
    String,
    /// `[…]`
    Array,
    /// `{…}`
    Object,
}

/// The document's structure is broken: nothing after this point can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed JSON at byte {at}: {what}")]
pub struct Malformed {
    /// Offset into the document, in bytes.
    pub at: usize,
    /// What was expected there.
    pub what: &'static str,
}

/// The document as text: borrowed if it is UTF-8, else with U+FFFD in place of what is not.
pub fn repair_utf8(document: &[u8]) -> Cow<'_, str> {
    // Checking whole words first is several times faster than looking for what to replace.
    match std::str::from_utf8(document) {
        Ok(text) => Cow::Borrowed(text),
        Err(_invalid) => String::from_utf8_lossy(document),
    }
}

/// Reads one JSON document from front to back.
///
/// Each method consumes exactly one value, whatever its type, unless it returns [`Malformed`].
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    has_raw_nul: bool,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `document`. See [`repair_utf8`] for bytes.
    pub fn new(document: &'a str) -> Self {
        let has_raw_nul = memchr::memchr(0, document.as_bytes()).is_some();
        let at = if document.starts_with('\u{feff}') { 3 } else { 0 };
        Self { text: document, at, depth: 0, has_raw_nul }
    }

    /// What comes next, without consuming it.
    pub fn peek(&mut self) -> Result<Kind, Malformed> {
        self.skip_whitespace();
        match self.byte() {
            Some(b'"') => Ok(Kind::String),
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b't' | b'f') => Ok(Kind::Bool),
            Some(b'-' | b'+' | b'.' | b'0'..=b'9') => {
                Ok(if self.rest().starts_with("-I") { Kind::Null } else { Kind::Number })
            }
            Some(b'n' | b'N' | b'I' | b'u') => Ok(Kind::Null),
            _ => Err(self.malformed("a value")),
        }
    }

    /// Offset of the next unread byte.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Fails unless only whitespace is left.
    pub fn end(&mut self) -> Result<(), Malformed> {
        self.skip_whitespace();
        match self.byte() {
            None => Ok(()),
            Some(_) => Err(self.malformed("the end of the document")),
        }
    }

    /// Calls `member` with each key of an object; `member` must consume the key's value.
    ///
    /// A value that is not an object is skipped and gives `false`.
    pub fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, Cow<'a, str>) -> Result<(), Malformed>,
    ) -> Result<bool, Malformed> {
        if !self.enter(Kind::Object)? {
            return Ok(false);
        }
        self.skip_whitespace();
        if self.eat(b'}') {
            return self.leave();
        }
        loop {
            self.skip_whitespace();
            if self.byte() != Some(b'"') {
                return Err(self.malformed("a key"));
            }
            let key = self.quoted()?;
            self.skip_whitespace();
            if !self.eat(b':') {
                return Err(self.malformed("':'"));
            }
            member(self, key)?;
            self.skip_whitespace();
            if self.eat(b'}') {
                return self.leave();
            }
            if !self.eat(b',') {
                return Err(self.malformed("',' or '}'"));
            }
        }
    }

    /// Calls `item` before each element of an array; `item` must consume the element.
    ///
    /// A value that is not an array is skipped and gives `false`.
    pub fn array(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<(), Malformed>,
    ) -> Result<bool, Malformed> {
        if !self.enter(Kind::Array)? {
            return Ok(false);
        }
        self.skip_whitespace();
        if self.eat(b']') {
            return self.leave();
        }
        loop {
            item(self)?;
            self.skip_whitespace();
            if self.eat(b']') {
                return self.leave();
            }
            if !self.eat(b',') {
                return Err(self.malformed("',' or ']'"));
            }
        }
    }

    /// A value of any shape.
    pub fn value(&mut self) -> Result<Json<'a>, Malformed> {
        match self.peek()? {
            Kind::Null => self.word().map(|()| Json::Null),
            Kind::Bool => {
                let value = self.byte() == Some(b't');
                self.word()?;
                Ok(Json::Bool(value))
            }
            Kind::Number => Ok(self.number()),
            Kind::String => self.quoted().map(Json::String),
            Kind::Array => {
                if self.depth >= MAX_DEPTH {
                    return self.skip().map(|()| Json::Null);
                }
                let mut items = Vec::new();
                self.array(|reader| {
                    items.push(reader.value()?);
                    Ok(())
                })?;
                Ok(Json::Array(items))
            }
            Kind::Object => {
                if self.depth >= MAX_DEPTH {
                    return self.skip().map(|()| Json::Null);
                }
                self.members().map(Json::Object)
            }
        }
    }

    /// Skips a value of any shape and any depth, without recursion.
    pub fn skip(&mut self) -> Result<(), Malformed> {
        let mut open: usize = 0;
        loop {
            self.skip_whitespace();
            match self.byte() {
                Some(b'{' | b'[') => {
                    self.at += 1;
                    open += 1;
                    continue;
                }
                Some(b'}' | b']') if open > 0 => {
                    self.at += 1;
                    open -= 1;
                }
                Some(b',' | b':') if open > 0 => {
                    self.at += 1;
                    continue;
                }
                Some(b'"') => {
                    self.skip_quoted()?;
                }
                Some(_) => match self.peek()? {
                    Kind::Number => {
                        self.number();
                    }
                    _ => self.word()?,
                },
                None => return Err(self.malformed("a value")),
            }
            if open == 0 {
                return Ok(());
            }
        }
    }

    fn members(&mut self) -> Result<Object<'a>, Malformed> {
        let mut members: Object<'a> = Vec::new();
        let mut places: HashMap<Cow<'a, str>, usize> = HashMap::new();
        self.object(|reader, key| {
            let value = reader.value()?;
            let place = if members.len() < LINEAR_KEYS {
                members.iter().position(|(name, _)| *name == key)
            } else {
                if places.is_empty() {
                    places.extend(
                        members.iter().enumerate().map(|(place, (name, _))| (name.clone(), place)),
                    );
                }
                places.get(&key).copied()
            };
            match place.and_then(|place| members.get_mut(place)) {
                Some((_, old)) => *old = value,
                None => {
                    if !places.is_empty() {
                        places.insert(key.clone(), members.len());
                    }
                    members.push((key, value));
                }
            }
            Ok(())
        })?;
        Ok(members)
    }

    fn enter(&mut self, wanted: Kind) -> Result<bool, Malformed> {
        if self.peek()? != wanted || self.depth >= MAX_DEPTH {
            self.skip()?;
            return Ok(false);
        }
        self.at += 1;
        self.depth += 1;
        Ok(true)
    }

    fn leave(&mut self) -> Result<bool, Malformed> {
        self.depth -= 1;
        Ok(true)
    }

    /// The content of a string, its quote being next.
    fn quoted(&mut self) -> Result<Cow<'a, str>, Malformed> {
        let start = self.at + 1;
        let end = self.quote_or_escape(start)?;
        if self.text.as_bytes().get(end) == Some(&b'"') {
            self.at = end + 1;
            return Ok(self.without_nul(self.slice(start, end)));
        }
        self.unescaped(start, end)
    }

    fn skip_quoted(&mut self) -> Result<(), Malformed> {
        let mut at = self.at + 1;
        loop {
            at = self.quote_or_escape(at)?;
            if self.text.as_bytes().get(at) == Some(&b'"') {
                self.at = at + 1;
                return Ok(());
            }
            at += 2;
        }
    }

    /// Offset of the first quote or backslash at or after `from`.
    fn quote_or_escape(&self, from: usize) -> Result<usize, Malformed> {
        let rest = self.text.as_bytes().get(from..).unwrap_or_default();
        scan::quote_or_escape(rest)
            .map(|place| from + place)
            .ok_or(Malformed { at: self.text.len(), what: "the end of a string" })
    }

    /// The rest of a string whose first escape is at `escape`.
    #[cold]
    fn unescaped(&mut self, start: usize, mut escape: usize) -> Result<Cow<'a, str>, Malformed> {
        let mut text = String::with_capacity(escape - start + 32);
        let mut from = start;
        loop {
            text.push_str(self.slice(from, escape));
            if self.text.as_bytes().get(escape) == Some(&b'"') {
                self.at = escape + 1;
                break;
            }
            from = self.escape(escape, &mut text)?;
            escape = self.quote_or_escape(from)?;
        }
        if memchr::memchr(0, text.as_bytes()).is_some() {
            text.retain(|character| character != '\0');
        }
        Ok(Cow::Owned(text))
    }

    /// Appends what the escape at `at` stands for; returns the offset behind it.
    fn escape(&self, at: usize, text: &mut String) -> Result<usize, Malformed> {
        let rest = self.text.get(at + 1..).unwrap_or_default();
        let Some(escaped) = rest.chars().next() else {
            return Err(Malformed { at, what: "an escape" });
        };
        let plain = match escaped {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => return Ok(self.unicode_escape(at, text)),
            // A quote, a slash, a backslash, or an escape that JSON does not have.
            other => other,
        };
        text.push(plain);
        Ok(at + 1 + escaped.len_utf8())
    }

    /// As [`Reader::escape`], for `\uXXXX` and pairs of them.
    fn unicode_escape(&self, at: usize, text: &mut String) -> usize {
        let unit = |at: usize| {
            let digits = self.text.get(at..at + 6)?.strip_prefix("\\u")?;
            let clean = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            if clean { u32::from_str_radix(digits, 16).ok() } else { None }
        };
        let Some(first) = unit(at) else {
            text.push(char::REPLACEMENT_CHARACTER);
            return at + 2;
        };
        if (0xd800..0xdc00).contains(&first)
            && let Some(second @ 0xdc00..0xe000) = unit(at + 6)
        {
            let point = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            text.push(char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER));
            return at + 12;
        }
        text.push(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        at + 6
    }

    fn without_nul(&self, text: &'a str) -> Cow<'a, str> {
        if self.has_raw_nul && memchr::memchr(0, text.as_bytes()).is_some() {
            return Cow::Owned(text.replace('\0', ""));
        }
        Cow::Borrowed(text)
    }

    fn number(&mut self) -> Json<'a> {
        let start = self.at;
        let is_part = |byte: &u8| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
        self.at += self.rest().bytes().take_while(is_part).count();
        let token = self.slice(start, self.at);
        let digits = token.strip_prefix('-').unwrap_or(token);
        if digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return match token.parse::<i64>() {
                Ok(number) => Json::Integer(number),
                Err(_too_large) if !digits.is_empty() => Json::String(token.into()),
                Err(_no_digits) => Json::Null,
            };
        }
        match token.parse::<f64>() {
            Ok(number) if number.is_finite() && is_json_number(digits) => {
                Json::Decimal(token.into())
            }
            // Spelled in a way that JSON does not have, such as `+1.5` or `.5`.
            Ok(number) if number.is_finite() => Json::Decimal(format!("{number:?}").into()),
            _ => Json::Null,
        }
    }

    /// Consumes a word: `true`, `null`, `NaN`, `-Infinity`.
    fn word(&mut self) -> Result<(), Malformed> {
        let length = self
            .rest()
            .bytes()
            .enumerate()
            .take_while(|(place, byte)| {
                byte.is_ascii_alphabetic() || (*place == 0 && *byte == b'-')
            })
            .count();
        let word = self.slice(self.at, self.at + length);
        if !matches!(
            word,
            "true" | "false" | "null" | "NaN" | "Infinity" | "-Infinity" | "undefined" | "nan"
        ) {
            return Err(self.malformed("a value"));
        }
        self.at += length;
        Ok(())
    }

    fn skip_whitespace(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.byte() == Some(byte);
        if found {
            self.at += 1;
        }
        found
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn slice(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }

    fn malformed(&self, what: &'static str) -> Malformed {
        Malformed { at: self.at, what }
    }
}

/// Whether `digits`, a number without its sign, is spelled as the JSON grammar asks.
fn is_json_number(digits: &str) -> bool {
    let mut rest = digits.bytes().peekable();
    let leading_zero = rest.peek() == Some(&b'0');
    let run = |rest: &mut std::iter::Peekable<std::str::Bytes<'_>>| {
        let mut length = 0;
        while rest.next_if(u8::is_ascii_digit).is_some() {
            length += 1;
        }
        length
    };
    let whole = run(&mut rest);
    if whole == 0 || (leading_zero && whole > 1) {
        return false;
    }
    if rest.next_if_eq(&b'.').is_some() && run(&mut rest) == 0 {
        return false;
    }
    if rest.next_if(|byte| matches!(byte, b'e' | b'E')).is_some() {
        let _sign = rest.next_if(|byte| matches!(byte, b'+' | b'-'));
        if run(&mut rest) == 0 {
            return false;
        }
    }
    rest.next().is_none()
}
