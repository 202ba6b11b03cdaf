//! The administrator's pages under `/admin/`, for staff only; what lets people in is changed by
//! superusers only.
//!
//! Every page is one of a few kinds of `mishap-templates`, filled here; what it shows is found through
//! `mishap_storage::oversight`, whoever it belongs to. A change is a form (POST) with the browser's
//! token, one transaction together with its entry in the audit log, and a redirect to a page that
//! says what was done (`done`). Whoever is deactivated, or no staff any more, is refused at the next
//! request: the account is read for each.

mod administrator;
mod answers;
mod audit;
mod configuration;
mod dead_letters;
mod done;
mod intake;
mod jobs;
mod organizations;
mod partitions;
mod parts;
mod projects;
mod providers;
mod quotas;
mod sections;
mod status;
mod tokens;
mod users;

use actix_web::web::{self, ServiceConfig};

pub(crate) use self::administrator::{Administrator, admit};
use self::organizations::members;
use self::projects::keys;
use crate::access::{staff_page, superuser_page};
use crate::endpoint::{Endpoint, get, post, register};
use crate::error::ApiError;
use crate::pages::Screen;

/// Every page, and every form.
#[rustfmt::skip]
pub fn endpoints() -> Vec<Endpoint> {
    let (staff, superuser) = (staff_page(), superuser_page());
    vec![
        get("/admin/", "admin:status", staff, status::show),
        get("/admin/partitions/", "admin:partitions", staff, partitions::show),
        get("/admin/configuration/", "admin:configuration", staff, configuration::show),
        get("/admin/audit/", "admin:audit", staff, audit::list),
        post("/admin/audit/export/", "admin:audit_export", staff, audit::export),

        get("/admin/dead-letters/", "admin:dead_letters", staff, dead_letters::list),
        post("/admin/dead-letters/retry/", "admin:dead_letters_retry", staff, dead_letters::retry_all),
        get("/admin/dead-letters/drop/", "admin:dead_letters_drop", staff, dead_letters::show_drop_all),
        post("/admin/dead-letters/drop/", "admin:dead_letters_drop", staff, dead_letters::drop_all),
        get(r"/admin/dead-letters/{letter:\d+}/", "admin:dead_letter", staff, dead_letters::show),
        post(r"/admin/dead-letters/{letter:\d+}/retry/", "admin:dead_letter_retry", staff, dead_letters::retry_one),
        post(r"/admin/dead-letters/{letter:\d+}/drop/", "admin:dead_letter_drop", staff, dead_letters::drop_one),

        get("/admin/jobs/", "admin:jobs", staff, jobs::list),
        post("/admin/jobs/retry/", "admin:jobs_retry", staff, jobs::retry_all),
        get(r"/admin/jobs/{job:\d+}/", "admin:job", staff, jobs::show),
        post(r"/admin/jobs/{job:\d+}/retry/", "admin:job_retry", staff, jobs::retry_one),
        post(r"/admin/jobs/{job:\d+}/delete/", "admin:job_delete", staff, jobs::delete),

        get("/admin/quotas/", "admin:quotas", staff, quotas::list),
        get("/admin/quotas/new/", "admin:quota_set", staff, quotas::show_set),
        post("/admin/quotas/new/", "admin:quota_set", staff, quotas::set),
        post("/admin/quotas/remove/", "admin:quota_remove", staff, quotas::remove),

        get("/admin/users/", "admin:users", staff, users::list),
        get("/admin/users/new/", "admin:user_create", staff, users::show_create),
        post("/admin/users/new/", "admin:user_create", staff, users::create),
        get(r"/admin/users/{user:\d+}/", "admin:user", staff, users::show),
        post(r"/admin/users/{user:\d+}/flag/", "admin:user_flag", staff, users::flag),
        post(r"/admin/users/{user:\d+}/reset-link/", "admin:user_reset_link", staff, users::make_reset_link),
        post(r"/admin/users/{user:\d+}/sign-out/", "admin:user_sign_out", staff, users::sign_out),
        post(r"/admin/users/{user:\d+}/second-factors/reset/", "admin:user_second_factors_reset", staff, users::reset_second_factors),
        post(r"/admin/users/{user:\d+}/addresses/{address:\d+}/verify/", "admin:user_address_verify", staff, users::verify_address),
        get(r"/admin/users/{user:\d+}/tokens/new/", "admin:token_create", staff, users::show_create_token),
        post(r"/admin/users/{user:\d+}/tokens/new/", "admin:token_create", staff, users::create_token),
        post(r"/admin/users/{user:\d+}/tokens/{token:\d+}/delete/", "admin:token_delete", staff, users::delete_token),
        get("/admin/tokens/", "admin:tokens", staff, tokens::list),

        get("/admin/providers/", "admin:providers", staff, providers::list),
        get("/admin/providers/new/", "admin:provider_create", superuser, providers::show_create),
        post("/admin/providers/new/", "admin:provider_create", superuser, providers::create),
        post("/admin/providers/test/", "admin:provider_test", staff, providers::check),
        get(r"/admin/providers/{provider:\d+}/", "admin:provider", staff, providers::show),
        get(r"/admin/providers/{provider:\d+}/edit/", "admin:provider_edit", superuser, providers::show_edit),
        post(r"/admin/providers/{provider:\d+}/edit/", "admin:provider_edit", superuser, providers::edit),
        post(r"/admin/providers/{provider:\d+}/delete/", "admin:provider_delete", superuser, providers::delete),

        get("/admin/organizations/", "admin:organizations", staff, organizations::list),
        get("/admin/organizations/new/", "admin:organization_create", staff, organizations::show_create),
        post("/admin/organizations/new/", "admin:organization_create", staff, organizations::create),
        get(r"/admin/organizations/{organization:\d+}/", "admin:organization", staff, organizations::show),
        get(r"/admin/organizations/{organization:\d+}/edit/", "admin:organization_edit", staff, organizations::show_edit),
        post(r"/admin/organizations/{organization:\d+}/edit/", "admin:organization_edit", staff, organizations::edit),
        post(r"/admin/organizations/{organization:\d+}/delete/", "admin:organization_delete", staff, organizations::delete),
        get(r"/admin/organizations/{organization:\d+}/teams/", "admin:organization_teams", staff, organizations::teams),
        get(r"/admin/organizations/{organization:\d+}/projects/", "admin:organization_projects", staff, organizations::projects),
        get(r"/admin/organizations/{organization:\d+}/invite/", "admin:member_invite", staff, members::show_invite),
        post(r"/admin/organizations/{organization:\d+}/invite/", "admin:member_invite", staff, members::invite),
        get(r"/admin/organizations/{organization:\d+}/members/", "admin:members", staff, members::list),
        get(r"/admin/organizations/{organization:\d+}/members/{member:\d+}/", "admin:member", staff, members::show),
        post(r"/admin/organizations/{organization:\d+}/members/{member:\d+}/role/", "admin:member_role", staff, members::change_role),
        post(r"/admin/organizations/{organization:\d+}/members/{member:\d+}/owner/", "admin:member_owner", staff, members::make_primary_owner),
        post(r"/admin/organizations/{organization:\d+}/members/{member:\d+}/remove/", "admin:member_remove", staff, members::remove),

        get("/admin/projects/", "admin:projects", staff, projects::list),
        get(r"/admin/projects/{project:\d+}/", "admin:project", staff, projects::show),
        get(r"/admin/projects/{project:\d+}/edit/", "admin:project_edit", staff, projects::show_edit),
        post(r"/admin/projects/{project:\d+}/edit/", "admin:project_edit", staff, projects::edit),
        post(r"/admin/projects/{project:\d+}/delete/", "admin:project_delete", staff, projects::delete),
        get(r"/admin/projects/{project:\d+}/keys/new/", "admin:key_create", staff, keys::show_create),
        post(r"/admin/projects/{project:\d+}/keys/new/", "admin:key_create", staff, keys::create),
        get(r"/admin/projects/{project:\d+}/keys/{key:\d+}/", "admin:key", staff, keys::show),
        post(r"/admin/projects/{project:\d+}/keys/{key:\d+}/", "admin:key", staff, keys::edit),
        post(r"/admin/projects/{project:\d+}/keys/{key:\d+}/delete/", "admin:key_delete", staff, keys::delete),
    ]
}

/// Routes every page; any other path below is not found.
pub(crate) fn routes(config: &mut ServiceConfig) {
    register(config, "", endpoints());
    config.service(web::scope("/admin").default_service(web::to(not_found)));
}

async fn not_found(screen: Screen) -> actix_web::HttpResponse {
    screen.refuse(ApiError::NotFound.into())
}
