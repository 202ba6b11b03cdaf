//! The event payload, read leniently.
//!
//! A field that cannot be understood is left out and noted in [`Event::errors`]; the event
//! survives. Only what is not a JSON object at all is refused. Older names of a field, and every
//! shape in which SDKs send it, are read into one form, and [`Event::write`] prints that form, so
//! what is stored can be read again by the same code.

mod breadcrumb;
mod exception;
mod level;
mod message;
mod notes;
mod request;
mod stacktrace;
mod tags;
mod thread;
pub mod timestamp;
mod user;

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use self::breadcrumb::Breadcrumb;
pub use self::exception::Exception;
pub use self::level::Level;
pub use self::message::{LogEntry, format_message};
pub use self::notes::{FieldError, FieldErrorKind, Notes};
pub use self::request::{Request, percent_decoded_pairs};
use self::stacktrace::push_other;
pub use self::stacktrace::{Frame, MAX_FRAMES, Stacktrace};
pub use self::tags::{MAX_TAGS, Tags};
pub use self::thread::Thread;
pub use self::user::User;
use crate::envelope::parse_id;
use crate::json::{Json, Malformed, Object, Reader, Writer};

/// Text that borrows from the document when it can.
pub type Text<'a> = Cow<'a, str>;

/// An error, a message or a security report, as an SDK sent it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Event<'a> {
    /// The client's id for it.
    pub event_id: Option<Uuid>,
    /// What the client says it is: `error`, `default`, `transaction`, `feedback`, …
    pub event_type: Option<Text<'a>>,
    /// When it happened, by the client's clock.
    pub timestamp: Option<DateTime<Utc>>,
    /// How bad it is.
    pub level: Option<Level>,
    /// The language or system it happened in.
    pub platform: Option<Text<'a>>,
    /// The logger that recorded it.
    pub logger: Option<Text<'a>>,
    /// The message of an event without exceptions, or beside them.
    pub logentry: Option<LogEntry<'a>>,
    /// The exceptions, the oldest cause first; the raised one is last.
    pub exceptions: Vec<Exception<'a>>,
    /// A stack trace that belongs to no exception and no thread.
    pub stacktrace: Option<Stacktrace<'a>>,
    /// What the threads were doing.
    pub threads: Vec<Thread<'a>>,
    /// What happened before, the oldest first.
    pub breadcrumbs: Vec<Breadcrumb<'a>>,
    /// The HTTP request that was being served.
    pub request: Option<Request<'a>>,
    /// Who was hit.
    pub user: Option<User<'a>>,
    /// Device, operating system, trace and the like, by name.
    pub contexts: Object<'a>,
    /// Searchable pairs.
    pub tags: Tags<'a>,
    /// Whatever else the client wants to say.
    pub extra: Object<'a>,
    /// Installed packages and their versions.
    pub modules: Object<'a>,
    /// The SDK itself.
    pub sdk: Option<Object<'a>>,
    /// The version of the program.
    pub release: Option<Text<'a>>,
    /// The build of that version.
    pub dist: Option<Text<'a>>,
    /// Where the program runs: production, staging, …
    pub environment: Option<Text<'a>>,
    /// The host.
    pub server_name: Option<Text<'a>>,
    /// The site, of old SDKs.
    pub site: Option<Text<'a>>,
    /// What the program was doing: a route, a job, a view. Old SDKs call it culprit.
    pub transaction: Option<Text<'a>>,
    /// How the transaction's name was found.
    pub transaction_info: Option<Json<'a>>,
    /// The client's own grouping; null parts are kept.
    pub fingerprint: Vec<Option<Text<'a>>>,
    /// Debug images.
    pub debug_meta: Option<Json<'a>>,
    /// The line of a template that failed.
    pub template: Option<Json<'a>>,
    /// A browser's security report.
    pub csp: Option<Json<'a>>,
    /// What the SDK says it trimmed.
    pub meta: Option<Json<'a>>,
    /// Members that this server does not know.
    pub other: Object<'a>,
    /// What could not be understood.
    pub errors: Vec<FieldError<'a>>,
}

/// The payload is no event at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAnEvent {
    /// The document's structure is broken.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The document is JSON, but not an object.
    #[error("the event is not a JSON object")]
    NotAnObject,
}

impl<'a> Event<'a> {
    /// Reads an event. See [`crate::json::repair_utf8`] for bytes.
    pub fn read(document: &'a str) -> Result<Self, NotAnEvent> {
        let mut reader = Reader::new(document);
        let mut notes = Notes::default();
        let mut event = Self::default();
        let is_object = reader.object(|reader, key| event.read_member(reader, &mut notes, key))?;
        reader.end()?;
        if !is_object {
            return Err(NotAnEvent::NotAnObject);
        }
        event.errors.extend(notes.into_errors());
        Ok(event)
    }

    fn read_member(
        &mut self,
        reader: &mut Reader<'a>,
        notes: &mut Notes<'a>,
        key: Text<'a>,
    ) -> Result<(), Malformed> {
        match key.as_ref() {
            "event_id" => {
                let text = notes.text(reader, "event_id")?;
                self.event_id = text.as_deref().and_then(parse_id);
                if let (Some(text), None) = (text, self.event_id) {
                    notes.invalid("event_id", Json::String(text));
                }
            }
            "type" => self.event_type = notes.text(reader, "type")?,
            "timestamp" => self.timestamp = notes.timestamp(reader, "timestamp")?,
            "level" => self.level = Level::read(reader, notes, "level")?,
            "platform" => self.platform = notes.text(reader, "platform")?,
            "logger" => self.logger = notes.text(reader, "logger")?,
            "message" | "logentry" | "sentry.interfaces.Message" => {
                let entry = LogEntry::read(reader, notes)?;
                // GlitchTip takes the top-level message first when an event has both.
                self.logentry = match (self.logentry.take(), entry) {
                    (Some(old), Some(new)) if key == "message" => Some(new.or(old)),
                    (Some(old), Some(new)) => Some(old.or(new)),
                    (old, new) => old.or(new),
                };
            }
            "exception" | "sentry.interfaces.Exception" => {
                self.exceptions = Exception::read_all(reader, notes)?;
            }
            "stacktrace" | "sentry.interfaces.Stacktrace" => {
                notes.enter("stacktrace");
                self.stacktrace = Stacktrace::read(reader, notes)?;
                notes.leave();
            }
            "threads" | "sentry.interfaces.Threads" => {
                self.threads = Thread::read_all(reader, notes)?;
            }
            "breadcrumbs" | "sentry.interfaces.Breadcrumbs" => {
                self.breadcrumbs = Breadcrumb::read_all(reader, notes)?;
            }
            "request" | "sentry.interfaces.Http" => self.request = Request::read(reader, notes)?,
            "user" | "sentry.interfaces.User" => self.user = User::read(reader, notes)?,
            "contexts" | "sentry.interfaces.Contexts" => {
                self.contexts = contexts(notes.map(reader, "contexts")?);
            }
            "tags" => self.tags = Tags::read(reader, notes)?,
            "extra" => self.extra = notes.map(reader, "extra")?,
            "modules" => self.modules = notes.map(reader, "modules")?,
            "sdk" | "sdk_info" => {
                self.sdk = Some(notes.map(reader, "sdk")?).filter(|sdk| !sdk.is_empty());
            }
            "release" => self.release = notes.text(reader, "release")?,
            "dist" => self.dist = notes.text(reader, "dist")?,
            "environment" => self.environment = notes.text(reader, "environment")?,
            "server_name" => self.server_name = notes.text(reader, "server_name")?,
            "site" => self.site = notes.text(reader, "site")?,
            "transaction" => self.transaction = notes.text(reader, "transaction")?,
            "culprit" => {
                let culprit = notes.text(reader, "culprit")?;
                self.transaction = self.transaction.take().or(culprit);
            }
            "transaction_info" => self.transaction_info = some(reader.value()?),
            "fingerprint" => self.fingerprint = read_fingerprint(reader, notes)?,
            "debug_meta" | "sentry.interfaces.DebugMeta" => self.debug_meta = some(reader.value()?),
            "template" | "sentry.interfaces.Template" => self.template = some(reader.value()?),
            "csp" => self.csp = some(reader.value()?),
            "_meta" => self.meta = some(reader.value()?),
            "errors" => self.errors = FieldError::read_all(reader)?,
            // What the server sets itself, and what no SDK of today means anything by.
            "received" | "project" | "version" | "checksum" | "time_spent" | "key_id" => {
                reader.skip()?;
            }
            _ => push_other(&mut self.other, key, reader.value()?)?,
        }
        Ok(())
    }

    /// Writes the event in its one form.
    pub fn write(&self, writer: &mut Writer) {
        let Self {
            event_id,
            event_type,
            timestamp,
            level,
            platform,
            logger,
            logentry,
            exceptions,
            stacktrace,
            threads,
            breadcrumbs,
            request,
            user,
            contexts,
            tags,
            extra,
            modules,
            sdk,
            release,
            dist,
            environment,
            server_name,
            site,
            transaction,
            transaction_info,
            fingerprint,
            debug_meta,
            template,
            csp,
            meta,
            other,
            errors,
        } = self;
        writer.begin_object();
        if let Some(event_id) = event_id {
            writer.key("event_id");
            writer.string(&event_id.simple().to_string());
        }
        if let Some(timestamp) = timestamp {
            writer.key("timestamp");
            writer.string(&timestamp::rfc3339(*timestamp));
        }
        if let Some(level) = level {
            writer.key("level");
            writer.string(level.name());
        }
        for (key, text) in [
            ("type", event_type),
            ("platform", platform),
            ("logger", logger),
            ("release", release),
            ("dist", dist),
            ("environment", environment),
            ("server_name", server_name),
            ("site", site),
            ("transaction", transaction),
        ] {
            write_text(writer, key, text);
        }
        write_json(writer, "transaction_info", transaction_info.as_ref());
        if let Some(logentry) = logentry {
            writer.key("logentry");
            logentry.write(writer);
        }
        write_values(writer, "exception", exceptions, Exception::write);
        if let Some(stacktrace) = stacktrace {
            writer.key("stacktrace");
            stacktrace.write(writer);
        }
        write_values(writer, "threads", threads, Thread::write);
        write_values(writer, "breadcrumbs", breadcrumbs, Breadcrumb::write);
        if let Some(request) = request {
            writer.key("request");
            request.write(writer);
        }
        if let Some(user) = user {
            writer.key("user");
            user.write(writer);
        }
        write_object(writer, "contexts", contexts);
        if !tags.is_empty() {
            writer.key("tags");
            tags.write(writer);
        }
        write_object(writer, "extra", extra);
        write_object(writer, "modules", modules);
        write_object(writer, "sdk", sdk.as_ref().unwrap_or(&Vec::new()));
        if !fingerprint.is_empty() {
            writer.key("fingerprint");
            writer.begin_array();
            for part in fingerprint {
                match part {
                    Some(text) => writer.string(text),
                    None => writer.null(),
                }
            }
            writer.end_array();
        }
        write_json(writer, "debug_meta", debug_meta.as_ref());
        write_json(writer, "template", template.as_ref());
        write_json(writer, "csp", csp.as_ref());
        write_json(writer, "_meta", meta.as_ref());
        for (key, value) in other {
            writer.key(key);
            writer.json(value);
        }
        if !errors.is_empty() {
            writer.key("errors");
            writer.begin_array();
            for error in errors {
                error.write(writer);
            }
            writer.end_array();
        }
        writer.end_object();
    }

    /// The raised exception: the last one.
    pub fn main_exception(&self) -> Option<&Exception<'a>> {
        self.exceptions.last()
    }

    /// A context by its name.
    pub fn context(&self, name: &str) -> Option<&Json<'a>> {
        crate::json::member(&self.contexts, name)
    }
}

/// The event id that stands in a payload, without reading the rest of it into memory.
pub fn event_id_of(document: &str) -> Option<Uuid> {
    let mut reader = Reader::new(document);
    let mut event_id = None;
    // What is broken behind the id does not make the id less true.
    let _broken = reader.object(|reader, key| {
        if key == "event_id" && event_id.is_none() {
            event_id = reader.value()?.into_text().as_deref().and_then(parse_id);
            return Ok(());
        }
        reader.skip()
    });
    event_id
}

/// Drops null contexts and wraps what is not an object.
fn contexts(contexts: Object<'_>) -> Object<'_> {
    contexts
        .into_iter()
        .filter(|(_, context)| !context.is_null())
        .map(|(name, context)| match context {
            Json::Object(_) => (name, context),
            scalar => (name, Json::Object(vec![("value".into(), scalar)])),
        })
        .collect()
}

fn read_fingerprint<'a>(
    reader: &mut Reader<'a>,
    notes: &mut Notes<'a>,
) -> Result<Vec<Option<Text<'a>>>, Malformed> {
    Ok(match reader.value()? {
        Json::Null => Vec::new(),
        Json::Array(parts) => parts.into_iter().map(Json::into_printed).collect(),
        scalar @ (Json::String(_) | Json::Integer(_) | Json::Decimal(_)) => {
            vec![scalar.into_text()]
        }
        other @ (Json::Bool(_) | Json::Object(_)) => {
            notes.invalid("fingerprint", other);
            Vec::new()
        }
    })
}

/// Nothing for null.
fn some(value: Json<'_>) -> Option<Json<'_>> {
    Some(value).filter(|value| !value.is_null())
}

/// Reads `{"values": […]}`, `[…]`, or one object that stands for a list of one.
///
/// Null elements are left out, and what is not an object is noted.
fn read_values<'a, T>(
    reader: &mut Reader<'a>,
    notes: &mut Notes<'a>,
    name: &'static str,
    read: impl Fn(&mut Reader<'a>, &mut Notes<'a>) -> Result<Option<T>, Malformed>,
) -> Result<Vec<T>, Malformed> {
    use crate::json::Kind;
    notes.enter(name);
    let mut values = Vec::new();
    let mut list = |reader: &mut Reader<'a>, notes: &mut Notes<'a>| {
        let mut place = 0;
        reader.array(|reader| {
            notes.enter_index(place);
            place += 1;
            if reader.peek()? == Kind::Object {
                values.extend(read(reader, notes)?);
            } else {
                let value = reader.value()?;
                if !value.is_null() {
                    notes.invalid_here(value);
                }
            }
            notes.leave();
            Ok(())
        })
    };
    match reader.peek()? {
        Kind::Array => {
            list(reader, notes)?;
        }
        Kind::Object => {
            // One object may be the list's wrapper or the only element: look for `values`.
            let mut probe = reader.clone();
            let mut is_wrapper = false;
            let mut is_empty = true;
            probe.object(|probe, key| {
                is_empty = false;
                is_wrapper |= key == "values";
                probe.skip()
            })?;
            if is_wrapper {
                reader.object(|reader, key| {
                    if key == "values" && reader.peek()? == Kind::Array {
                        list(reader, notes).map(|_is_array| ())
                    } else {
                        reader.skip()
                    }
                })?;
            } else if is_empty {
                reader.skip()?;
            } else {
                notes.enter_index(0);
                values.extend(read(reader, notes)?);
                notes.leave();
            }
        }
        Kind::Null | Kind::Bool | Kind::Number | Kind::String => {
            let value = reader.value()?;
            if !value.is_null() {
                notes.invalid_here(value);
            }
        }
    }
    notes.leave();
    Ok(values)
}

fn write_values<T>(writer: &mut Writer, key: &str, values: &[T], write: impl Fn(&T, &mut Writer)) {
    if values.is_empty() {
        return;
    }
    writer.key(key);
    writer.begin_object();
    writer.key("values");
    writer.begin_array();
    for value in values {
        write(value, writer);
    }
    writer.end_array();
    writer.end_object();
}

fn write_text(writer: &mut Writer, key: &str, text: &Option<Text<'_>>) {
    if let Some(text) = text {
        writer.key(key);
        writer.string(text);
    }
}

fn write_json(writer: &mut Writer, key: &str, value: Option<&Json<'_>>) {
    if let Some(value) = value {
        writer.key(key);
        writer.json(value);
    }
}

fn write_object(writer: &mut Writer, key: &str, members: &Object<'_>) {
    if !members.is_empty() {
        writer.key(key);
        writer.object(members);
    }
}

fn write_members(writer: &mut Writer, members: &Object<'_>) {
    for (key, value) in members {
        writer.key(key);
        writer.json(value);
    }
}

#[cfg(test)]
mod tests;
