//! Issues as they are listed and shown.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz};
use diesel_async::RunQueryDsl as _;
use mishap_core::id::{IssueId, OrganizationId, ProjectId, UserId};
use mishap_core::issue::{IssueChange, IssueStatus};
use mishap_core::page::{Cursor, Page};

use crate::error::Result;
use crate::pool::Conn;
use crate::sql::statement;

/// An issue with what a list shows of its project.
#[derive(Debug, Clone, QueryableByName)]
pub struct IssueRow {
    /// Its number.
    #[diesel(sql_type = BigInt)]
    pub id: IssueId,
    /// Its number within the project.
    #[diesel(sql_type = BigInt)]
    pub number: i64,
    /// What kind of events it has, as a code.
    #[diesel(sql_type = SmallInt)]
    pub issue_type: i16,
    /// How bad it is, as a code.
    #[diesel(sql_type = SmallInt)]
    pub level: i16,
    /// Where it stands, as a code.
    #[diesel(sql_type = SmallInt)]
    pub status: i16,
    /// What it is called.
    #[diesel(sql_type = Text)]
    pub title: String,
    /// Where it happens.
    #[diesel(sql_type = Text)]
    pub culprit: String,
    /// The parts of the title.
    #[diesel(sql_type = Jsonb)]
    pub metadata: serde_json::Value,
    /// When it was first seen.
    #[diesel(sql_type = Timestamptz)]
    pub first_seen: DateTime<Utc>,
    /// When it was last seen.
    #[diesel(sql_type = Timestamptz)]
    pub last_seen: DateTime<Utc>,
    /// How often it was seen.
    #[diesel(sql_type = BigInt)]
    pub events: i64,
    /// How many people it hit.
    #[diesel(sql_type = BigInt)]
    pub people: i64,
    /// Its project.
    #[diesel(sql_type = BigInt)]
    pub project_id: ProjectId,
    /// The project's name in URLs.
    #[diesel(sql_type = Text)]
    pub project_slug: String,
    /// What the project is called.
    #[diesel(sql_type = Text)]
    pub project_name: String,
    /// The project's platform.
    #[diesel(sql_type = Nullable<Text>)]
    pub project_platform: Option<String>,
    /// The organization's name in URLs.
    #[diesel(sql_type = Text)]
    pub organization_slug: String,
}

/// A page of issues, and how many there are in all, at most [`MAX_HITS`].
#[derive(Debug, Clone)]
pub struct IssueList {
    /// The page.
    pub page: Page<IssueRow>,
    /// How many issues match.
    pub hits: i64,
}

/// Matching issues are counted up to this number.
pub const MAX_HITS: i64 = 1000;

/// Which issues are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IssueFilter {
    /// Only those of this project.
    pub project: Option<ProjectId>,
    /// Only those that stand here.
    pub status: Option<IssueStatus>,
}

impl IssueFilter {
    /// The number of the project, or else of the organization.
    fn scope(&self, organization: OrganizationId) -> i64 {
        self.project.map_or(organization.0, |project| project.0)
    }

    /// The codes of what is listed. A list of all rather than none, because PostgreSQL would expect
    /// a condition that may be missing to leave next to nothing, and sort that.
    fn statuses(&self) -> Vec<i16> {
        match self.status {
            Some(status) => vec![status.code()],
            None => IssueStatus::ALL.iter().map(|status| status.code()).collect(),
        }
    }
}

/// The newest-seen issues of an organization.
///
/// Uses `issues_organization_last_seen_idx` or `issues_project_last_seen_idx`: both are sorted by
/// the minute, and within a minute PostgreSQL sorts exactly.
pub async fn list(
    conn: &mut Conn,
    organization: OrganizationId,
    filter: &IssueFilter,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<IssueList> {
    let found = match (filter.project, cursor) {
        (None, None) => LIST_OF_ORGANIZATION,
        (None, Some(cursor)) if cursor.is_backward => LIST_OF_ORGANIZATION_BACKWARD,
        (None, Some(_)) => LIST_OF_ORGANIZATION_ON,
        (Some(_), None) => LIST_OF_PROJECT,
        (Some(_), Some(cursor)) if cursor.is_backward => LIST_OF_PROJECT_BACKWARD,
        (Some(_), Some(_)) => LIST_OF_PROJECT_ON,
    };
    let mut query = statement(found)
        .bind::<BigInt, _>(filter.scope(organization))
        .array::<SmallInt, _>(filter.statuses());
    if let Some(cursor) = cursor {
        let seen = DateTime::from_timestamp_micros(cursor.position).unwrap_or_default();
        let minute = cursor.position.div_euclid(60_000_000);
        query = query
            .bind::<Integer, _>(i32::try_from(minute).unwrap_or_default())
            .bind::<Timestamptz, _>(seen)
            .bind::<BigInt, _>(cursor.id);
    }
    let rows: Vec<IssueRow> =
        query.bind::<BigInt, _>(limit + 1).bind::<BigInt, _>(organization).load(conn).await?;
    let place = |row: &IssueRow| (row.last_seen.timestamp_micros(), row.id.0);
    let page = Page::of(rows, limit, cursor, place);
    let fits = cursor.is_none() && page.next.is_none();
    let hits = if fits {
        i64::try_from(page.items.len()).unwrap_or(i64::MAX)
    } else {
        count(conn, organization, filter).await?
    };
    Ok(IssueList { page, hits })
}

/// One of the statements of a list: what it reads, from where on, in which order.
///
/// The organization stands outside: beside the project, PostgreSQL would take it for a second
/// condition that leaves few rows, and read all of both.
macro_rules! list_statement {
    ($column:literal, $place:literal, $direction:literal, $limit:literal, $organization:literal) => {
        concat!(
            "SELECT i.id, i.number, i.issue_type, i.level, i.status, i.title, i.culprit, i.metadata,
                 i.first_seen, i.last_seen, i.events, coalesce(h.people, 0) AS people, i.project_id,
                 p.slug AS project_slug, p.name AS project_name, p.platform AS project_platform,
                 o.slug AS organization_slug
             FROM (
                 SELECT * FROM issues
                 WHERE ", $column, " = $1 AND status = ANY($2)", $place, "
                 ORDER BY last_seen_minute ", $direction, ", last_seen ", $direction, ",
                     id ", $direction, "
                 LIMIT ", $limit, "
             ) AS i
             JOIN projects p ON p.id = i.project_id
             JOIN organizations o ON o.id = i.organization_id
             LEFT JOIN issue_people h ON h.issue_id = i.id
             WHERE o.id = ", $organization, "
             ORDER BY i.last_seen ", $direction, ", i.id ", $direction
        )
    };
}

/// Rows after a place, or before it.
const LIST_OF_ORGANIZATION: &str = list_statement!("organization_id", "", "DESC", "$3", "$4");
const LIST_OF_ORGANIZATION_ON: &str = list_statement!(
    "organization_id",
    " AND (last_seen_minute, last_seen, id) < ($3, $4, $5)",
    "DESC",
    "$6",
    "$7"
);
const LIST_OF_ORGANIZATION_BACKWARD: &str = list_statement!(
    "organization_id",
    " AND (last_seen_minute, last_seen, id) > ($3, $4, $5)",
    "ASC",
    "$6",
    "$7"
);
const LIST_OF_PROJECT: &str = list_statement!("project_id", "", "DESC", "$3", "$4");
const LIST_OF_PROJECT_ON: &str = list_statement!(
    "project_id",
    " AND (last_seen_minute, last_seen, id) < ($3, $4, $5)",
    "DESC",
    "$6",
    "$7"
);
const LIST_OF_PROJECT_BACKWARD: &str = list_statement!(
    "project_id",
    " AND (last_seen_minute, last_seen, id) > ($3, $4, $5)",
    "ASC",
    "$6",
    "$7"
);

async fn count(conn: &mut Conn, organization: OrganizationId, filter: &IssueFilter) -> Result<i64> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        hits: i64,
    }
    let scope = filter.scope(organization);
    let row: Row = match filter.project {
        None => statement(
            "SELECT count(*) AS hits FROM (
                     SELECT 1 FROM issues WHERE organization_id = $1 AND status = ANY($2) LIMIT $3
                 ) AS matching",
        )
        .bind::<BigInt, _>(scope)
        .array::<SmallInt, _>(filter.statuses())
        .bind::<BigInt, _>(MAX_HITS),
        Some(project) => statement(
            "SELECT count(*) AS hits FROM (
                     SELECT 1 FROM issues WHERE project_id = $1 AND status = ANY($2) LIMIT $3
                 ) AS matching
                 WHERE EXISTS (SELECT 1 FROM projects WHERE id = $4 AND organization_id = $5)",
        )
        .bind::<BigInt, _>(scope)
        .array::<SmallInt, _>(filter.statuses())
        .bind::<BigInt, _>(MAX_HITS)
        .bind::<BigInt, _>(project)
        .bind::<BigInt, _>(organization),
    }
    .get_result(conn)
    .await?;
    Ok(row.hits)
}

/// An issue of an organization that the account is a member of.
pub async fn find_for_member(
    conn: &mut Conn,
    issue: IssueId,
    user: UserId,
) -> Result<Option<IssueRow>> {
    let query = statement(
        "SELECT i.id, i.number, i.issue_type, i.level, i.status, i.title, i.culprit, i.metadata,
             i.first_seen, i.last_seen, i.events, coalesce(h.people, 0) AS people, i.project_id,
             p.slug AS project_slug, p.name AS project_name, p.platform AS project_platform,
             o.slug AS organization_slug
         FROM issues i
         JOIN projects p ON p.id = i.project_id
         JOIN organizations o ON o.id = i.organization_id
         JOIN members m ON m.organization_id = i.organization_id AND m.user_id = $1
         LEFT JOIN issue_people h ON h.issue_id = i.id
         WHERE i.id = $2 AND p.deleted_at IS NULL",
    );
    Ok(query.bind::<BigInt, _>(user).bind::<BigInt, _>(issue).load(conn).await?.pop())
}

/// Sets an issue's status and writes down who did it; says whether it changed.
pub async fn set_status(
    conn: &mut Conn,
    issue: IssueId,
    status: IssueStatus,
    user: Option<UserId>,
) -> Result<bool> {
    let change = match status {
        IssueStatus::Unresolved => IssueChange::Unresolved,
        IssueStatus::Resolved => IssueChange::Resolved,
        IssueStatus::Ignored => IssueChange::Ignored,
    };
    let changed = statement(
        "WITH changed AS (
             UPDATE issues SET status = $1 WHERE id = $2 AND status <> $3 RETURNING id
         )
         INSERT INTO issue_changes (issue_id, change, changed_at, user_id, reason)
         SELECT id, $4, now(), $5, 'set by hand' FROM changed",
    )
    .bind::<SmallInt, _>(status.code())
    .bind::<BigInt, _>(issue)
    .bind::<SmallInt, _>(status.code())
    .bind::<SmallInt, _>(change.code())
    .bind::<Nullable<BigInt>, _>(user)
    .execute(conn)
    .await?;
    Ok(changed > 0)
}

/// Deletes issues of a project that have no events any more and were last seen before `horizon`, at most
/// `limit` at a time; says how many. Uses `issues_project_last_seen_idx`.
pub async fn delete_stale_of(
    conn: &mut Conn,
    project: ProjectId,
    horizon: DateTime<Utc>,
    limit: i64,
) -> Result<usize> {
    let deleted = statement(
        "DELETE FROM issues WHERE id = ANY(ARRAY(
             SELECT i.id FROM issues i WHERE i.project_id = $1 AND i.last_seen_minute <= $2 AND i.last_seen < $3
                 AND NOT EXISTS (SELECT 1 FROM events e WHERE e.issue_id = i.id)
             ORDER BY i.id LIMIT $4 FOR UPDATE SKIP LOCKED))",
    )
    .bind::<BigInt, _>(project)
    .bind::<Integer, _>(i32::try_from(horizon.timestamp() / 60).unwrap_or(i32::MAX))
    .bind::<Timestamptz, _>(horizon)
    .bind::<BigInt, _>(limit)
    .execute(conn)
    .await?;
    Ok(deleted)
}

/// Deletes issues that have no events any more and were last seen before `horizon`; says how many.
///
/// At most `limit` at a time, so that nobody waits long for a lock.
pub async fn delete_stale(conn: &mut Conn, horizon: DateTime<Utc>, limit: i64) -> Result<usize> {
    let deleted = statement(
        "DELETE FROM issues WHERE id = ANY(ARRAY(
             SELECT i.id FROM issues i WHERE i.last_seen < $1
                 AND NOT EXISTS (SELECT 1 FROM events e WHERE e.issue_id = i.id)
             ORDER BY i.id LIMIT $2 FOR UPDATE SKIP LOCKED))",
    )
    .bind::<Timestamptz, _>(horizon)
    .bind::<BigInt, _>(limit)
    .execute(conn)
    .await?;
    Ok(deleted)
}
