//! Takes a row of the inbox apart: inflates the envelope, finds its items, and digests each.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mishap_core::id::EventId;
use mishap_core::normalize::Circumstances;
use mishap_core::outcome::Reason;
use mishap_core::tally::Tally;
use mishap_protocol::compression::{Stopped, TooLong, inflate};
use mishap_protocol::envelope::{Envelope, Item, ItemType, MalformedEnvelope};
use mishap_protocol::event::event_id_of;
use mishap_protocol::json::repair_utf8;
use mishap_storage::bodies::{PackError, Packer};
use mishap_storage::dead_letters::Poison;
use mishap_storage::events::record::{NewAttachment, NewEvent};
use mishap_storage::inbox::InboxRow;
use mishap_storage::names::SeenName;

use super::event::{Arrival, DigestedEvent, Refused, derived_id, digest_event, is_event};
use super::projects::{Project, Projects};

/// What a batch of rows holds, ready to be recorded.
#[derive(Debug, Default)]
pub(super) struct Opened {
    pub(super) events: Vec<NewEvent>,
    pub(super) attachments: Vec<NewAttachment>,
    pub(super) releases: Vec<SeenName>,
    pub(super) environments: Vec<SeenName>,
    /// Items that ended here.
    pub(super) tally: Tally,
    /// Rows that cannot be digested.
    pub(super) poison: Vec<Poison>,
}

/// A row cannot be digested.
#[derive(Debug, thiserror::Error)]
enum Unreadable {
    #[error("the payload is compressed as only another version knows")]
    Coding,
    #[error("the payload inflates to more than it did when it was received")]
    TooLong,
    #[error(transparent)]
    Envelope(#[from] MalformedEnvelope),
    #[error(transparent)]
    Pack(#[from] PackError),
}

/// Opens rows. Whatever happens to one does not touch the others.
pub(super) fn open<'p>(
    rows: Vec<InboxRow>,
    projects: &'p Projects,
    packer: &mut Packer<'p>,
) -> Opened {
    let mut opened = Opened::default();
    for row in rows {
        let project = projects.get(row.envelope.project);
        let result = catch_unwind(AssertUnwindSafe(|| open_row(&row, project, packer)));
        let error = match result {
            Ok(Ok(of_row)) => {
                opened.add(of_row);
                continue;
            }
            Ok(Err(unreadable)) => unreadable.to_string(),
            Err(panic) => format!("the digest panicked: {}", panic_text(panic.as_ref())),
        };
        opened.poison.push(Poison { row, error });
    }
    opened
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

impl Opened {
    fn add(&mut self, other: Self) {
        let Self { events, attachments, releases, environments, tally, poison } = other;
        self.events.extend(events);
        self.attachments.extend(attachments);
        self.releases.extend(releases);
        self.environments.extend(environments);
        self.tally.add(tally);
        self.poison.extend(poison);
    }

    fn end(&mut self, row: &InboxRow, item: &Item<'_>, reason: Reason) {
        let category = item.header.item_type.category();
        self.tally.count(row.envelope.project, row.received, category, reason, 1);
    }

    fn add_event(&mut self, digested: DigestedEvent) {
        let DigestedEvent { event, release, environment } = digested;
        let (organization, project) = (event.organization, event.project);
        let seen = |name| SeenName { organization, project, name };
        self.releases.extend(release.map(seen));
        self.environments.extend(environment.map(seen));
        self.events.push(event);
    }
}

/// Opens one row. A broken-off end was counted when the envelope was received.
fn open_row<'p>(
    row: &InboxRow,
    project: Option<&'p Project>,
    packer: &mut Packer<'p>,
) -> Result<Opened, Unreadable> {
    let bytes = &row.envelope.payload;
    let size = usize::try_from(row.envelope.size).unwrap_or(usize::MAX);
    let codings = row.envelope.coding.codings().ok_or(Unreadable::Coding)?;
    let (plain, stopped) = inflate(&codings, bytes, size);
    let envelope = match stopped {
        None => Envelope::read(&plain)?,
        Some(Stopped::Corrupt(_)) => Envelope::read_beginning(&plain)?,
        Some(Stopped::Receiver(TooLong) | Stopped::TooMuchBetween) => {
            return Err(Unreadable::TooLong);
        }
    };
    let mut opened = Opened::default();
    let wanted = |place: &usize, item: &Item<'_>| {
        let is_skipped = row.envelope.skip.iter().any(|skip| usize::from(*skip) == *place);
        item.is_whole && !is_skipped
    };
    let items: Vec<(usize, &Item<'_>)> =
        envelope.items.iter().enumerate().filter(|(place, item)| wanted(place, item)).collect();
    let Some(project) = project else {
        // Deleted since.
        for (_, item) in items {
            opened.end(row, item, Reason::Disabled);
        }
        return Ok(opened);
    };
    let mut answered = row.envelope.event_id;
    for (place, item) in items {
        let category = item.header.item_type.category();
        if is_event(category) {
            let event_id = answered.take().unwrap_or_else(|| own_id(row, item, place));
            let arrival = Arrival {
                project,
                received: row.received,
                around: Circumstances {
                    event_id,
                    received: row.received,
                    sent_at: envelope.header.sent_at,
                    client_ip: row.envelope.client_ip,
                    user_agent: row.envelope.user_agent.clone(),
                },
            };
            match digest_event(item, &arrival, packer) {
                Ok(digested) => opened.add_event(digested),
                Err(Refused::Ended(reason)) => opened.end(row, item, reason),
                Err(Refused::Pack(error)) => return Err(error.into()),
            }
        } else if item.header.item_type == ItemType::Attachment {
            let event_id = row.envelope.event_id.unwrap_or_else(|| own_id(row, item, place));
            let place = i16::try_from(opened.attachments.len()).unwrap_or(i16::MAX);
            let body = packer.pack(&item.payload, None)?;
            opened.attachments.push(NewAttachment {
                project: row.envelope.project,
                event_id,
                received: row.received,
                came_with_event: false,
                place,
                filename: item.header.filename.clone().unwrap_or_else(|| "attachment".to_owned()),
                content_type: item.header.content_type.clone(),
                attachment_type: item.header.attachment_type.clone(),
                size: i64::try_from(item.payload.len()).unwrap_or(i64::MAX),
                body,
            });
        } else {
            opened.end(row, item, Reason::UnsupportedItem);
        }
    }
    let Opened { events, attachments, .. } = &mut opened;
    for attachment in attachments {
        attachment.came_with_event =
            events.iter().any(|event| event.event_id == attachment.event_id);
    }
    Ok(opened)
}

/// The id of an event that is not the one which was answered: its own, or one derived from its
/// place, so that digesting it again gives the same.
fn own_id(row: &InboxRow, item: &Item<'_>, place: usize) -> EventId {
    let own = event_id_of(&repair_utf8(&item.payload));
    let seed = || match row.envelope.event_id {
        Some(answered) => answered.0.into_bytes().to_vec(),
        None => {
            let project = row.envelope.project.0.to_le_bytes();
            let received = row.received.timestamp_micros().to_le_bytes();
            [project, row.ticket.id.0.to_le_bytes(), received].concat()
        }
    };
    EventId(own.unwrap_or_else(|| derived_id(&seed(), place)))
}
