//! One organization.

use actix_web::HttpResponse;
use mishap_core::quota::QuotaScope;
use mishap_storage::oversight::organizations::{self, WholeOrganization};
use mishap_storage::quotas;
use mishap_templates::admin::{DetailPage, Tab};
use mishap_templates::link::Link;
use mishap_templates::parts::{
    Badge, ButtonKind, Cell, Danger, DangerZone, Level, LinkButton, Pager, number,
};

use super::{PATH, named, path_of};
use crate::account::Refusal;
use crate::admin::intake::days;
use crate::admin::parts::{above, address, button, count, facts, section};
use crate::admin::{Administrator, quotas as limits};

/// `GET /admin/organizations/{organization}/`
pub(in crate::admin) async fn show(admin: Administrator) -> HttpResponse {
    let page = page(&admin, None).await;
    admin.answer(page)
}

/// The page, with what was wrong with what was typed to delete the organization.
pub(super) async fn page(
    admin: &Administrator,
    problem: Option<&str>,
) -> Result<DetailPage, Refusal> {
    let mut conn = admin.conn().await?;
    let whole = named(&mut conn, admin).await?;
    let id = whole.organization.id;
    let events = organizations::stored_events(&mut conn, id).await?;
    let quotas = quotas::list_of(&mut conn, QuotaScope::Organization, id.0).await?;
    let organization = &whole.organization;
    let flag = Cell::Flag;
    let facts = facts([
        ("Number", Cell::Code(id.to_string())),
        ("Slug", Cell::Code(organization.slug.clone())),
        ("Made", Cell::Moment(organization.created_at)),
        ("Events stored, 30 days", count(events)),
        ("Takes events", flag(organization.is_accepting_events)),
        ("Throttle", percent(organization.event_throttle_rate)),
        ("Keeps events for", days(whole.retention_days)),
        ("Scrubs addresses in all projects", flag(whole.scrub_ip_addresses)),
        ("Members may join teams", flag(organization.open_membership)),
        ("Requires a second factor", flag(organization.require_second_factor)),
    ]);
    Ok(DetailPage {
        title: organization.name.clone(),
        lead: None,
        badges: badges(&whole),
        parents: vec![above("Organizations", PATH)],
        links: links(&whole),
        actions: Vec::new(),
        tabs: tabs(&whole, ""),
        sections: vec![
            section("Organization", facts),
            limits::section_of(QuotaScope::Organization, id.0, &quotas),
        ],
        pager: Pager::default(),
        dangers: DangerZone { actions: vec![deletion(&whole, problem)] },
    })
}

/// How much is refused.
pub(in crate::admin) fn percent(percent: i16) -> Cell {
    match percent {
        ..=0 => Cell::text("nothing is refused"),
        percent => Cell::text(format!("{percent} % of the events are refused")),
    }
}

fn badges(whole: &WholeOrganization) -> Vec<Badge> {
    let organization = &whole.organization;
    let refuses = !organization.is_accepting_events;
    let throttles = organization.event_throttle_rate > 0;
    [
        refuses.then(|| Badge::new(Level::Warning, "Refuses events")),
        throttles.then(|| {
            let text = format!("{} % throttled", organization.event_throttle_rate);
            Badge::new(Level::Warning, text)
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn links(whole: &WholeOrganization) -> Vec<LinkButton> {
    let log = address("/admin/audit/", &[("organization", &whole.organization.slug)]);
    let edit = format!("{}edit/", path_of(whole.organization.id));
    vec![button("What was done", log, ButtonKind::Plain), button("Edit", edit, ButtonKind::Primary)]
}

/// The pages about an organization.
pub(super) fn tabs(whole: &WholeOrganization, current: &str) -> Vec<Tab> {
    let path = path_of(whole.organization.id);
    let tab = |label: &str, page: &str, count: Option<i64>| Tab {
        label: label.to_owned(),
        link: Link::within(format!("{path}{page}")),
        count: count.and_then(|count| u64::try_from(count).ok()),
        is_current: page == current,
    };
    vec![
        tab("Overview", "", None),
        tab("Members", "members/", Some(whole.members)),
        tab("Teams", "teams/", Some(whole.teams)),
        tab("Projects", "projects/", Some(whole.projects)),
    ]
}

fn deletion(whole: &WholeOrganization, problem: Option<&str>) -> Danger {
    let organization = &whole.organization;
    let projects = u64::try_from(whole.projects).unwrap_or_default();
    let with = match projects {
        0 => "It has no projects.".to_owned(),
        1 => "Its project and all its events go with it.".to_owned(),
        projects => format!("Its {} projects and all their events go with it.", number(projects)),
    };
    Danger {
        id: "delete",
        title: "Delete this organization".to_owned(),
        explanation: format!("{with} There is no way back."),
        submit: "Delete".to_owned(),
        path: format!("{}delete/", path_of(organization.id)),
        phrase: Some(organization.slug.clone()),
        problem: problem.map(str::to_owned),
    }
}
