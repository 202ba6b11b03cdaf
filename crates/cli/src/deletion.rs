//! `mishap project delete`, `org delete`, `user delete`: what somebody wants gone.

use std::fmt;

use anyhow::bail;
use mishap_core::audit::Action;
use mishap_storage::accounts::users::{self, User};
use mishap_storage::audit::{self, Actor, Target};
use mishap_storage::organizations::{self, Organization};
use mishap_storage::projects::{self, Project};
use mishap_storage::{Conn, members, transaction};
use serde::Serialize;
use serde_json::json;

/// What was deleted.
#[derive(Debug, Serialize)]
pub(crate) struct Deleted {
    kind: &'static str,
    name: String,
    /// Whether its rows go later.
    is_purged_later: bool,
}

impl fmt::Display for Deleted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Deleted the {} {}.", self.kind, self.name)?;
        if self.is_purged_later {
            f.write_str(" Ten minutes from now the job purge_deleted takes its rows away.")?;
        }
        Ok(())
    }
}

pub(crate) async fn project(conn: &mut Conn, project: &Project) -> anyhow::Result<Deleted> {
    let target = Target {
        kind: "project",
        id: project.id.to_string(),
        label: project.slug.clone(),
        organization: Some(project.organization_id),
    };
    let details = json!({ "name": project.name });
    transaction(conn, async |conn: &mut Conn| {
        if projects::delete(conn, project.id).await? {
            let actor = Actor::operator();
            audit::record(conn, &actor, Action::ProjectDelete, &target, &details).await?;
        }
        Ok(())
    })
    .await?;
    Ok(Deleted { kind: "project", name: project.slug.clone(), is_purged_later: true })
}

pub(crate) async fn organization(
    conn: &mut Conn,
    organization: &Organization,
) -> anyhow::Result<Deleted> {
    let target = Target {
        kind: "organization",
        id: organization.id.to_string(),
        label: organization.slug.clone(),
        organization: Some(organization.id),
    };
    let details = json!({ "name": organization.name });
    transaction(conn, async |conn: &mut Conn| {
        organizations::delete(conn, organization.id).await?;
        let actor = Actor::operator();
        audit::record(conn, &actor, Action::OrganizationDelete, &target, &details).await
    })
    .await?;
    Ok(Deleted { kind: "organization", name: organization.slug.clone(), is_purged_later: true })
}

/// Deletes an account, unless an organization would have no owner without it.
pub(crate) async fn account(conn: &mut Conn, user: &User) -> anyhow::Result<Deleted> {
    let is_gone = transaction(conn, async |conn: &mut Conn| {
        if members::is_needed(conn, user.id).await? {
            return Ok(false);
        }
        users::delete(conn, user.id).await?;
        let (actor, target) = (Actor::operator(), Target::account(user));
        audit::record(conn, &actor, Action::AccountDelete, &target, &json!({})).await?;
        Ok(true)
    })
    .await?;
    if !is_gone {
        let email = &user.email;
        bail!("{email} is the last owner of an organization: hand that on, or delete it, first");
    }
    Ok(Deleted { kind: "account", name: user.email.clone(), is_purged_later: false })
}
