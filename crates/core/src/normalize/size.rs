//! How much of each field is kept (Relay's limits).

use mishap_protocol::event::{Event, FieldError, FieldErrorKind, Frame, Request};
use mishap_protocol::json::{Json, Object};

use super::cut_text;
use crate::text::truncate;

/// Beyond this many frames the middle ones lose their variables and context lines.
const DETAILED_FRAMES: usize = 50;

/// Lines of source code that are kept before and behind the failed one.
const CONTEXT_LINES: usize = 20;

/// Keeps the fields of one line within their limits.
pub(super) fn cut_lines(event: &mut Event<'_>) {
    let mut errors = Vec::new();
    for (field, name, characters) in [
        (&mut event.platform, "platform", 64),
        (&mut event.logger, "logger", 255),
        (&mut event.release, "release", 250),
        (&mut event.dist, "dist", 64),
        (&mut event.environment, "environment", 255),
        (&mut event.server_name, "server_name", 256),
        (&mut event.site, "site", 200),
        (&mut event.transaction, "transaction", 1024),
    ] {
        cut_text(&mut errors, field, name, characters);
    }
    add_new(event, errors);
}

/// Keeps the other fields within theirs.
pub(super) fn cut(event: &mut Event<'_>) {
    let mut errors = Vec::new();
    if let Some(entry) = &mut event.logentry {
        cut_text(&mut errors, &mut entry.formatted, "logentry.formatted", 8192);
        cut_text(&mut errors, &mut entry.message, "logentry.message", 8192);
        if let Some(params) = &mut entry.params {
            let mut bag = Bag::new(3, 2048);
            bag.trim(params);
            bag.note(&mut errors, "logentry.params");
        }
    }
    for exception in &mut event.exceptions {
        cut_text(&mut errors, &mut exception.exception_type, "exception.type", 256);
        cut_text(&mut errors, &mut exception.value, "exception.value", 8192);
        cut_text(&mut errors, &mut exception.module, "exception.module", 256);
    }
    for trace in super::stacktraces(event) {
        for frame in &mut trace.frames {
            cut_frame(frame);
        }
    }
    for crumb in &mut event.breadcrumbs {
        cut_text(&mut errors, &mut crumb.category, "breadcrumbs.category", 128);
        cut_text(&mut errors, &mut crumb.message, "breadcrumbs.message", 8192);
        Bag::new(5, 2048).trim_members(&mut crumb.data);
    }
    if let Some(user) = &mut event.user {
        for (field, name) in [
            (&mut user.id, "user.id"),
            (&mut user.username, "user.username"),
            (&mut user.email, "user.email"),
        ] {
            cut_text(&mut errors, field, name, 255);
        }
        Bag::new(5, 4096).trim_members(&mut user.other);
    }
    if let Some(request) = &mut event.request {
        cut_text(&mut errors, &mut request.url, "request.url", 4096);
        cut_text(&mut errors, &mut request.fragment, "request.fragment", 1024);
        if let Some(data) = &mut request.data {
            let mut bag = Bag::new(7, 16 * 1024);
            bag.trim(data);
            bag.note(&mut errors, "request.data");
        }
        Bag::new(3, 16 * 1024).trim_members(&mut request.env);
        for pairs in [&mut request.headers, &mut request.cookies, &mut request.query] {
            pairs.truncate(200);
            for (_, value) in pairs {
                truncate(value, 4096);
            }
        }
    }
    for (members, name, depth, bytes) in [
        (&mut event.extra, "extra", 7, 256 * 1024),
        (&mut event.contexts, "contexts", 7, 128 * 1024),
        (&mut event.modules, "modules", 2, 64 * 1024),
        (&mut event.other, "other", 7, 64 * 1024),
    ] {
        let mut bag = Bag::new(depth, bytes);
        bag.trim_members(members);
        bag.note(&mut errors, name);
    }
    event.fingerprint.truncate(32);
    for part in event.fingerprint.iter_mut().flatten() {
        truncate(part, 8192);
    }
    // What has nothing left is not there.
    event.user = event.user.take().filter(|user| !user.is_empty());
    event.request = event.request.take().filter(|request| *request != Request::default());
    add_new(event, errors);
}

/// Adds notes that the event does not have yet.
fn add_new<'a>(event: &mut Event<'a>, errors: Vec<FieldError<'a>>) {
    for error in errors {
        if !event.errors.contains(&error) {
            event.errors.push(error);
        }
    }
}

fn cut_frame(frame: &mut Frame<'_>) {
    for (field, characters) in [
        (&mut frame.filename, 256),
        (&mut frame.abs_path, 1024),
        (&mut frame.function, 512),
        (&mut frame.raw_function, 512),
        (&mut frame.module, 256),
        (&mut frame.package, 256),
        (&mut frame.context_line, 512),
    ] {
        if let Some(text) = field {
            truncate(text, characters);
        }
    }
    // The lines next to the failed one stay: the others are numbered from it.
    let excess = frame.pre_context.len().saturating_sub(CONTEXT_LINES);
    frame.pre_context.drain(..excess);
    frame.post_context.truncate(CONTEXT_LINES);
    for line in frame.pre_context.iter_mut().chain(&mut frame.post_context) {
        truncate(line, 512);
    }
    Bag::new(5, 8 * 1024).trim_members(&mut frame.vars);
}

/// Strips the middle of a long stack trace of what makes it long, system frames first.
pub(super) fn slim_frames(frames: &mut [Frame<'_>]) {
    let excess = frames.len().saturating_sub(DETAILED_FRAMES);
    let outside = DETAILED_FRAMES / 4;
    let middle = frames.len().saturating_sub(outside);
    let mut left = excess;
    for of_program in [false, true] {
        for frame in frames.get_mut(outside..middle).unwrap_or_default() {
            if left > 0 && (frame.in_app == Some(true)) == of_program {
                frame.vars.clear();
                frame.pre_context.clear();
                frame.post_context.clear();
                left -= 1;
            }
        }
    }
}

/// Keeps free-form data within a depth and a size.
pub(super) struct Bag {
    depth: usize,
    bytes: usize,
    was_cut: bool,
}

impl Bag {
    pub(super) fn new(depth: usize, bytes: usize) -> Self {
        Self { depth, bytes, was_cut: false }
    }

    fn note(&self, errors: &mut Vec<FieldError<'_>>, name: &'static str) {
        if self.was_cut {
            errors.push(FieldError::new(FieldErrorKind::ValueTooLong, name));
        }
    }

    pub(super) fn trim_members(&mut self, members: &mut Object<'_>) {
        let mut kept = 0;
        for (key, value) in members.iter_mut() {
            if self.bytes < key.len() {
                break;
            }
            kept += 1;
            self.bytes -= key.len();
            self.trim(value);
        }
        self.was_cut |= kept < members.len();
        members.truncate(kept);
    }

    fn trim(&mut self, value: &mut Json<'_>) {
        match value {
            Json::Null | Json::Bool(_) | Json::Integer(_) => {
                self.bytes = self.bytes.saturating_sub(8);
            }
            Json::Decimal(text) => self.bytes = self.bytes.saturating_sub(text.len()),
            Json::String(text) => {
                self.was_cut |= truncate(text, self.bytes);
                self.bytes = self.bytes.saturating_sub(text.len());
            }
            Json::Array(_) | Json::Object(_) if self.depth == 0 => {
                let mut printed = std::borrow::Cow::Owned(value.to_string());
                truncate(&mut printed, self.bytes.min(200));
                self.bytes = self.bytes.saturating_sub(printed.len());
                self.was_cut = true;
                *value = Json::String(printed.into_owned().into());
            }
            Json::Array(items) => {
                self.depth -= 1;
                let mut kept = 0;
                for item in items.iter_mut() {
                    if self.bytes == 0 {
                        break;
                    }
                    kept += 1;
                    self.trim(item);
                }
                self.was_cut |= kept < items.len();
                items.truncate(kept);
                self.depth += 1;
            }
            Json::Object(members) => {
                self.depth -= 1;
                self.trim_members(members);
                self.depth += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests;
