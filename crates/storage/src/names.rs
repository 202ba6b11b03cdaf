//! Releases and environments: names that events bring along.

use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl as _;
use mishap_core::id::{OrganizationId, ProjectId};

use crate::error::Result;
use crate::pool::Conn;
use crate::sql::statement;

/// A name that an event of a project gave.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeenName {
    /// The project's organization.
    pub organization: OrganizationId,
    /// The project.
    pub project: ProjectId,
    /// The name.
    pub name: String,
}

/// Makes releases that are not known yet, and notes which projects have them.
pub async fn see_releases(conn: &mut Conn, seen: &[SeenName]) -> Result<()> {
    see(
        conn,
        seen,
        "INSERT INTO releases (organization_id, version)
         SELECT DISTINCT seen.organization_id, seen.name FROM unnest($1::bigint[], $2::bigint[],
             $3::text[]) AS seen (organization_id, project_id, name)
         JOIN organizations ON organizations.id = seen.organization_id
         ORDER BY 1, 2 ON CONFLICT DO NOTHING",
        "INSERT INTO release_projects (release_id, project_id)
         SELECT DISTINCT releases.id, projects.id FROM unnest($1::bigint[], $2::bigint[],
             $3::text[]) AS seen (organization_id, project_id, name)
         JOIN releases ON releases.organization_id = seen.organization_id
             AND releases.version = seen.name
         JOIN projects ON projects.id = seen.project_id
         ORDER BY 1, 2 ON CONFLICT DO NOTHING",
    )
    .await
}

/// Makes environments that are not known yet, and notes which projects have them.
pub async fn see_environments(conn: &mut Conn, seen: &[SeenName]) -> Result<()> {
    see(
        conn,
        seen,
        "INSERT INTO environments (organization_id, name)
         SELECT DISTINCT seen.organization_id, seen.name FROM unnest($1::bigint[], $2::bigint[],
             $3::text[]) AS seen (organization_id, project_id, name)
         JOIN organizations ON organizations.id = seen.organization_id
         ORDER BY 1, 2 ON CONFLICT DO NOTHING",
        "INSERT INTO environment_projects (environment_id, project_id)
         SELECT DISTINCT environments.id, projects.id FROM unnest($1::bigint[], $2::bigint[],
             $3::text[]) AS seen (organization_id, project_id, name)
         JOIN environments ON environments.organization_id = seen.organization_id
             AND environments.name = seen.name
         JOIN projects ON projects.id = seen.project_id
         ORDER BY 1, 2 ON CONFLICT DO NOTHING",
    )
    .await
}

/// Makes names, then links them. Two statements, because the second must see names that another
/// worker made while the first waited for it.
async fn see(
    conn: &mut Conn,
    seen: &[SeenName],
    make: &'static str,
    link: &'static str,
) -> Result<()> {
    if seen.is_empty() {
        return Ok(());
    }
    for text in [make, link] {
        statement(text)
            .array::<BigInt, _>(seen.iter().map(|seen| seen.organization).collect())
            .array::<BigInt, _>(seen.iter().map(|seen| seen.project).collect())
            .array::<Text, _>(seen.iter().map(|seen| seen.name.as_str()).collect())
            .execute(conn)
            .await?;
    }
    Ok(())
}
