//! What an administrator sees and changes, whoever it belongs to.
//!
//! Everything here finds its rows without asking whose they are, so it is for the administrator's
//! pages alone, which ask who may before they come here. Searches are bounded: they look at the
//! newest [`SEARCHED`] rows, whatever there is.

pub mod keys;
pub mod organizations;
pub mod projects;
pub mod tokens;
pub mod users;

use std::collections::HashSet;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl as _;
use mishap_core::id::{OrganizationId, ProjectId, UserId};
use mishap_core::page::Cursor;

use crate::error::Result;
use crate::pool::Conn;
use crate::sql::{containing, statement};

/// Rows that a search looks at, the newest first.
pub const SEARCHED: i64 = 100_000;

/// What a search looks for, as a pattern; everything if nothing is looked for.
fn pattern(search: Option<&str>) -> String {
    search.map_or_else(|| "%".to_owned(), containing)
}

/// Where a page begins or ends in a list whose newest rows come first.
fn place(cursor: Option<Cursor>) -> i64 {
    cursor.map_or(i64::MAX, |cursor| cursor.position)
}

fn is_backward(cursor: Option<Cursor>) -> bool {
    cursor.is_some_and(|cursor| cursor.is_backward)
}

/// Things that entries of the audit log are about, and that are still there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Accounts.
    pub users: HashSet<UserId>,
    /// Organizations.
    pub organizations: HashSet<OrganizationId>,
    /// Projects.
    pub projects: HashSet<ProjectId>,
}

/// Which of these things are still there.
pub async fn known(
    conn: &mut Conn,
    users: &[UserId],
    organizations: &[OrganizationId],
    projects: &[ProjectId],
) -> Result<Known> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        kind: String,
        #[diesel(sql_type = BigInt)]
        id: i64,
    }
    let rows: Vec<Row> = statement(
        "SELECT 'user' AS kind, id FROM users WHERE id = ANY($1)
         UNION ALL
         SELECT 'organization', id FROM organizations
         WHERE id = ANY($2) AND NOT starts_with(slug, 'deleted.')
         UNION ALL
         SELECT 'project', id FROM projects WHERE id = ANY($3) AND deleted_at IS NULL",
    )
    .array::<BigInt, _>(users.to_vec())
    .array::<BigInt, _>(organizations.to_vec())
    .array::<BigInt, _>(projects.to_vec())
    .load(conn)
    .await?;
    let mut known = Known::default();
    for Row { kind, id } in rows {
        match kind.as_str() {
            "user" => known.users.insert(UserId(id)),
            "organization" => known.organizations.insert(OrganizationId(id)),
            _ => known.projects.insert(ProjectId(id)),
        };
    }
    Ok(known)
}

/// What waits for somebody to look at it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, QueryableByName)]
pub struct Attention {
    /// Dead letters, counted up to 1,000.
    #[diesel(sql_type = BigInt)]
    pub dead_letters: i64,
    /// Jobs that were given up, counted up to 1,000.
    #[diesel(sql_type = BigInt)]
    pub failed_jobs: i64,
}

/// What waits for somebody to look at it; uses the key of `dead_letters`, and `jobs_dead_idx`.
pub async fn attention(conn: &mut Conn) -> Result<Attention> {
    let counts = statement(
        "SELECT (SELECT count(*) FROM (SELECT 1 FROM dead_letters LIMIT 1000) l) AS dead_letters,
             (SELECT count(*) FROM (SELECT 1 FROM jobs WHERE is_dead LIMIT 1000) j) AS failed_jobs",
    );
    Ok(counts.get_result(conn).await?)
}
