//! What an issue is called: title, culprit and metadata, by GlitchTip's rules.
//!
//! The rules are followed to the letter, because GlitchTip's grouping hash is made of what they
//! give (see [`crate::grouping`]).

use std::borrow::Cow;

use mishap_protocol::event::{Event, Exception, Frame, Text};

use crate::function_name::trim_function;
use crate::issue::IssueType;
use crate::text::{ellipsized, first_line, truncated};

/// Longest title, in characters, its ellipsis included.
pub const MAX_TITLE: usize = 100;

/// Longest culprit, in characters, its ellipsis included.
pub const MAX_CULPRIT: usize = 200;

/// What an event is called, and the parts it is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headline {
    /// What kind of issue the event belongs to.
    pub issue_type: IssueType,
    /// One line that says what happened.
    pub title: String,
    /// Where it happened: the transaction, or the responsible frame.
    pub culprit: String,
    /// The parts of an error's title.
    pub metadata: Metadata,
}

/// The parts of an error's title; all empty for a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The exception's class; missing if it says nothing.
    pub error_type: Option<String>,
    /// The exception's message.
    pub value: Option<String>,
    /// The file of the responsible frame.
    pub filename: Option<String>,
    /// The function of the responsible frame.
    pub function: Option<String>,
}

/// Names an event.
pub fn headline(event: &Event<'_>) -> Headline {
    if let Some(exception) = event.main_exception() {
        let metadata = error_metadata(event, exception);
        let title = error_title(&metadata);
        let culprit = culprit(event);
        return Headline { issue_type: IssueType::Error, title, culprit, metadata };
    }
    if event.csp.is_some() {
        let directive = csp_member(event, "effective-directive").unwrap_or_default();
        return Headline {
            issue_type: IssueType::Csp,
            title: ellipsized(&message(event), MAX_TITLE).into_owned(),
            culprit: truncated(&directive, MAX_CULPRIT).to_owned(),
            metadata: Metadata::default(),
        };
    }
    Headline {
        issue_type: IssueType::Default,
        title: ellipsized(&message(event), MAX_TITLE).into_owned(),
        culprit: culprit(event),
        metadata: Metadata::default(),
    }
}

/// A security report's title as GlitchTip makes it, `Blocked 'style' from 'evil.example'`; it takes
/// part in GlitchTip's hash while people see a kinder one.
pub fn glitchtip_csp_title(event: &Event<'_>) -> String {
    let directive = csp_member(event, "effective-directive").unwrap_or_default();
    let what = directive.replace("-src", "");
    let blocked = csp_member(event, "blocked-uri").unwrap_or_default();
    format!("Blocked '{what}' from '{}'", network_location(&blocked))
}

/// The host of a URL, with port and user; empty for what has none, such as `inline` or `blob:…`.
fn network_location(url: &str) -> &str {
    let is_scheme = |text: &str| {
        text.starts_with(|letter: char| letter.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    };
    let relative = match url.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => rest,
        _ => url,
    };
    let location = relative.strip_prefix("//").unwrap_or_default();
    location.split(['/', '?', '#']).next().unwrap_or_default()
}

fn csp_member(event: &Event<'_>, name: &str) -> Option<String> {
    event.csp.as_ref()?.get(name)?.as_str().map(str::to_owned)
}

fn message<'e>(event: &'e Event<'_>) -> Cow<'e, str> {
    let formatted = event.logentry.as_ref().and_then(|entry| entry.formatted.as_deref());
    formatted.unwrap_or("<untitled>").into()
}

fn error_metadata(event: &Event<'_>, exception: &Exception<'_>) -> Metadata {
    let frame = responsible_frame(exception.frames());
    let error_type = filled(&exception.exception_type).unwrap_or("Error");
    let function = frame.and_then(|frame| {
        let function = filled(&frame.function)?;
        Some(match filled(&frame.raw_function) {
            Some(_raw) => function.to_owned(),
            None => trim_function(function, platform_of(frame, event)).into_owned(),
        })
    });
    let filename = frame.and_then(|frame| filled(&frame.filename).or(filled(&frame.abs_path)));
    Metadata {
        error_type: (!exception.is_synthetic()).then(|| ellipsized(error_type, 128).into_owned()),
        value: exception.value.as_deref().map(|value| ellipsized(value, 1024).into_owned()),
        filename: filename.map(str::to_owned),
        function,
    }
}

/// The text, unless it is empty.
fn filled<'t>(text: &'t Option<Text<'_>>) -> Option<&'t str> {
    text.as_deref().filter(|text| !text.is_empty())
}

/// A frame's own platform where traces mix several, else its event's.
fn platform_of<'e>(frame: &'e Frame<'_>, event: &'e Event<'_>) -> &'e str {
    filled(&frame.platform).or(event.platform.as_deref()).unwrap_or_default()
}

fn error_title(metadata: &Metadata) -> String {
    let Some(error_type) = metadata.error_type.as_deref() else {
        let function = metadata.function.as_deref().unwrap_or("<unknown>");
        return ellipsized(function, MAX_TITLE).into_owned();
    };
    let title = match metadata.value.as_deref().filter(|value| !value.is_empty()) {
        None => error_type.to_owned(),
        Some(value) => format!("{error_type}: {}", ellipsized(first_line(value), MAX_TITLE)),
    };
    ellipsized(&title, MAX_TITLE).into_owned()
}

/// The innermost frame in the program's own code that has a name, else the innermost named one.
fn responsible_frame<'f, 'a>(frames: &'f [Frame<'a>]) -> Option<&'f Frame<'a>> {
    let has_name = |frame: &&Frame<'_>| {
        !matches!(frame.function.as_deref(), None | Some("<redacted>" | "<unknown>"))
    };
    let mut named = frames.iter().rev().filter(has_name);
    let innermost = named.clone().next();
    named.find(|frame| frame.in_app == Some(true)).or(innermost)
}

fn culprit(event: &Event<'_>) -> String {
    let given = filled(&event.transaction);
    let culprit = given.map_or_else(|| generated_culprit(event), str::to_owned);
    ellipsized(&culprit, MAX_CULPRIT).into_owned()
}

fn generated_culprit(event: &Event<'_>) -> String {
    if event.main_exception().is_some_and(Exception::is_synthetic) {
        return String::new();
    }
    let traced = event.exceptions.iter().rev().find(|exception| !exception.frames().is_empty());
    let mut of_library = None;
    for frame in traced.map(Exception::frames).unwrap_or_default().iter().rev() {
        if frame.in_app != Some(true) {
            of_library.get_or_insert(frame);
            continue;
        }
        let culprit = frame_culprit(frame, event);
        if !culprit.is_empty() {
            return culprit;
        }
    }
    let of_library = of_library.map(|frame| frame_culprit(frame, event));
    let url = || event.request.as_ref()?.url.as_deref().map(str::to_owned);
    of_library.filter(|culprit| !culprit.is_empty()).or_else(url).unwrap_or_default()
}

fn frame_culprit(frame: &Frame<'_>, event: &Event<'_>) -> String {
    let function = filled(&frame.function).unwrap_or("?");
    let platform = platform_of(frame, event);
    if matches!(platform, "objc" | "cocoa" | "native") {
        return function.to_owned();
    }
    let Some(location) = filled(&frame.module).or(filled(&frame.filename)) else {
        return String::new();
    };
    if matches!(platform, "javascript" | "node") {
        return format!("{function}({location})");
    }
    format!("{location} in {function}")
}

#[cfg(test)]
mod tests;
