//! Deletes an organization.

use actix_web::HttpResponse;
use mishap_core::audit::Action;
use mishap_storage::{Conn, audit, organizations, transaction};
use mishap_templates::admin::DetailPage;
use serde_json::json;

use super::{PATH, named, overview, path_of, target};
use crate::account::Refusal;
use crate::admin::Administrator;
use crate::admin::done::{Done, What};
use crate::pages::Form;

/// `POST /admin/organizations/{organization}/delete/` — `confirmation`: its slug.
pub(in crate::admin) async fn delete(admin: Administrator, form: Form) -> HttpResponse {
    match remove(&admin, form.text("confirmation")).await {
        Ok(Some(done)) => admin.follow(Ok(done)),
        Ok(None) => {
            let problem = "That is not its slug. Nothing was deleted.";
            match again(&admin, problem).await {
                Ok((path, page)) => admin.at(path).show_again(&page),
                Err(refusal) => admin.refuse(refusal),
            }
        }
        Err(refusal) => admin.refuse(refusal),
    }
}

/// The organization's page, with what is wrong.
async fn again(admin: &Administrator, problem: &str) -> Result<(String, DetailPage), Refusal> {
    let path = path_of(admin.number("organization")?);
    Ok((path, overview::page(admin, Some(problem)).await?))
}

/// Deletes the organization; nothing is done if that was not confirmed.
async fn remove(
    admin: &Administrator,
    confirmation: &str,
) -> Result<Option<(String, Done)>, Refusal> {
    let mut conn = admin.conn().await?;
    let whole = named(&mut conn, admin).await?;
    if confirmation.trim() != whole.organization.slug {
        return Ok(None);
    }
    let (id, target) = (whole.organization.id, target(&whole.organization));
    let actor = admin.actor();
    let details = json!({ "name": whole.organization.name, "projects": whole.projects });
    transaction(&mut conn, async |conn: &mut Conn| {
        organizations::delete(conn, id).await?;
        audit::record(conn, &actor, Action::OrganizationDelete, &target, &details).await
    })
    .await?;
    Ok(Some((PATH.to_owned(), What::OrganizationDeleted.into())))
}
