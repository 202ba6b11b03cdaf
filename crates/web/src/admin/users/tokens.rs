//! API tokens of an account.

use actix_web::HttpResponse;
use chrono::TimeDelta;
use mishap_core::access::{Scope, Scopes};
use mishap_core::audit::Action;
use mishap_core::id::{TokenId, UserId};
use mishap_core::secret::ApiToken;
use mishap_storage::accounts::tokens::{self, NewToken};
use mishap_storage::accounts::users::{self, User};
use mishap_storage::audit::{self, Target};
use mishap_storage::{Conn, transaction};
use mishap_templates::admin::{DetailPage, FormPage, SectionBody};
use mishap_templates::link::Link;
use mishap_templates::parts::{DangerZone, Form as FormPart, Pager, Problems};
use serde_json::json;

use super::authority::{may_change, over};
use super::{PATH, path_of};
use crate::account::Refusal;
use crate::admin::Administrator;
use crate::admin::administrator::missing;
use crate::admin::done::{Done, What};
use crate::admin::parts::{above, explained};
use crate::pages::Form;
use crate::pages::tokens::TypedToken;

/// How the audit log tells of a token.
pub(super) fn target(token: TokenId, label: &str, owner: &str) -> Target {
    let label = match label {
        "" => format!("token {token} of {owner}"),
        label => format!("{label} of {owner}"),
    };
    Target { kind: "token", id: token.to_string(), label, organization: None }
}

/// The account that the path names, if the administrator may give it tokens.
async fn owner(admin: &Administrator) -> Result<User, Refusal> {
    let user = UserId(admin.number("user")?);
    let found = users::find(&mut *admin.conn().await?, user).await?.ok_or_else(missing)?;
    if may_change(admin.account(), &found) { Ok(found) } else { Err(Refusal::Forbidden) }
}

/// `GET /admin/users/{user}/tokens/new/`
pub(in crate::admin) async fn show_create(admin: Administrator) -> HttpResponse {
    let page =
        owner(&admin).await.map(|owner| page(&owner, &TypedToken::default(), &Problems::none()));
    admin.answer(page)
}

fn page(owner: &User, typed: &TypedToken, problems: &Problems) -> FormPage {
    let path = path_of(owner.id);
    FormPage {
        title: "New API token".to_owned(),
        lead: Some("The token is shown once, on the next page.".to_owned()),
        parents: vec![above("Users", PATH), above(&owner.email, &path)],
        form: FormPart {
            id: "token",
            path: format!("{path}tokens/new/"),
            problem: None,
            hidden: Vec::new(),
            fields: typed.fields(problems),
            submit: "Create token".to_owned(),
            cancel: Some(Link::within(&path)),
        },
    }
}

/// `POST /admin/users/{user}/tokens/new/` — `label`, `scope` (several), `ends`.
pub(in crate::admin) async fn create(admin: Administrator, form: Form) -> HttpResponse {
    let owner = match owner(&admin).await {
        Ok(owner) => owner,
        Err(refusal) => return admin.refuse(refusal),
    };
    let (typed, wanted) = TypedToken::read(&form);
    match wanted {
        Ok(days) => match make(&admin, &owner, &typed, days).await {
            Ok(page) => admin.reveal(&page),
            Err(refusal) => admin.refuse(refusal),
        },
        Err(problems) => admin.show_again(&page(&owner, &typed, &problems)),
    }
}

async fn make(
    admin: &Administrator,
    owner: &User,
    typed: &TypedToken,
    days: Option<i64>,
) -> Result<DetailPage, Refusal> {
    let state = admin.state();
    let token = ApiToken::generate(state.random.as_ref());
    let expires_at = days.map(|days| state.clock.now() + TimeDelta::days(days));
    let (user, scopes) = (owner.id, Scopes::of(&typed.scopes));
    let new = NewToken { user, token: &token, label: &typed.label, scopes, expires_at };
    let names: Vec<_> = scopes.iter().map(Scope::name).collect();
    let details = json!({ "scopes": names, "expires_at": expires_at });
    let (acting, actor) = (admin.account().id, admin.actor());
    let mut conn = admin.conn().await?;
    let is_made = transaction(&mut conn, async |conn: &mut Conn| {
        let Some(owner) = over(conn, acting, user).await? else {
            return Ok(false);
        };
        let made = tokens::insert(conn, &new).await?;
        let target = target(made.id, &made.label, &owner.email);
        audit::record(conn, &actor, Action::TokenCreate, &target, &details).await?;
        Ok(true)
    })
    .await?;
    if !is_made {
        return Err(Refusal::Forbidden);
    }
    let explanation =
        "Copy it now: only its hash is kept. It is sent as “Authorization: Bearer …”.";
    Ok(DetailPage {
        title: "The token is made".to_owned(),
        lead: Some(format!("“{}” of {}", typed.label, owner.email)),
        badges: Vec::new(),
        parents: vec![above("Users", PATH), above(&owner.email, path_of(user))],
        links: Vec::new(),
        actions: Vec::new(),
        tabs: Vec::new(),
        sections: vec![explained(
            "The token",
            explanation,
            SectionBody::Copy("token", token.reveal().to_owned()),
        )],
        pager: Pager::default(),
        dangers: DangerZone { actions: Vec::new() },
    })
}

/// `POST /admin/users/{user}/tokens/{token}/delete/` — `next`: `tokens` to return to the list of all.
pub(in crate::admin) async fn delete(admin: Administrator, form: Form) -> HttpResponse {
    let done = remove(&admin, &form).await;
    admin.follow(done)
}

async fn remove(admin: &Administrator, form: &Form) -> Result<(String, Done), Refusal> {
    let (user, token) = (UserId(admin.number("user")?), TokenId(admin.number("token")?));
    let (acting, actor) = (admin.account().id, admin.actor());
    let mut conn = admin.conn().await?;
    let is_gone = transaction(&mut conn, async |conn: &mut Conn| {
        let Some(owner) = over(conn, acting, user).await? else {
            return Ok(None);
        };
        let Some(gone) = tokens::delete(conn, user, token).await? else {
            return Ok(Some(false));
        };
        let target = target(gone.id, &gone.label, &owner.email);
        audit::record(conn, &actor, Action::TokenDelete, &target, &json!({})).await?;
        Ok(Some(true))
    })
    .await?
    .ok_or(Refusal::Forbidden)?;
    if !is_gone {
        return Err(missing());
    }
    let path = match form.text("next") {
        "tokens" => super::super::tokens::PATH.to_owned(),
        _ => path_of(user),
    };
    Ok((path, What::TokenDeleted.into()))
}
