//! Teams and projects of an organization.

use actix_web::HttpResponse;
use mishap_storage::oversight::organizations;
use mishap_storage::projects::{self, Project, TeamFilter};
use mishap_templates::admin::{DetailPage, SectionBody};
use mishap_templates::parts::{Cell, DangerZone, Pager, Row};

use super::overview::tabs;
use super::{PATH, named, path_of};
use crate::account::Refusal;
use crate::admin::parts::{
    ROWS, above, count, nothing, pager, plain_row, row, section, table, throttle,
};
use crate::admin::{Administrator, projects as pages};

/// `GET /admin/organizations/{organization}/teams/`
pub(in crate::admin) async fn teams(admin: Administrator) -> HttpResponse {
    let page = teams_page(&admin).await;
    admin.answer(page)
}

async fn teams_page(admin: &Administrator) -> Result<DetailPage, Refusal> {
    let mut conn = admin.conn().await?;
    let whole = named(&mut conn, admin).await?;
    let id = whole.organization.id;
    let found = organizations::teams(&mut conn, id, admin.cursor(), ROWS).await?;
    let rows = found.items.iter().map(|team| {
        plain_row(vec![
            Cell::Code(team.slug.clone()),
            count(team.members),
            count(team.projects),
            Cell::Ago(team.created_at),
        ])
    });
    let empty = nothing("No teams", "Teams are made by the organization's own administrators.");
    let columns = ["Team", "Members", "Projects", "Made"];
    let pager = pager(&found, &format!("{}teams/", path_of(id)), &[], ("team", "teams"));
    Ok(listing(
        &whole,
        "teams/",
        SectionBody::Table(table("Teams", &columns, rows.collect(), empty)),
        "Teams",
        pager,
    ))
}

/// `GET /admin/organizations/{organization}/projects/`
pub(in crate::admin) async fn projects(admin: Administrator) -> HttpResponse {
    let page = projects_page(&admin).await;
    admin.answer(page)
}

async fn projects_page(admin: &Administrator) -> Result<DetailPage, Refusal> {
    let mut conn = admin.conn().await?;
    let whole = named(&mut conn, admin).await?;
    let id = whole.organization.id;
    let found = projects::list(&mut conn, id, &TeamFilter::default(), admin.cursor(), ROWS).await?;
    let rows = found.items.iter().map(shown).collect();
    let empty = nothing("No projects", "Projects are made by the organization's own members.");
    let columns = ["Name", "Slug", "Platform", "Throttle", "First event", "Made"];
    let pager = pager(&found, &format!("{}projects/", path_of(id)), &[], ("project", "projects"));
    let body = SectionBody::Table(table("Projects", &columns, rows, empty));
    Ok(listing(&whole, "projects/", body, "Projects", pager))
}

fn shown(project: &Project) -> Row {
    row(
        pages::path_of(project.id),
        vec![
            Cell::text(&project.name),
            Cell::Code(project.slug.clone()),
            Cell::text(project.platform.clone().unwrap_or_default()),
            throttle(project.event_throttle_rate),
            project.first_event_at.map_or(Cell::Missing, Cell::Ago),
            Cell::Ago(project.created_at),
        ],
    )
}

/// A page about an organization that is a list.
pub(super) fn listing(
    whole: &organizations::WholeOrganization,
    tab: &str,
    body: SectionBody,
    title: &str,
    pager: Pager,
) -> DetailPage {
    DetailPage {
        title: whole.organization.name.clone(),
        lead: None,
        badges: Vec::new(),
        parents: vec![above("Organizations", PATH)],
        links: Vec::new(),
        actions: Vec::new(),
        tabs: tabs(whole, tab),
        sections: vec![section(title, body)],
        pager,
        dangers: DangerZone { actions: Vec::new() },
    }
}
