//! Events.

use std::collections::BTreeMap;

use mishap_core::grouping::GroupingHash;
use mishap_core::issue::IssueType;
use mishap_core::title::{Headline, headline};
use mishap_protocol::event::{
    Breadcrumb, Event, Exception, FieldError, Frame, LogEntry, Request, Stacktrace, User,
};
use mishap_protocol::json::{Json, Object};
use mishap_storage::events::{EventRow, Neighbours};
use schemars::JsonSchema;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::Timestamp;
use super::issue::level_name;

/// How an object of a client's is described: anything may be in it.
type Anything = Map<String, Value>;

/// An event by itself, with its neighbours.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventDetailResponse<'e> {
    #[serde(flatten)]
    event: EventResponse<'e>,
    user_report: Option<()>,
    #[serde(rename = "nextEventID")]
    next_event_id: Option<String>,
    #[serde(rename = "previousEventID")]
    previous_event_id: Option<String>,
}

impl<'e> EventDetailResponse<'e> {
    /// The event as it is shown.
    pub fn new(row: &EventRow, event: &'e Event<'e>, neighbours: Neighbours) -> Self {
        Self {
            event: EventResponse::new(row, event),
            user_report: None,
            next_event_id: neighbours.next.map(|id| id.to_string()),
            previous_event_id: neighbours.previous.map(|id| id.to_string()),
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct EventResponse<'e> {
    platform: Option<&'e str>,
    errors: Option<Vec<ErrorResponse<'e>>>,
    id: String,
    #[serde(rename = "eventID")]
    event_id: String,
    #[serde(rename = "projectID")]
    project_id: i64,
    #[serde(rename = "groupID")]
    group_id: String,
    date_created: Timestamp,
    date_received: Timestamp,
    dist: Option<&'e str>,
    culprit: String,
    #[schemars(with = "Option<Anything>")]
    packages: Option<Members<'e>>,
    #[serde(rename = "type")]
    event_type: &'static str,
    message: String,
    metadata: BTreeMap<&'static str, String>,
    tags: Vec<TagResponse<'e>>,
    entries: Vec<EntryResponse<'e>>,
    #[schemars(with = "Option<Anything>")]
    contexts: Option<Members<'e>>,
    #[schemars(with = "Option<Anything>")]
    context: Option<Members<'e>>,
    #[schemars(with = "Option<Anything>")]
    user: Option<UserResponse<'e>>,
    #[schemars(with = "Option<Anything>")]
    sdk: Option<Members<'e>>,
    title: String,
}

impl<'e> EventResponse<'e> {
    fn new(row: &EventRow, event: &'e Event<'e>) -> Self {
        let Headline { issue_type, title, culprit, .. } = headline(event);
        let message = event.logentry.as_ref().and_then(|entry| entry.formatted.as_deref());
        let id = row.event_id().to_string();
        Self {
            platform: event.platform.as_deref(),
            errors: errors(event),
            id: id.clone(),
            event_id: id,
            project_id: row.project_id.0,
            group_id: row.issue_id.to_string(),
            date_created: Timestamp(event.timestamp.unwrap_or(row.received)),
            date_received: Timestamp(row.received),
            dist: event.dist.as_deref(),
            culprit,
            packages: Members::some(&event.modules),
            event_type: issue_type.name(),
            message: message.unwrap_or(&title).to_owned(),
            metadata: metadata(event),
            tags: event.tags.iter().map(|(key, value)| TagResponse { key, value }).collect(),
            entries: entries(event, issue_type),
            contexts: Members::some(&event.contexts),
            context: Members::some(&event.extra),
            user: event.user.as_ref().map(UserResponse),
            sdk: event.sdk.as_ref().map(Members),
            title,
        }
    }
}

fn metadata(event: &Event<'_>) -> BTreeMap<&'static str, String> {
    let Headline { title, metadata, .. } = headline(event);
    let parts = [
        ("type", metadata.error_type),
        ("value", metadata.value),
        ("filename", metadata.filename),
        ("function", metadata.function),
    ];
    let known: BTreeMap<_, _> =
        parts.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
    if known.is_empty() { BTreeMap::from([("title", title)]) } else { known }
}

/// A field that could not be understood.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "EventErrorResponse")]
struct ErrorResponse<'e> {
    #[serde(rename = "type")]
    kind: &'e str,
    name: Option<&'e str>,
    #[schemars(with = "Option<Value>")]
    value: Option<&'e Json<'e>>,
}

fn errors<'e>(event: &'e Event<'e>) -> Option<Vec<ErrorResponse<'e>>> {
    let shown = |error: &'e FieldError<'e>| ErrorResponse {
        kind: &error.kind,
        name: error.name.as_deref(),
        value: error.value.as_ref(),
    };
    (!event.errors.is_empty()).then(|| event.errors.iter().map(shown).collect())
}

#[derive(Debug, Serialize, JsonSchema)]
struct TagResponse<'e> {
    key: &'e str,
    value: &'e str,
}

/// An object of the event, in its own order.
#[derive(Debug)]
struct Members<'e>(&'e Object<'e>);

impl<'e> Members<'e> {
    fn some(members: &'e Object<'e>) -> Option<Self> {
        (!members.is_empty()).then_some(Self(members))
    }
}

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

#[derive(Debug)]
struct UserResponse<'e>(&'e User<'e>);

impl Serialize for UserResponse<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let User { id, username, email, ip_address, other } = self.0;
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in
            [("id", id), ("username", username), ("email", email), ("ip_address", ip_address)]
        {
            if let Some(value) = value {
                map.serialize_entry(key, value)?;
            }
        }
        for (key, value) in other {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

/// A part of an event with a form of its own.
#[derive(Debug, Serialize, JsonSchema)]
struct EntryResponse<'e> {
    #[serde(rename = "type")]
    kind: &'static str,
    data: EntryData<'e>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
enum EntryData<'e> {
    Exception(ExceptionsResponse<'e>),
    Breadcrumbs(BreadcrumbsResponse<'e>),
    Message(MessageResponse<'e>),
    Request(Box<RequestResponse<'e>>),
    Csp(#[schemars(with = "Value")] &'e Json<'e>),
}

/// The parts of an event, in GlitchTip's order.
fn entries<'e>(event: &'e Event<'e>, issue_type: IssueType) -> Vec<EntryResponse<'e>> {
    let mut entries = Vec::new();
    let mut add = |kind, data| entries.push(EntryResponse { kind, data });
    if !event.exceptions.is_empty() {
        let frames = event.exceptions.iter().flat_map(|exception| exception.frames());
        let has_system_frames = frames.clone().any(|frame| frame.in_app == Some(true));
        let values = event.exceptions.iter().map(ExceptionResponse).collect();
        add("exception", EntryData::Exception(ExceptionsResponse { values, has_system_frames }));
    }
    if !event.breadcrumbs.is_empty() {
        let values = event.breadcrumbs.iter().map(BreadcrumbResponse::from).collect();
        add("breadcrumbs", EntryData::Breadcrumbs(BreadcrumbsResponse { values }));
    }
    if let Some(entry) = event.logentry.as_ref().filter(|_| issue_type != IssueType::Csp) {
        let LogEntry { formatted, message, params } = entry;
        let message = MessageResponse {
            formatted: formatted.as_deref(),
            message: message.as_deref(),
            params: params.as_ref(),
        };
        add("message", EntryData::Message(message));
    }
    if let Some(request) = &event.request {
        add("request", EntryData::Request(Box::new(RequestResponse::from(request))));
    }
    if let Some(csp) = &event.csp {
        add("csp", EntryData::Csp(csp));
    }
    entries
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ExceptionsResponse<'e> {
    #[schemars(with = "Vec<Anything>")]
    values: Vec<ExceptionResponse<'e>>,
    /// True if any frame is the program's own: that is what it means on the wire.
    has_system_frames: bool,
}

#[derive(Debug)]
struct ExceptionResponse<'e>(&'e Exception<'e>);

impl Serialize for ExceptionResponse<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Exception {
            exception_type,
            value,
            module,
            thread_id,
            mechanism,
            stacktrace,
            raw_stacktrace,
            other,
        } = self.0;
        let mut map = serializer.serialize_map(None)?;
        for (key, text) in [("type", exception_type), ("value", value), ("module", module)] {
            if let Some(text) = text {
                map.serialize_entry(key, text)?;
            }
        }
        if let Some(thread_id) = thread_id {
            map.serialize_entry("thread_id", thread_id)?;
        }
        if !mechanism.is_empty() {
            map.serialize_entry("mechanism", &Members(mechanism))?;
        }
        if let Some(trace) = stacktrace {
            map.serialize_entry("stacktrace", &StacktraceResponse(trace))?;
        }
        if let Some(trace) = raw_stacktrace {
            map.serialize_entry("raw_stacktrace", &RawStacktraceResponse(trace))?;
        }
        for (key, value) in other {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

#[derive(Debug)]
struct StacktraceResponse<'e>(&'e Stacktrace<'e>);

impl Serialize for StacktraceResponse<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let frames: Vec<_> = self.0.frames.iter().map(FrameResponse).collect();
        map.serialize_entry("frames", &frames)?;
        for (key, value) in &self.0.other {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

/// A frame for showing: some names in camel case, and the lines around it in one list.
#[derive(Debug)]
struct FrameResponse<'e>(&'e Frame<'e>);

impl Serialize for FrameResponse<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let frame = self.0;
        let mut map = serializer.serialize_map(None)?;
        serialize_frame_texts(frame, &mut map)?;
        if let Some(in_app) = frame.in_app {
            map.serialize_entry("inApp", &in_app)?;
        }
        if let Some(path) = &frame.abs_path {
            map.serialize_entry("absPath", path)?;
        }
        if let Some(column) = frame.colno {
            map.serialize_entry("colNo", &column)?;
        }
        match frame.lineno {
            Some(line) => {
                map.serialize_entry("lineNo", &line)?;
                map.serialize_entry("context", &context(frame, line))?;
            }
            None => serialize_lines(frame, &mut map)?,
        }
        map.end()
    }
}

/// The lines around a frame, with their numbers.
fn context<'f>(frame: &'f Frame<'_>, line: u64) -> Vec<(u64, &'f str)> {
    let Some(at) = frame.context_line.as_deref() else {
        return Vec::new();
    };
    let first = line.saturating_sub(frame.pre_context.len() as u64);
    let before = frame.pre_context.iter().map(AsRef::as_ref);
    let behind = frame.post_context.iter().map(AsRef::as_ref);
    (first..).zip(before.chain([at]).chain(behind)).collect()
}

/// A frame as it is stored.
#[derive(Debug)]
struct RawFrameResponse<'e>(&'e Frame<'e>);

impl Serialize for RawFrameResponse<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let frame = self.0;
        let mut map = serializer.serialize_map(None)?;
        serialize_frame_texts(frame, &mut map)?;
        if let Some(path) = &frame.abs_path {
            map.serialize_entry("abs_path", path)?;
        }
        for (key, number) in [("lineno", frame.lineno), ("colno", frame.colno)] {
            if let Some(number) = number {
                map.serialize_entry(key, &number)?;
            }
        }
        serialize_lines(frame, &mut map)?;
        if let Some(in_app) = frame.in_app {
            map.serialize_entry("in_app", &in_app)?;
        }
        map.end()
    }
}

#[derive(Debug)]
struct RawStacktraceResponse<'e>(&'e Stacktrace<'e>);

impl Serialize for RawStacktraceResponse<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let frames: Vec<_> = self.0.frames.iter().map(RawFrameResponse).collect();
        map.serialize_entry("frames", &frames)?;
        for (key, value) in &self.0.other {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

fn serialize_frame_texts<M: serde::ser::SerializeMap>(
    frame: &Frame<'_>,
    map: &mut M,
) -> Result<(), M::Error> {
    for (key, text) in [
        ("filename", &frame.filename),
        ("function", &frame.function),
        ("raw_function", &frame.raw_function),
        ("module", &frame.module),
        ("package", &frame.package),
        ("platform", &frame.platform),
        ("context_line", &frame.context_line),
    ] {
        if let Some(text) = text {
            map.serialize_entry(key, text)?;
        }
    }
    if !frame.vars.is_empty() {
        map.serialize_entry("vars", &Members(&frame.vars))?;
    }
    for (key, value) in &frame.other {
        map.serialize_entry(key, value)?;
    }
    Ok(())
}

fn serialize_lines<M: serde::ser::SerializeMap>(
    frame: &Frame<'_>,
    map: &mut M,
) -> Result<(), M::Error> {
    for (key, lines) in [("pre_context", &frame.pre_context), ("post_context", &frame.post_context)]
    {
        if !lines.is_empty() {
            map.serialize_entry(key, lines)?;
        }
    }
    Ok(())
}

#[derive(Debug, Serialize, JsonSchema)]
struct BreadcrumbsResponse<'e> {
    values: Vec<BreadcrumbResponse<'e>>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct BreadcrumbResponse<'e> {
    #[serde(rename = "type")]
    crumb_type: &'e str,
    category: Option<&'e str>,
    message: Option<&'e str>,
    #[schemars(with = "Option<Anything>")]
    data: Option<Members<'e>>,
    level: &'e str,
    #[schemars(with = "Option<Value>")]
    timestamp: Option<&'e Json<'e>>,
    #[schemars(with = "Option<Value>")]
    event_id: Option<&'e Json<'e>>,
}

impl<'e> From<&'e Breadcrumb<'e>> for BreadcrumbResponse<'e> {
    fn from(crumb: &'e Breadcrumb<'e>) -> Self {
        Self {
            crumb_type: crumb.crumb_type.as_deref().unwrap_or("default"),
            category: crumb.category.as_deref(),
            message: crumb.message.as_deref(),
            data: Members::some(&crumb.data),
            level: crumb.level.as_deref().unwrap_or("info"),
            timestamp: crumb.timestamp.as_ref(),
            event_id: mishap_protocol::json::member(&crumb.other, "event_id"),
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
struct MessageResponse<'e> {
    #[serde(skip_serializing_if = "Option::is_none")]
    formatted: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'e str>,
    #[schemars(with = "Option<Value>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    params: Option<&'e Json<'e>>,
}

type PairsResponse<'e> = Vec<(&'e str, &'e str)>;

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RequestResponse<'e> {
    #[schemars(with = "Option<Value>")]
    api_target: Option<&'e Json<'e>>,
    #[schemars(with = "Option<Value>")]
    body_size: Option<&'e Json<'e>>,
    cookies: Option<PairsResponse<'e>>,
    #[schemars(with = "Option<Value>")]
    data: Option<&'e Json<'e>>,
    #[schemars(with = "Option<Anything>")]
    env: Option<Members<'e>>,
    fragment: Option<&'e str>,
    method: Option<&'e str>,
    #[schemars(with = "Option<Value>")]
    protocol: Option<&'e Json<'e>>,
    url: Option<&'e str>,
    headers: Option<PairsResponse<'e>>,
    query: Option<PairsResponse<'e>>,
    inferred_content_type: Option<&'e str>,
}

impl<'e> From<&'e Request<'e>> for RequestResponse<'e> {
    fn from(request: &'e Request<'e>) -> Self {
        let other = |name| mishap_protocol::json::member(&request.other, name);
        let pairs = |pairs: &'e [(std::borrow::Cow<'e, str>, std::borrow::Cow<'e, str>)]| {
            let shown: PairsResponse<'e> =
                pairs.iter().map(|(key, value)| (key.as_ref(), value.as_ref())).collect();
            (!shown.is_empty()).then_some(shown)
        };
        Self {
            api_target: other("api_target"),
            body_size: other("body_size"),
            cookies: pairs(&request.cookies),
            data: request.data.as_ref(),
            env: Members::some(&request.env),
            fragment: request.fragment.as_deref(),
            method: request.method.as_deref(),
            protocol: other("protocol"),
            url: request.url.as_deref(),
            headers: pairs(&request.headers),
            query: pairs(&request.query),
            inferred_content_type: request.header("Content-Type").map(AsRef::as_ref),
        }
    }
}

/// An event as it is stored, for download. Members that are null are left out.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EventJsonResponse<'e> {
    event_id: String,
    project: i64,
    timestamp: f64,
    datetime: Timestamp,
    level: &'static str,
    #[serde(rename = "type")]
    event_type: &'static str,
    title: String,
    hashes: Vec<String>,
    #[serde(flatten)]
    #[schemars(with = "Anything")]
    stored: Stored<'e>,
}

impl<'e> EventJsonResponse<'e> {
    /// The event with what is known about it.
    pub fn new(row: &EventRow, event: &'e Event<'e>, hashes: &[GroupingHash]) -> Self {
        let Headline { issue_type, title, .. } = headline(event);
        let time = event.timestamp.unwrap_or(row.received);
        #[expect(clippy::cast_precision_loss, reason = "microseconds of this century fit")]
        let timestamp = time.timestamp_micros() as f64 / 1e6;
        Self {
            event_id: row.event_id().to_string(),
            project: row.project_id.0,
            timestamp,
            datetime: Timestamp(time),
            level: level_name(row.level),
            event_type: issue_type.name(),
            title,
            hashes: hashes.iter().map(ToString::to_string).collect(),
            stored: Stored(event),
        }
    }
}

/// The members of a stored event that have no other form.
#[derive(Debug)]
struct Stored<'e>(&'e Event<'e>);

impl Serialize for Stored<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut writer = mishap_protocol::json::Writer::new();
        self.0.write(&mut writer);
        let text = writer.into_string();
        let mut reader = mishap_protocol::json::Reader::new(&text);
        let Ok(Json::Object(members)) = reader.value() else {
            return Err(serde::ser::Error::custom("an event is an object"));
        };
        let shown_elsewhere =
            |key: &str| matches!(key, "event_id" | "timestamp" | "level" | "type");
        serializer.collect_map(
            members
                .iter()
                .filter(|(key, _)| !shown_elsewhere(key))
                .map(|(key, value)| (key, value)),
        )
    }
}
