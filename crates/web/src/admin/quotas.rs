//! Limits on how much is taken, of the installation, organizations and projects.

mod change;

use std::collections::HashMap;

use actix_web::HttpResponse;
use mishap_core::id::{OrganizationId, ProjectId};
use mishap_core::quota::{Quota, QuotaKey, QuotaScope};
use mishap_protocol::envelope::DataCategory;
use mishap_storage::oversight::{self, projects};
use mishap_storage::{Conn, organizations, quotas};
use mishap_templates::admin::{DetailPage, Section, SectionBody};
use mishap_templates::link::Link;
use mishap_templates::parts::{ActionForm, ButtonKind, Cell, DangerZone, Pager, Row, number};

pub(super) use self::change::{remove, set, show_set};
use super::parts::{address, button, explained, nothing, plain_row, sending, table};
use super::{Administrator, organizations as organization_pages, projects as project_pages};
use crate::account::Refusal;

/// Where all limits are.
pub(super) const PATH: &str = "/admin/quotas/";

/// Lengths of windows that can be chosen, in seconds.
const WINDOWS: &[(u32, &str)] = &[
    (60, "a minute"),
    (3600, "an hour"),
    (86_400, "a day"),
    (604_800, "a week"),
    (2_592_000, "30 days"),
];

/// A window in words.
pub(super) fn window(seconds: u32) -> String {
    let known = WINDOWS.iter().find(|(length, _)| *length == seconds);
    match known {
        Some((_, name)) => (*name).to_owned(),
        None => format!("{} seconds", number(u64::from(seconds))),
    }
}

/// What is counted, in words.
fn counted(key: &QuotaKey) -> String {
    let names: Vec<_> = key.categories.iter().map(DataCategory::name).collect();
    if names.is_empty() { "everything".to_owned() } else { names.join(", ") }
}

/// A limit as forms name it.
fn hidden(key: &QuotaKey) -> [(&'static str, String); 4] {
    [
        ("scope", key.scope.name().to_owned()),
        ("of", key.scope_id.to_string()),
        ("categories", key.categories.bits().to_string()),
        ("window", key.window_seconds.to_string()),
    ]
}

/// The button that takes a limit away.
fn removal(quota: &Quota) -> Cell {
    let fields = hidden(&quota.key);
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Cell::Action(ActionForm {
        object: Some(format!("{} in {}", counted(&quota.key), window(quota.key.window_seconds))),
        kind: ButtonKind::Danger,
        ..sending("Remove", &format!("{PATH}remove/"), &fields)
    })
}

fn cells(quota: &Quota) -> Vec<Cell> {
    vec![
        Cell::text(counted(&quota.key)),
        Cell::Number(quota.limit),
        Cell::text(window(quota.key.window_seconds)),
        removal(quota),
    ]
}

/// The limits of one thing, as a part of its page.
pub(super) fn section_of(scope: QuotaScope, id: i64, quotas: &[Quota]) -> Section {
    let rows: Vec<Row> = quotas.iter().map(|quota| plain_row(cells(quota))).collect();
    let empty = nothing(
        "No limit here",
        "Nothing is refused for being too much, unless another limit says so.",
    );
    let body = SectionBody::Table(table("Limits", &["Of", "Items", "In", "Action"], rows, empty));
    let explanation = "Whatever is over a limit is refused, and the client is told to wait.";
    let id = id.to_string();
    let set = address(&format!("{PATH}new/"), &[("scope", scope.name()), ("of", &id)]);
    let links = vec![button("Set a limit", set, ButtonKind::Plain)];
    Section { links, ..explained("Limits", explanation, body) }
}

/// `GET /admin/quotas/` — every limit there is.
pub(super) async fn list(admin: Administrator) -> HttpResponse {
    let page = found(&admin).await;
    admin.answer(page)
}

async fn found(admin: &Administrator) -> Result<DetailPage, Refusal> {
    let mut conn = admin.conn().await?;
    let quotas = quotas::list(&mut conn).await?;
    let (whole, others): (Vec<Quota>, Vec<Quota>) =
        quotas.into_iter().partition(|quota| quota.key.scope == QuotaScope::Instance);
    let names = names(&mut conn, &others).await?;
    let rows = others.iter().map(|quota| {
        let subject = match names.get(&(quota.key.scope, quota.key.scope_id)) {
            Some((name, link)) => Cell::Link(name.clone(), link.clone()),
            None => Cell::text(format!("{} {}", quota.key.scope, quota.key.scope_id)),
        };
        let mut row = vec![subject, Cell::text(quota.key.scope.name())];
        row.extend(cells(quota));
        plain_row(row)
    });
    let empty = nothing("No limits", "Set them on the page of an organization or a project.");
    let columns = ["For", "Kind", "Of", "Items", "In", "Action"];
    let mut installation = section_of(QuotaScope::Instance, 0, &whole);
    installation.title = "Of the whole installation".to_owned();
    Ok(DetailPage {
        title: "Limits".to_owned(),
        lead: Some("How much is taken, and no more. Keys have limits of their own besides.".into()),
        badges: Vec::new(),
        parents: Vec::new(),
        links: Vec::new(),
        actions: Vec::new(),
        tabs: Vec::new(),
        sections: vec![
            installation,
            explained(
                "Of organizations and projects",
                "Set on their pages.",
                SectionBody::Table(table("Limits", &columns, rows.collect(), empty)),
            ),
        ],
        pager: Pager::default(),
        dangers: DangerZone { actions: Vec::new() },
    })
}

/// What limited things are called, and where they are.
type Names = HashMap<(QuotaScope, i64), (String, Link)>;

async fn names(conn: &mut Conn, quotas: &[Quota]) -> Result<Names, Refusal> {
    let ids = |scope| {
        let of_scope = move |quota: &&Quota| quota.key.scope == scope;
        quotas.iter().filter(of_scope).map(|quota| quota.key.scope_id)
    };
    let owners: Vec<_> = ids(QuotaScope::Organization).map(OrganizationId).collect();
    let projects: Vec<_> = ids(QuotaScope::Project).map(ProjectId).collect();
    let mut names = Names::new();
    for organization in organizations::list_by_ids(conn, &owners).await? {
        let link = Link::within(organization_pages::path_of(organization.id));
        names.insert((QuotaScope::Organization, organization.id.0), (organization.name, link));
    }
    for (id, name) in projects::names(conn, &projects).await? {
        let link = Link::within(project_pages::path_of(id));
        let name = format!("{}/{}", name.organization, name.project);
        names.insert((QuotaScope::Project, id.0), (name, link));
    }
    Ok(names)
}

/// What has a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Subject {
    scope: QuotaScope,
    id: i64,
    name: String,
    organization: Option<OrganizationId>,
    /// Its page.
    path: String,
}

/// The thing that a form names, if it is there.
async fn subject(conn: &mut Conn, scope: &str, id: &str) -> Result<Option<Subject>, Refusal> {
    let (Some(scope), Ok(id)) = (QuotaScope::from_name(scope), id.parse::<i64>()) else {
        return Ok(None);
    };
    let found = match scope {
        QuotaScope::Instance => (id == 0).then(|| Subject {
            scope,
            id,
            name: "the whole installation".to_owned(),
            organization: None,
            path: PATH.to_owned(),
        }),
        QuotaScope::Organization => {
            let found = oversight::organizations::find(conn, OrganizationId(id)).await?;
            found.map(|found| Subject {
                scope,
                id,
                name: found.organization.name,
                organization: Some(found.organization.id),
                path: organization_pages::path_of(id),
            })
        }
        QuotaScope::Project => projects::find(conn, ProjectId(id)).await?.map(|found| Subject {
            scope,
            id,
            name: found.project.name,
            organization: Some(found.project.organization_id),
            path: project_pages::path_of(id),
        }),
        // Keys have their limit on their own page.
        QuotaScope::Key => None,
    };
    Ok(found)
}

#[cfg(test)]
mod tests {
    use mishap_core::quota::Categories;

    use super::*;

    #[test]
    fn limits_are_told_in_words() {
        let key = |categories, window_seconds| QuotaKey {
            scope: QuotaScope::Instance,
            scope_id: 0,
            categories: Categories::of(categories),
            window_seconds,
        };
        assert_eq!(counted(&key(&[], 60)), "everything");
        assert_eq!(counted(&key(&[DataCategory::Error, DataCategory::Log], 60)), "error, log_item");
        assert_eq!(window(3600), "an hour");
        assert_eq!(window(5000), "5,000 seconds");
    }
}
