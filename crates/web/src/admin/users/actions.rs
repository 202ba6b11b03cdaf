//! What is done to an account with one button.

use actix_web::HttpResponse;
use mishap_core::audit::Action;
use mishap_core::id::{EmailId, UserId};
use mishap_storage::accounts::{sessions, users as accounts};
use mishap_storage::audit::{self, Target};
use mishap_storage::oversight::users::{self, Flag};
use mishap_storage::{Conn, transaction};
use mishap_templates::admin::{DetailPage, SectionBody};
use mishap_templates::parts::{DangerZone, Pager};
use serde_json::json;

use super::authority::{over, over_as_superuser};
use super::path_of;
use crate::account::{Refusal, own};
use crate::admin::administrator::{impossible, missing};
use crate::admin::done::{Done, What};
use crate::admin::parts::{above, explained};
use crate::admin::{Administrator, users as pages};
use crate::links;
use crate::pages::Form;

/// What flags are called in forms and in the audit log.
const FLAGS: &[(&str, Flag)] =
    &[("active", Flag::Active), ("staff", Flag::Staff), ("superuser", Flag::Superuser)];

/// `POST /admin/users/{user}/flag/` — `flag` (`active`, `staff` or `superuser`), `value` (`on` or `off`).
pub(in crate::admin) async fn flag(admin: Administrator, form: Form) -> HttpResponse {
    let done = set_flag(&admin, &form).await;
    admin.follow(done)
}

async fn set_flag(admin: &Administrator, form: &Form) -> Result<(String, Done), Refusal> {
    let user = UserId(admin.number("user")?);
    let asked = FLAGS.iter().find(|(name, _)| *name == form.text("flag"));
    let (name, flag) = *asked.ok_or_else(missing)?;
    let value = form.text("value") == "on";
    let (acting, actor) = (admin.account().id, admin.actor());
    if acting == user {
        return Err(impossible("Nobody changes what they may do themselves. Ask a colleague."));
    }
    let mut conn = admin.conn().await?;
    let is_done = transaction(&mut conn, async |conn: &mut Conn| {
        let target = match flag {
            Flag::Active => over(conn, acting, user).await?,
            Flag::Staff | Flag::Superuser => over_as_superuser(conn, acting, user).await?,
        };
        let Some(target) = target else {
            return Ok(false);
        };
        let was = match flag {
            Flag::Active => target.is_active,
            Flag::Staff => target.is_staff,
            Flag::Superuser => target.is_superuser,
        };
        if was == value {
            return Ok(true);
        }
        users::set_flag(conn, user, flag, value).await?;
        if flag == Flag::Active && !value {
            sessions::delete_others(conn, user, None).await?;
        }
        let details = json!({ name: [was, value] });
        audit::record(conn, &actor, Action::AccountUpdate, &own(&target), &details).await?;
        Ok(true)
    })
    .await?;
    if !is_done {
        return Err(Refusal::Forbidden);
    }
    let what = match (flag, value) {
        (Flag::Active, true) => What::UserActivated,
        (Flag::Active, false) => What::UserDeactivated,
        (Flag::Staff, true) => What::StaffGranted,
        (Flag::Staff, false) => What::StaffTaken,
        (Flag::Superuser, true) => What::SuperuserGranted,
        (Flag::Superuser, false) => What::SuperuserTaken,
    };
    Ok((path_of(user), what.into()))
}

/// `POST /admin/users/{user}/reset-link/` — shows a link with which the account chooses a new password.
pub(in crate::admin) async fn make_reset_link(admin: Administrator, _form: Form) -> HttpResponse {
    match reset_link(&admin).await {
        Ok((path, page)) => admin.at(path).reveal(&page),
        Err(refusal) => admin.refuse(refusal),
    }
}

async fn reset_link(admin: &Administrator) -> Result<(String, DetailPage), Refusal> {
    let user = UserId(admin.number("user")?);
    let (acting, actor) = (admin.account().id, admin.actor());
    let mut conn = admin.conn().await?;
    let target = transaction(&mut conn, async |conn: &mut Conn| {
        let target = over(conn, acting, user).await?.filter(|target| target.is_active);
        if let Some(target) = &target {
            let (action, target) = (Action::PasswordResetLink, own(target));
            audit::record(conn, &actor, action, &target, &json!({})).await?;
        }
        Ok(target)
    })
    .await?
    .ok_or(Refusal::Forbidden)?;
    let state = admin.state();
    let now = state.clock.now();
    let link = links::password_reset(&mut conn, &state.config, &target, now).await?;
    Ok((path_of(user), link_page(&target, "Link for a new password", &link)))
}

/// Shows a link with which an account chooses a password.
pub(super) fn link_page(user: &accounts::User, title: &str, link: &str) -> DetailPage {
    let explanation = "Whoever opens the link chooses the password of this account. It holds for \
                       three days, until it was used, or until the person signs in. It is shown \
                       only here: hand it over in a way that nobody else can read.";
    DetailPage {
        title: title.to_owned(),
        lead: Some(format!("For {}", user.email)),
        badges: Vec::new(),
        parents: vec![above("Users", pages::PATH), above(&user.email, path_of(user.id))],
        links: Vec::new(),
        actions: Vec::new(),
        tabs: Vec::new(),
        sections: vec![explained(
            "The link",
            explanation,
            SectionBody::Copy("link", link.to_owned()),
        )],
        pager: Pager::default(),
        dangers: DangerZone { actions: Vec::new() },
    }
}

/// `POST /admin/users/{user}/sign-out/` — ends every session of an account.
pub(in crate::admin) async fn sign_out(admin: Administrator, _form: Form) -> HttpResponse {
    let done = end_sessions(&admin).await;
    admin.follow(done)
}

async fn end_sessions(admin: &Administrator) -> Result<(String, Done), Refusal> {
    let user = UserId(admin.number("user")?);
    let (acting, actor) = (admin.account().id, admin.actor());
    let mut conn = admin.conn().await?;
    let ended = transaction(&mut conn, async |conn: &mut Conn| {
        let Some(target) = over(conn, acting, user).await? else {
            return Ok(None);
        };
        let ended = sessions::delete_others(conn, user, None).await?;
        let details = json!({ "sessions": ended });
        audit::record(conn, &actor, Action::SignOut, &own(&target), &details).await?;
        Ok(Some(ended))
    })
    .await?
    .ok_or(Refusal::Forbidden)?;
    Ok((path_of(user), Done::to(What::SignedOut, ended)))
}

/// `POST /admin/users/{user}/second-factors/reset/` — takes every second factor from an account.
pub(in crate::admin) async fn reset_second_factors(
    admin: Administrator,
    _form: Form,
) -> HttpResponse {
    let done = reset_factors(&admin).await;
    admin.follow(done)
}

async fn reset_factors(admin: &Administrator) -> Result<(String, Done), Refusal> {
    let user = UserId(admin.number("user")?);
    let (acting, actor) = (admin.account().id, admin.actor());
    let mut conn = admin.conn().await?;
    let is_done = transaction(&mut conn, async |conn: &mut Conn| {
        let Some(target) = over(conn, acting, user).await? else {
            return Ok(false);
        };
        let factors = users::reset_second_factors(conn, user).await?;
        let (action, details) = (Action::SecondFactorRemove, json!({ "factors": factors }));
        audit::record(conn, &actor, action, &own(&target), &details).await?;
        Ok(true)
    })
    .await?;
    if is_done { Ok((path_of(user), What::FactorsReset.into())) } else { Err(Refusal::Forbidden) }
}

/// `POST /admin/users/{user}/addresses/{address}/verify/` — says that an address is the account's own.
pub(in crate::admin) async fn verify_address(admin: Administrator, _form: Form) -> HttpResponse {
    let done = mark_verified(&admin).await;
    admin.follow(done)
}

async fn mark_verified(admin: &Administrator) -> Result<(String, Done), Refusal> {
    let (user, address) = (UserId(admin.number("user")?), EmailId(admin.number("address")?));
    let (acting, actor) = (admin.account().id, admin.actor());
    let mut conn = admin.conn().await?;
    let verified = transaction(&mut conn, async |conn: &mut Conn| {
        let Some(target) = over(conn, acting, user).await? else {
            return Ok(None);
        };
        let verified = users::verify_address(conn, user, address).await?;
        if let Some(email) = &verified {
            let details = json!({ "email": email, "verified": [false, true] });
            let target: Target = own(&target);
            audit::record(conn, &actor, Action::AddressChange, &target, &details).await?;
        }
        Ok(Some(verified.is_some()))
    })
    .await?
    .ok_or(Refusal::Forbidden)?;
    if !verified {
        let why = "The address is gone, or another account proved that it is its own.";
        return Err(impossible(why));
    }
    Ok((path_of(user), What::AddressVerified.into()))
}
