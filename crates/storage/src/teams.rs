//! Teams: members who look after projects together.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use mishap_core::id::{MemberId, OrganizationId, ProjectId, TeamId, UserId};
use mishap_core::page::{Cursor, Page};

use crate::error::Result;
use crate::pool::Conn;
use crate::projects::Project;
use crate::schema::{members, project_teams, projects, team_members, teams};
use crate::sql::{Statement, statement};

/// A team, as one member of its organization sees it.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Team {
    /// Its number.
    #[diesel(sql_type = BigInt)]
    pub id: TeamId,
    /// The organization it belongs to.
    #[diesel(sql_type = BigInt)]
    pub organization_id: OrganizationId,
    /// Its name in URLs.
    #[diesel(sql_type = Text)]
    pub slug: String,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// How many members it has.
    #[diesel(sql_type = BigInt)]
    pub members: i64,
    /// Whether the one who looks is in it.
    #[diesel(sql_type = Bool)]
    pub is_member: bool,
}

/// A query for teams as a member sees them, `$1`, of an organization, `$2`.
macro_rules! teams_query {
    ($from:literal, $which:literal) => {
        concat!(
            "SELECT t.id, t.organization_id, t.slug, t.created_at,
                 (SELECT count(*) FROM team_members m WHERE m.team_id = t.id) AS members,
                 EXISTS (SELECT 1 FROM team_members m WHERE m.team_id = t.id AND m.member_id = $1)
                     AS is_member
             FROM ",
            $from,
            " WHERE t.organization_id = $2 AND ",
            $which
        )
    };
}

/// A team of an organization by its slug, as `viewer` sees it.
pub async fn find(
    conn: &mut Conn,
    organization: OrganizationId,
    slug: &str,
    viewer: MemberId,
) -> Result<Option<Team>> {
    let found = statement(teams_query!("teams t", "t.slug = $3"))
        .bind::<BigInt, _>(viewer)
        .bind::<BigInt, _>(organization)
        .bind::<Text, _>(slug)
        .get_result(conn)
        .await
        .optional()?;
    Ok(found)
}

/// The teams of an organization, the newest first; uses `teams_organization_idx`.
pub async fn list(
    conn: &mut Conn,
    organization: OrganizationId,
    viewer: MemberId,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<Page<Team>> {
    let text = match cursor {
        Some(cursor) if cursor.is_backward => {
            teams_query!("teams t", "t.id > $3 ORDER BY t.id LIMIT $4")
        }
        Some(_) | None => teams_query!("teams t", "t.id < $3 ORDER BY t.id DESC LIMIT $4"),
    };
    let query = statement(text).bind::<BigInt, _>(viewer).bind::<BigInt, _>(organization);
    page(conn, query, cursor, limit).await
}

/// The teams of a project, the newest first; uses the unique key of `project_teams`.
pub async fn list_of_project(
    conn: &mut Conn,
    organization: OrganizationId,
    project: ProjectId,
    viewer: MemberId,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<Page<Team>> {
    let text = match cursor {
        Some(cursor) if cursor.is_backward => teams_query!(
            "project_teams p JOIN teams t ON t.id = p.team_id",
            "p.project_id = $3 AND p.team_id > $4 ORDER BY p.team_id LIMIT $5"
        ),
        Some(_) | None => teams_query!(
            "project_teams p JOIN teams t ON t.id = p.team_id",
            "p.project_id = $3 AND p.team_id < $4 ORDER BY p.team_id DESC LIMIT $5"
        ),
    };
    let query = statement(text)
        .bind::<BigInt, _>(viewer)
        .bind::<BigInt, _>(organization)
        .bind::<BigInt, _>(project);
    page(conn, query, cursor, limit).await
}

/// Reads a page whose cursor names a team.
async fn page(
    conn: &mut Conn,
    query: Statement<'_>,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<Page<Team>> {
    let found = query
        .bind::<BigInt, _>(cursor.map_or(i64::MAX, |cursor| cursor.position))
        .bind::<BigInt, _>(limit + 1)
        .load(conn)
        .await?;
    Ok(Page::of(found, limit, cursor, |team: &Team| (team.id.0, 0)))
}

/// How many teams an organization has.
pub async fn count(conn: &mut Conn, organization: OrganizationId) -> Result<i64> {
    let query = teams::table.filter(teams::organization_id.eq(organization));
    Ok(query.count().get_result(conn).await?)
}

/// How many teams a project has.
pub async fn count_of_project(conn: &mut Conn, project: ProjectId) -> Result<i64> {
    let query = project_teams::table.filter(project_teams::project_id.eq(project));
    Ok(query.count().get_result(conn).await?)
}

/// Makes a team; nothing if the slug is taken.
pub async fn insert(
    conn: &mut Conn,
    organization: OrganizationId,
    slug: &str,
) -> Result<Option<TeamId>> {
    let made = diesel::insert_into(teams::table)
        .values((teams::organization_id.eq(organization), teams::slug.eq(slug)))
        .on_conflict((teams::organization_id, teams::slug))
        .do_nothing()
        .returning(teams::id)
        .get_result(conn)
        .await
        .optional()?;
    Ok(made)
}

/// Gives a team another slug; says whether it was free.
pub async fn rename(conn: &mut Conn, team: &Team, slug: &str) -> Result<bool> {
    let renamed = statement(
        "UPDATE teams SET slug = $1 WHERE id = $2 AND NOT EXISTS (
             SELECT 1 FROM teams other
             WHERE other.organization_id = $3 AND other.slug = $4 AND other.id <> $5)",
    )
    .bind::<Text, _>(slug)
    .bind::<BigInt, _>(team.id)
    .bind::<BigInt, _>(team.organization_id)
    .bind::<Text, _>(slug)
    .bind::<BigInt, _>(team.id)
    .execute(conn)
    .await?;
    Ok(renamed > 0)
}

/// Deletes a team; its projects and members stay.
pub async fn delete(conn: &mut Conn, team: TeamId) -> Result<()> {
    diesel::delete(teams::table.find(team)).execute(conn).await?;
    Ok(())
}

/// Puts a member into teams; says whether there was one that it was not in.
pub async fn add_member(conn: &mut Conn, teams: &[TeamId], member: MemberId) -> Result<bool> {
    let rows: Vec<_> = teams
        .iter()
        .map(|team| (team_members::team_id.eq(*team), team_members::member_id.eq(member)))
        .collect();
    let insert = diesel::insert_into(team_members::table).values(rows);
    let added = insert.on_conflict_do_nothing().execute(conn).await?;
    Ok(added > 0)
}

/// Takes a member out of a team; says whether it was in it.
pub async fn remove_member(conn: &mut Conn, team: TeamId, member: MemberId) -> Result<bool> {
    let gone = diesel::delete(team_members::table.find((team, member))).execute(conn).await?;
    Ok(gone > 0)
}

/// The teams of an organization that have these slugs; unknown ones are left out.
pub async fn find_by_slugs(
    conn: &mut Conn,
    organization: OrganizationId,
    slugs: &[String],
) -> Result<Vec<TeamId>> {
    let found = teams::table
        .filter(teams::organization_id.eq(organization))
        .filter(teams::slug.eq_any(slugs))
        .select(teams::id)
        .load(conn)
        .await?;
    Ok(found)
}

/// Gives a project to a team; says whether the team did not have it.
pub async fn add_project(conn: &mut Conn, team: TeamId, project: ProjectId) -> Result<bool> {
    let added = diesel::insert_into(project_teams::table)
        .values((project_teams::team_id.eq(team), project_teams::project_id.eq(project)))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(added > 0)
}

/// Takes a project from a team; says whether the team had it.
pub async fn remove_project(conn: &mut Conn, team: TeamId, project: ProjectId) -> Result<bool> {
    let gone = diesel::delete(project_teams::table)
        .filter(project_teams::team_id.eq(team))
        .filter(project_teams::project_id.eq(project))
        .execute(conn)
        .await?;
    Ok(gone > 0)
}

/// The number and slug of a project's team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamSlug {
    /// Its number.
    pub id: TeamId,
    /// Its name in URLs.
    pub slug: String,
}

/// The teams of projects, in the order in which they were given them.
pub async fn of_projects(
    conn: &mut Conn,
    projects: &[ProjectId],
) -> Result<HashMap<ProjectId, Vec<TeamSlug>>> {
    let rows = project_teams::table
        .inner_join(teams::table)
        .filter(project_teams::project_id.eq_any(projects))
        .order((project_teams::project_id, project_teams::id))
        .select((project_teams::project_id, teams::id, teams::slug))
        .load::<(ProjectId, TeamId, String)>(conn)
        .await?;
    let mut found: HashMap<ProjectId, Vec<TeamSlug>> = HashMap::new();
    for (project, id, slug) in rows {
        found.entry(project).or_default().push(TeamSlug { id, slug });
    }
    Ok(found)
}

/// The projects of teams, by name.
pub async fn projects_of(
    conn: &mut Conn,
    teams: &[TeamId],
) -> Result<HashMap<TeamId, Vec<Project>>> {
    let rows = project_teams::table
        .inner_join(projects::table)
        .filter(project_teams::team_id.eq_any(teams))
        .filter(projects::deleted_at.is_null())
        .order((projects::name, projects::id))
        .select((project_teams::team_id, Project::as_select()))
        .load::<(TeamId, Project)>(conn)
        .await?;
    let mut found: HashMap<TeamId, Vec<Project>> = HashMap::new();
    for (team, project) in rows {
        found.entry(team).or_default().push(project);
    }
    Ok(found)
}

/// Those of these projects that belong to a team that an account is in.
pub async fn own_projects(
    conn: &mut Conn,
    user: UserId,
    projects: &[ProjectId],
) -> Result<HashSet<ProjectId>> {
    let rows = project_teams::table
        .inner_join(teams::table.inner_join(team_members::table.inner_join(members::table)))
        .filter(project_teams::project_id.eq_any(projects))
        .filter(members::user_id.eq(user))
        .select(project_teams::project_id)
        .distinct()
        .load::<ProjectId>(conn)
        .await?;
    Ok(rows.into_iter().collect())
}
