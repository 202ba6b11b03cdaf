//! Projects whose events are kept for a shorter time than the installation's.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Integer};
use diesel_async::RunQueryDsl as _;
use mishap_core::id::ProjectId;

use crate::error::Result;
use crate::pool::Conn;
use crate::sql::statement;

/// A project that keeps its events for a time of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Shorter {
    /// The project.
    #[diesel(sql_type = BigInt)]
    pub project: ProjectId,
    /// For how many days.
    #[diesel(sql_type = Integer)]
    pub days: i32,
}

/// Projects whose events are kept for less than so many days, since they or their organizations want it
/// so. What a project says counts more.
pub async fn shorter_than(conn: &mut Conn, days: u32) -> Result<Vec<Shorter>> {
    let found = statement(
        "SELECT p.id AS project, coalesce(p.retention_days, o.retention_days) AS days
         FROM projects p JOIN organizations o ON o.id = p.organization_id
         WHERE coalesce(p.retention_days, o.retention_days) < $1 AND p.deleted_at IS NULL
         ORDER BY p.id",
    );
    let days = i32::try_from(days).unwrap_or(i32::MAX);
    Ok(found.bind::<Integer, _>(days).load(conn).await?)
}
