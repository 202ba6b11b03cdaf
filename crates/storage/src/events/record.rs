//! Records a batch of digested events, in one transaction.
//!
//! The effect is exactly once: what counts is what was inserted. An event whose id is known, from
//! this batch, from another worker, or from a redelivery, changes nothing but the count of
//! duplicates.
//!
//! Rows are locked in one order, so that two workers never wait for each other in a circle:
//! projects (only to found issues), events by (project, id), issues by id.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{
    BigInt, Binary, Bool, Jsonb, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl as _;
use mishap_core::grouping::{GroupingHash, GroupingHashes, GroupingMechanism, KnownHash, choose};
use mishap_core::id::{DictionaryId, EventId, IssueId, OrganizationId, ProjectId};
use mishap_core::issue::{IssueChange, IssueStatus};
use mishap_core::outcome::Reason;
use mishap_core::tally::Tally;
use mishap_core::title::Headline;
use mishap_protocol::envelope::DataCategory;
use mishap_protocol::event::Level;
use uuid::Uuid;

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

/// What founds an issue.
type Founding = (ProjectId, GroupingMechanism, GroupingHash);

fn founding_of(event: &NewEvent) -> Founding {
    (event.project, event.mechanism, event.hashes.get(event.mechanism))
}

/// Finds the issue of each event, founding those that are missing.
///
/// An event that was found by another mechanism's hash than its project's has that one written down
/// too, so that events like it are found even when the other hash differs.
///
/// Returns where each event belongs, and the issues that were founded with the founding events.
async fn assign_issues<'e>(
    conn: &mut Conn,
    events: &'e [NewEvent],
) -> Result<(HashMap<Place, IssueId>, Vec<IssueId>)> {
    let mut issue_of = HashMap::with_capacity(events.len());
    let mut missing: Vec<&'e NewEvent> = Vec::new();
    let mut unwritten: Vec<(Founding, IssueId, bool)> = Vec::new();
    let mut assign =
        |known: &KnownHashes, events: &[&'e NewEvent], issue_of: &mut HashMap<_, _>| {
            let mut missing = Vec::new();
            for event in events {
                match known.issue_of(event) {
                    Some(issue) => {
                        issue_of.insert(place_of(event), issue);
                        if !known.has(&founding_of(event)) {
                            unwritten.push((founding_of(event), issue, false));
                        }
                    }
                    None => missing.push(*event),
                }
            }
            missing
        };
    let all: Vec<&NewEvent> = events.iter().collect();
    let known = find_hashes(conn, &all).await?;
    missing.extend(assign(&known, &all, &mut issue_of));
    if missing.is_empty() {
        insert_hashes(conn, unwritten).await?;
        return Ok((issue_of, Vec::new()));
    }
    // Whoever founds issues of a project holds its row, so what another worker founded while we
    // waited for it can be seen now.
    lock_projects(conn, &missing).await?;
    let known = find_hashes(conn, &missing).await?;
    let missing = assign(&known, &missing, &mut issue_of);
    insert_hashes(conn, unwritten).await?;
    let mut founders: BTreeMap<Founding, &NewEvent> = BTreeMap::new();
    for event in &missing {
        let founder = founders.entry(founding_of(event)).or_insert(event);
        if event.received < founder.received {
            *founder = event;
        }
    }
    let founded = found_issues(conn, &founders).await?;
    for event in missing {
        if let Some(issue) = founded.get(&founding_of(event)) {
            issue_of.insert(place_of(event), *issue);
        }
    }
    Ok((issue_of, founded.into_values().collect()))
}

/// Stored hashes, by project.
#[derive(Default)]
struct KnownHashes(HashMap<ProjectId, HashMap<GroupingHash, Vec<KnownHash>>>);

impl KnownHashes {
    fn has(&self, (project, mechanism, hash): &Founding) -> bool {
        let known = self.0.get(project).and_then(|of_project| of_project.get(hash));
        known.is_some_and(|known| known.iter().any(|known| known.mechanism == *mechanism))
    }

    fn issue_of(&self, event: &NewEvent) -> Option<IssueId> {
        let of_project = self.0.get(&event.project)?;
        let known: Vec<KnownHash> = event
            .hashes
            .iter()
            .filter_map(|(_, hash)| of_project.get(&hash))
            .flatten()
            .copied()
            .collect();
        choose(&event.hashes, event.mechanism, &known)
    }
}

async fn find_hashes(conn: &mut Conn, events: &[&NewEvent]) -> Result<KnownHashes> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        project_id: ProjectId,
        #[diesel(sql_type = SmallInt)]
        mechanism: i16,
        #[diesel(sql_type = SqlUuid)]
        hash: Uuid,
        #[diesel(sql_type = BigInt)]
        issue_id: IssueId,
        #[diesel(sql_type = Bool)]
        decides: bool,
    }
    let wanted: BTreeSet<Founding> = events
        .iter()
        .flat_map(|event| {
            event.hashes.iter().map(|(mechanism, hash)| (event.project, mechanism, hash))
        })
        .collect();
    let rows: Vec<Row> = statement(
        "SELECT h.project_id, h.mechanism, h.hash, h.issue_id, h.decides
         FROM unnest($1::bigint[], $2::smallint[], $3::uuid[])
             AS wanted (project_id, mechanism, hash)
         JOIN issue_hashes h USING (project_id, mechanism, hash)",
    )
    .array::<BigInt, _>(wanted.iter().map(|(project, _, _)| *project).collect())
    .array::<SmallInt, _>(wanted.iter().map(|(_, mechanism, _)| mechanism.code()).collect())
    .array::<SqlUuid, _>(wanted.iter().map(|(_, _, hash)| Uuid::from_bytes(hash.0)).collect())
    .load(conn)
    .await?;
    let mut known = KnownHashes::default();
    for row in rows {
        // A mechanism of a newer version decides nothing here.
        let Some(mechanism) = GroupingMechanism::from_code(row.mechanism) else {
            continue;
        };
        let hash = GroupingHash(row.hash.into_bytes());
        let of_project = known.0.entry(row.project_id).or_default();
        of_project.entry(hash).or_default().push(KnownHash {
            mechanism,
            hash,
            issue: row.issue_id,
            decides: row.decides,
        });
    }
    Ok(known)
}

async fn lock_projects(conn: &mut Conn, events: &[&NewEvent]) -> Result<()> {
    let projects: BTreeSet<ProjectId> = events.iter().map(|event| event.project).collect();
    statement("SELECT id FROM projects WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE")
        .array::<BigInt, _>(projects.into_iter().collect())
        .execute(conn)
        .await?;
    Ok(())
}

/// Makes an issue of each founding event, with a number of its project, and writes its hashes down.
async fn found_issues(
    conn: &mut Conn,
    founders: &BTreeMap<Founding, &NewEvent>,
) -> Result<HashMap<Founding, IssueId>> {
    #[derive(QueryableByName)]
    struct Numbered {
        #[diesel(sql_type = BigInt)]
        id: ProjectId,
        #[diesel(sql_type = BigInt)]
        last_issue_number: i64,
    }
    #[derive(QueryableByName)]
    struct Founded {
        #[diesel(sql_type = BigInt)]
        id: IssueId,
        #[diesel(sql_type = BigInt)]
        project_id: ProjectId,
        #[diesel(sql_type = BigInt)]
        number: i64,
    }
    if founders.is_empty() {
        return Ok(HashMap::new());
    }
    let mut wanted: BTreeMap<ProjectId, i64> = BTreeMap::new();
    for (project, _, _) in founders.keys() {
        *wanted.entry(*project).or_default() += 1;
    }
    let numbered: Vec<Numbered> = statement(
        "UPDATE projects SET last_issue_number = last_issue_number + wanted.issues
         FROM unnest($1::bigint[], $2::bigint[]) AS wanted (project_id, issues)
         WHERE projects.id = wanted.project_id
         RETURNING projects.id, projects.last_issue_number",
    )
    .array::<BigInt, _>(wanted.keys().copied().collect())
    .array::<BigInt, _>(wanted.values().copied().collect())
    .load(conn)
    .await?;
    let mut next: HashMap<ProjectId, i64> = numbered
        .into_iter()
        .map(|row| {
            let issues = wanted.get(&row.id).copied().unwrap_or_default();
            (row.id, row.last_issue_number - issues)
        })
        .collect();
    // Issues are numbered in the order in which they happened.
    let mut in_order: Vec<(&Founding, &&NewEvent)> = founders.iter().collect();
    in_order.sort_by_key(|(_, event)| event.received);
    let mut rows: Vec<(i64, Founding, &NewEvent)> = Vec::with_capacity(founders.len());
    for (founding, event) in in_order {
        // A project that was deleted meanwhile has no numbers to give.
        let Some(number) = next.get_mut(&event.project) else {
            continue;
        };
        *number += 1;
        rows.push((*number, *founding, event));
    }
    let events = || rows.iter().map(|(_, _, event)| *event);
    let founded: Vec<Founded> = statement(
        "INSERT INTO issues (organization_id, project_id, number, mechanism, issue_type, level,
             platform, title, culprit, metadata, first_seen, last_seen)
         SELECT organization_id, project_id, number, mechanism, issue_type, level, platform, title,
             culprit, metadata, first_seen, first_seen
         FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::smallint[], $5::smallint[],
             $6::smallint[], $7::text[], $8::text[], $9::text[], $10::jsonb[], $11::timestamptz[])
             AS new (organization_id, project_id, number, mechanism, issue_type, level, platform,
                 title, culprit, metadata, first_seen)
         RETURNING id, project_id, number",
    )
    .array::<BigInt, _>(events().map(|event| event.organization).collect())
    .array::<BigInt, _>(events().map(|event| event.project).collect())
    .array::<BigInt, _>(rows.iter().map(|(number, _, _)| *number).collect())
    .array::<SmallInt, _>(events().map(|event| event.mechanism.code()).collect())
    .array::<SmallInt, _>(events().map(|event| event.headline.issue_type.code()).collect())
    .array::<SmallInt, _>(events().map(|event| event.level as i16).collect())
    .nullable_array::<Text, _>(events().map(|event| event.platform.as_deref()).collect())
    .array::<Text, _>(events().map(|event| event.headline.title.as_str()).collect())
    .array::<Text, _>(events().map(|event| event.headline.culprit.as_str()).collect())
    .array::<Jsonb, _>(events().map(metadata).collect())
    .array::<Timestamptz, _>(events().map(|event| event.received).collect())
    .load(conn)
    .await?;
    let ids: HashMap<(ProjectId, i64), IssueId> =
        founded.into_iter().map(|row| ((row.project_id, row.number), row.id)).collect();
    let mut issues = HashMap::with_capacity(rows.len());
    let mut hashes: Vec<(Founding, IssueId, bool)> = Vec::with_capacity(rows.len() * 2);
    for (number, founding, event) in &rows {
        let Some(issue) = ids.get(&(event.project, *number)).copied() else {
            continue;
        };
        issues.insert(*founding, issue);
        for (mechanism, hash) in event.hashes.iter() {
            let decides = mechanism == event.mechanism;
            hashes.push(((event.project, mechanism, hash), issue, decides));
        }
    }
    insert_hashes(conn, hashes).await?;
    Ok(issues)
}

/// Writes hashes down. One that decides must be new; another one belongs to whoever had it first.
async fn insert_hashes(conn: &mut Conn, mut hashes: Vec<(Founding, IssueId, bool)>) -> Result<()> {
    hashes.sort_unstable_by_key(|(founding, _, decides)| (*founding, !*decides));
    for decides in [true, false] {
        let rows: Vec<_> = hashes.iter().filter(|(_, _, row)| *row == decides).collect();
        if rows.is_empty() {
            continue;
        }
        // A conflict over a deciding hash must not pass: the transaction begins again.
        let text = if decides {
            "INSERT INTO issue_hashes (project_id, mechanism, hash, issue_id, decides)
             SELECT *, true FROM unnest($1::bigint[], $2::smallint[], $3::uuid[], $4::bigint[])"
        } else {
            "INSERT INTO issue_hashes (project_id, mechanism, hash, issue_id, decides)
             SELECT *, false FROM unnest($1::bigint[], $2::smallint[], $3::uuid[], $4::bigint[])
             ON CONFLICT DO NOTHING"
        };
        statement(text)
            .array::<BigInt, _>(rows.iter().map(|((project, _, _), _, _)| *project).collect())
            .array::<SmallInt, _>(
                rows.iter().map(|((_, mechanism, _), _, _)| mechanism.code()).collect(),
            )
            .array::<SqlUuid, _>(
                rows.iter().map(|((_, _, hash), _, _)| Uuid::from_bytes(hash.0)).collect(),
            )
            .array::<BigInt, _>(rows.iter().map(|(_, issue, _)| *issue).collect())
            .execute(conn)
            .await?;
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

/// Inserts attachments of events that were stored before or now, which is in `stored` with the
/// times of their arrival.
///
/// Those that came together with an event that was known already are duplicates like the event.
async fn insert_attachments(
    conn: &mut Conn,
    attachments: Vec<NewAttachment>,
    stored: &HashMap<Place, DateTime<Utc>>,
    tally: &mut Tally,
) -> Result<()> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        project_id: ProjectId,
        #[diesel(sql_type = SqlUuid)]
        event_id: Uuid,
    }
    if attachments.is_empty() {
        return Ok(());
    }
    let place = |attachment: &NewAttachment| (attachment.project, attachment.event_id);
    let others: BTreeSet<Place> = attachments
        .iter()
        .filter(|attachment| !attachment.came_with_event)
        .map(place)
        .filter(|place| !stored.contains_key(place))
        .collect();
    let earliest = attachments.iter().map(|attachment| attachment.received).min();
    let known: HashSet<Place> = if others.is_empty() {
        HashSet::new()
    } else {
        let rows: Vec<Row> = statement(
            "SELECT DISTINCT e.project_id, e.event_id
             FROM unnest($1::bigint[], $2::uuid[]) AS wanted (project_id, event_id)
             JOIN events e USING (project_id, event_id) WHERE e.received >= $3",
        )
        .array::<BigInt, _>(others.iter().map(|(project, _)| *project).collect())
        .array::<SqlUuid, _>(others.iter().map(|(_, event)| event.0).collect())
        .bind::<Nullable<Timestamptz>, _>(earliest.map(|time| time - DEDUPE_HORIZON))
        .load(conn)
        .await?;
        rows.into_iter().map(|row| (row.project_id, EventId(row.event_id))).collect()
    };
    let mut kept = Vec::with_capacity(attachments.len());
    for attachment in attachments {
        let place = place(&attachment);
        let arrival = stored.get(&place);
        let reason = match attachment.came_with_event {
            true if arrival == Some(&attachment.received) => Reason::Ok,
            true => Reason::Duplicate,
            false if arrival.is_some() || known.contains(&place) => Reason::Ok,
            false => Reason::Orphaned,
        };
        let category = DataCategory::Attachment;
        tally.count(attachment.project, attachment.received, category, reason, 1);
        if reason == Reason::Ok {
            kept.push(attachment);
        }
    }
    statement(
        "INSERT INTO attachments (project_id, event_id, received, place, filename, content_type,
             attachment_type, size, body)
         SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::timestamptz[], $4::smallint[],
             $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bytea[])
         ON CONFLICT DO NOTHING",
    )
    .array::<BigInt, _>(kept.iter().map(|row| row.project).collect())
    .array::<SqlUuid, _>(kept.iter().map(|row| row.event_id.0).collect())
    .array::<Timestamptz, _>(kept.iter().map(|row| row.received).collect())
    .array::<SmallInt, _>(kept.iter().map(|row| row.place).collect())
    .array::<Text, _>(kept.iter().map(|row| row.filename.as_str()).collect())
    .nullable_array::<Text, _>(kept.iter().map(|row| row.content_type.as_deref()).collect())
    .nullable_array::<Text, _>(kept.iter().map(|row| row.attachment_type.as_deref()).collect())
    .array::<BigInt, _>(kept.iter().map(|row| row.size).collect())
    .array::<Binary, _>(kept.iter().map(|row| row.body.as_slice()).collect())
    .execute(conn)
    .await?;
    Ok(())
}
