//! Reads YAML as strictly as two readers need who do not agree.
//!
//! Kubernetes' tools read YAML 1.1, where `y` and `on` are booleans and `0755` is an octal number; others
//! read 1.2, where they are not. What the two would understand differently is refused, and so is whatever
//! they would drop in silence, as a key that is there twice.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs;
use std::path::Path;

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

/// What YAML 1.1 takes for a boolean, and 1.2 does not.
const OLD_BOOLEANS: &[&str] = &["y", "yes", "n", "no", "on", "off"];

/// The documents of a file.
pub(super) fn read(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    documents(&text).unwrap_or_else(|problem| panic!("{path:?}: {problem}"))
}

/// The documents of a text, without the empty ones.
pub(super) fn documents(text: &str) -> Result<Vec<Value>, String> {
    let mut reader = Reader { parser: Parser::new_from_str(text), anchors: HashMap::new() };
    let mut documents = Vec::new();
    loop {
        match reader.next()? {
            Event::StreamEnd => break,
            Event::DocumentStart(_) => {
                let first = reader.next()?;
                documents.push(reader.value(first)?);
                reader.anchors.clear();
            }
            _ => {}
        }
    }
    documents.retain(|document| !document.is_null());
    Ok(documents)
}

struct Reader<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    anchors: HashMap<usize, Value>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Event<'a>, String> {
        match self.parser.next_event() {
            Some(Ok((event, _))) => Ok(event),
            Some(Err(error)) => Err(error.to_string()),
            None => Ok(Event::StreamEnd),
        }
    }

    fn value(&mut self, first: Event<'a>) -> Result<Value, String> {
        let (value, anchor) = match first {
            Event::Alias(anchor) => {
                let known = self.anchors.get(&anchor).cloned();
                return known.ok_or_else(|| "an alias of what is not there yet".to_owned());
            }
            Event::Scalar(_, _, _, Some(tag)) => return Err(format!("a tag, {tag:?}")),
            Event::Scalar(text, style, anchor, None) => (scalar(&text, style)?, anchor),
            Event::SequenceStart(anchor, None) => (self.sequence()?, anchor),
            Event::MappingStart(anchor, None) => (self.mapping()?, anchor),
            other => return Err(format!("{other:?} where a value should be")),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, value.clone());
        }
        Ok(value)
    }

    fn sequence(&mut self) -> Result<Value, String> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                Event::SequenceEnd => return Ok(Value::Array(items)),
                first => items.push(self.value(first)?),
            }
        }
    }

    fn mapping(&mut self) -> Result<Value, String> {
        let mut entries = Map::new();
        let mut merged = Map::new();
        loop {
            let key = match self.next()? {
                Event::MappingEnd => break,
                Event::Scalar(text, style, _, None) => key(text, style)?,
                other => return Err(format!("{other:?} where a key should be")),
            };
            let first = self.next()?;
            let value = self.value(first)?;
            if key == "<<" {
                let Value::Object(others) = value else {
                    return Err("<< takes a mapping".to_owned());
                };
                merged.extend(others);
            } else if entries.insert(key.clone(), value).is_some() {
                return Err(format!("the key {key} is there twice"));
            }
        }
        // What is said here counts more than what is merged into it.
        merged.extend(entries);
        Ok(Value::Object(merged))
    }
}

/// A key is a text, however it looks; but it must look the same to everybody.
fn key(text: Cow<'_, str>, style: ScalarStyle) -> Result<String, String> {
    scalar(&text, style)?;
    Ok(text.into_owned())
}

fn scalar(text: &str, style: ScalarStyle) -> Result<Value, String> {
    if style != ScalarStyle::Plain {
        return Ok(Value::from(text));
    }
    let lower = text.to_ascii_lowercase();
    if OLD_BOOLEANS.contains(&lower.as_str()) {
        return Err(format!("{text} is a boolean to some: put it in quotes"));
    }
    match lower.as_str() {
        "" | "~" | "null" => return Ok(Value::Null),
        "true" => return Ok(Value::Bool(true)),
        "false" => return Ok(Value::Bool(false)),
        _ => {}
    }
    let digits = text.trim_start_matches(['-', '+']);
    let is_number = digits.starts_with(|letter: char| letter.is_ascii_digit());
    let is_plain = |letter: char| letter.is_ascii_digit() || letter == '.';
    if is_number && digits.chars().all(is_plain) && digits.matches('.').count() < 2 {
        let is_octal = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
        return match serde_json::from_str(text.trim_start_matches('+')) {
            Ok(number) if !is_octal => Ok(number),
            _ => Err(format!("{text} is not the same number to everybody: put it in quotes")),
        };
    }
    let is_odd = |letter: char| letter.is_ascii_hexdigit() || "_:+-xob".contains(letter);
    if is_number && digits.chars().all(is_odd) && !digits.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(format!("{text} is a number or a date to some: put it in quotes"));
    }
    // An exponent: 12e34, the beginning of a commit for instance.
    if is_number && text.parse::<f64>().is_ok() {
        return Err(format!("{text} is a number to some: put it in quotes"));
    }
    Ok(Value::from(text))
}

#[test]
fn values_are_what_everybody_takes_them_for() {
    let text = "a: 1\nb: '1'\nc: [true, null, x y, 0.5, 1.2.3, 100m]\nd: |-\n  two\n  lines\n";
    let wanted = serde_json::json!({
        "a": 1, "b": "1", "c": [true, null, "x y", 0.5, "1.2.3", "100m"], "d": "two\nlines",
    });
    assert_eq!(documents(text).unwrap(), [wanted]);
}

#[test]
fn an_alias_is_what_its_anchor_was_and_a_merge_gives_way() {
    let text = "a: &x {k: 1, l: 2}\nb: *x\nc:\n  <<: *x\n  k: 3\n";
    let wanted = serde_json::json!({
        "a": { "k": 1, "l": 2 }, "b": { "k": 1, "l": 2 }, "c": { "k": 3, "l": 2 },
    });
    assert_eq!(documents(text).unwrap(), [wanted]);
}

#[test]
fn what_readers_would_understand_differently_is_refused() {
    let odd = ["y", "No", "on", "0755", "0x1f", "1_000", "12:34:56", "2026-01-01", "12e34", "1e5"];
    for text in odd {
        assert!(documents(&format!("a: {text}")).is_err(), "{text}");
        assert!(documents(&format!("a: \"{text}\"")).is_ok(), "{text}");
    }
    for text in ["a: 1\na: 2", "a: !!str 1", "n: 1", "a: *b", "a: [1", "<<: 1"] {
        assert!(documents(text).is_err(), "{text}");
    }
    assert_eq!(documents("a: 1\n---\n---\nb: 2\n").unwrap().len(), 2);
}
