//! Projects, and what they want done with what is sent to them.

pub mod keys;
pub mod policies;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, SmallInt, Text};
use diesel_async::RunQueryDsl;
use mishap_core::grouping::GroupingMechanism;
use mishap_core::id::{OrganizationId, ProjectId, TeamId, UserId};
use mishap_core::page::{Cursor, Page};

use crate::error::{Error, Result};
use crate::pool::Conn;
use crate::schema::{members, project_teams, projects};
use crate::sql::{Statement, statement};
use crate::tx::transaction;

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, QueryableByName, Selectable)]
#[diesel(table_name = projects)]
#[diesel(check_for_backend(diesel::pg::Pg))]
pub struct Project {
    /// Its number, which ends its DSNs.
    pub id: ProjectId,
    /// The organization it belongs to.
    pub organization_id: OrganizationId,
    /// What it is called.
    pub name: String,
    /// Its name in URLs.
    pub slug: String,
    /// The language or framework.
    pub platform: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When its first event was received.
    pub first_event_at: Option<DateTime<Utc>>,
    /// Percentage of events to refuse.
    pub event_throttle_rate: i16,
    /// Whether addresses are scrubbed.
    pub scrub_ip_addresses: bool,
}

/// A project of an organization by its slug.
pub async fn find(
    conn: &mut Conn,
    organization: OrganizationId,
    slug: &str,
) -> Result<Option<Project>> {
    let query = projects::table
        .filter(projects::organization_id.eq(organization))
        .filter(projects::slug.eq(slug))
        .filter(projects::deleted_at.is_null());
    Ok(query.select(Project::as_select()).first(conn).await.optional()?)
}

/// Which projects are asked for, by the slugs of their teams.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TeamFilter {
    /// Those that belong to all of these.
    pub inside: Vec<String>,
    /// Those that belong to none of these.
    pub outside: Vec<String>,
}

/// A query for projects of an organization, `$1`, that a filter, `$2` and `$3`, lets through.
macro_rules! filtered {
    ($what:literal, $which:literal) => {
        concat!(
            "SELECT ",
            $what,
            " FROM projects p, (SELECT $1::bigint AS organization_id, $2::text[] AS inside,
                 $3::text[] AS outside) AS wanted
             WHERE p.organization_id = wanted.organization_id AND p.deleted_at IS NULL
                 AND (wanted.inside = '{}' OR wanted.inside <@ ARRAY(
                     SELECT t.slug FROM project_teams l JOIN teams t ON t.id = l.team_id
                     WHERE l.project_id = p.id))
                 AND (wanted.outside = '{}' OR NOT wanted.outside && ARRAY(
                     SELECT t.slug FROM project_teams l JOIN teams t ON t.id = l.team_id
                     WHERE l.project_id = p.id)) ",
            $which
        )
    };
}

/// The projects of an organization, by name; uses `projects_organization_name_idx`.
pub async fn list(
    conn: &mut Conn,
    organization: OrganizationId,
    filter: &TeamFilter,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<Page<Project>> {
    let text = match cursor {
        None => filtered!("p.*", "AND $4 = 0 ORDER BY p.name, p.id LIMIT $5"),
        Some(cursor) if cursor.is_backward => filtered!(
            "p.*",
            "AND (p.name, p.id) < (SELECT name, id FROM projects WHERE id = $4)
             ORDER BY p.name DESC, p.id DESC LIMIT $5"
        ),
        Some(_) => filtered!(
            "p.*",
            "AND (p.name, p.id) > (SELECT name, id FROM projects WHERE id = $4)
             ORDER BY p.name, p.id LIMIT $5"
        ),
    };
    page(conn, narrowed(text, organization, filter), cursor, limit).await
}

fn narrowed<'a>(
    text: &'static str,
    organization: OrganizationId,
    filter: &'a TeamFilter,
) -> Statement<'a> {
    let slugs = |slugs: &'a [String]| slugs.iter().map(String::as_str).collect::<Vec<_>>();
    statement(text)
        .bind::<BigInt, _>(organization)
        .array::<Text, _>(slugs(&filter.inside))
        .array::<Text, _>(slugs(&filter.outside))
}

/// The numbers of an organization's projects, or of those of `some` that it has.
pub async fn ids(
    conn: &mut Conn,
    organization: OrganizationId,
    some: Option<&[ProjectId]>,
) -> Result<Vec<ProjectId>> {
    let mut query = projects::table
        .filter(projects::organization_id.eq(organization))
        .filter(projects::deleted_at.is_null())
        .select(projects::id)
        .into_boxed();
    if let Some(some) = some {
        query = query.filter(projects::id.eq_any(some));
    }
    Ok(query.load(conn).await?)
}

/// The projects of a team, by name; uses `project_teams_team_idx`.
pub async fn list_of_team(
    conn: &mut Conn,
    team: TeamId,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<Page<Project>> {
    let text = match cursor {
        None => {
            "SELECT p.* FROM projects p JOIN project_teams l ON l.project_id = p.id
             WHERE l.team_id = $1 AND p.deleted_at IS NULL AND $2 = 0
             ORDER BY p.name, p.id LIMIT $3"
        }
        Some(cursor) if cursor.is_backward => {
            "SELECT p.* FROM projects p JOIN project_teams l ON l.project_id = p.id
             WHERE l.team_id = $1 AND p.deleted_at IS NULL
                 AND (p.name, p.id) < (SELECT name, id FROM projects WHERE id = $2)
             ORDER BY p.name DESC, p.id DESC LIMIT $3"
        }
        Some(_) => {
            "SELECT p.* FROM projects p JOIN project_teams l ON l.project_id = p.id
             WHERE l.team_id = $1 AND p.deleted_at IS NULL
                 AND (p.name, p.id) > (SELECT name, id FROM projects WHERE id = $2)
             ORDER BY p.name, p.id LIMIT $3"
        }
    };
    page(conn, statement(text).bind::<BigInt, _>(team), cursor, limit).await
}

/// The projects of every organization that the account is a member of, by name.
pub async fn list_for_member(
    conn: &mut Conn,
    user: UserId,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<Page<Project>> {
    let text = match cursor {
        None => {
            "SELECT p.* FROM projects p JOIN members m USING (organization_id)
             WHERE m.user_id = $1 AND p.deleted_at IS NULL AND $2 = 0
             ORDER BY p.name, p.id LIMIT $3"
        }
        Some(cursor) if cursor.is_backward => {
            "SELECT p.* FROM projects p JOIN members m USING (organization_id)
             WHERE m.user_id = $1 AND p.deleted_at IS NULL
                 AND (p.name, p.id) < (SELECT name, id FROM projects WHERE id = $2)
             ORDER BY p.name DESC, p.id DESC LIMIT $3"
        }
        Some(_) => {
            "SELECT p.* FROM projects p JOIN members m USING (organization_id)
             WHERE m.user_id = $1 AND p.deleted_at IS NULL
                 AND (p.name, p.id) > (SELECT name, id FROM projects WHERE id = $2)
             ORDER BY p.name, p.id LIMIT $3"
        }
    };
    page(conn, statement(text).bind::<BigInt, _>(user), cursor, limit).await
}

/// How many projects of an organization a filter lets through.
pub async fn count(
    conn: &mut Conn,
    organization: OrganizationId,
    filter: &TeamFilter,
) -> Result<i64> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        projects: i64,
    }
    let query = narrowed(filtered!("count(*) AS projects", ""), organization, filter);
    Ok(query.get_result::<Row>(conn).await?.projects)
}

/// How many projects a team has.
pub async fn count_of_team(conn: &mut Conn, team: TeamId) -> Result<i64> {
    let query = project_teams::table
        .inner_join(projects::table)
        .filter(project_teams::team_id.eq(team))
        .filter(projects::deleted_at.is_null());
    Ok(query.count().get_result(conn).await?)
}

/// How many projects the organizations of an account have.
pub async fn count_for_member(conn: &mut Conn, user: UserId) -> Result<i64> {
    let own = members::table.filter(members::user_id.eq(user)).select(members::organization_id);
    let query = projects::table
        .filter(projects::organization_id.eq_any(own))
        .filter(projects::deleted_at.is_null());
    Ok(query.count().get_result(conn).await?)
}

/// Reads a page whose cursor names a project.
async fn page(
    conn: &mut Conn,
    query: Statement<'_>,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<Page<Project>> {
    let found = query
        .bind::<BigInt, _>(cursor.map_or(0, |cursor| cursor.position))
        .bind::<BigInt, _>(limit + 1)
        .load(conn)
        .await?;
    Ok(Page::of(found, limit, cursor, |project: &Project| (project.id.0, 0)))
}

/// A project to be made.
#[derive(Debug, Clone)]
pub struct NewProject<'a> {
    /// What it is called.
    pub name: &'a str,
    /// The slugs to try, the best first.
    pub slugs: &'a [String],
    /// The language or framework.
    pub platform: Option<&'a str>,
    /// Percentage of events to refuse.
    pub event_throttle_rate: i16,
}

/// Makes a project with the first of its slugs that is free in the organization.
pub async fn insert(
    conn: &mut Conn,
    organization: OrganizationId,
    new: &NewProject<'_>,
) -> Result<Project> {
    transaction(conn, async |conn: &mut Conn| {
        let made = statement(
            "INSERT INTO projects
                 (organization_id, name, slug, platform, event_throttle_rate, grouping_mechanism)
             SELECT $1, $2, wanted.slug, $3, $4, $5
             FROM unnest($6::text[]) WITH ORDINALITY AS wanted (slug, place)
             WHERE NOT EXISTS (
                 SELECT 1 FROM projects p WHERE p.organization_id = $7 AND p.slug = wanted.slug)
             ORDER BY wanted.place LIMIT 1 RETURNING *",
        )
        .bind::<BigInt, _>(organization)
        .bind::<Text, _>(new.name)
        .bind::<Nullable<Text>, _>(new.platform)
        .bind::<SmallInt, _>(new.event_throttle_rate)
        .bind::<SmallInt, _>(GroupingMechanism::DEFAULT.code())
        .array::<Text, _>(new.slugs.to_vec())
        .bind::<BigInt, _>(organization)
        .get_result(conn)
        .await
        .optional()?;
        made.ok_or_else(|| Error::Inconsistent {
            table: "projects",
            what: format!("all of {} slugs for {:?} are taken", new.slugs.len(), new.name),
        })
    })
    .await
}

/// What is to be different in a project.
#[derive(Debug, Clone)]
pub struct ProjectChange<'a> {
    /// What it is called.
    pub name: &'a str,
    /// Its name in URLs, if that changes.
    pub slug: Option<&'a str>,
    /// The language or framework, or that there is none, if that changes.
    pub platform: Option<Option<&'a str>>,
    /// Percentage of events to refuse, if that changes.
    pub event_throttle_rate: Option<i16>,
}

/// Changes a project; nothing if the slug is taken, or the project was deleted meanwhile.
pub async fn update(
    conn: &mut Conn,
    project: ProjectId,
    change: &ProjectChange<'_>,
) -> Result<Option<Project>> {
    let changed = statement(
        "UPDATE projects SET name = $1, slug = coalesce($2, slug),
             platform = CASE WHEN $3 THEN $4 ELSE platform END,
             event_throttle_rate = coalesce($5, event_throttle_rate)
         WHERE id = $6 AND deleted_at IS NULL AND NOT EXISTS (
             SELECT 1 FROM projects other
             WHERE other.organization_id = projects.organization_id AND other.slug = $7
                 AND other.id <> projects.id)
         RETURNING *",
    )
    .bind::<Text, _>(change.name)
    .bind::<Nullable<Text>, _>(change.slug)
    .bind::<Bool, _>(change.platform.is_some())
    .bind::<Nullable<Text>, _>(change.platform.flatten())
    .bind::<Nullable<SmallInt>, _>(change.event_throttle_rate)
    .bind::<BigInt, _>(project)
    .bind::<Nullable<Text>, _>(change.slug)
    .get_result(conn)
    .await
    .optional()?;
    Ok(changed)
}

/// Takes a project out of everybody's sight and frees its slug; says whether it was there. What
/// belongs to it is purged later, in small steps.
pub async fn delete(conn: &mut Conn, project: ProjectId) -> Result<bool> {
    let gone = statement(
        "UPDATE projects SET deleted_at = now(), slug = 'deleted.' || id
         WHERE id = $1 AND deleted_at IS NULL",
    )
    .bind::<BigInt, _>(project)
    .execute(conn)
    .await?;
    Ok(gone > 0)
}
