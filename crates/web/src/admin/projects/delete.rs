//! Deletes a project.

use actix_web::HttpResponse;
use mishap_core::audit::Action;
use mishap_storage::{Conn, audit, projects, transaction};
use mishap_templates::admin::DetailPage;
use serde_json::json;

use super::{named, overview, path_of, target};
use crate::account::Refusal;
use crate::admin::done::{Done, What};
use crate::admin::{Administrator, organizations};
use crate::pages::Form;

/// `POST /admin/projects/{project}/delete/` — `confirmation`: its slug.
pub(in crate::admin) async fn delete(admin: Administrator, form: Form) -> HttpResponse {
    match remove(&admin, form.text("confirmation")).await {
        Ok(Some(done)) => admin.follow(Ok(done)),
        Ok(None) => match again(&admin, "That is not its slug. Nothing was deleted.").await {
            Ok((path, page)) => admin.at(path).show_again(&page),
            Err(refusal) => admin.refuse(refusal),
        },
        Err(refusal) => admin.refuse(refusal),
    }
}

/// The project's page, with what is wrong.
async fn again(admin: &Administrator, problem: &str) -> Result<(String, DetailPage), Refusal> {
    let path = path_of(admin.number("project")?);
    Ok((path, overview::page(admin, Some(problem)).await?))
}

/// Deletes the project; nothing is done if that was not confirmed.
async fn remove(
    admin: &Administrator,
    confirmation: &str,
) -> Result<Option<(String, Done)>, Refusal> {
    let mut conn = admin.conn().await?;
    let whole = named(&mut conn, admin).await?;
    if confirmation.trim() != whole.project.slug {
        return Ok(None);
    }
    let (id, target) = (whole.project.id, target(&whole.project));
    let actor = admin.actor();
    let details = json!({ "name": whole.project.name });
    transaction(&mut conn, async |conn: &mut Conn| {
        if projects::delete(conn, id).await? {
            audit::record(conn, &actor, Action::ProjectDelete, &target, &details).await?;
        }
        Ok(())
    })
    .await?;
    let organization = organizations::path_of(whole.project.organization_id);
    Ok(Some((format!("{organization}projects/"), What::ProjectDeleted.into())))
}
