//! Environments: where programs run, as events name it.

use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use diesel_async::RunQueryDsl;
use mishap_core::id::{EnvironmentId, OrganizationId, ProjectId};
use mishap_core::page::{Cursor, Page};

use crate::error::Result;
use crate::pool::Conn;
use crate::sql::statement;

/// Environments are counted up to this number.
const MAX_COUNT: i64 = 1001;

/// Which environments are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// All of them.
    All,
    /// Those that a project hides.
    Hidden,
    /// Those that a project does not hide.
    Visible,
}

impl Visibility {
    fn is_hidden(self) -> Option<bool> {
        match self {
            Self::All => None,
            Self::Hidden => Some(true),
            Self::Visible => Some(false),
        }
    }
}

/// An environment of an organization.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Environment {
    /// Its number.
    #[diesel(sql_type = BigInt)]
    pub id: EnvironmentId,
    /// What events call it.
    #[diesel(sql_type = Text)]
    pub name: String,
}

/// An environment of a project.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct ProjectEnvironment {
    /// Its number.
    #[diesel(sql_type = BigInt)]
    pub id: EnvironmentId,
    /// What events call it.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Whether the project hides it.
    #[diesel(sql_type = Bool)]
    pub is_hidden: bool,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    environments: i64,
}

/// What a query for environments of an organization begins with. Each comes once, however many
/// projects have it.
macro_rules! of_organization {
    ($what:literal, $rest:literal) => {
        concat!(
            "SELECT ",
            $what,
            " FROM environments e WHERE e.organization_id = $1
                 AND ($2::boolean IS NULL OR EXISTS (
                     SELECT 1 FROM environment_projects l JOIN projects p ON p.id = l.project_id
                     WHERE l.environment_id = e.id AND l.is_hidden = $3 AND p.deleted_at IS NULL)) ",
            $rest
        )
    };
}

/// What a query for environments of a project begins with.
macro_rules! of_project {
    ($what:literal, $rest:literal) => {
        concat!(
            "SELECT ",
            $what,
            " FROM environment_projects l JOIN environments e ON e.id = l.environment_id
             WHERE l.project_id = $1 AND ($2::boolean IS NULL OR l.is_hidden = $3) ",
            $rest
        )
    };
}

/// The environments of an organization, the newest first; uses `environments_organization_idx`.
pub async fn list(
    conn: &mut Conn,
    organization: OrganizationId,
    visibility: Visibility,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<Page<Environment>> {
    let text = match cursor {
        Some(cursor) if cursor.is_backward => {
            of_organization!("e.id, e.name", "AND e.id > $4 ORDER BY e.id LIMIT $5")
        }
        Some(_) | None => {
            of_organization!("e.id, e.name", "AND e.id < $4 ORDER BY e.id DESC LIMIT $5")
        }
    };
    let found = statement(text)
        .bind::<BigInt, _>(organization)
        .bind::<Nullable<Bool>, _>(visibility.is_hidden())
        .bind::<Nullable<Bool>, _>(visibility.is_hidden())
        .bind::<BigInt, _>(cursor.map_or(i64::MAX, |cursor| cursor.position))
        .bind::<BigInt, _>(limit + 1)
        .load(conn)
        .await?;
    Ok(Page::of(found, limit, cursor, |environment: &Environment| (environment.id.0, 0)))
}

/// How many environments an organization has, counted up to 1,001.
pub async fn count(
    conn: &mut Conn,
    organization: OrganizationId,
    visibility: Visibility,
) -> Result<i64> {
    let text = concat!(
        "SELECT count(*) AS environments FROM (",
        of_organization!("1", "LIMIT $4"),
        ") AS found"
    );
    let count = statement(text)
        .bind::<BigInt, _>(organization)
        .bind::<Nullable<Bool>, _>(visibility.is_hidden())
        .bind::<Nullable<Bool>, _>(visibility.is_hidden())
        .bind::<BigInt, _>(MAX_COUNT);
    Ok(count.get_result::<Count>(conn).await?.environments)
}

/// The environments of a project, the newest first; uses `environment_projects_project_idx`.
pub async fn list_of_project(
    conn: &mut Conn,
    project: ProjectId,
    visibility: Visibility,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<Page<ProjectEnvironment>> {
    let text = match cursor {
        Some(cursor) if cursor.is_backward => of_project!(
            "e.id, e.name, l.is_hidden",
            "AND l.environment_id > $4 ORDER BY l.environment_id LIMIT $5"
        ),
        Some(_) | None => of_project!(
            "e.id, e.name, l.is_hidden",
            "AND l.environment_id < $4 ORDER BY l.environment_id DESC LIMIT $5"
        ),
    };
    let found = statement(text)
        .bind::<BigInt, _>(project)
        .bind::<Nullable<Bool>, _>(visibility.is_hidden())
        .bind::<Nullable<Bool>, _>(visibility.is_hidden())
        .bind::<BigInt, _>(cursor.map_or(i64::MAX, |cursor| cursor.position))
        .bind::<BigInt, _>(limit + 1)
        .load(conn)
        .await?;
    Ok(Page::of(found, limit, cursor, |environment: &ProjectEnvironment| (environment.id.0, 0)))
}

/// How many environments a project has, counted up to 1,001.
pub async fn count_of_project(
    conn: &mut Conn,
    project: ProjectId,
    visibility: Visibility,
) -> Result<i64> {
    let text = concat!(
        "SELECT count(*) AS environments FROM (",
        of_project!("1", "LIMIT $4"),
        ") AS found"
    );
    let count = statement(text)
        .bind::<BigInt, _>(project)
        .bind::<Nullable<Bool>, _>(visibility.is_hidden())
        .bind::<Nullable<Bool>, _>(visibility.is_hidden())
        .bind::<BigInt, _>(MAX_COUNT);
    Ok(count.get_result::<Count>(conn).await?.environments)
}

/// The environment of a project that events call so.
pub async fn find_in_project(
    conn: &mut Conn,
    organization: OrganizationId,
    project: ProjectId,
    name: &str,
) -> Result<Option<ProjectEnvironment>> {
    let found = statement(
        "SELECT e.id, e.name, l.is_hidden
         FROM environments e JOIN environment_projects l ON l.environment_id = e.id
         WHERE e.organization_id = $1 AND e.name = $2 AND l.project_id = $3",
    )
    .bind::<BigInt, _>(organization)
    .bind::<Text, _>(name)
    .bind::<BigInt, _>(project)
    .get_result(conn)
    .await
    .optional()?;
    Ok(found)
}

/// Hides an environment of a project, or shows it again; says whether that changed anything.
pub async fn set_hidden(
    conn: &mut Conn,
    project: ProjectId,
    environment: EnvironmentId,
    is_hidden: bool,
) -> Result<bool> {
    let changed = statement(
        "UPDATE environment_projects SET is_hidden = $1
         WHERE environment_id = $2 AND project_id = $3 AND is_hidden <> $4",
    )
    .bind::<Bool, _>(is_hidden)
    .bind::<BigInt, _>(environment)
    .bind::<BigInt, _>(project)
    .bind::<Bool, _>(is_hidden)
    .execute(conn)
    .await?;
    Ok(changed > 0)
}
