//! Project keys.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use mishap_core::id::{KeyId, ProjectId};
use mishap_core::page::{Cursor, Page};
use mishap_protocol::dsn::PublicKey;
use uuid::Uuid;

use crate::error::Result;
use crate::pool::Conn;
use crate::schema::project_keys;

/// A project's key.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = project_keys)]
#[diesel(check_for_backend(diesel::pg::Pg))]
pub struct ProjectKey {
    /// Its number.
    pub id: KeyId,
    /// Its project.
    pub project_id: ProjectId,
    public_key: Uuid,
    /// What it is called.
    pub label: String,
    /// Whether it is on.
    pub is_active: bool,
    /// Items per window.
    pub rate_limit_count: Option<i32>,
    /// Length of the window, in seconds.
    pub rate_limit_window: Option<i32>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl ProjectKey {
    /// The half that stands in DSNs.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.public_key)
    }
}

/// The keys of a project, the newest first; uses `project_keys_project_idx`.
pub async fn list(
    conn: &mut Conn,
    project: ProjectId,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<Page<ProjectKey>> {
    let mut query = project_keys::table
        .filter(project_keys::project_id.eq(project))
        .select(ProjectKey::as_select())
        .limit(limit + 1)
        .into_boxed();
    query = match cursor {
        Some(cursor) if cursor.is_backward => {
            query.filter(project_keys::id.gt(KeyId(cursor.position))).order(project_keys::id.asc())
        }
        Some(cursor) => {
            query.filter(project_keys::id.lt(KeyId(cursor.position))).order(project_keys::id.desc())
        }
        None => query.order(project_keys::id.desc()),
    };
    let found = query.load(conn).await?;
    Ok(Page::of(found, limit, cursor, |key: &ProjectKey| (key.id.0, 0)))
}

/// How many keys a project has.
pub async fn count(conn: &mut Conn, project: ProjectId) -> Result<i64> {
    let query = project_keys::table.filter(project_keys::project_id.eq(project));
    Ok(query.count().get_result(conn).await?)
}

/// Makes a key.
pub async fn insert(
    conn: &mut Conn,
    project: ProjectId,
    public_key: PublicKey,
    label: &str,
) -> Result<ProjectKey> {
    let key = diesel::insert_into(project_keys::table)
        .values((
            project_keys::project_id.eq(project),
            project_keys::public_key.eq(public_key.0),
            project_keys::label.eq(label),
        ))
        .returning(ProjectKey::as_returning())
        .get_result(conn)
        .await?;
    Ok(key)
}

/// Switches a key on or off; says whether it is there.
pub async fn set_active(conn: &mut Conn, public_key: PublicKey, is_active: bool) -> Result<bool> {
    let changed = diesel::update(project_keys::table)
        .filter(project_keys::public_key.eq(public_key.0))
        .set(project_keys::is_active.eq(is_active))
        .execute(conn)
        .await?;
    Ok(changed > 0)
}

/// The key with this public half. For operators only.
pub async fn find(conn: &mut Conn, public_key: PublicKey) -> Result<Option<ProjectKey>> {
    let query = project_keys::table.filter(project_keys::public_key.eq(public_key.0));
    Ok(query.select(ProjectKey::as_select()).first(conn).await.optional()?)
}

/// The first key that is on. For operators only.
pub async fn find_first(conn: &mut Conn) -> Result<Option<ProjectKey>> {
    let query = project_keys::table.filter(project_keys::is_active).order(project_keys::id);
    Ok(query.select(ProjectKey::as_select()).first(conn).await.optional()?)
}
