//! Everybody's organizations.

mod create;
mod delete;
mod edit;
pub(super) mod members;
mod overview;
mod parts;

use actix_web::HttpResponse;
use mishap_core::id::OrganizationId;
use mishap_storage::audit::Target;
use mishap_storage::oversight::organizations::{self, ListedOrganization, WholeOrganization};
use mishap_storage::{Conn, organizations::Organization};
use mishap_templates::admin::{ListPage, Search};
use mishap_templates::parts::{ButtonKind, Cell, Field, FieldKind, Level, Row};

pub(super) use self::create::{create, show_create};
pub(super) use self::delete::delete;
pub(super) use self::edit::{edit, show_edit};
pub(super) use self::overview::{percent, show};
pub(super) use self::parts::{projects, teams};
use super::Administrator;
use super::administrator::missing;
use super::parts::{ROWS, badge, button, count, nothing, pager, row, table, throttle};
use crate::account::Refusal;

/// Where the organizations are.
pub(super) const PATH: &str = "/admin/organizations/";

/// Where an organization is.
pub(super) fn path_of(organization: impl std::fmt::Display) -> String {
    format!("{PATH}{organization}/")
}

/// How the audit log tells of an organization.
fn target(organization: &Organization) -> Target {
    Target {
        kind: "organization",
        id: organization.id.to_string(),
        label: organization.slug.clone(),
        organization: Some(organization.id),
    }
}

/// The organization that the path names.
async fn named(conn: &mut Conn, admin: &Administrator) -> Result<WholeOrganization, Refusal> {
    let organization = OrganizationId(admin.number("organization")?);
    organizations::find(conn, organization).await?.ok_or_else(missing)
}

/// `GET /admin/organizations/` — `search`.
pub(super) async fn list(admin: Administrator) -> HttpResponse {
    let page = found(&admin).await;
    admin.answer(page)
}

async fn found(admin: &Administrator) -> Result<ListPage, Refusal> {
    let search = admin.asked("search");
    let mut conn = admin.conn().await?;
    let page = organizations::list(&mut conn, search, admin.cursor(), ROWS).await?;
    let search = search.unwrap_or_default();
    let empty = nothing("No organizations", "Whoever may make one does so, or you do.");
    let columns = ["Name", "Slug", "Events", "Throttle", "Members", "Projects", "Made"];
    Ok(ListPage {
        title: "Organizations".to_owned(),
        lead: Some("The newest first.".to_owned()),
        parents: Vec::new(),
        forms: Vec::new(),
        actions: vec![button("New organization", format!("{PATH}new/"), ButtonKind::Primary)],
        search: Some(Search {
            path: PATH.to_owned(),
            query: Some(Field::new("search", "Name or slug", FieldKind::Text).value(search)),
            filters: Vec::new(),
        }),
        pager: pager(&page, PATH, &[("search", search)], ("organization", "organizations")),
        table: table("Organizations", &columns, page.items.iter().map(shown).collect(), empty),
    })
}

fn shown(organization: &ListedOrganization) -> Row {
    row(
        path_of(organization.id),
        vec![
            Cell::text(&organization.name),
            Cell::Code(organization.slug.clone()),
            accepting(organization.is_accepting_events),
            throttle(organization.event_throttle_rate),
            count(organization.members),
            count(organization.projects),
            Cell::Ago(organization.created_at),
        ],
    )
}

/// Whether an organization takes events.
fn accepting(is_accepting: bool) -> Cell {
    if is_accepting { badge(Level::Ok, "Taken") } else { badge(Level::Warning, "Refused") }
}
