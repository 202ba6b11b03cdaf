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
        "WITH seen AS (
             SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[])
                 AS seen (organization_id, project_id, name)
         ), made AS (
             INSERT INTO releases (organization_id, version)
             SELECT DISTINCT organization_id, name FROM seen JOIN organizations o
                 ON o.id = seen.organization_id
             ORDER BY 1, 2 ON CONFLICT DO NOTHING RETURNING id, organization_id, version
         ), known AS (
             SELECT id, organization_id, version FROM made
             UNION
             SELECT r.id, r.organization_id, r.version FROM releases r JOIN seen
                 ON r.organization_id = seen.organization_id AND r.version = seen.name
         )
         INSERT INTO release_projects (release_id, project_id)
         SELECT DISTINCT known.id, seen.project_id FROM seen
         JOIN known ON known.organization_id = seen.organization_id AND known.version = seen.name
         JOIN projects p ON p.id = seen.project_id
         ORDER BY 1, 2 ON CONFLICT DO NOTHING",
    )
    .await
}

/// Makes environments that are not known yet, and notes which projects have them.
pub async fn see_environments(conn: &mut Conn, seen: &[SeenName]) -> Result<()> {
    see(
        conn,
        seen,
        "WITH seen AS (
             SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[])
                 AS seen (organization_id, project_id, name)
         ), made AS (
             INSERT INTO environments (organization_id, name)
             SELECT DISTINCT organization_id, seen.name FROM seen JOIN organizations o
                 ON o.id = seen.organization_id
             ORDER BY 1, 2 ON CONFLICT DO NOTHING RETURNING id, organization_id, name
         ), known AS (
             SELECT id, organization_id, name FROM made
             UNION
             SELECT e.id, e.organization_id, e.name FROM environments e JOIN seen
                 ON e.organization_id = seen.organization_id AND e.name = seen.name
         )
         INSERT INTO environment_projects (environment_id, project_id)
         SELECT DISTINCT known.id, seen.project_id FROM seen
         JOIN known ON known.organization_id = seen.organization_id AND known.name = seen.name
         JOIN projects p ON p.id = seen.project_id
         ORDER BY 1, 2 ON CONFLICT DO NOTHING",
    )
    .await
}

async fn see(conn: &mut Conn, seen: &[SeenName], text: &'static str) -> Result<()> {
    if seen.is_empty() {
        return Ok(());
    }
    statement(text)
        .array::<BigInt, _>(seen.iter().map(|seen| seen.organization).collect())
        .array::<BigInt, _>(seen.iter().map(|seen| seen.project).collect())
        .array::<Text, _>(seen.iter().map(|seen| seen.name.as_str()).collect())
        .execute(conn)
        .await?;
    Ok(())
}
