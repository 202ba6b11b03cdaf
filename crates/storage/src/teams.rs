//! Teams: members who look after projects together.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use mishap_core::id::{MemberId, OrganizationId, ProjectId, TeamId, UserId};
use mishap_core::page::{Cursor, Page};

use crate::error::Result;
use crate::pool::Conn;
use crate::projects::Project;
use crate::schema::{members, project_teams, projects, team_members, teams};
use crate::sql::statement;

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

/// Teams that are asked for.
#[derive(Debug, Clone, Copy)]
enum Which<'a> {
    /// The team with this slug.
    Slug(&'a str),
    /// Those of a project, in the order in which they were given it.
    Project(ProjectId),
    /// All.
    All,
}

/// A team of an organization by its slug, as `viewer` sees it.
pub async fn find(
    conn: &mut Conn,
    organization: OrganizationId,
    slug: &str,
    viewer: MemberId,
) -> Result<Option<Team>> {
    Ok(load(conn, organization, Which::Slug(slug), viewer, None, 1).await?.pop())
}

/// The teams of an organization, the newest first; uses `teams_organization_idx`.
pub async fn list(
    conn: &mut Conn,
    organization: OrganizationId,
    viewer: MemberId,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<Page<Team>> {
    let found = load(conn, organization, Which::All, viewer, cursor, limit + 1).await?;
    Ok(Page::of(found, limit, cursor, |team: &Team| (team.id.0, 0)))
}

/// The teams of a project, the newest first.
pub async fn list_of_project(
    conn: &mut Conn,
    organization: OrganizationId,
    project: ProjectId,
    viewer: MemberId,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<Page<Team>> {
    let which = Which::Project(project);
    let found = load(conn, organization, which, viewer, cursor, limit + 1).await?;
    Ok(Page::of(found, limit, cursor, |team: &Team| (team.id.0, 0)))
}

async fn load(
    conn: &mut Conn,
    organization: OrganizationId,
    which: Which<'_>,
    viewer: MemberId,
    cursor: Option<Cursor>,
    rows: i64,
) -> Result<Vec<Team>> {
    let slug = match which {
        Which::Slug(slug) => Some(slug),
        Which::Project(_) | Which::All => None,
    };
    let project = match which {
        Which::Project(project) => Some(project),
        Which::Slug(_) | Which::All => None,
    };
    let is_backward = cursor.is_some_and(|cursor| cursor.is_backward);
    let text = if is_backward {
        "SELECT t.id, t.organization_id, t.slug, t.created_at,
             (SELECT count(*) FROM team_members m WHERE m.team_id = t.id) AS members,
             EXISTS (SELECT 1 FROM team_members m WHERE m.team_id = t.id AND m.member_id = $1)
                 AS is_member
         FROM teams t WHERE t.organization_id = $2 AND ($3::text IS NULL OR t.slug = $4)
             AND ($5::bigint IS NULL OR EXISTS (
                 SELECT 1 FROM project_teams p WHERE p.team_id = t.id AND p.project_id = $6))
             AND t.id > $7 ORDER BY t.id LIMIT $8"
    } else {
        "SELECT t.id, t.organization_id, t.slug, t.created_at,
             (SELECT count(*) FROM team_members m WHERE m.team_id = t.id) AS members,
             EXISTS (SELECT 1 FROM team_members m WHERE m.team_id = t.id AND m.member_id = $1)
                 AS is_member
         FROM teams t WHERE t.organization_id = $2 AND ($3::text IS NULL OR t.slug = $4)
             AND ($5::bigint IS NULL OR EXISTS (
                 SELECT 1 FROM project_teams p WHERE p.team_id = t.id AND p.project_id = $6))
             AND t.id < $7 ORDER BY t.id DESC LIMIT $8"
    };
    let from = cursor.map_or(i64::MAX, |cursor| cursor.position);
    let found = statement(text)
        .bind::<BigInt, _>(viewer)
        .bind::<BigInt, _>(organization)
        .bind::<Nullable<Text>, _>(slug)
        .bind::<Nullable<Text>, _>(slug)
        .bind::<Nullable<BigInt>, _>(project)
        .bind::<Nullable<BigInt>, _>(project)
        .bind::<BigInt, _>(from)
        .bind::<BigInt, _>(rows)
        .load(conn)
        .await?;
    Ok(found)
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

/// Puts a member into teams; those it is in already are no failure.
pub async fn add_member(conn: &mut Conn, teams: &[TeamId], member: MemberId) -> Result<()> {
    let rows: Vec<_> = teams
        .iter()
        .map(|team| (team_members::team_id.eq(*team), team_members::member_id.eq(member)))
        .collect();
    let insert = diesel::insert_into(team_members::table).values(rows);
    insert.on_conflict_do_nothing().execute(conn).await?;
    Ok(())
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

/// Gives a project to a team; that it has it already is no failure.
pub async fn add_project(conn: &mut Conn, team: TeamId, project: ProjectId) -> Result<()> {
    diesel::insert_into(project_teams::table)
        .values((project_teams::team_id.eq(team), project_teams::project_id.eq(project)))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(())
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
