//! Everybody's projects.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, SmallInt, Text, Timestamptz};
use diesel_async::RunQueryDsl as _;
use mishap_core::grouping::GroupingMechanism;
use mishap_core::id::{OrganizationId, ProjectId};
use mishap_core::outcome::Reason;
use mishap_core::page::{Cursor, Page};

use super::{SEARCHED, is_backward, pattern, place};
use crate::error::Result;
use crate::pool::Conn;
use crate::projects::Project;
use crate::sql::statement;

/// A project in a list, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct ListedProject {
    /// Its number.
    #[diesel(sql_type = BigInt)]
    pub id: ProjectId,
    /// What it is called.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Its name in URLs.
    #[diesel(sql_type = Text)]
    pub slug: String,
    /// The language or framework.
    #[diesel(sql_type = Nullable<Text>)]
    pub platform: Option<String>,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When its first event was received.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub first_event_at: Option<DateTime<Utc>>,
    /// Percentage of events to refuse.
    #[diesel(sql_type = SmallInt)]
    pub event_throttle_rate: i16,
    /// The organization it belongs to.
    #[diesel(sql_type = BigInt)]
    pub organization_id: OrganizationId,
    /// What that is called.
    #[diesel(sql_type = Text)]
    pub organization: String,
}

/// A list of projects from a place (`$1`) on.
macro_rules! projects_query {
    ($beyond:literal, $order:literal) => {
        concat!(
            "SELECT p.id, p.name, p.slug, p.platform, p.created_at, p.first_event_at,
                 p.event_throttle_rate, p.organization_id, o.name AS organization
             FROM (
                 SELECT * FROM (
                     SELECT * FROM projects WHERE id ",
            $beyond,
            " $1 ORDER BY id ",
            $order,
            " LIMIT $2) AS near
                 WHERE deleted_at IS NULL
                     AND (name ILIKE $3 OR slug ILIKE $4 OR id::text = $5)
                 ORDER BY id ",
            $order,
            " LIMIT $6) AS p JOIN organizations o ON o.id = p.organization_id ORDER BY p.id ",
            $order
        )
    };
}

/// Projects whose name or slug contains a text or whose number it is, the newest first.
pub async fn list(
    conn: &mut Conn,
    search: Option<&str>,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<Page<ListedProject>> {
    let text = match is_backward(cursor) {
        true => projects_query!(">", "ASC"),
        false => projects_query!("<", "DESC"),
    };
    let pattern = pattern(search);
    let found = statement(text)
        .bind::<BigInt, _>(place(cursor))
        .bind::<BigInt, _>(SEARCHED)
        .bind::<Text, _>(pattern.clone())
        .bind::<Text, _>(pattern)
        .bind::<Text, _>(search.unwrap_or_default().trim())
        .bind::<BigInt, _>(limit + 1)
        .load(conn)
        .await?;
    Ok(Page::of(found, limit, cursor, |project: &ListedProject| (project.id.0, 0)))
}

/// A project with whose it is, and what only administrators see.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct WholeProject {
    /// What everybody sees of it.
    #[diesel(embed)]
    pub project: Project,
    /// What the organization is called.
    #[diesel(sql_type = Text)]
    pub organization: String,
    #[diesel(sql_type = SmallInt)]
    grouping_mechanism: i16,
    /// Days that its events are kept, if less than its organization's or the installation's.
    #[diesel(sql_type = Nullable<Integer>)]
    pub retention_days: Option<i32>,
    /// The number of its newest issue, which is how many there ever were.
    #[diesel(sql_type = BigInt)]
    pub last_issue_number: i64,
}

impl WholeProject {
    /// How its events are grouped.
    pub fn mechanism(&self) -> GroupingMechanism {
        GroupingMechanism::from_code(self.grouping_mechanism).unwrap_or(GroupingMechanism::DEFAULT)
    }
}

/// The project with this number, unless it was deleted.
pub async fn find(conn: &mut Conn, project: ProjectId) -> Result<Option<WholeProject>> {
    let found = statement(
        "SELECT p.*, o.name AS organization
         FROM projects p JOIN organizations o ON o.id = p.organization_id
         WHERE p.id = $1 AND p.deleted_at IS NULL",
    );
    Ok(found.bind::<BigInt, _>(project).load(conn).await?.pop())
}

/// Events of a project that were stored in the last 30 days, as far as they are folded; uses the key
/// of `outcomes`.
pub async fn stored_events(conn: &mut Conn, project: ProjectId) -> Result<i64> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        events: i64,
    }
    let row: Row = statement(
        "SELECT coalesce(sum(quantity), 0)::bigint AS events FROM outcomes
         WHERE project_id = $1 AND reason = $2 AND hour > now() - interval '30 days'",
    )
    .bind::<BigInt, _>(project)
    .bind::<SmallInt, _>(Reason::Ok.code())
    .get_result(conn)
    .await?;
    Ok(row.events)
}

/// What a project is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectSettings {
    /// What it is called.
    pub name: String,
    /// Its name in URLs.
    pub slug: String,
    /// The language or framework.
    pub platform: Option<String>,
    /// Percentage of events to refuse.
    pub event_throttle_rate: i16,
    /// Whether addresses are scrubbed.
    pub scrub_ip_addresses: bool,
    /// How its events are grouped.
    pub mechanism: GroupingMechanism,
    /// Days that its events are kept, if not its organization's or the installation's.
    pub retention_days: Option<i32>,
}

/// Changes a project, unless another one of its organization has the slug; says whether it was changed.
pub async fn update(
    conn: &mut Conn,
    project: ProjectId,
    settings: &ProjectSettings,
) -> Result<bool> {
    let changed = statement(
        "UPDATE projects SET name = $1, slug = $2, platform = $3, event_throttle_rate = $4,
             scrub_ip_addresses = $5, grouping_mechanism = $6, retention_days = $7
         WHERE id = $8 AND deleted_at IS NULL AND NOT EXISTS (
             SELECT 1 FROM projects other
             WHERE other.organization_id = projects.organization_id AND other.slug = $9
                 AND other.id <> projects.id)",
    )
    .bind::<Text, _>(&settings.name)
    .bind::<Text, _>(&settings.slug)
    .bind::<Nullable<Text>, _>(settings.platform.as_deref())
    .bind::<SmallInt, _>(settings.event_throttle_rate)
    .bind::<Bool, _>(settings.scrub_ip_addresses)
    .bind::<SmallInt, _>(settings.mechanism.code())
    .bind::<Nullable<Integer>, _>(settings.retention_days)
    .bind::<BigInt, _>(project)
    .bind::<Text, _>(&settings.slug)
    .execute(conn)
    .await?;
    Ok(changed > 0)
}

/// What a project and its organization are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectName {
    /// The organization's name in URLs.
    pub organization: String,
    /// The project's name in URLs.
    pub project: String,
}

/// What projects are called, those that were deleted left out.
pub async fn names(
    conn: &mut Conn,
    projects: &[ProjectId],
) -> Result<HashMap<ProjectId, ProjectName>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        id: ProjectId,
        #[diesel(sql_type = Text)]
        organization: String,
        #[diesel(sql_type = Text)]
        project: String,
    }
    let rows: Vec<Row> = statement(
        "SELECT p.id, o.slug AS organization, p.slug AS project
         FROM projects p JOIN organizations o ON o.id = p.organization_id
         WHERE p.id = ANY($1) AND p.deleted_at IS NULL",
    )
    .array::<BigInt, _>(projects.to_vec())
    .load(conn)
    .await?;
    let named = |Row { id, organization, project }| (id, ProjectName { organization, project });
    Ok(rows.into_iter().map(named).collect())
}
