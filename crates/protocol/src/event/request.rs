//! The HTTP request that was being served.

use super::stacktrace::push_other;
use super::{Notes, Text};
use crate::json::{Json, Malformed, Object, Reader, Writer};

/// Pairs in the order of the wire; a key may repeat.
type Pairs<'a> = Vec<(Text<'a>, Text<'a>)>;

/// An HTTP request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request<'a> {
    /// The method.
    pub method: Option<Text<'a>>,
    /// The address, as sent.
    pub url: Option<Text<'a>>,
    /// The query's parameters, decoded.
    pub query: Pairs<'a>,
    /// What stood behind `#`.
    pub fragment: Option<Text<'a>>,
    /// The body, in whatever form the SDK captured it.
    pub data: Option<Json<'a>>,
    /// The cookies.
    pub cookies: Pairs<'a>,
    /// The headers; names as `Title-Case`.
    pub headers: Pairs<'a>,
    /// The server's variables.
    pub env: Object<'a>,
    /// Anything else: `api_target`, `body_size`, `protocol`, …
    pub other: Object<'a>,
}

impl<'a> Request<'a> {
    /// A request of which only the address is known.
    pub fn to(url: impl Into<Text<'a>>) -> Self {
        let mut request = Self { url: Some(url.into()), ..Self::default() };
        request.fill_query();
        request
    }

    pub(super) fn read(
        reader: &mut Reader<'a>,
        notes: &mut Notes<'a>,
    ) -> Result<Option<Self>, Malformed> {
        use crate::json::Kind;
        if reader.peek()? != Kind::Object {
            let value = reader.value()?;
            if !value.is_null() {
                notes.invalid("request", value);
            }
            return Ok(None);
        }
        notes.enter("request");
        let mut request = Self::default();
        reader.object(|reader, key| {
            match key.as_ref() {
                "method" => request.method = notes.text(reader, "method")?,
                "url" => request.url = notes.text(reader, "url")?,
                "query_string" => {
                    request.query = pairs(reader.value()?, notes, "query_string", from_query);
                }
                "fragment" => request.fragment = notes.text(reader, "fragment")?,
                "data" => request.data = super::some(reader.value()?),
                "cookies" => {
                    request.cookies = pairs(reader.value()?, notes, "cookies", from_cookies);
                }
                "headers" => {
                    request.headers = pairs(reader.value()?, notes, "headers", |_line| Vec::new());
                }
                "env" => request.env = notes.map(reader, "env")?,
                _ => push_other(&mut request.other, key, reader.value()?)?,
            }
            Ok(())
        })?;
        notes.leave();
        for (name, _) in &mut request.headers {
            title_case(name);
        }
        request.fill_query();
        Ok(Some(request).filter(|request| *request != Self::default()))
    }

    /// Takes the query from the URL if the client did not send it by itself.
    ///
    /// The URL stays as sent: GlitchTip's grouping hash may depend on it.
    fn fill_query(&mut self) {
        let Some(url) = self.url.as_deref().filter(|_| self.query.is_empty()) else {
            return;
        };
        let url = url.split('#').next().unwrap_or_default();
        if let Some((_, query)) = url.split_once('?') {
            self.query = from_query(query);
        }
    }

    /// The value of a header; `name` in any case.
    pub fn header(&self, name: &str) -> Option<&Text<'a>> {
        let mut headers = self.headers.iter();
        headers.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        let Self { method, url, query, fragment, data, cookies, headers, env, other } = self;
        writer.begin_object();
        super::write_text(writer, "method", method);
        super::write_text(writer, "url", url);
        write_pairs(writer, "query_string", query);
        super::write_text(writer, "fragment", fragment);
        super::write_json(writer, "data", data.as_ref());
        write_pairs(writer, "cookies", cookies);
        write_pairs(writer, "headers", headers);
        super::write_object(writer, "env", env);
        super::write_members(writer, other);
        writer.end_object();
    }
}

/// The pairs of a query string, decoded, with or without its question mark.
pub fn percent_decoded_pairs(query: &str) -> Vec<(String, String)> {
    let query = query.strip_prefix('?').unwrap_or(query);
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.map(|(key, value)| (key.into_owned(), value.into_owned())).collect()
}

fn from_query(query: &str) -> Pairs<'static> {
    let pairs = percent_decoded_pairs(query).into_iter();
    pairs.map(|(key, value)| (key.into(), value.into())).collect()
}

fn from_cookies(cookies: &str) -> Pairs<'static> {
    let mut pairs = Pairs::new();
    for cookie in cookies.split(';') {
        if let Some((name, value)) = cookie.split_once('=') {
            pairs.push((name.trim().to_owned().into(), value.trim().to_owned().into()));
        }
    }
    pairs
}

/// Reads a map (whose values may be lists), a list of pairs, or text that `parse` understands.
fn pairs<'a>(
    value: Json<'a>,
    notes: &mut Notes<'a>,
    name: &'static str,
    parse: impl Fn(&str) -> Pairs<'static>,
) -> Pairs<'a> {
    match value {
        Json::Null => Vec::new(),
        Json::String(text) => parse(&text),
        Json::Object(members) => {
            members.into_iter().map(|(key, value)| (key, joined(value))).collect()
        }
        Json::Array(items) => items
            .into_iter()
            .filter_map(|item| match item {
                Json::Array(mut pair) if pair.len() == 2 => {
                    let value = pair.pop().map(joined)?;
                    Some((pair.pop().and_then(Json::into_text)?, value))
                }
                Json::Null => None,
                other => {
                    notes.invalid(name, other);
                    None
                }
            })
            .collect(),
        other => {
            notes.invalid(name, other);
            Vec::new()
        }
    }
}

/// One text for a value that may be a list, as PHP and Go send headers.
fn joined(value: Json<'_>) -> Text<'_> {
    match value {
        Json::Array(mut items) if items.len() == 1 => {
            items.pop().and_then(Json::into_printed).unwrap_or_default()
        }
        Json::Array(items) => {
            let texts: Vec<_> = items.into_iter().filter_map(Json::into_printed).collect();
            texts.join(",").into()
        }
        other => other.into_printed().unwrap_or_default(),
    }
}

/// `user-agent` → `User-Agent`.
fn title_case(name: &mut Text<'_>) {
    let mut at_start = true;
    let mut is_titled = true;
    for byte in name.bytes() {
        is_titled &= if at_start { !byte.is_ascii_lowercase() } else { !byte.is_ascii_uppercase() };
        at_start = byte == b'-';
    }
    if is_titled {
        return;
    }
    let mut at_start = true;
    let titled = name.chars().map(|letter| {
        let letter =
            if at_start { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() };
        at_start = letter == '-';
        letter
    });
    *name = titled.collect::<String>().into();
}

fn write_pairs(writer: &mut Writer, key: &str, pairs: &Pairs<'_>) {
    if pairs.is_empty() {
        return;
    }
    writer.key(key);
    writer.begin_array();
    for (name, value) in pairs {
        writer.begin_array();
        writer.string(name);
        writer.string(value);
        writer.end_array();
    }
    writer.end_array();
}
