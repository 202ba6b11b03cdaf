//! Reads what a client sent, field by field, and notes everything that is wrong with it.
//!
//! Coercions, kinds of problems and wording are pydantic's, which GlitchTip's clients know. A field is
//! found by its name in camel case or in snake case.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use mishap_core::email::EmailAddress;
use mishap_core::slug::is_slug;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// Problems that are told of one request at most.
const MAX_PROBLEMS: usize = 50;

/// One thing that is wrong, and where (pydantic's error).
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct FieldProblem {
    /// The kind of problem.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Where it is, from the outside in.
    loc: Vec<Place>,
    /// What is wrong, in words.
    msg: String,
    /// The limits that were not kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    ctx: Option<Value>,
}

/// One step on the way to a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Place {
    /// The name of a member.
    Name(Cow<'static, str>),
    /// The place in a list.
    Index(usize),
}

impl FieldProblem {
    /// Something that is wrong with a member of one part of a request.
    pub fn new(
        part: &'static str,
        name: &'static str,
        kind: &'static str,
        msg: impl Into<String>,
    ) -> Self {
        let loc = vec![Place::Name(part.into()), Place::Name(name.into())];
        Self { kind, loc, msg: msg.into(), ctx: None }
    }
}

/// Something that is read from the fields of a body or a query.
///
/// What is wrong is noted in the fields; whatever is then returned is thrown away.
pub trait Payload: Sized {
    /// Reads the fields.
    fn read(fields: &mut Fields<'_>) -> Self;
}

/// The fields of an object, before they are believed.
#[derive(Debug)]
pub struct Fields<'v> {
    object: Cow<'v, Map<String, Value>>,
    at: Vec<Place>,
    problems: Vec<FieldProblem>,
}

impl<'v> Fields<'v> {
    /// Reads a payload from an object that stands at `at`.
    pub fn parse<T: Payload>(
        object: &'v Map<String, Value>,
        at: &[&'static str],
    ) -> Result<T, Vec<FieldProblem>> {
        let at = at.iter().map(|name| Place::Name((*name).into())).collect();
        let mut fields = Fields { object: Cow::Borrowed(object), at, problems: Vec::new() };
        let payload = T::read(&mut fields);
        if fields.problems.is_empty() { Ok(payload) } else { Err(fields.problems) }
    }

    /// The value of a field, by its camel-case name or the same in snake case; null counts as there.
    fn value(&self, name: &str) -> Option<Value> {
        let found = self.object.get(name).or_else(|| self.object.get(&snake(name)));
        found.cloned()
    }

    /// Notes what is wrong with a field.
    pub fn problem(
        &mut self,
        name: &'static str,
        kind: &'static str,
        msg: impl Into<String>,
        ctx: Option<Value>,
    ) {
        if self.problems.len() >= MAX_PROBLEMS {
            return;
        }
        let mut loc = self.at.clone();
        loc.push(Place::Name(name.into()));
        self.problems.push(FieldProblem { kind, loc, msg: msg.into(), ctx });
    }

    /// Whether a field was sent at all, be it null.
    pub fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    fn missing(&mut self, name: &'static str) {
        self.problem(name, "missing", "Field required", None);
    }

    /// A text that must be there, of so many characters.
    pub fn text(&mut self, name: &'static str, length: RangeInclusive<usize>) -> String {
        match self.value(name) {
            None => {
                self.missing(name);
                String::new()
            }
            Some(value) => self.text_of(name, &value, length).unwrap_or_default(),
        }
    }

    /// A text that may be left out or null.
    pub fn optional_text(&mut self, name: &'static str, max: usize) -> Option<String> {
        match self.value(name) {
            None | Some(Value::Null) => None,
            Some(value) => self.text_of(name, &value, 0..=max),
        }
    }

    fn text_of(
        &mut self,
        name: &'static str,
        value: &Value,
        length: RangeInclusive<usize>,
    ) -> Option<String> {
        let Value::String(text) = value else {
            self.problem(name, "string_type", "Input should be a valid string", None);
            return None;
        };
        let (min, max) = (*length.start(), *length.end());
        let characters = text.chars().count();
        if characters < min {
            let plural = if min == 1 { "" } else { "s" };
            let msg = format!("String should have at least {min} character{plural}");
            self.problem(name, "string_too_short", msg, Some(json!({ "min_length": min })));
        } else if characters > max {
            let msg = format!("String should have at most {max} characters");
            self.problem(name, "string_too_long", msg, Some(json!({ "max_length": max })));
        } else if text.contains('\0') {
            // PostgreSQL cannot keep it.
            self.problem(name, "value_error", "Null characters are not allowed", None);
        } else {
            return Some(text.clone());
        }
        None
    }

    /// A slug that must be there.
    pub fn slug(&mut self, name: &'static str, max: usize) -> String {
        let problems = self.problems.len();
        let text = self.text(name, 1..=max);
        if self.problems.len() == problems && !is_slug(&text) {
            let pattern = "^[-a-zA-Z0-9_]+$";
            let msg = format!("String should match pattern '{pattern}'");
            let ctx = json!({ "pattern": pattern });
            self.problem(name, "string_pattern_mismatch", msg, Some(ctx));
        }
        text
    }

    /// A slug that may be left out or null.
    pub fn optional_slug(&mut self, name: &'static str, max: usize) -> Option<String> {
        match self.value(name) {
            None | Some(Value::Null) => None,
            Some(_) => Some(self.slug(name, max)),
        }
    }

    /// An e-mail address that must be there.
    pub fn email(&mut self, name: &'static str) -> Option<EmailAddress> {
        let problems = self.problems.len();
        let text = self.text(name, 1..=320);
        if self.problems.len() > problems {
            return None;
        }
        let parsed = EmailAddress::parse(&text);
        if let Err(invalid) = &parsed {
            let msg = invalid.to_string();
            self.problem(name, "value_error", msg, Some(json!({ "reason": "not an address" })));
        }
        parsed.ok()
    }

    /// A truth value; `otherwise` if it is left out.
    pub fn boolean(&mut self, name: &'static str, otherwise: Option<bool>) -> bool {
        let Some(value) = self.value(name) else {
            if otherwise.is_none() {
                self.missing(name);
            }
            return otherwise.unwrap_or_default();
        };
        match truth(&value) {
            Some(truth) => truth,
            None => {
                let (kind, msg) = match value {
                    Value::String(_) | Value::Number(_) => (
                        "bool_parsing",
                        "Input should be a valid boolean, unable to interpret input",
                    ),
                    _ => ("bool_type", "Input should be a valid boolean"),
                };
                self.problem(name, kind, msg, None);
                false
            }
        }
    }

    /// A truth value that may be left out or null.
    pub fn optional_boolean(&mut self, name: &'static str) -> Option<bool> {
        match self.value(name) {
            None | Some(Value::Null) => None,
            Some(_) => Some(self.boolean(name, None)),
        }
    }

    /// A whole number that may be left out or null.
    pub fn optional_integer(
        &mut self,
        name: &'static str,
        range: RangeInclusive<i64>,
    ) -> Option<i64> {
        match self.value(name) {
            None | Some(Value::Null) => None,
            Some(value) => self.integer_of(name, &value, range),
        }
    }

    /// A whole number that must be there.
    pub fn integer(&mut self, name: &'static str, range: RangeInclusive<i64>) -> i64 {
        match self.value(name) {
            None => {
                self.missing(name);
                0
            }
            Some(value) => self.integer_of(name, &value, range).unwrap_or_default(),
        }
    }

    /// Whole numbers, of so many at most; one alone is a list too, as queries have it. Empty if they
    /// are left out or null.
    pub fn integers(
        &mut self,
        name: &'static str,
        max_items: usize,
        range: RangeInclusive<i64>,
    ) -> Vec<i64> {
        let items = match self.value(name) {
            Some(one @ (Value::String(_) | Value::Number(_))) => vec![one],
            _ => self.items(name, max_items),
        };
        items.iter().filter_map(|item| self.integer_of(name, item, range.clone())).collect()
    }

    fn integer_of(
        &mut self,
        name: &'static str,
        value: &Value,
        range: RangeInclusive<i64>,
    ) -> Option<i64> {
        let number = match value {
            Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
            Value::String(text) => text.trim().parse().ok(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                self.problem(name, "int_type", "Input should be a valid integer", None);
                return None;
            }
        };
        let Some(number) = number else {
            let msg = "Input should be a valid integer, unable to parse string as an integer";
            self.problem(name, "int_parsing", msg, None);
            return None;
        };
        let (min, max) = (*range.start(), *range.end());
        if number < min {
            let msg = format!("Input should be greater than or equal to {min}");
            self.problem(name, "greater_than_equal", msg, Some(json!({ "ge": min })));
            None
        } else if number > max {
            let msg = format!("Input should be less than or equal to {max}");
            self.problem(name, "less_than_equal", msg, Some(json!({ "le": max })));
            None
        } else {
            Some(number)
        }
    }

    /// One of a few words that must be there.
    pub fn choice<T: Copy>(&mut self, name: &'static str, choices: &[(&str, T)]) -> Option<T> {
        let Some(value) = self.value(name) else {
            self.missing(name);
            return None;
        };
        let found = choices.iter().find(|(word, _)| value.as_str() == Some(word));
        if found.is_none() {
            let words: Vec<_> = choices.iter().map(|(word, _)| format!("'{word}'")).collect();
            let expected = match words.split_last() {
                Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
                _ => words.concat(),
            };
            let msg = format!("Input should be {expected}");
            self.problem(name, "literal_error", msg, Some(json!({ "expected": expected })));
        }
        found.map(|(_, choice)| *choice)
    }

    /// One of a few words that may be left out or null.
    pub fn optional_choice<T: Copy>(
        &mut self,
        name: &'static str,
        choices: &[(&str, T)],
    ) -> Option<T> {
        match self.value(name) {
            None | Some(Value::Null) => None,
            Some(_) => self.choice(name, choices),
        }
    }

    /// A moment that may be left out or null: ISO 8601 with or without a zone (then UTC), or seconds
    /// since 1970.
    pub fn optional_time(&mut self, name: &'static str) -> Option<chrono::DateTime<chrono::Utc>> {
        let value = self.value(name).filter(|value| !value.is_null())?;
        let time = match &value {
            Value::String(text) => parse_time(text),
            Value::Number(number) => number.as_f64().and_then(time_of_seconds),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        if time.is_none() {
            let msg = "Input should be a valid datetime";
            self.problem(name, "datetime_from_date_parsing", msg, None);
        }
        time
    }

    /// A moment that must be there.
    pub fn time(&mut self, name: &'static str) -> Option<chrono::DateTime<chrono::Utc>> {
        match self.value(name) {
            None | Some(Value::Null) => {
                self.missing(name);
                None
            }
            Some(_) => self.optional_time(name),
        }
    }

    /// A list of texts, of so many items at most; empty if it is left out or null.
    pub fn texts(&mut self, name: &'static str, max_items: usize, max: usize) -> Vec<String> {
        let items = self.items(name, max_items);
        let mut texts = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            match item {
                Value::String(text) if text.chars().count() <= max && !text.contains('\0') => {
                    texts.push(text.clone());
                }
                Value::String(_) => {
                    let msg = format!("String should have at most {max} characters");
                    self.problem_in(name, index, "string_too_long", msg);
                }
                _ => self.problem_in(name, index, "string_type", "Input should be a valid string"),
            }
        }
        texts
    }

    /// A list of objects, of so many at most; empty if it is left out or null.
    pub fn list<T: Payload>(&mut self, name: &'static str, max_items: usize) -> Vec<T> {
        let items = self.items(name, max_items);
        let mut read = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            let Value::Object(object) = item else {
                self.problem_in(name, index, "model_type", "Input should be a valid dictionary");
                continue;
            };
            let mut at = self.at.clone();
            at.extend([Place::Name(name.into()), Place::Index(index)]);
            read.push(self.nested(object, at));
        }
        read
    }

    /// An object that may be left out or null.
    pub fn optional_object<T: Payload>(&mut self, name: &'static str) -> Option<T> {
        match self.value(name) {
            None | Some(Value::Null) => None,
            Some(Value::Object(object)) => {
                let mut at = self.at.clone();
                at.push(Place::Name(name.into()));
                Some(self.nested(object, at))
            }
            Some(_) => {
                self.problem(name, "model_type", "Input should be a valid dictionary", None);
                None
            }
        }
    }

    /// An object that must be there.
    pub fn object<T: Payload>(&mut self, name: &'static str) -> Option<T> {
        if !self.has(name) {
            self.missing(name);
        }
        self.optional_object(name)
    }

    /// Everything that was sent, for objects whose names say something.
    pub fn all(&self) -> &Map<String, Value> {
        &self.object
    }

    /// Whatever was sent under a name.
    pub fn any(&self, name: &str) -> Option<Value> {
        self.value(name)
    }

    fn nested<T: Payload>(&mut self, object: Map<String, Value>, at: Vec<Place>) -> T {
        let mut fields = Fields { object: Cow::Owned(object), at, problems: Vec::new() };
        let payload = T::read(&mut fields);
        self.problems.extend(fields.problems);
        self.problems.truncate(MAX_PROBLEMS);
        payload
    }

    fn items(&mut self, name: &'static str, max_items: usize) -> Vec<Value> {
        match self.value(name) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) if items.len() > max_items => {
                let msg = format!("List should have at most {max_items} items after validation");
                self.problem(name, "too_long", msg, Some(json!({ "max_length": max_items })));
                Vec::new()
            }
            Some(Value::Array(items)) => items,
            Some(_) => {
                self.problem(name, "list_type", "Input should be a valid list", None);
                Vec::new()
            }
        }
    }

    fn problem_in(
        &mut self,
        name: &'static str,
        index: usize,
        kind: &'static str,
        msg: impl Into<String>,
    ) {
        let mut loc = self.at.clone();
        loc.extend([Place::Name(name.into()), Place::Index(index)]);
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(FieldProblem { kind, loc, msg: msg.into(), ctx: None });
        }
    }
}

/// Reads a moment as ISO 8601, with or without a zone.
pub fn parse_time(text: &str) -> Option<chrono::DateTime<chrono::Utc>> {
    use chrono::{DateTime, NaiveDate, NaiveDateTime};
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    if let Ok(seconds) = text.parse::<f64>() {
        return time_of_seconds(seconds);
    }
    for format in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M"] {
        if let Ok(time) = NaiveDateTime::parse_from_str(text, format) {
            return Some(time.and_utc());
        }
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(day.and_hms_opt(0, 0, 0)?.and_utc())
}

#[expect(clippy::cast_possible_truncation, reason = "checked before")]
fn time_of_seconds(seconds: f64) -> Option<chrono::DateTime<chrono::Utc>> {
    if !(-1e11..1e11).contains(&seconds) {
        return None;
    }
    chrono::DateTime::from_timestamp_micros((seconds * 1e6) as i64)
}

fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::Number(number) => match number.as_f64() {
            Some(0.0) => Some(false),
            Some(1.0) => Some(true),
            _ => None,
        },
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "on" | "t" | "y" | "yes" => Some(true),
            "false" | "0" | "off" | "f" | "n" | "no" => Some(false),
            _ => None,
        },
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A number without a fraction, of a size that every JSON library keeps exact.
#[expect(clippy::cast_possible_truncation, reason = "checked before")]
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}

/// `orgRole` → `org_role`.
fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests;
