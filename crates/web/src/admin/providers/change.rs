//! Sets sign-in providers up, changes and deletes them.

use actix_web::HttpResponse;
use mishap_core::audit::Action;
use mishap_core::id::ProviderId;
use mishap_storage::accounts::providers::{self, ProviderChanges, ProviderRow};
use mishap_storage::{Conn, audit, organizations, transaction};
use mishap_templates::admin::DetailPage;
use mishap_templates::parts::Problems;
use serde_json::{Value, json};

use super::form::{self, Typed, Wanted};
use super::overview::{self, named};
use super::{PATH, path_of, target};
use crate::account::{Problem, Refusal};
use crate::admin::Administrator;
use crate::admin::administrator::missing;
use crate::admin::done::{Done, What};
use crate::admin::parts::differences;
use crate::error::ApiError;
use crate::pages::Form;
use crate::pages::screen::problems;

/// `GET /admin/providers/new/`
pub(in crate::admin) async fn show_create(admin: Administrator) -> HttpResponse {
    admin.show(&form::page(&Typed::new(), None, &Problems::none()))
}

/// `POST /admin/providers/new/`
pub(in crate::admin) async fn create(admin: Administrator, form: Form) -> HttpResponse {
    let done = match form::read(&form, None) {
        Ok(wanted) => make(&admin, &wanted).await,
        Err(problems) => return again(admin, &form, None, &problems),
    };
    match done.map_err(problems) {
        Ok(done) => admin.follow(Ok(done)),
        Err(Ok(problems)) => again(admin, &form, None, &problems),
        Err(Err(refusal)) => admin.refuse(refusal),
    }
}

fn again(
    admin: Administrator,
    form: &Form,
    row: Option<&ProviderRow>,
    problems: &Problems,
) -> HttpResponse {
    admin.show_again(&form::page(&Typed::sent(form, row), row, problems))
}

async fn make(admin: &Administrator, wanted: &Wanted) -> Result<(String, Done), Refusal> {
    let taken = || Problem {
        code: "taken",
        param: Some("slug"),
        message: "Another provider has this slug.".to_owned(),
    };
    let fixed = &admin.state().config.providers;
    if fixed.iter().any(|provider| provider.config.slug == wanted.slug) {
        return Err(taken().into());
    }
    let settings = settings(wanted)?;
    let actor = admin.actor();
    let mut conn = admin.conn().await?;
    expect_organizations(&mut conn, wanted).await?;
    let made = transaction(&mut conn, async |conn: &mut Conn| {
        let new = changes(wanted, wanted.client_secret.as_deref().unwrap_or_default(), &settings);
        let Some(row) = providers::insert(conn, &new).await? else {
            return Ok(None);
        };
        let details = told(&row);
        audit::record(conn, &actor, Action::ProviderCreate, &target(&row), &details).await?;
        Ok(Some(row.id))
    })
    .await?;
    Ok((path_of(made.ok_or_else(taken)?), What::ProviderCreated.into()))
}

/// `GET /admin/providers/{provider}/edit/`
pub(in crate::admin) async fn show_edit(admin: Administrator) -> HttpResponse {
    let page = async {
        let row = named(&mut *admin.conn().await?, &admin).await?;
        Ok(form::page(&Typed::of(&row), Some(&row), &Problems::none()))
    };
    let page = page.await;
    admin.answer(page)
}

/// `POST /admin/providers/{provider}/edit/`
pub(in crate::admin) async fn edit(admin: Administrator, form: Form) -> HttpResponse {
    let found = async { named(&mut *admin.conn().await?, &admin).await };
    let row = match found.await {
        Ok(row) => row,
        Err(refusal) => return admin.refuse(refusal),
    };
    let done = match form::read(&form, Some(&row)) {
        Ok(wanted) => change(&admin, row.id, &wanted).await,
        Err(problems) => return again(admin, &form, Some(&row), &problems),
    };
    match done.map_err(problems) {
        Ok(done) => admin.follow(Ok(done)),
        Err(Ok(problems)) => again(admin, &form, Some(&row), &problems),
        Err(Err(refusal)) => admin.refuse(refusal),
    }
}

async fn change(
    admin: &Administrator,
    id: ProviderId,
    wanted: &Wanted,
) -> Result<(String, Done), Refusal> {
    let settings = settings(wanted)?;
    let actor = admin.actor();
    let mut conn = admin.conn().await?;
    expect_organizations(&mut conn, wanted).await?;
    let changed = transaction(&mut conn, async |conn: &mut Conn| {
        let Some(was) = providers::lock(conn, id).await? else {
            return Ok(false);
        };
        let secret = wanted.client_secret.as_deref().unwrap_or(&was.client_secret);
        let Some(row) = providers::update(conn, id, &changes(wanted, secret, &settings)).await?
        else {
            return Ok(false);
        };
        let mut details = differences(&shown(&was), &shown(&row));
        if let (true, Some(members)) =
            (was.client_secret != row.client_secret, details.as_object_mut())
        {
            // That it changed, and no more.
            members.insert("client_secret".to_owned(), json!("changed"));
        }
        if details != json!({}) {
            audit::record(conn, &actor, Action::ProviderUpdate, &target(&row), &details).await?;
        }
        Ok(true)
    })
    .await?;
    if changed { Ok((path_of(id), What::ProviderChanged.into())) } else { Err(missing()) }
}

/// Settings as they are stored.
fn settings(wanted: &Wanted) -> Result<Value, Refusal> {
    let value = serde_json::to_value(&wanted.settings);
    value.map_err(|error| ApiError::Internal(error.into()).into())
}

fn changes<'a>(wanted: &'a Wanted, secret: &'a str, settings: &'a Value) -> ProviderChanges<'a> {
    ProviderChanges {
        slug: &wanted.slug,
        kind: wanted.kind,
        name: &wanted.name,
        client_id: &wanted.client_id,
        client_secret: secret,
        settings,
        is_enabled: wanted.is_enabled,
    }
}

/// A provider for the audit log, without its secret. Lists are texts: an array tells of a change.
fn shown(row: &ProviderRow) -> Value {
    let typed = Typed::of(row);
    let text = |text: &str| if text.is_empty() { Value::Null } else { json!(text) };
    json!({
        "slug": row.slug,
        "kind": row.kind,
        "name": row.name,
        "client_id": row.client_id,
        "enabled": row.is_enabled,
        "address": text(&typed.server_url),
        "tenant": text(&typed.tenant),
        "scopes": text(&typed.scopes),
        "groups_claim": text(&typed.groups_claim),
        "roles": text(&typed.roles.replace('\n', "; ")),
    })
}

/// The same, as far as there is something to tell.
fn told(row: &ProviderRow) -> Value {
    let mut shown = shown(row);
    if let Some(members) = shown.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    shown
}

/// Every organization that groups belong to has to be there: a slug that was mistyped gives nobody
/// anything, and nobody would see why.
async fn expect_organizations(conn: &mut Conn, wanted: &Wanted) -> Result<(), Refusal> {
    let slugs: Vec<&str> =
        wanted.settings.roles.iter().map(|role| role.organization.as_str()).collect();
    let known = organizations::known_slugs(conn, &slugs).await?;
    let Some(unknown) = slugs.into_iter().find(|slug| !known.iter().any(|known| known == slug))
    else {
        return Ok(());
    };
    let unknown: String = unknown.chars().take(80).collect();
    let message = format!("No organization has the slug “{unknown}”.");
    Err(Problem { code: "unknown", param: Some("roles"), message }.into())
}

/// `POST /admin/providers/{provider}/delete/` — `confirmation`: its slug.
pub(in crate::admin) async fn delete(admin: Administrator, form: Form) -> HttpResponse {
    match remove(&admin, form.text("confirmation")).await {
        Ok(Some(done)) => admin.follow(Ok(done)),
        Ok(None) => match unconfirmed(&admin).await {
            Ok((path, page)) => admin.at(path).show_again(&page),
            Err(refusal) => admin.refuse(refusal),
        },
        Err(refusal) => admin.refuse(refusal),
    }
}

/// The provider's page, with what is wrong.
async fn unconfirmed(admin: &Administrator) -> Result<(String, DetailPage), Refusal> {
    let path = path_of(ProviderId(admin.number("provider")?));
    let problem = "That is not its slug. Nothing was deleted.";
    Ok((path, overview::page(admin, Some(problem)).await?))
}

/// Deletes the provider; nothing is done if that was not confirmed.
async fn remove(
    admin: &Administrator,
    confirmation: &str,
) -> Result<Option<(String, Done)>, Refusal> {
    let mut conn = admin.conn().await?;
    let row = named(&mut conn, admin).await?;
    if confirmation.trim() != row.slug {
        return Ok(None);
    }
    let (actor, details) = (admin.actor(), told(&row));
    transaction(&mut conn, async |conn: &mut Conn| {
        if providers::delete(conn, row.id).await? {
            audit::record(conn, &actor, Action::ProviderDelete, &target(&row), &details).await?;
        }
        Ok(())
    })
    .await?;
    Ok(Some((PATH.to_owned(), What::ProviderDeleted.into())))
}
