//! Everybody's projects.

mod delete;
mod edit;
pub(super) mod keys;
mod overview;

use actix_web::HttpResponse;
use mishap_core::id::ProjectId;
use mishap_storage::Conn;
use mishap_storage::audit::Target;
use mishap_storage::oversight::projects::{self, ListedProject, WholeProject};
use mishap_storage::projects::Project;
use mishap_templates::admin::{ListPage, Search};
use mishap_templates::link::Link;
use mishap_templates::parts::{Cell, Field, FieldKind, Row};

pub(super) use self::delete::delete;
pub(super) use self::edit::{edit, show_edit};
pub(super) use self::overview::show;
use super::administrator::missing;
use super::parts::{ROWS, nothing, pager, row, table, throttle};
use super::{Administrator, organizations};
use crate::account::Refusal;

/// Where the projects are.
pub(super) const PATH: &str = "/admin/projects/";

/// Where a project is.
pub(super) fn path_of(project: impl std::fmt::Display) -> String {
    format!("{PATH}{project}/")
}

/// How the audit log tells of a project.
fn target(project: &Project) -> Target {
    Target {
        kind: "project",
        id: project.id.to_string(),
        label: project.slug.clone(),
        organization: Some(project.organization_id),
    }
}

/// The project that the path names.
async fn named(conn: &mut Conn, admin: &Administrator) -> Result<WholeProject, Refusal> {
    let project = ProjectId(admin.number("project")?);
    projects::find(conn, project).await?.ok_or_else(missing)
}

/// `GET /admin/projects/` — `search`.
pub(super) async fn list(admin: Administrator) -> HttpResponse {
    let page = found(&admin).await;
    admin.answer(page)
}

async fn found(admin: &Administrator) -> Result<ListPage, Refusal> {
    let search = admin.asked("search");
    let mut conn = admin.conn().await?;
    let page = projects::list(&mut conn, search, admin.cursor(), ROWS).await?;
    let search = search.unwrap_or_default();
    let empty = nothing("No projects", "Projects are made by the members of organizations.");
    let columns = ["Name", "Organization", "Number", "Platform", "Throttle", "First event", "Made"];
    Ok(ListPage {
        title: "Projects".to_owned(),
        lead: Some("Of all organizations, the newest first.".to_owned()),
        parents: Vec::new(),
        forms: Vec::new(),
        actions: Vec::new(),
        search: Some(Search {
            path: PATH.to_owned(),
            query: Some(
                Field::new("search", "Name, slug or number", FieldKind::Text).value(search),
            ),
            filters: Vec::new(),
        }),
        pager: pager(&page, PATH, &[("search", search)], ("project", "projects")),
        table: table("Projects", &columns, page.items.iter().map(shown).collect(), empty),
    })
}

fn shown(project: &ListedProject) -> Row {
    let organization = Link::within(organizations::path_of(project.organization_id));
    row(
        path_of(project.id),
        vec![
            Cell::text(&project.name),
            Cell::Link(project.organization.clone(), organization),
            Cell::Code(project.id.to_string()),
            Cell::text(project.platform.clone().unwrap_or_default()),
            throttle(project.event_throttle_rate),
            project.first_event_at.map_or(Cell::Missing, Cell::Ago),
            Cell::Ago(project.created_at),
        ],
    )
}
