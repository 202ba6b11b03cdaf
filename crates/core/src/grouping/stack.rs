//! `stack-1`: the program's own frames first, then the parameterised message.
//!
//! | the event has | what counts |
//! |---|---|
//! | exceptions with frames | each exception's type, and its contributing frames |
//! | exceptions without frames | each exception's type and its parameterised message |
//! | only threads or a bare stack trace | the contributing frames |
//! | a security report | the directive and the blocked host |
//! | a message | the template, or the parameterised message |
//! | a failed template | its file and line |
//! | nothing of these | the event's type, and the transaction |
//!
//! Contributing frames are those of the program itself; where the SDK marks none, all of them. A
//! frame counts by module (else the file's name) and function; the innermost one also by its
//! source line, because one function may fail in two ways. Recursion counts once. Line numbers,
//! addresses, versions and hashes in names do not count, so that a new build of the same program
//! keeps its issues.
//!
//! The hash is BLAKE3 over the parts with their lengths, cut to 128 bits. A client's fingerprint
//! replaces the parts; `{{ default }}`, with or without blanks, stands for them.

use std::borrow::Cow;

use mishap_protocol::event::{Event, Exception, Frame, Stacktrace};
use mishap_protocol::json::Json;
use mishap_protocol::security::blocked_source;

use super::{GroupingHash, parameterize};
use crate::function_name::trim_function;
use crate::text::truncated;

/// Exceptions of a chain that count, from the raised one back.
const MAX_CHAIN: usize = 8;

/// Longest source line that counts, in characters; longer ones are minified code.
const MAX_LINE: usize = 120;

/// Separates this mechanism's hashes from those of another use of BLAKE3.
const CONTEXT: &str = "mishap grouping stack-1";

pub(super) fn hash(event: &Event<'_>) -> GroupingHash {
    let default = Parts::of(event).hash();
    if event.fingerprint.is_empty() {
        return default;
    }
    let mut parts = Parts::new("fingerprint");
    for part in &event.fingerprint {
        match part.as_deref() {
            Some(text) if is_default(text) => parts.add_bytes(&default.0),
            Some(text) => parts.add(text),
            None => parts.add(""),
        }
    }
    parts.hash()
}

/// `{{ default }}` in any spelling.
fn is_default(part: &str) -> bool {
    let inner = part.trim().strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
    inner.is_some_and(|inner| inner.trim() == "default")
}

/// What is hashed.
struct Parts(blake3::Hasher);

impl Parts {
    fn new(kind: &str) -> Self {
        let mut parts = Self(blake3::Hasher::new());
        parts.add(CONTEXT);
        parts.add(kind);
        parts
    }

    fn of(event: &Event<'_>) -> Self {
        if !event.exceptions.is_empty() {
            return Self::of_exceptions(event);
        }
        if let Some(trace) = lone_trace(event) {
            let mut parts = Self::new("trace");
            parts.add_frames(&trace.frames, event);
            return parts;
        }
        if let Some(csp) = &event.csp {
            return Self::of_csp(csp);
        }
        if let Some(entry) = &event.logentry {
            let mut parts = Self::new("message");
            match (&entry.message, &entry.formatted) {
                (Some(template), _) => parts.add(template),
                (None, Some(text)) => parts.add(&parameterize(text)),
                (None, None) => {}
            }
            return parts;
        }
        if let Some(template) = &event.template {
            let mut parts = Self::new("template");
            for key in ["abs_path", "filename", "context_line"] {
                parts.add(template.get(key).and_then(Json::as_str).unwrap_or_default());
            }
            return parts;
        }
        let mut parts = Self::new("empty");
        parts.add(event.event_type.as_deref().unwrap_or_default());
        parts.add(event.transaction.as_deref().unwrap_or_default());
        parts
    }

    fn of_exceptions(event: &Event<'_>) -> Self {
        let mut parts = Self::new("exceptions");
        let first = event.exceptions.len().saturating_sub(MAX_CHAIN);
        let mut has_frames = false;
        for exception in event.exceptions.iter().skip(first) {
            parts.add(name_of(exception));
            let frames = exception.frames();
            if parts.add_frames(frames, event) {
                has_frames = true;
            } else {
                parts.add_value(exception);
            }
        }
        if !has_frames && let Some(trace) = lone_trace(event) {
            parts.add_frames(&trace.frames, event);
        }
        parts
    }

    fn of_csp(csp: &Json<'_>) -> Self {
        let text = |key| csp.get(key).and_then(Json::as_str).unwrap_or_default();
        let mut parts = Self::new("csp");
        parts.add(text("effective-directive"));
        let (blocked, document) = (text("blocked-uri"), text("document-uri"));
        let source = blocked_source(blocked);
        let is_self = !source.is_empty() && source == blocked_source(document);
        parts.add(if is_self { "self" } else { &source });
        parts
    }

    fn add(&mut self, text: &str) {
        self.add_bytes(text.as_bytes());
    }

    fn add_bytes(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    fn add_value(&mut self, exception: &Exception<'_>) {
        self.add(&parameterize(exception.value.as_deref().unwrap_or_default()));
    }

    /// Adds the contributing frames; says whether there were any.
    fn add_frames(&mut self, frames: &[Frame<'_>], event: &Event<'_>) -> bool {
        let platform = event.platform.as_deref().unwrap_or_default();
        let of_program = frames.iter().any(|frame| frame.in_app == Some(true));
        let contributes = |frame: &&Frame<'_>| !of_program || frame.in_app == Some(true);
        let mut previous: Option<(Cow<'_, str>, Cow<'_, str>)> = None;
        let mut innermost = None;
        for frame in frames.iter().filter(contributes) {
            let name = frame_name(frame, platform);
            if name.0.is_empty() && name.1.is_empty() {
                continue;
            }
            innermost = Some(frame);
            if previous.as_ref() == Some(&name) {
                continue;
            }
            self.add(&name.0);
            self.add(&name.1);
            previous = Some(name);
        }
        if let Some(frame) = innermost {
            let line = frame.context_line.as_deref().unwrap_or_default().trim();
            self.add(if truncated(line, MAX_LINE).len() == line.len() { line } else { "" });
        }
        innermost.is_some()
    }

    fn hash(&self) -> GroupingHash {
        let mut hash = [0; 16];
        self.0.finalize_xof().fill(&mut hash);
        GroupingHash(hash)
    }
}

/// An exception's class, unless the SDK made it up.
fn name_of<'e>(exception: &'e Exception<'_>) -> &'e str {
    if exception.is_synthetic() {
        return "";
    }
    exception.exception_type.as_deref().unwrap_or_default()
}

/// The stack trace of an event whose exceptions have none.
fn lone_trace<'e, 'a>(event: &'e Event<'a>) -> Option<&'e Stacktrace<'a>> {
    if event.stacktrace.is_some() {
        return event.stacktrace.as_ref();
    }
    let mut crashed = event.threads.iter().filter(|thread| thread.crashed == Some(true));
    let thread = match (crashed.next(), event.threads.as_slice()) {
        (Some(thread), _) => thread,
        (None, [only]) => only,
        (None, _) => return None,
    };
    thread.stacktrace.as_ref().filter(|trace| !trace.frames.is_empty())
}

/// What a frame is called: module or file, and function.
fn frame_name<'f>(frame: &'f Frame<'_>, platform: &str) -> (Cow<'f, str>, Cow<'f, str>) {
    let platform = frame.platform.as_deref().unwrap_or(platform);
    let module = frame.module.as_deref().filter(|module| !module.is_empty());
    let place = match module {
        Some(module) => without_generated(module),
        None => {
            let path = [&frame.filename, &frame.abs_path, &frame.package];
            let path = path.into_iter().find_map(|path| path.as_deref()).unwrap_or_default();
            without_generated(file_name(path))
        }
    };
    let function = frame.function.as_deref().unwrap_or_default();
    // A compiler's copies of a function are that function.
    let function = function.split(" [clone ").next().unwrap_or_default();
    let function = match platform {
        "javascript" | "node" => javascript_function(function).into(),
        _ => trim_function(function, platform),
    };
    let function = match function {
        Cow::Borrowed(name) => without_generated(name),
        Cow::Owned(name) => without_generated(&name).into_owned().into(),
    };
    (place, function)
}

/// The last part of a path or URL, without its query.
fn file_name(path: &str) -> &str {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    path.rsplit(['/', '\\']).next().unwrap_or_default()
}

/// Nothing for a function that has no name of its own.
fn javascript_function(function: &str) -> &str {
    let is_nameless = matches!(function, "?" | "" | "eval" | "anonymous" | "callback")
        || function.contains("<anonymous>")
        // Minifiers name functions by one or two letters, anew in each build.
        || function.len() <= 2;
    if is_nameless { "" } else { function }
}

/// Takes out what compilers, proxies and bundlers generate: hashes, counters, addresses.
///
/// `Foo$$Lambda$14/0x0000` → `Foo$$Lambda$`, `main.3f9a1c7e.js` → `main.js`.
fn without_generated(name: &str) -> Cow<'_, str> {
    let is_suspect = |byte: u8| byte.is_ascii_digit();
    if !name.bytes().any(is_suspect) {
        return name.into();
    }
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(start) = rest.find(|letter: char| letter.is_ascii_alphanumeric()) {
        let (before, word_on) = rest.split_at_checked(start).unwrap_or((rest, ""));
        let end = word_on.find(|letter: char| !letter.is_ascii_alphanumeric());
        let (word, behind) =
            word_on.split_at_checked(end.unwrap_or(word_on.len())).unwrap_or_default();
        let is_numbered = before.ends_with('$') && word.bytes().all(|byte| byte.is_ascii_digit());
        if is_generated(word) || is_numbered {
            // The mark before it goes too, unless it is what makes the name readable.
            out.push_str(before.strip_suffix(['.', '-', '_', '/', '@']).unwrap_or(before));
        } else {
            out.push_str(before);
            out.push_str(word);
        }
        rest = behind;
    }
    out.push_str(rest);
    out.into()
}

/// Eight or more hexadecimal digits with a number among them, or an address.
fn is_generated(word: &str) -> bool {
    let digits = word.strip_prefix("0x").unwrap_or(word);
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex
        && (digits.len() >= 8 || digits.len() < word.len())
        && digits.bytes().any(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_parts_of_names_do_not_count() {
        for (name, expected) in [
            ("main.3f9a1c7e.js", "main.js"),
            ("chunk-0a1b2c3d4e.js", "chunk.js"),
            ("app.js", "app.js"),
            ("com.shop.Cart$$Lambda$14/0x00000008", "com.shop.Cart$$Lambda$"),
            ("Cart$$EnhancerBySpringCGLIB$$1a2b3c4d", "Cart$$EnhancerBySpringCGLIB$$"),
            ("handler_v2", "handler_v2"),
            ("utf8.py", "utf8.py"),
            ("deadbeef.c", "deadbeef.c"),
            ("Outer$1.run", "Outer$.run"),
        ] {
            assert_eq!(without_generated(name), expected, "{name}");
        }
    }

    #[test]
    fn nameless_functions_of_javascript_do_not_count() {
        for function in ["?", "<anonymous>", "Object.<anonymous>", "e", "at", "eval"] {
            assert_eq!(javascript_function(function), "", "{function}");
        }
        assert_eq!(javascript_function("checkout"), "checkout");
    }

    #[test]
    fn both_spellings_of_default_are_known() {
        assert!(is_default("{{ default }}"));
        assert!(is_default("{{default}}"));
        assert!(is_default(" {{  default }} "));
        assert!(!is_default("default"));
        assert!(!is_default("{{ other }}"));
    }
}
