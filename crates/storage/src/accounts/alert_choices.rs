//! What people want to be told of each project. A project without a choice goes by what the account
//! wants by default.

use std::collections::BTreeMap;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool};
use diesel_async::RunQueryDsl as _;
use mishap_core::id::{ProjectId, UserId};

use crate::error::Result;
use crate::pool::Conn;
use crate::sql::statement;

/// The choices of an account: whether it wants alerts, by project.
pub async fn list(conn: &mut Conn, user: UserId) -> Result<BTreeMap<ProjectId, bool>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        project_id: ProjectId,
        #[diesel(sql_type = Bool)]
        wants_alerts: bool,
    }
    let query =
        statement("SELECT project_id, wants_alerts FROM project_alert_choices WHERE user_id = $1");
    let rows: Vec<Row> = query.bind::<BigInt, _>(user).load(conn).await?;
    Ok(rows.into_iter().map(|row| (row.project_id, row.wants_alerts)).collect())
}

/// Chooses for a project of an organization that the account is a member of; says whether it is one.
pub async fn put(
    conn: &mut Conn,
    user: UserId,
    project: ProjectId,
    wants_alerts: bool,
) -> Result<bool> {
    let put = statement(
        "INSERT INTO project_alert_choices (user_id, project_id, wants_alerts)
         SELECT m.user_id, p.id, $1 FROM projects p
         JOIN members m ON m.organization_id = p.organization_id
         WHERE p.id = $2 AND p.deleted_at IS NULL AND m.user_id = $3
         ON CONFLICT (user_id, project_id) DO UPDATE SET wants_alerts = excluded.wants_alerts",
    )
    .bind::<Bool, _>(wants_alerts)
    .bind::<BigInt, _>(project)
    .bind::<BigInt, _>(user)
    .execute(conn)
    .await?;
    Ok(put > 0)
}

/// Takes a choice back; says whether there was one.
pub async fn delete(conn: &mut Conn, user: UserId, project: ProjectId) -> Result<bool> {
    let delete =
        statement("DELETE FROM project_alert_choices WHERE user_id = $1 AND project_id = $2");
    let gone = delete.bind::<BigInt, _>(user).bind::<BigInt, _>(project).execute(conn).await?;
    Ok(gone > 0)
}
