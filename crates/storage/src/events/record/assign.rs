//! Which issue each event of a batch belongs to: the one that has its hash, or one that it founds.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Jsonb, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl as _;
use mishap_core::grouping::{GroupingHash, GroupingMechanism, KnownHash, choose};
use mishap_core::id::{IssueId, ProjectId};
use uuid::Uuid;

use super::{NewEvent, Place, metadata, place_of};
use crate::error::Result;
use crate::pool::Conn;
use crate::sql::statement;

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
pub(super) async fn assign_issues<'e>(
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
