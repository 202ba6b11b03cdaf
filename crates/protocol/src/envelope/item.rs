//! What an envelope's items say of themselves.

use std::borrow::Cow;
use std::fmt;

use crate::json::{Json, Reader, Writer, repair_utf8};

/// What an item holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ItemType {
    /// An error or a message.
    Event,
    /// A transaction with its spans.
    Transaction,
    /// A security report as a browser sent it.
    RawSecurity,
    /// A file that belongs to the envelope's event.
    Attachment,
    /// One release-health session.
    Session,
    /// Aggregated release-health sessions.
    Sessions,
    /// What the SDK itself threw away.
    ClientReport,
    /// A user's comment on an event, the older form.
    UserReport,
    /// A user's comment, the newer form.
    Feedback,
    /// A cron monitor's check-in.
    CheckIn,
    /// Structured logs.
    Log,
    /// One OpenTelemetry log record.
    OtelLog,
    /// Application metrics.
    TraceMetric,
    /// Spans outside a transaction.
    Span,
    /// A profile.
    Profile,
    /// A part of a continuous profile.
    ProfileChunk,
    /// A session replay's event.
    ReplayEvent,
    /// A session replay's recording.
    ReplayRecording,
    /// A session replay's video.
    ReplayVideo,
    /// A browser's network error.
    Nel,
    /// Legacy metrics.
    Statsd,
    /// Legacy metrics, aggregated.
    MetricBuckets,
    /// A minidump's form fields.
    FormData,
    /// A type that this server does not know.
    Unknown(String),
}

impl ItemType {
    /// The type that `name` stands for on the wire.
    pub fn from_name(name: &str) -> Self {
        match name {
            "event" => Self::Event,
            "transaction" => Self::Transaction,
            "raw_security" => Self::RawSecurity,
            "attachment" => Self::Attachment,
            "session" => Self::Session,
            "sessions" => Self::Sessions,
            "client_report" => Self::ClientReport,
            "user_report" => Self::UserReport,
            "feedback" => Self::Feedback,
            "check_in" => Self::CheckIn,
            "log" => Self::Log,
            "otel_log" => Self::OtelLog,
            "trace_metric" => Self::TraceMetric,
            "span" => Self::Span,
            "profile" => Self::Profile,
            "profile_chunk" | "profile_chunk_ui" => Self::ProfileChunk,
            "replay_event" => Self::ReplayEvent,
            "replay_recording" => Self::ReplayRecording,
            "replay_video" => Self::ReplayVideo,
            "nel" => Self::Nel,
            "statsd" => Self::Statsd,
            "metric_buckets" => Self::MetricBuckets,
            "form_data" => Self::FormData,
            other => Self::Unknown(other.chars().take(64).collect()),
        }
    }

    /// The name on the wire.
    pub fn name(&self) -> &str {
        match self {
            Self::Event => "event",
            Self::Transaction => "transaction",
            Self::RawSecurity => "raw_security",
            Self::Attachment => "attachment",
            Self::Session => "session",
            Self::Sessions => "sessions",
            Self::ClientReport => "client_report",
            Self::UserReport => "user_report",
            Self::Feedback => "feedback",
            Self::CheckIn => "check_in",
            Self::Log => "log",
            Self::OtelLog => "otel_log",
            Self::TraceMetric => "trace_metric",
            Self::Span => "span",
            Self::Profile => "profile",
            Self::ProfileChunk => "profile_chunk",
            Self::ReplayEvent => "replay_event",
            Self::ReplayRecording => "replay_recording",
            Self::ReplayVideo => "replay_video",
            Self::Nel => "nel",
            Self::Statsd => "statsd",
            Self::MetricBuckets => "metric_buckets",
            Self::FormData => "form_data",
            Self::Unknown(name) => name,
        }
    }

    /// What the item counts as, for limits and outcomes.
    pub fn category(&self) -> DataCategory {
        match self {
            Self::Event => DataCategory::Error,
            Self::Transaction => DataCategory::Transaction,
            Self::RawSecurity => DataCategory::Security,
            Self::Attachment | Self::FormData => DataCategory::Attachment,
            Self::Session | Self::Sessions => DataCategory::Session,
            Self::UserReport | Self::Feedback => DataCategory::Feedback,
            Self::CheckIn => DataCategory::Monitor,
            Self::Log | Self::OtelLog => DataCategory::Log,
            Self::TraceMetric | Self::Statsd | Self::MetricBuckets => DataCategory::Metric,
            Self::Span => DataCategory::Span,
            Self::Profile | Self::ProfileChunk => DataCategory::Profile,
            Self::ReplayEvent | Self::ReplayRecording | Self::ReplayVideo => DataCategory::Replay,
            Self::ClientReport | Self::Nel | Self::Unknown(_) => DataCategory::Default,
        }
    }
}

/// What an item counts as: the data categories of rate limits and client reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DataCategory {
    /// What has no category of its own.
    Default,
    /// Errors and messages.
    Error,
    /// Transactions.
    Transaction,
    /// Security reports.
    Security,
    /// Attachments; a limit on them counts items.
    Attachment,
    /// Release-health sessions.
    Session,
    /// Check-ins of cron monitors.
    Monitor,
    /// Users' comments.
    Feedback,
    /// Structured logs.
    Log,
    /// Metrics.
    Metric,
    /// Spans.
    Span,
    /// Profiles.
    Profile,
    /// Session replays.
    Replay,
}

impl DataCategory {
    /// Every category.
    pub const ALL: [Self; 13] = [
        Self::Default,
        Self::Error,
        Self::Transaction,
        Self::Security,
        Self::Attachment,
        Self::Session,
        Self::Monitor,
        Self::Feedback,
        Self::Log,
        Self::Metric,
        Self::Span,
        Self::Profile,
        Self::Replay,
    ];

    /// The name in `X-Sentry-Rate-Limits`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Error => "error",
            Self::Transaction => "transaction",
            Self::Security => "security",
            Self::Attachment => "attachment",
            Self::Session => "session",
            Self::Monitor => "monitor",
            Self::Feedback => "feedback",
            Self::Log => "log_item",
            Self::Metric => "trace_metric",
            Self::Span => "span",
            Self::Profile => "profile",
            Self::Replay => "replay",
        }
    }

    /// The category that `name` stands for.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.name() == name)
    }
}

impl fmt::Display for DataCategory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What an item says of itself. Unknown members, and known ones that make no sense, are ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemHeader {
    /// What the item holds.
    pub item_type: ItemType,
    /// The payload's size in bytes; without it the payload ends with its line.
    pub length: Option<u64>,
    /// The payload's media type.
    pub content_type: Option<String>,
    /// An attachment's name.
    pub filename: Option<String>,
    /// What an attachment is, such as `event.minidump`.
    pub attachment_type: Option<String>,
}

impl ItemHeader {
    /// The header of an item of this type.
    pub fn new(item_type: ItemType) -> Self {
        Self { item_type, length: None, content_type: None, filename: None, attachment_type: None }
    }

    /// Reads a header line; nothing if it is not a JSON object with a `type`.
    pub fn read(line: &[u8]) -> Option<Self> {
        let line = repair_utf8(line);
        let mut reader = Reader::new(&line);
        let mut item_type = None;
        let mut header = Self::new(ItemType::Event);
        let is_object = reader.object(|reader, key| {
            match key.as_ref() {
                "type" => item_type = reader.value()?.into_text(),
                "length" => header.length = length(&reader.value()?),
                "content_type" => header.content_type = short_text(reader.value()?),
                "filename" => header.filename = short_text(reader.value()?),
                "attachment_type" => header.attachment_type = short_text(reader.value()?),
                _ => reader.skip()?,
            }
            Ok(())
        });
        let is_object = is_object.and_then(|is_object| reader.end().map(|()| is_object));
        if !is_object.unwrap_or(false) {
            return None;
        }
        header.item_type = ItemType::from_name(&item_type?);
        Some(header)
    }

    /// Writes the header line's object.
    pub fn write(&self, writer: &mut Writer) {
        writer.begin_object();
        writer.key("type");
        writer.string(self.item_type.name());
        if let Some(length) = self.length {
            writer.key("length");
            writer.raw(&length.to_string());
        }
        for (key, value) in [
            ("content_type", &self.content_type),
            ("filename", &self.filename),
            ("attachment_type", &self.attachment_type),
        ] {
            if let Some(value) = value {
                writer.key(key);
                writer.string(value);
            }
        }
        writer.end_object();
    }
}

fn length(value: &Json<'_>) -> Option<u64> {
    match value {
        Json::Integer(number) => u64::try_from(*number).ok(),
        Json::String(text) => text.trim().parse().ok(),
        Json::Null | Json::Bool(_) | Json::Decimal(_) | Json::Array(_) | Json::Object(_) => None,
    }
}

fn short_text(value: Json<'_>) -> Option<String> {
    value.into_text().map(Cow::into_owned).map(|text| text.chars().take(255).collect())
}
