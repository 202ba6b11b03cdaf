//! Records a batch of digested events, in one transaction.
//!
//! The effect is exactly once: what counts is what was inserted. An event whose id is known, from
//! this batch, from another worker, or from a redelivery, changes nothing but the count of
//! duplicates.
//!
//! Rows are locked in one order, so that two workers never wait for each other in a circle:
//! projects (only to found issues), events by (project, id), issues by id.

mod assign;
mod attachments;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Jsonb, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl as _;
use mishap_core::grouping::{GroupingHashes, GroupingMechanism};
use mishap_core::id::{DictionaryId, EventId, IssueId, OrganizationId, ProjectId};
use mishap_core::issue::{IssueChange, IssueStatus};
use mishap_core::outcome::Reason;
use mishap_core::tally::Tally;
use mishap_core::title::Headline;
use mishap_protocol::envelope::DataCategory;
use mishap_protocol::event::Level;
use uuid::Uuid;

use self::assign::assign_issues;
use self::attachments::insert_attachments;
use crate::error::Result;
use crate::partitions;
use crate::pool::Conn;
use crate::sql::statement;

/// An event of the same id is looked for this far back, and as far ahead: a retry may be digested
/// before what it repeats.
const DEDUPE_HORIZON: TimeDelta = TimeDelta::days(1);

/// An event, digested.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Its project.
    pub project: ProjectId,
    /// The project's organization.
    pub organization: OrganizationId,
    /// Its id, unique within the project.
    pub event_id: EventId,
    /// When it reached us.
    pub received: DateTime<Utc>,
    /// What it counts as.
    pub category: DataCategory,
    /// How bad it is.
    pub level: Level,
    /// What it is called.
    pub headline: Headline,
    /// The platform, for its issue.
    pub platform: Option<String>,
    /// Its hashes under every mechanism.
    pub hashes: GroupingHashes,
    /// The project's mechanism.
    pub mechanism: GroupingMechanism,
    /// Its tags.
    pub tags: Vec<(String, String)>,
    /// Who was hit; see [`mishap_core::sketch::person`].
    pub person: Option<u64>,
    /// The dictionary that the body is compressed with.
    pub dictionary: Option<DictionaryId>,
    /// The event as JSON, compressed.
    pub body: Vec<u8>,
}

/// A file that came with an event.
#[derive(Debug, Clone)]
pub struct NewAttachment {
    /// The event's project.
    pub project: ProjectId,
    /// The event.
    pub event_id: EventId,
    /// When it reached us.
    pub received: DateTime<Utc>,
    /// Whether the event came in the same envelope.
    pub came_with_event: bool,
    /// Counts the attachments of one envelope.
    pub place: i16,
    /// Its name.
    pub filename: String,
    /// Its media type.
    pub content_type: Option<String>,
    /// What it is, such as `event.minidump`.
    pub attachment_type: Option<String>,
    /// Bytes of the file.
    pub size: i64,
    /// The file, compressed with zstd.
    pub body: Vec<u8>,
}

/// What recording a batch did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Issues that were seen for the first time.
    pub new: Vec<IssueId>,
    /// Issues that were resolved and came back.
    pub regressed: Vec<IssueId>,
    /// Events stored.
    pub stored: u64,
    /// Events known already.
    pub duplicates: u64,
}

/// Records events and their attachments, and counts how each ended in `tally`; to be called inside
/// the transaction that takes their rows from the inbox.
pub async fn record(
    conn: &mut Conn,
    mut events: Vec<NewEvent>,
    attachments: Vec<NewAttachment>,
    tally: &mut Tally,
) -> Result<Recorded> {
    let mut recorded = Recorded::default();
    let key = |event: &NewEvent| (event.project, event.event_id.0, event.received);
    events.sort_unstable_by_key(key);
    let twice = split_off_repeated(&mut events);
    ensure_partitions(conn, &events, &attachments).await?;

    let (issue_of, founded) = assign_issues(conn, &events).await?;
    let stored = insert_events(conn, &events, &issue_of).await?;

    let mut touches: BTreeMap<IssueId, Touch<'_>> = BTreeMap::new();
    for event in &events {
        let issue = issue_of.get(&place_of(event)).copied();
        let (Some(issue), true) = (issue, stored.contains(&place_of(event))) else {
            count(tally, event, Reason::Duplicate);
            recorded.duplicates += 1;
            continue;
        };
        count(tally, event, Reason::Ok);
        recorded.stored += 1;
        let tags = event.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        tally.count_event(issue, event.received, tags, event.person);
        touches.entry(issue).or_insert_with(|| Touch::of(event)).add(event);
    }
    for event in &twice {
        count(tally, event, Reason::Duplicate);
        recorded.duplicates += 1;
    }

    recorded.new = drop_empty_issues(conn, founded, &touches).await?;
    recorded.regressed = touch_issues(conn, &touches).await?;
    write_changes(conn, &recorded, &touches).await?;
    mark_first_events(conn, &events, &stored).await?;
    let arrivals = events.iter().map(|event| (place_of(event), event.received));
    let arrivals = arrivals.filter(|(place, _)| stored.contains(place)).collect();
    insert_attachments(conn, attachments, &arrivals, tally).await?;
    Ok(recorded)
}

/// An event's place among all events.
type Place = (ProjectId, EventId);

fn place_of(event: &NewEvent) -> Place {
    (event.project, event.event_id)
}

fn count(tally: &mut Tally, event: &NewEvent, reason: Reason) {
    tally.count(event.project, event.received, event.category, reason, 1);
}

/// Takes out events whose id occurred before in this batch; `events` is sorted.
fn split_off_repeated(events: &mut Vec<NewEvent>) -> Vec<NewEvent> {
    let mut seen = HashSet::with_capacity(events.len());
    let is_repeated = |event: &mut NewEvent| !seen.insert(place_of(event));
    events.extract_if(.., is_repeated).collect()
}

async fn ensure_partitions(
    conn: &mut Conn,
    events: &[NewEvent],
    attachments: &[NewAttachment],
) -> Result<()> {
    let days = |times: &mut dyn Iterator<Item = DateTime<Utc>>| -> BTreeSet<_> {
        times.map(|time| time.date_naive().and_time(chrono::NaiveTime::MIN).and_utc()).collect()
    };
    for day in days(&mut events.iter().map(|event| event.received)) {
        partitions::ensure(conn, &partitions::EVENTS, day).await?;
    }
    for day in days(&mut attachments.iter().map(|attachment| attachment.received)) {
        partitions::ensure(conn, &partitions::ATTACHMENTS, day).await?;
    }
    Ok(())
}

/// The parts of a title as GlitchTip's API shows them.
fn metadata(event: &NewEvent) -> serde_json::Value {
    let metadata = &event.headline.metadata;
    let mut members = serde_json::Map::new();
    for (key, value) in [
        ("type", &metadata.error_type),
        ("value", &metadata.value),
        ("filename", &metadata.filename),
        ("function", &metadata.function),
    ] {
        if let Some(value) = value {
            members.insert(key.to_owned(), value.as_str().into());
        }
    }
    if members.is_empty() {
        members.insert("title".to_owned(), event.headline.title.as_str().into());
    }
    members.into()
}

/// Inserts events that are not known yet, and says which those were.
async fn insert_events(
    conn: &mut Conn,
    events: &[NewEvent],
    issue_of: &HashMap<Place, IssueId>,
) -> Result<HashSet<Place>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        project_id: ProjectId,
        #[diesel(sql_type = SqlUuid)]
        event_id: Uuid,
    }
    let rows: Vec<(&NewEvent, IssueId)> =
        events.iter().filter_map(|event| Some((event, *issue_of.get(&place_of(event))?))).collect();
    let Some(first) = rows.iter().map(|(event, _)| event.received).min() else {
        return Ok(HashSet::new());
    };
    let last = rows.iter().map(|(event, _)| event.received).max().unwrap_or(first);
    let inserted: Vec<Row> = statement(
        "INSERT INTO events (project_id, issue_id, received, event_id, dictionary_id, level, body)
         SELECT project_id, issue_id, received, event_id, dictionary_id, level, body
         FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::uuid[], $5::bigint[],
             $6::smallint[], $7::bytea[])
             AS new (project_id, issue_id, received, event_id, dictionary_id, level, body)
         WHERE NOT EXISTS (
             SELECT 1 FROM events old
             WHERE old.project_id = new.project_id AND old.event_id = new.event_id
                 AND old.received >= $8 AND old.received <= $9)
         ORDER BY project_id, event_id
         ON CONFLICT DO NOTHING
         RETURNING project_id, event_id",
    )
    .array::<BigInt, _>(rows.iter().map(|(event, _)| event.project).collect())
    .array::<BigInt, _>(rows.iter().map(|(_, issue)| *issue).collect())
    .array::<Timestamptz, _>(rows.iter().map(|(event, _)| event.received).collect())
    .array::<SqlUuid, _>(rows.iter().map(|(event, _)| event.event_id.0).collect())
    .nullable_array::<BigInt, _>(rows.iter().map(|(event, _)| event.dictionary).collect())
    .array::<SmallInt, _>(rows.iter().map(|(event, _)| event.level as i16).collect())
    .array::<Binary, _>(rows.iter().map(|(event, _)| event.body.as_slice()).collect())
    .bind::<Timestamptz, _>(first - DEDUPE_HORIZON)
    .bind::<Timestamptz, _>(last + DEDUPE_HORIZON)
    .load(conn)
    .await?;
    Ok(inserted.into_iter().map(|row| (row.project_id, EventId(row.event_id))).collect())
}

/// What the events of a batch change about an issue.
struct Touch<'e> {
    events: i64,
    first_seen: DateTime<Utc>,
    newest: &'e NewEvent,
}

impl<'e> Touch<'e> {
    fn of(event: &'e NewEvent) -> Self {
        Self { events: 0, first_seen: event.received, newest: event }
    }

    fn add(&mut self, event: &'e NewEvent) {
        self.events += 1;
        self.first_seen = event.received.min(self.first_seen);
        if event.received > self.newest.received {
            self.newest = event;
        }
    }
}

/// Takes back issues that were founded for events which turned out to be known; returns the others.
async fn drop_empty_issues(
    conn: &mut Conn,
    founded: Vec<IssueId>,
    touches: &BTreeMap<IssueId, Touch<'_>>,
) -> Result<Vec<IssueId>> {
    let (mut kept, empty): (Vec<_>, Vec<_>) =
        founded.into_iter().partition(|issue| touches.contains_key(issue));
    if !empty.is_empty() {
        statement("DELETE FROM issues WHERE id = ANY($1)")
            .array::<BigInt, _>(empty)
            .execute(conn)
            .await?;
    }
    kept.sort_unstable();
    Ok(kept)
}

/// Adds the stored events to their issues; says which issues came back.
async fn touch_issues(
    conn: &mut Conn,
    touches: &BTreeMap<IssueId, Touch<'_>>,
) -> Result<Vec<IssueId>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        id: IssueId,
        #[diesel(sql_type = SmallInt)]
        status: i16,
    }
    if touches.is_empty() {
        return Ok(Vec::new());
    }
    let newest = || touches.values().map(|touch| touch.newest);
    let before: Vec<Row> = statement(
        "WITH locked AS (
             SELECT id, status FROM issues WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE
         )
         UPDATE issues SET
             events = issues.events + new.events,
             first_seen = least(issues.first_seen, new.first_seen),
             last_seen = greatest(issues.last_seen, new.last_seen),
             level = CASE WHEN new.last_seen >= issues.last_seen THEN new.level ELSE issues.level END,
             title = CASE WHEN new.last_seen >= issues.last_seen THEN new.title ELSE issues.title END,
             culprit = CASE WHEN new.last_seen >= issues.last_seen
                 THEN new.culprit ELSE issues.culprit END,
             metadata = CASE WHEN new.last_seen >= issues.last_seen
                 THEN new.metadata ELSE issues.metadata END,
             status = CASE WHEN issues.status = $2 THEN $3 ELSE issues.status END
         FROM locked, unnest($4::bigint[], $5::bigint[], $6::timestamptz[], $7::timestamptz[],
             $8::smallint[], $9::text[], $10::text[], $11::jsonb[])
             AS new (id, events, first_seen, last_seen, level, title, culprit, metadata)
         WHERE issues.id = locked.id AND new.id = locked.id
         RETURNING issues.id, locked.status",
    )
    .array::<BigInt, _>(touches.keys().copied().collect())
    .bind::<SmallInt, _>(IssueStatus::Resolved.code())
    .bind::<SmallInt, _>(IssueStatus::Unresolved.code())
    .array::<BigInt, _>(touches.keys().copied().collect())
    .array::<BigInt, _>(touches.values().map(|touch| touch.events).collect())
    .array::<Timestamptz, _>(touches.values().map(|touch| touch.first_seen).collect())
    .array::<Timestamptz, _>(newest().map(|event| event.received).collect())
    .array::<SmallInt, _>(newest().map(|event| event.level as i16).collect())
    .array::<Text, _>(newest().map(|event| event.headline.title.as_str()).collect())
    .array::<Text, _>(newest().map(|event| event.headline.culprit.as_str()).collect())
    .array::<Jsonb, _>(newest().map(metadata).collect())
    .load(conn)
    .await?;
    let came_back = |row: &Row| {
        let status = IssueStatus::from_code(row.status);
        status.is_some_and(|status| status.after_event().1 == Some(IssueChange::Regressed))
    };
    let mut regressed: Vec<_> = before.into_iter().filter(came_back).map(|row| row.id).collect();
    regressed.sort_unstable();
    Ok(regressed)
}

/// Writes down what happened to issues, and why.
async fn write_changes(
    conn: &mut Conn,
    recorded: &Recorded,
    touches: &BTreeMap<IssueId, Touch<'_>>,
) -> Result<()> {
    let changes: Vec<(IssueId, IssueChange, &NewEvent, &str)> = [
        (&recorded.new, IssueChange::FirstSeen, "an event with a new grouping hash"),
        (&recorded.regressed, IssueChange::Regressed, "an event after the issue was resolved"),
    ]
    .into_iter()
    .flat_map(|(issues, change, why)| {
        issues
            .iter()
            .filter_map(move |issue| Some((*issue, change, touches.get(issue)?.newest, why)))
    })
    .collect();
    if changes.is_empty() {
        return Ok(());
    }
    statement(
        "INSERT INTO issue_changes (issue_id, change, changed_at, event_id, reason)
         SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::timestamptz[], $4::uuid[],
             $5::text[])",
    )
    .array::<BigInt, _>(changes.iter().map(|(issue, _, _, _)| *issue).collect())
    .array::<SmallInt, _>(changes.iter().map(|(_, change, _, _)| change.code()).collect())
    .array::<Timestamptz, _>(changes.iter().map(|(_, _, event, _)| event.received).collect())
    .array::<SqlUuid, _>(changes.iter().map(|(_, _, event, _)| event.event_id.0).collect())
    .array::<Text, _>(changes.iter().map(|(_, _, _, why)| *why).collect())
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes when a project had its first event.
async fn mark_first_events(
    conn: &mut Conn,
    events: &[NewEvent],
    stored: &HashSet<Place>,
) -> Result<()> {
    let mut first: BTreeMap<ProjectId, DateTime<Utc>> = BTreeMap::new();
    for event in events.iter().filter(|event| stored.contains(&place_of(event))) {
        let time = first.entry(event.project).or_insert(event.received);
        *time = event.received.min(*time);
    }
    statement(
        "UPDATE projects SET first_event_at = new.received
         FROM unnest($1::bigint[], $2::timestamptz[]) AS new (project_id, received)
         WHERE projects.id = new.project_id AND projects.first_event_at IS NULL",
    )
    .array::<BigInt, _>(first.keys().copied().collect())
    .array::<Timestamptz, _>(first.values().copied().collect())
    .execute(conn)
    .await?;
    Ok(())
}
