//! What belongs to deleted projects and organizations goes, in steps that are over soon.
//!
//! Rows of partitioned tables refer to nothing, so they are taken one by one before what they belong
//! to. All else would go with its project or organization; tables in which events make rows without
//! limit are emptied before, so that no statement takes long.

use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Double, SmallInt, Timestamptz};
use diesel_async::RunQueryDsl as _;
use mishap_core::id::{OrganizationId, ProjectId};
use mishap_core::quota::QuotaScope;

use crate::error::Result;
use crate::partitions::{ATTACHMENTS, EVENTS, Partition, Partitioned};
use crate::pool::Conn;
use crate::sql::statement;

/// A table of which some rows are taken at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The table.
    pub table: &'static str,
    /// Rows that are taken at once.
    rows: i64,
    /// Takes rows of something by its number, `$1`, and `$2` of them at most.
    text: &'static str,
}

/// What a project has, besides its events.
pub const OF_PROJECT: &[Step] = &[
    // Each has hashes, tags, changes and hours of its own.
    Step {
        table: "issues",
        rows: 200,
        text: "WITH batch AS (
                   SELECT id FROM issues WHERE project_id = $1
                   ORDER BY number LIMIT $2 FOR UPDATE SKIP LOCKED),
               hours AS (
                   DELETE FROM issue_hours WHERE issue_id = ANY(ARRAY(SELECT id FROM batch)))
               DELETE FROM issues WHERE id = ANY(ARRAY(SELECT id FROM batch))",
    },
    Step {
        table: "release_projects",
        rows: 5000,
        text: "DELETE FROM release_projects WHERE (release_id, project_id) IN (
                   SELECT release_id, project_id FROM release_projects WHERE project_id = $1
                   LIMIT $2)",
    },
    Step {
        table: "environment_projects",
        rows: 5000,
        text: "DELETE FROM environment_projects WHERE (environment_id, project_id) IN (
                   SELECT environment_id, project_id FROM environment_projects
                   WHERE project_id = $1 LIMIT $2)",
    },
];

/// What an organization has, besides its projects.
pub const OF_ORGANIZATION: &[Step] = &[
    Step {
        table: "releases",
        rows: 5000,
        text: "DELETE FROM releases WHERE id = ANY(ARRAY(
                   SELECT id FROM releases WHERE organization_id = $1 LIMIT $2))",
    },
    Step {
        table: "environments",
        rows: 5000,
        text: "DELETE FROM environments WHERE id = ANY(ARRAY(
                   SELECT id FROM environments WHERE organization_id = $1 LIMIT $2))",
    },
];

/// Takes some rows of a project or organization; says how many.
pub async fn take(conn: &mut Conn, step: &Step, id: i64) -> Result<usize> {
    let take = statement(step.text).bind::<BigInt, _>(id).bind::<BigInt, _>(step.rows);
    Ok(take.execute(conn).await?)
}

/// What is kept in partitions and belongs to a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Its events.
    Events,
    /// The files of its events.
    Attachments,
}

impl Kept {
    /// Everything.
    pub const ALL: [Self; 2] = [Self::Events, Self::Attachments];

    /// The table.
    pub fn table(self) -> &'static Partitioned {
        match self {
            Self::Events => &EVENTS,
            Self::Attachments => &ATTACHMENTS,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Events => {
                "DELETE FROM events
                 WHERE received >= $1 AND received < $2 AND project_id = ANY($3)
                     AND event_id = ANY(ARRAY(
                         SELECT event_id FROM events
                         WHERE received >= $4 AND received < $5 AND project_id = ANY($6) LIMIT $7))"
            }
            Self::Attachments => {
                "DELETE FROM attachments
                 WHERE received >= $1 AND received < $2 AND project_id = ANY($3)
                     AND event_id = ANY(ARRAY(
                         SELECT event_id FROM attachments
                         WHERE received >= $4 AND received < $5 AND project_id = ANY($6) LIMIT $7))"
            }
        }
    }
}

/// Takes some rows of projects from one partition; says how many.
pub async fn take_from_partition(
    conn: &mut Conn,
    kept: Kept,
    partition: &Partition,
    projects: &[ProjectId],
) -> Result<usize> {
    /// Events whose rows are taken at once.
    const EVENTS: i64 = 1000;
    let taken = statement(kept.text())
        .bind::<Timestamptz, _>(partition.from)
        .bind::<Timestamptz, _>(partition.to)
        .bind::<Array<BigInt>, _>(projects)
        .bind::<Timestamptz, _>(partition.from)
        .bind::<Timestamptz, _>(partition.to)
        .bind::<Array<BigInt>, _>(projects)
        .bind::<BigInt, _>(EVENTS)
        .execute(conn)
        .await?;
    Ok(taken)
}

/// The project that was deleted first, at least this long ago; uses `projects_deleted_idx`.
pub async fn next_project(conn: &mut Conn, ago: Duration) -> Result<Option<ProjectId>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        id: ProjectId,
    }
    let rows: Vec<Row> = statement(
        "SELECT id FROM projects WHERE deleted_at < now() - $1 * interval '1 second'
         ORDER BY deleted_at LIMIT 1",
    )
    .bind::<Double, _>(ago.as_secs_f64())
    .load(conn)
    .await?;
    Ok(rows.into_iter().next().map(|row| row.id))
}

/// Deletes the row of a deleted project with all that is left of it, and its quotas.
pub async fn finish_project(conn: &mut Conn, project: ProjectId) -> Result<()> {
    statement(
        "WITH gone AS (
             DELETE FROM projects WHERE id = $1 AND deleted_at IS NOT NULL RETURNING id),
         keys AS (
             SELECT k.id FROM project_keys k JOIN gone ON k.project_id = gone.id)
         DELETE FROM quotas
         WHERE scope = $2 AND scope_id IN (SELECT id FROM gone)
             OR scope = $3 AND scope_id IN (SELECT id FROM keys)",
    )
    .bind::<BigInt, _>(project)
    .bind::<SmallInt, _>(QuotaScope::Project.code())
    .bind::<SmallInt, _>(QuotaScope::Key.code())
    .execute(conn)
    .await?;
    Ok(())
}

/// The organization that was deleted first, at least this long ago, and has no project left; uses
/// `organizations_deleted_idx`.
pub async fn next_organization(conn: &mut Conn, ago: Duration) -> Result<Option<OrganizationId>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        id: OrganizationId,
    }
    let rows: Vec<Row> = statement(
        "SELECT id FROM organizations o WHERE deleted_at < now() - $1 * interval '1 second'
             AND NOT EXISTS (SELECT 1 FROM projects p WHERE p.organization_id = o.id)
         ORDER BY deleted_at LIMIT 1",
    )
    .bind::<Double, _>(ago.as_secs_f64())
    .load(conn)
    .await?;
    Ok(rows.into_iter().next().map(|row| row.id))
}

/// Deletes the row of a deleted organization with all that is left of it, and its quotas.
pub async fn finish_organization(conn: &mut Conn, organization: OrganizationId) -> Result<()> {
    statement(
        "WITH gone AS (
             DELETE FROM organizations WHERE id = $1 AND deleted_at IS NOT NULL RETURNING id)
         DELETE FROM quotas WHERE scope = $2 AND scope_id IN (SELECT id FROM gone)",
    )
    .bind::<BigInt, _>(organization)
    .bind::<SmallInt, _>(QuotaScope::Organization.code())
    .execute(conn)
    .await?;
    Ok(())
}
