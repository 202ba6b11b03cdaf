//! Keys of everybody's projects.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use mishap_core::id::{KeyId, ProjectId};

use crate::error::Result;
use crate::pool::Conn;
use crate::projects::keys::ProjectKey;
use crate::schema::project_keys;

/// A key of a project.
pub async fn find(conn: &mut Conn, project: ProjectId, key: KeyId) -> Result<Option<ProjectKey>> {
    let query = project_keys::table
        .filter(project_keys::id.eq(key))
        .filter(project_keys::project_id.eq(project));
    Ok(query.select(ProjectKey::as_select()).first(conn).await.optional()?)
}

/// What a key is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySettings {
    /// What it is called.
    pub label: String,
    /// Whether it is on.
    pub is_active: bool,
    /// Items in a window of so many seconds.
    pub rate_limit: Option<(i32, i32)>,
}

/// Changes a key; says whether it was there.
pub async fn update(conn: &mut Conn, key: KeyId, settings: &KeySettings) -> Result<bool> {
    let changed = diesel::update(project_keys::table.find(key))
        .set((
            project_keys::label.eq(&settings.label),
            project_keys::is_active.eq(settings.is_active),
            project_keys::rate_limit_count.eq(settings.rate_limit.map(|(count, _)| count)),
            project_keys::rate_limit_window.eq(settings.rate_limit.map(|(_, window)| window)),
        ))
        .execute(conn)
        .await?;
    Ok(changed > 0)
}

/// Deletes a key; says whether it was there. What is sent with it is refused from then on.
pub async fn delete(conn: &mut Conn, key: KeyId) -> Result<bool> {
    Ok(diesel::delete(project_keys::table.find(key)).execute(conn).await? > 0)
}
