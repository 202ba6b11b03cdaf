//! One sign-in provider.

use actix_web::HttpResponse;
use mishap_core::id::ProviderId;
use mishap_identity::provider::{ProviderKind, RoleRule};
use mishap_storage::Conn;
use mishap_storage::accounts::identities;
use mishap_storage::accounts::providers::{self, ProviderRow};
use mishap_templates::admin::{DetailPage, Section, SectionBody};
use mishap_templates::parts::{
    ActionForm, Badge, ButtonKind, Cell, Danger, DangerZone, LinkButton, Pager, number,
};
use secrecy::ExposeSecret as _;

use super::{PATH, kind_label, path_of, state, stored_kind, test_button};
use crate::account::Refusal;
use crate::account::provider::Provider;
use crate::admin::Administrator;
use crate::admin::administrator::missing;
use crate::admin::parts::{
    above, address, button, count, explained, facts, nothing, plain_row, section, table,
};

/// `GET /admin/providers/{provider}/`
pub(in crate::admin) async fn show(admin: Administrator) -> HttpResponse {
    let page = page(&admin, None).await;
    admin.answer(page)
}

/// The provider that the path names.
pub(super) async fn named(conn: &mut Conn, admin: &Administrator) -> Result<ProviderRow, Refusal> {
    let id = ProviderId(admin.number("provider")?);
    providers::find(conn, id).await?.ok_or_else(missing)
}

/// The page, with what was wrong with what was typed to delete the provider.
pub(super) async fn page(
    admin: &Administrator,
    problem: Option<&str>,
) -> Result<DetailPage, Refusal> {
    let mut conn = admin.conn().await?;
    let row = named(&mut conn, admin).await?;
    let people = identities::count_by_provider(&mut conn, &[&row.slug]).await?;
    let people = people.get(&row.slug).copied().unwrap_or_default();
    let known = Provider::of_row(&row);
    let may_change = admin.account().is_superuser;
    let badges = match state(&row, &admin.state().config.providers) {
        Cell::Badge(badge) => vec![badge],
        _ => Vec::<Badge>::new(),
    };
    let removal = may_change.then(|| deletion(&row, people, problem));
    Ok(DetailPage {
        title: row.name.clone(),
        lead: Some(format!("Sign-in provider {}", row.slug)),
        badges,
        parents: vec![above("Sign-in providers", PATH)],
        links: links(&row, may_change),
        actions: vec![ActionForm {
            label: "Test this provider".to_owned(),
            object: None,
            ..test_button(&row.slug, &row.name)
        }],
        tabs: Vec::new(),
        sections: sections(admin, &row, known.as_ref(), people),
        pager: Pager::default(),
        dangers: DangerZone { actions: removal.into_iter().collect() },
    })
}

fn links(row: &ProviderRow, may_change: bool) -> Vec<LinkButton> {
    let log = address("/admin/audit/", &[("target", &row.slug)]);
    let edit = format!("{}edit/", path_of(row.id));
    let edit = may_change.then(|| button("Edit", edit, ButtonKind::Primary));
    [Some(button("What was done", log, ButtonKind::Plain)), edit].into_iter().flatten().collect()
}

fn sections(
    admin: &Administrator,
    row: &ProviderRow,
    known: Option<&Provider>,
    people: i64,
) -> Vec<Section> {
    let Some(provider) = known else {
        let facts = facts([
            ("Kind", Cell::text(stored_kind(&row.kind))),
            ("Made", Cell::Moment(row.created_at)),
        ]);
        return vec![section("Provider", facts)];
    };
    let config = &provider.config;
    let has_secret = !config.client_secret.expose_secret().is_empty();
    let url = config.server_url.as_ref().map(|url| Cell::Code(url.to_string()));
    let facts = facts([
        ("Kind", Cell::text(kind_label(config.kind))),
        ("Client id", Cell::Code(config.client_id.clone())),
        ("Client secret", Cell::text(if has_secret { "kept, never shown" } else { "" })),
        ("Address", url.unwrap_or(Cell::Missing)),
        ("Tenant", Cell::text(config.tenant.clone().unwrap_or_default())),
        ("Asked for", Cell::Code(config.asked_scopes().join(" "))),
        ("People linked", count(people)),
        ("Made", Cell::Moment(row.created_at)),
    ]);
    let callback = "Register this address at the provider, letter by letter: it sends people back \
                    to it.";
    let mut sections = vec![
        section("Provider", facts),
        explained(
            "Redirect URI",
            callback,
            SectionBody::Copy("redirect-uri", provider.callback(&admin.state().config)),
        ),
    ];
    if config.kind != ProviderKind::GitHub || !provider.rules.is_empty() {
        sections.push(rules(&provider.rules));
    }
    sections
}

fn rules(rules: &[RoleRule]) -> Section {
    let shown = |rule: &RoleRule| {
        plain_row(vec![
            Cell::Code(rule.claim.clone()),
            Cell::Code(rule.value.clone()),
            Cell::Code(rule.organization.clone()),
            Cell::text(rule.role.label()),
        ])
    };
    let empty = nothing(
        "No groups yet",
        "People belong to the organizations that they are invited to. Edit the provider to let its \
         groups decide.",
    );
    let rows = rules.iter().map(shown).collect();
    let columns = ["Claim", "Group", "Organization", "Role"];
    explained(
        "Groups and roles",
        "Looked at whenever somebody signs in. Who leaves a group loses what it gave.",
        SectionBody::Table(table("Groups and roles", &columns, rows, empty)),
    )
}

fn deletion(row: &ProviderRow, people: i64, problem: Option<&str>) -> Danger {
    let explanation = match u64::try_from(people).unwrap_or_default() {
        0 => "Nobody came from there so far.".to_owned(),
        1 => "One person came from there, and needs another way to sign in. The link is kept, in \
              case a provider with this slug comes back."
            .to_owned(),
        people => format!(
            "{} people came from there, and need another way to sign in. Their links are kept, in \
             case a provider with this slug comes back.",
            number(people)
        ),
    };
    Danger {
        id: "delete",
        title: "Delete this provider".to_owned(),
        explanation,
        submit: "Delete".to_owned(),
        path: format!("{}delete/", path_of(row.id)),
        phrase: Some(row.slug.clone()),
        problem: problem.map(str::to_owned),
    }
}
