//! Sign-in providers: those that administrators set up, and those that the environment sets.

mod change;
mod check;
mod form;
mod overview;

use std::collections::HashMap;

use actix_web::HttpResponse;
use mishap_core::id::ProviderId;
use mishap_identity::provider::ProviderKind;
use mishap_storage::accounts::identities;
use mishap_storage::accounts::providers::{self, ProviderRow};
use mishap_storage::audit::Target;
use mishap_templates::admin::{DetailPage, SectionBody};
use mishap_templates::parts::{ActionForm, ButtonKind, Cell, DangerZone, Level, Pager, Row};

pub(super) use self::change::{create, delete, edit, show_create, show_edit};
pub(super) use self::check::check;
pub(super) use self::overview::show;
use super::Administrator;
use super::parts::{badge, button, count, explained, nothing, plain_row, row, sending, table};
use crate::account::Refusal;
use crate::account::provider::{KINDS, Provider};

/// Where the providers are.
const PATH: &str = "/admin/providers/";

/// Where a provider is.
fn path_of(id: ProviderId) -> String {
    format!("{PATH}{id}/")
}

/// How the audit log tells of a provider.
fn target(row: &ProviderRow) -> Target {
    Target { kind: "provider", id: row.id.to_string(), label: row.slug.clone(), organization: None }
}

/// A way to speak with providers, as people call it.
fn kind_label(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::OpenIdConnect => "OpenID Connect",
        ProviderKind::GitHub => "GitHub",
        ProviderKind::GitLab => "GitLab",
        ProviderKind::Google => "Google",
        ProviderKind::Microsoft => "Microsoft",
    }
}

/// The same, of one that is stored; an older or newer version may have stored others.
fn stored_kind(kind: &str) -> &str {
    let known = KINDS.iter().find(|(name, _)| *name == kind);
    known.map_or(kind, |(_, kind)| kind_label(*kind))
}

/// The button that asks a provider.
fn test_button(slug: &str, name: &str) -> ActionForm {
    let button = sending("Test", &format!("{PATH}test/"), &[("provider", slug)]);
    ActionForm { object: Some(name.to_owned()), ..button }
}

/// `GET /admin/providers/`
pub(super) async fn list(admin: Administrator) -> HttpResponse {
    let page = found(&admin).await;
    admin.answer(page)
}

async fn found(admin: &Administrator) -> Result<DetailPage, Refusal> {
    let mut conn = admin.conn().await?;
    let rows = providers::list(&mut conn).await?;
    let fixed = &admin.state().config.providers;
    let stored = rows.iter().map(|row| row.slug.as_str());
    let slugs: Vec<&str> =
        stored.chain(fixed.iter().map(|provider| provider.config.slug.as_str())).collect();
    let people = identities::count_by_provider(&mut conn, &slugs).await?;
    let columns = ["Name", "Slug", "Kind", "People", "State", "Action"];
    let stored = rows.iter().map(|row| shown(row, fixed, &people)).collect();
    let empty = nothing(
        "No providers yet",
        "With one, people sign in here with the account that they have at your company, or elsewhere.",
    );
    let stored = SectionBody::Table(table("Sign-in providers", &columns, stored, empty));
    let mut sections = vec![explained(
        "Set up here",
        "People see them on the sign-in page, ordered by name, while they are switched on.",
        stored,
    )];
    if !fixed.is_empty() {
        let rows = fixed.iter().map(|provider| shown_fixed(provider, &people)).collect();
        let empty = nothing("None", "The environment sets none.");
        sections.push(explained(
            "Set by the environment",
            "Variables that begin with MISHAP_SIGN_IN_ make them. They are changed there.",
            SectionBody::Table(table("Providers of the environment", &columns, rows, empty)),
        ));
    }
    let create = button("New provider", format!("{PATH}new/"), ButtonKind::Primary);
    Ok(DetailPage {
        title: "Sign-in providers".to_owned(),
        lead: Some("Who else can say who a person is.".to_owned()),
        badges: Vec::new(),
        parents: Vec::new(),
        links: admin.account().is_superuser.then_some(create).into_iter().collect(),
        actions: Vec::new(),
        tabs: Vec::new(),
        sections,
        pager: Pager::default(),
        dangers: DangerZone { actions: Vec::new() },
    })
}

/// How many people are linked with providers, by slug.
type People = HashMap<String, i64>;

fn shown(stored: &ProviderRow, fixed: &[Provider], people: &People) -> Row {
    let cells = vec![
        Cell::text(&stored.name),
        Cell::Code(stored.slug.clone()),
        Cell::text(stored_kind(&stored.kind)),
        count(people.get(&stored.slug).copied().unwrap_or_default()),
        state(stored, fixed),
        Cell::Action(test_button(&stored.slug, &stored.name)),
    ];
    row(path_of(stored.id), cells)
}

fn shown_fixed(provider: &Provider, people: &People) -> Row {
    let config = &provider.config;
    plain_row(vec![
        Cell::text(&config.name),
        Cell::Code(config.slug.clone()),
        Cell::text(kind_label(config.kind)),
        count(people.get(&config.slug).copied().unwrap_or_default()),
        badge(Level::Ok, "On"),
        Cell::Action(test_button(&config.slug, &config.name)),
    ])
}

/// Whether the environment sets one of the same name.
fn is_hidden(stored: &ProviderRow, fixed: &[Provider]) -> bool {
    fixed.iter().any(|provider| provider.config.slug == stored.slug)
}

/// Whether people can come from there.
fn state(stored: &ProviderRow, fixed: &[Provider]) -> Cell {
    if Provider::of_row(stored).is_none() {
        return badge(Level::Error, "Cannot be read");
    }
    if is_hidden(stored, fixed) {
        return badge(Level::Warning, "Hidden by the environment");
    }
    match stored.is_enabled {
        true => badge(Level::Ok, "On"),
        false => badge(Level::Neutral, "Off"),
    }
}
