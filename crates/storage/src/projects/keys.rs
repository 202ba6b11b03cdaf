//! Project keys.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use mishap_core::id::{KeyId, ProjectId};
use mishap_core::page::{Cursor, Page};
use mishap_core::quota::QuotaScope;
use mishap_protocol::dsn::PublicKey;
use uuid::Uuid;

use crate::error::Result;
use crate::pool::Conn;
use crate::quotas;
use crate::schema::{project_keys, projects};
use crate::sql::statement;

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
    /// When it stops to count.
    pub expires_at: Option<DateTime<Utc>>,
    /// When something was last taken under it, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
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

/// The keys of projects, the newest first, so many at most; uses `project_keys_project_idx`.
pub async fn list_of_projects(
    conn: &mut Conn,
    projects: &[ProjectId],
    limit: i64,
) -> Result<HashMap<ProjectId, Vec<ProjectKey>>> {
    let rows = project_keys::table
        .filter(project_keys::project_id.eq_any(projects))
        .order(project_keys::id.desc())
        .limit(limit)
        .select(ProjectKey::as_select())
        .load(conn)
        .await?;
    let mut found: HashMap<ProjectId, Vec<ProjectKey>> = HashMap::new();
    for key in rows {
        found.entry(key.project_id).or_default().push(key);
    }
    Ok(found)
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

/// A key of a project.
pub async fn find_in_project(
    conn: &mut Conn,
    project: ProjectId,
    public_key: PublicKey,
) -> Result<Option<ProjectKey>> {
    let query = project_keys::table
        .filter(project_keys::public_key.eq(public_key.0))
        .filter(project_keys::project_id.eq(project));
    Ok(query.select(ProjectKey::as_select()).first(conn).await.optional()?)
}

/// What is to be different in a key; what is missing stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, AsChangeset)]
#[diesel(table_name = project_keys)]
pub struct KeyChange<'a> {
    /// What it is called.
    pub label: Option<&'a str>,
    /// Whether it is on.
    pub is_active: Option<bool>,
    /// Items per window, or that there is no limit.
    pub rate_limit_count: Option<Option<i32>>,
    /// Length of the window, in seconds.
    pub rate_limit_window: Option<Option<i32>>,
    /// When it stops to count, or that it does not.
    pub expires_at: Option<Option<DateTime<Utc>>>,
}

/// Changes a key; nothing if it is gone.
pub async fn update(
    conn: &mut Conn,
    key: KeyId,
    change: &KeyChange<'_>,
) -> Result<Option<ProjectKey>> {
    let key = project_keys::table.find(key);
    if *change == KeyChange::default() {
        return Ok(key.select(ProjectKey::as_select()).first(conn).await.optional()?);
    }
    let update = diesel::update(key).set(*change).returning(ProjectKey::as_returning());
    Ok(update.get_result(conn).await.optional()?)
}

/// Makes a key that takes the place of another, with its name and limits, and lets the old one count
/// until `until` at most; nothing if that is gone. To be called in a transaction.
pub async fn replace(
    conn: &mut Conn,
    old: KeyId,
    public_key: PublicKey,
    until: DateTime<Utc>,
) -> Result<Option<ProjectKey>> {
    statement("UPDATE project_keys SET expires_at = least(expires_at, $1) WHERE id = $2")
        .bind::<Timestamptz, _>(until)
        .bind::<BigInt, _>(old)
        .execute(conn)
        .await?;
    let copied = (
        project_keys::project_id,
        public_key.0.into_sql::<SqlUuid>(),
        project_keys::label,
        project_keys::rate_limit_count,
        project_keys::rate_limit_window,
    );
    let made = project_keys::table
        .find(old)
        .select(copied)
        .insert_into(project_keys::table)
        .into_columns((
            project_keys::project_id,
            project_keys::public_key,
            project_keys::label,
            project_keys::rate_limit_count,
            project_keys::rate_limit_window,
        ))
        .returning(ProjectKey::as_returning())
        .get_result::<ProjectKey>(conn)
        .await
        .optional()?;
    if let Some(made) = &made {
        quotas::copy(conn, QuotaScope::Key, old.0, made.id.0).await?;
    }
    Ok(made)
}

/// Deletes a key; says whether it was there. To be called in a transaction.
pub async fn delete(conn: &mut Conn, key: KeyId) -> Result<bool> {
    quotas::remove_all(conn, QuotaScope::Key, &[key.0]).await?;
    let gone = diesel::delete(project_keys::table.find(key)).execute(conn).await?;
    Ok(gone > 0)
}

/// Notes when keys were last used.
///
/// Rows are locked in the order of their numbers: several processes note the same keys.
pub async fn note_used(conn: &mut Conn, used: &[(KeyId, DateTime<Utc>)]) -> Result<()> {
    statement(
        "WITH used AS (
             SELECT * FROM unnest($1::bigint[], $2::timestamptz[]) AS used (id, at)),
         locked AS (
             SELECT k.id, used.at FROM project_keys k JOIN used USING (id)
             WHERE k.last_used_at IS NULL OR k.last_used_at < used.at
             ORDER BY k.id FOR NO KEY UPDATE OF k)
         UPDATE project_keys k SET last_used_at = locked.at FROM locked WHERE k.id = locked.id",
    )
    .array::<BigInt, _>(used.iter().map(|(key, _)| *key).collect())
    .array::<Timestamptz, _>(used.iter().map(|(_, at)| *at).collect())
    .execute(conn)
    .await?;
    Ok(())
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

/// The first key that is on and has no end, of a project that was not deleted. For operators only.
pub async fn find_first(conn: &mut Conn) -> Result<Option<ProjectKey>> {
    let query =
        project_keys::table
            .filter(project_keys::is_active)
            .filter(project_keys::expires_at.is_null())
            .filter(project_keys::project_id.eq_any(
                projects::table.filter(projects::deleted_at.is_null()).select(projects::id),
            ))
            .order(project_keys::id);
    Ok(query.select(ProjectKey::as_select()).first(conn).await.optional()?)
}
