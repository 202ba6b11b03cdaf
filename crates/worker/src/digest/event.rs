//! One event, from its bytes to what is recorded of it. The verbs stand in the order of the way:
//! decode, normalize, group, scrub, name, pack.

use chrono::{DateTime, Utc};
use mishap_core::grouping::GroupingHashes;
use mishap_core::normalize::{Circumstances, normalize};
use mishap_core::outcome::Reason;
use mishap_core::scrub::scrub;
use mishap_core::sketch;
use mishap_core::title::headline;
use mishap_protocol::envelope::{DataCategory, Item, ItemType};
use mishap_protocol::event::{Event, Level};
use mishap_protocol::json::{Writer, repair_utf8};
use mishap_protocol::security::{EVENT_CONTENT_TYPE, read_reports};
use mishap_storage::bodies::{PackError, Packer};
use mishap_storage::events::record::NewEvent;

use super::projects::Project;

/// What is known of an event besides its bytes.
pub(super) struct Arrival<'a> {
    /// Its project.
    pub(super) project: &'a Project,
    /// When it was acknowledged.
    pub(super) received: DateTime<Utc>,
    /// How it reached us.
    pub(super) around: Circumstances,
}

/// An event that can be recorded.
pub(super) struct DigestedEvent {
    /// What is recorded.
    pub(super) event: NewEvent,
    /// The release it names.
    pub(super) release: Option<String>,
    /// The environment it names.
    pub(super) environment: Option<String>,
}

/// An event that is not recorded.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    /// It ends here, and is counted.
    #[error("{0}")]
    Ended(Reason),
    /// It ought to be recorded and cannot be.
    #[error(transparent)]
    Pack(#[from] PackError),
}

/// Digests an item that holds an event or a security report.
pub(super) fn digest_event<'p>(
    item: &Item<'_>,
    arrival: &Arrival<'p>,
    packer: &mut Packer<'p>,
) -> Result<DigestedEvent, Refused> {
    let text = repair_utf8(&item.payload);
    let mut event = decode(item, &text)?;
    normalize(&mut event, &arrival.around);
    let hashes = GroupingHashes::of(&event);
    scrub(&mut event, arrival.project.policy.scrub);
    let headline = headline(&event);
    let person = sketch::person(&event);
    let mut writer = Writer::with_capacity(text.len());
    event.write(&mut writer);
    let dictionary = arrival.project.dictionary.as_deref();
    let body = packer.pack(writer.into_string().as_bytes(), dictionary)?;
    let owned = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().map(str::to_owned);
    Ok(DigestedEvent {
        release: owned(&event.release),
        environment: owned(&event.environment),
        event: NewEvent {
            project: arrival.project.policy.project,
            organization: arrival.project.policy.organization,
            event_id: arrival.around.event_id,
            received: arrival.received,
            category: item.header.item_type.category(),
            level: event.level.unwrap_or(Level::Error),
            headline,
            platform: owned(&event.platform),
            hashes,
            mechanism: arrival.project.policy.mechanism,
            tags: event
                .tags
                .iter()
                .map(|(key, value)| (key.to_string(), value.to_string()))
                .collect(),
            person,
            dictionary: dictionary.map(|dictionary| dictionary.id),
            body,
        },
    })
}

/// Reads the event in an item's payload.
fn decode<'a>(item: &Item<'_>, text: &'a str) -> Result<Event<'a>, Refused> {
    let malformed = || Refused::Ended(Reason::MalformedItem);
    let is_event = item.header.content_type.as_deref() == Some(EVENT_CONTENT_TYPE);
    if item.header.item_type == ItemType::RawSecurity && !is_event {
        // An item is one event; senders of several reports send several items.
        let reports = read_reports(text).map_err(|_not_a_report| malformed())?;
        return reports.into_iter().next().ok_or_else(malformed);
    }
    let event = Event::read(text).map_err(|_not_an_event| malformed())?;
    match event.event_type.as_deref() {
        // Sent under the wrong item type; what they hold is no error.
        Some("transaction" | "feedback") => Err(Refused::Ended(Reason::UnsupportedItem)),
        _ => Ok(event),
    }
}

/// What an item without an id of its own is known by: the same whenever it is digested again.
pub(super) fn derived_id(seed: &[u8], place: usize) -> uuid::Uuid {
    let mut hasher = blake3::Hasher::new();
    hasher.update(seed);
    hasher.update(&place.to_le_bytes());
    let bytes = hasher.finalize().as_bytes().first_chunk().copied().unwrap_or_default();
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// Whether items of this category become events.
pub(super) fn is_event(category: DataCategory) -> bool {
    matches!(category, DataCategory::Error | DataCategory::Security)
}
