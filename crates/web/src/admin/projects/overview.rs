//! One project.

use actix_web::HttpResponse;
use mishap_core::quota::QuotaScope;
use mishap_storage::oversight::projects::{self, WholeProject};
use mishap_storage::projects::keys::{self, ProjectKey};
use mishap_storage::teams::{self, TeamSlug};
use mishap_storage::{Conn, quotas};
use mishap_templates::admin::{DetailPage, Section, SectionBody};
use mishap_templates::link::Link;
use mishap_templates::parts::{
    Badge, ButtonKind, Cell, Danger, DangerZone, Fact, Level, LinkButton, Pager,
};

use super::{PATH, named, path_of};
use crate::account::Refusal;
use crate::admin::intake::days;
use crate::admin::organizations::percent;
use crate::admin::parts::{
    above, address, badge, button, count, explained, nothing, row, section, table,
};
use crate::admin::{Administrator, organizations, quotas as limits};

/// Keys that are shown at most.
const SHOWN: i64 = 100;

/// `GET /admin/projects/{project}/`
pub(in crate::admin) async fn show(admin: Administrator) -> HttpResponse {
    let page = page(&admin, None).await;
    admin.answer(page)
}

/// The page, with what was wrong with what was typed to delete the project.
pub(super) async fn page(
    admin: &Administrator,
    problem: Option<&str>,
) -> Result<DetailPage, Refusal> {
    let mut conn = admin.conn().await?;
    let whole = named(&mut conn, admin).await?;
    let id = whole.project.id;
    let keys = keys::list(&mut conn, id, None, SHOWN).await?.items;
    let quotas = quotas::list_of(&mut conn, QuotaScope::Project, id.0).await?;
    let overview = overview(&mut conn, &whole).await?;
    let throttle = whole.project.event_throttle_rate;
    let throttled =
        (throttle > 0).then(|| Badge::new(Level::Warning, format!("{throttle} % throttled")));
    Ok(DetailPage {
        title: whole.project.name.clone(),
        lead: None,
        badges: throttled.into_iter().collect(),
        parents: vec![
            above("Organizations", organizations::PATH),
            above(&whole.organization, organizations::path_of(whole.project.organization_id)),
        ],
        links: links(&whole),
        actions: Vec::new(),
        tabs: Vec::new(),
        sections: vec![
            overview,
            of_keys(&whole, &keys),
            limits::section_of(QuotaScope::Project, id.0, &quotas),
        ],
        pager: Pager::default(),
        dangers: DangerZone { actions: vec![deletion(&whole, problem)] },
    })
}

async fn overview(conn: &mut Conn, whole: &WholeProject) -> Result<Section, Refusal> {
    let project = &whole.project;
    let events = projects::stored_events(conn, project.id).await?;
    let teams = teams::of_projects(conn, &[project.id]).await?.remove(&project.id);
    let teams = teams.unwrap_or_default();
    let teams: Vec<&str> = teams.iter().map(|TeamSlug { slug, .. }| slug.as_str()).collect();
    let organization = Link::within(organizations::path_of(project.organization_id));
    let facts = [
        ("Number", Cell::Code(project.id.to_string())),
        ("Slug", Cell::Code(project.slug.clone())),
        ("Organization", Cell::Link(whole.organization.clone(), organization)),
        ("Teams", Cell::text(teams.join(", "))),
        ("Platform", Cell::text(project.platform.clone().unwrap_or_default())),
        ("Made", Cell::Moment(project.created_at)),
        ("First event", project.first_event_at.map_or(Cell::Missing, Cell::Moment)),
        ("Events stored, 30 days", count(events)),
        ("Issues so far", count(whole.last_issue_number)),
        ("Throttle", percent(project.event_throttle_rate)),
        ("Keeps events for", days(whole.retention_days)),
        ("Scrubs addresses", Cell::Flag(project.scrub_ip_addresses)),
        ("Grouping", Cell::Code(whole.mechanism().name().to_owned())),
    ];
    let facts = facts.into_iter().map(|(label, value)| Fact::new(label, value));
    Ok(section("Project", SectionBody::Facts(facts.collect())))
}

fn links(whole: &WholeProject) -> Vec<LinkButton> {
    let log = address("/admin/audit/", &[("target", &whole.project.slug)]);
    let edit = format!("{}edit/", path_of(whole.project.id));
    vec![button("What was done", log, ButtonKind::Plain), button("Edit", edit, ButtonKind::Primary)]
}

fn of_keys(whole: &WholeProject, keys: &[ProjectKey]) -> Section {
    let path = path_of(whole.project.id);
    let shown = |key: &ProjectKey| {
        row(
            format!("{path}keys/{}/", key.id),
            vec![
                match key.label.as_str() {
                    "" => Cell::text("Without a label"),
                    label => Cell::text(label),
                },
                Cell::Code(key.public_key().to_string()),
                if key.is_active { badge(Level::Ok, "On") } else { badge(Level::Neutral, "Off") },
                super::keys::rate_limit(key),
                Cell::Ago(key.created_at),
            ],
        )
    };
    let empty = nothing("No keys", "Nothing can be sent to a project without a key.");
    let rows = keys.iter().map(shown).collect();
    let columns = ["Label", "Public key", "State", "Limit", "Made"];
    let keys = SectionBody::Table(table("Keys", &columns, rows, empty));
    let new = button("New key", format!("{path}keys/new/"), ButtonKind::Plain);
    Section { links: vec![new], ..explained("Keys", "What SDKs send with.", keys) }
}

fn deletion(whole: &WholeProject, problem: Option<&str>) -> Danger {
    Danger {
        id: "delete",
        title: "Delete this project".to_owned(),
        explanation: "Its issues and events go with it. There is no way back.".to_owned(),
        submit: "Delete".to_owned(),
        path: format!("{}delete/", path_of(whole.project.id)),
        phrase: Some(whole.project.slug.clone()),
        problem: problem.map(str::to_owned),
    }
}

/// The pages above a page about a project.
pub(super) fn parents(whole: &WholeProject) -> Vec<mishap_templates::shell::Crumb> {
    vec![above("Projects", PATH), above(&whole.project.name, path_of(whole.project.id))]
}
