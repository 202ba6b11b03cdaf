//! Brings an event into the one form in which it is grouped, stored and shown.
//!
//! Lengths are cut to Relay's limits, times are moved by the client's clock error, addresses are
//! filled in, and tags are derived. What was cut or moved is noted in the event's `errors`.

mod size;
mod tags;

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use mishap_protocol::event::{
    Event, FieldError, FieldErrorKind, Frame, Level, Stacktrace, Text, User, timestamp,
};
use mishap_protocol::json::{Json, member};

use crate::id::EventId;
use crate::text::truncate;

/// A client's clock may be wrong by this much before its times are moved (Relay).
const TOLERATED_DRIFT: TimeDelta = TimeDelta::minutes(1);

/// An event may claim to come from this far in the future.
const TOLERATED_FUTURE: TimeDelta = TimeDelta::minutes(1);

/// What is known about an event besides what it says.
#[derive(Debug, Clone)]
pub struct Circumstances {
    /// The id under which the event was acknowledged.
    pub event_id: EventId,
    /// When it reached us.
    pub received: DateTime<Utc>,
    /// When the client sent it, by the client's clock.
    pub sent_at: Option<DateTime<Utc>>,
    /// Where the connection came from.
    pub client_ip: Option<IpAddr>,
    /// The connection's user agent.
    pub user_agent: Option<String>,
}

/// Normalizes an event in place. Doing it twice changes nothing more.
pub fn normalize(event: &mut Event<'_>, around: &Circumstances) {
    event.event_id = Some(around.event_id.0);
    set_time(event, around);
    size::cut_lines(event);
    set_defaults(event);
    attach_stacktraces(event);
    for trace in stacktraces(event) {
        complete_frames(trace);
        size::slim_frames(&mut trace.frames);
    }
    locate_user(event, around.client_ip);
    name_browser(event, around.user_agent.as_deref());
    type_contexts(event);
    size::cut(event);
    tags::derive(event);
}

/// Every stack trace of an event, those of exceptions first.
pub fn stacktraces<'e, 'a>(
    event: &'e mut Event<'a>,
) -> impl Iterator<Item = &'e mut Stacktrace<'a>> {
    let Event { exceptions, stacktrace, threads, .. } = event;
    exceptions
        .iter_mut()
        .flat_map(|exception| [exception.stacktrace.as_mut(), exception.raw_stacktrace.as_mut()])
        .chain(std::iter::once(stacktrace.as_mut()))
        .chain(threads.iter_mut().map(|thread| thread.stacktrace.as_mut()))
        .flatten()
}

/// Moves the event's times by the client's clock error, as far as the client let it be known.
fn set_time(event: &mut Event<'_>, around: &Circumstances) {
    let drift = around.sent_at.map(|sent_at| around.received - sent_at);
    let drift = drift.filter(|drift| drift.abs() > TOLERATED_DRIFT);
    let was_moved =
        event.errors.iter().any(|error| error.kind == FieldErrorKind::ClockDrift.name());
    if let Some(drift) = drift.filter(|_| !was_moved) {
        let mut error = FieldError::new(FieldErrorKind::ClockDrift, "timestamp");
        error.value = event.timestamp.map(|time| timestamp::rfc3339(time).into());
        event.errors.push(error);
        event.timestamp = event.timestamp.and_then(|time| timestamp::moved(time, drift));
        for crumb in &mut event.breadcrumbs {
            let time = crumb.timestamp.as_ref().and_then(timestamp::from_json);
            if let Some(time) = time.and_then(|time| timestamp::moved(time, drift)) {
                crumb.timestamp = Some(timestamp::rfc3339(time).into());
            }
        }
    }
    if let Some(time) = event.timestamp
        && time > around.received + TOLERATED_FUTURE
    {
        event.errors.push(
            FieldError::new(FieldErrorKind::FutureTimestamp, "timestamp")
                .with_value(timestamp::rfc3339(time).into()),
        );
        event.timestamp = None;
    }
    event.timestamp.get_or_insert(around.received);
}

fn set_defaults(event: &mut Event<'_>) {
    event.level.get_or_insert(Level::Error);
    // These two stay as sent otherwise: GlitchTip's grouping hash may depend on them.
    for field in [&mut event.platform, &mut event.transaction] {
        *field = field.take().filter(|text| !text.trim().is_empty());
    }
    event.platform.get_or_insert("other".into());
    for field in [
        &mut event.release,
        &mut event.dist,
        &mut event.environment,
        &mut event.server_name,
        &mut event.site,
        &mut event.logger,
    ] {
        if let Some(text) = field {
            tidy_line(text);
        }
        *field = field.take().filter(|text| !text.is_empty());
    }
}

/// One line without blanks around it.
fn tidy_line(text: &mut Text<'_>) {
    if text.contains(['\n', '\r', '\t']) {
        *text = text.replace(['\n', '\r', '\t'], " ").into();
    }
    let trimmed = text.trim();
    if trimmed.len() != text.len() {
        *text = trimmed.to_owned().into();
    }
}

/// Gives a stack trace to the only exception that can own it.
fn attach_stacktraces(event: &mut Event<'_>) {
    let Event { exceptions, stacktrace, threads, .. } = event;
    let [exception] = exceptions.as_mut_slice() else {
        return;
    };
    if exception.stacktrace.is_some() {
        return;
    }
    if let Some(trace) = stacktrace.take() {
        exception.stacktrace = Some(trace);
        return;
    }
    let mut crashed = threads.iter_mut().filter(|thread| thread.crashed == Some(true));
    if let (Some(thread), None) = (crashed.next(), crashed.next()) {
        exception.stacktrace = thread.stacktrace.take();
    }
}

fn complete_frames(trace: &mut Stacktrace<'_>) {
    for frame in &mut trace.frames {
        complete_path(frame);
    }
}

/// Fills in a frame's full path, and keeps the path of a URL as the file's name.
///
/// As GlitchTip does it and no more: its grouping hash is made of file names.
pub(crate) fn complete_path(frame: &mut Frame<'_>) {
    if frame.abs_path.as_deref().is_none_or(str::is_empty) {
        frame.abs_path.clone_from(&frame.filename);
    }
    while let Some(path) = frame.filename.as_deref().and_then(path_of_url) {
        frame.filename = Some(path.to_owned().into()).filter(|path: &Text<'_>| !path.is_empty());
    }
}

/// The path of a URL, as spelled there, without parameters (Python's `urlparse`).
fn path_of_url(name: &str) -> Option<&str> {
    let schemes = ["file:", "applewebdata:", "http:", "https:"];
    let scheme = schemes.into_iter().find(|scheme| name.starts_with(scheme))?;
    let mut path = name.strip_prefix(scheme)?;
    if let Some(location) = path.strip_prefix("//") {
        path = location.find(['/', '?', '#']).and_then(|at| location.get(at..)).unwrap_or_default();
    }
    path = path.split(['?', '#']).next().unwrap_or_default();
    if scheme.starts_with("http") {
        let last = path.rfind('/').unwrap_or_default();
        let parameters = path.get(last..)?.find(';').map(|at| last + at);
        path = path.get(..parameters.unwrap_or(path.len()))?;
    }
    Some(path)
}

/// Decides which address the event came from (Relay's order).
fn locate_user(event: &mut Event<'_>, connection: Option<IpAddr>) {
    let said = event.user.as_mut().and_then(|user| user.ip_address.take());
    let is_auto = said.as_deref() == Some("{{auto}}");
    let explicit = said.as_deref().and_then(|text| text.trim().parse::<IpAddr>().ok());
    if let (Some(said), None, false) = (&said, explicit, is_auto) {
        event.errors.push(
            FieldError::new(FieldErrorKind::InvalidData, "user.ip_address")
                .with_value(Json::String(said.clone().into_owned().into())),
        );
    }
    let remote = || {
        let env = &event.request.as_ref()?.env;
        member(env, "REMOTE_ADDR")?.as_str()?.trim().parse().ok()
    };
    let inferred = || {
        let wants_connection = match infer_ip(event) {
            None | Some("legacy") => is_auto || is_client_side(event.platform.as_deref()),
            Some("auto") => true,
            // `never`, and what only newer servers know.
            Some(_) => return None,
        };
        let connection = connection.filter(|_| wants_connection);
        if is_auto { connection.or_else(remote) } else { remote().or(connection) }
    };
    if let Some(address) = explicit.or_else(inferred) {
        let user = event.user.get_or_insert_with(User::default);
        user.ip_address = Some(address.to_string().into());
    }
}

/// What the SDK was told about finding the address by itself; empty for what is no text.
fn infer_ip<'e>(event: &'e Event<'_>) -> Option<&'e str> {
    let setting = member(event.sdk.as_ref()?, "settings")?.get("infer_ip")?;
    (!setting.is_null()).then(|| setting.as_str().unwrap_or_default())
}

/// Whether events of this platform are sent by the user's own device.
fn is_client_side(platform: Option<&str>) -> bool {
    matches!(platform, Some("javascript" | "cocoa" | "objc"))
}

/// Keeps the connection's user agent for an event that was sent by a browser.
fn name_browser(event: &mut Event<'_>, user_agent: Option<&str>) {
    let Some(user_agent) = user_agent.filter(|_| event.platform.as_deref() == Some("javascript"))
    else {
        return;
    };
    let request = event.request.get_or_insert_default();
    if request.header("User-Agent").is_none() {
        request.headers.push(("User-Agent".into(), user_agent.to_owned().into()));
    }
}

/// Names each context's type, and drops trace ids that are none.
fn type_contexts(event: &mut Event<'_>) {
    for (name, context) in &mut event.contexts {
        let Json::Object(members) = context else {
            continue;
        };
        // The type comes first, so that it is not what a limit costs.
        let place = members.iter().position(|(key, _)| key == "type");
        let said = place.map(|place| members.remove(place).1).filter(|said| !said.is_null());
        members.insert(0, ("type".into(), said.unwrap_or_else(|| Json::String(name.clone()))));
        if name == "trace" {
            members.retain(|(key, value)| match key.as_ref() {
                "trace_id" => is_hex(value, 32),
                "span_id" | "parent_span_id" => is_hex(value, 16),
                _ => true,
            });
        }
    }
}

fn is_hex(value: &Json<'_>, digits: usize) -> bool {
    value.as_str().is_some_and(|text| {
        text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// Cuts a field and notes it.
fn cut_text(
    errors: &mut Vec<FieldError<'_>>,
    field: &mut Option<Text<'_>>,
    name: &'static str,
    characters: usize,
) {
    if let Some(text) = field
        && truncate(text, characters)
    {
        errors.push(FieldError::new(FieldErrorKind::ValueTooLong, name));
    }
}

#[cfg(test)]
mod tests;
