//! The REST API under `/api/0/`, in GlitchTip's shapes.

mod environments;
mod events;
mod invitations;
mod issues;
mod members;
pub mod model;
mod observability;
mod organizations;
mod projects;
mod settings;
mod stats;
mod teams;
mod tokens;
mod users;
mod wizard;

use actix_web::HttpResponse;
use actix_web::web::{self, PathConfig, ServiceConfig};
use mishap_core::access::Role;
use mishap_core::access::Scope::{
    self, EventAdmin, EventRead, EventWrite, MemberAdmin, MemberRead, MemberWrite, OrgAdmin,
    OrgRead, OrgWrite, ProjectAdmin, ProjectRead, ProjectReleases, ProjectWrite, TeamAdmin,
    TeamRead, TeamWrite,
};

use crate::access::{by_role, by_scope, everybody, member, staff};
use crate::endpoint::{Endpoint, delete, get, post, put, register};
use crate::error::ApiError;

pub(crate) use self::observability::Remembered;

/// What every path begins with.
pub const PREFIX: &str = "/api/0";

/// What the paths of [`unversioned_endpoints`] begin with.
pub const UNVERSIONED: &str = "/api";

const ORG_READ: &[Scope] = &[OrgRead, OrgWrite, OrgAdmin];
const ORG_WRITE: &[Scope] = &[OrgWrite, OrgAdmin];
const ORG_ADMIN: &[Scope] = &[OrgAdmin];
const MEMBER_READ: &[Scope] = &[MemberRead, MemberWrite, MemberAdmin];
const MEMBER_WRITE: &[Scope] = &[MemberWrite, MemberAdmin];
const MEMBER_ADMIN: &[Scope] = &[MemberAdmin];
const TEAM_LIST: &[Scope] = &[TeamRead, TeamWrite, TeamAdmin, OrgRead, OrgWrite, OrgAdmin];
const TEAM_CREATE: &[Scope] = &[TeamWrite, TeamAdmin, OrgWrite, OrgAdmin];
const TEAM_READ: &[Scope] = &[TeamRead, TeamWrite, TeamAdmin];
const TEAM_WRITE: &[Scope] = &[TeamWrite, TeamAdmin];
const TEAM_ADMIN: &[Scope] = &[TeamAdmin];
const PROJECT_LIST: &[Scope] = &[ProjectRead];
const PROJECT_READ: &[Scope] = &[ProjectRead, ProjectWrite, ProjectAdmin];
const PROJECT_WRITE: &[Scope] = &[ProjectWrite, ProjectAdmin];
const PROJECT_ADMIN: &[Scope] = &[ProjectAdmin];
const RELEASES: &[Scope] = &[ProjectReleases];
const EVENT_READ: &[Scope] = &[EventRead, EventWrite, EventAdmin];

/// Every endpoint of the API, and who may ask for it.
#[rustfmt::skip]
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        get("/", "api:api_root", everybody().or_anybody(), organizations::root),

        // Whoever can choose an account's addresses has the account: no token that leaked does.
        get("/users/", "api:list_users", by_scope(&[]), users::list),
        get("/users/{user}/", "api:get_user", by_scope(&[]), users::show),
        put("/users/{user}/", "api:update_user", by_scope(&[]), users::update),
        delete("/users/{user}/", "api:delete_user", by_scope(&[]).in_person(), users::delete),
        get("/users/{user}/emails/", "api:list_emails", by_scope(&[]), users::emails::list),
        post("/users/{user}/emails/", "api:create_email", by_scope(&[]).in_person(), users::emails::add),
        put("/users/{user}/emails/", "api:set_email_primary", by_scope(&[]).in_person(), users::emails::make_primary),
        delete("/users/{user}/emails/", "api:delete_email", by_scope(&[]).in_person(), users::emails::remove),
        post("/users/{user}/emails/confirm/", "api:send_confirm_email", by_scope(&[]), users::emails::confirm),
        get("/users/{user}/notifications/", "api:get_notifications", by_scope(&[]), users::notifications::show),
        put("/users/{user}/notifications/", "api:update_notifications", by_scope(&[]), users::notifications::update),
        get("/users/{user}/notifications/alerts/", "api:user_notification_alerts", by_scope(&[]), users::notifications::list_choices),
        put("/users/{user}/notifications/alerts/", "api:update_user_notification_alerts", by_scope(&[]), users::notifications::choose),

        // Codes that a token could choose would be a way past somebody's second factor.
        get("/generate-recovery-codes/", "api:generate_recovery_codes", by_scope(&[]).in_person(), users::recovery_codes::offer),
        post("/generate-recovery-codes/", "api:generate_recovery_codes", by_scope(&[]).in_person(), users::recovery_codes::take),

        get("/api-tokens/", "api:list_api_tokens", by_scope(&[]).in_person(), tokens::list),
        post("/api-tokens/", "api:create_api_token", by_scope(&[]).in_person(), tokens::create),
        delete("/api-tokens/{token}/", "api:delete_api_token", by_scope(&[]).in_person(), tokens::delete),

        get("/organizations/", "api:list_organizations", by_scope(ORG_READ), organizations::list),
        post("/organizations/", "api:create_organization", by_scope(ORG_WRITE), organizations::create),
        get("/organizations/{organization}/", "api:get_organization", member(ORG_READ), organizations::show),
        put("/organizations/{organization}/", "api:update_organization", by_role(Role::Manager, ORG_WRITE), organizations::update),
        delete("/organizations/{organization}/", "api:delete_organization", by_role(Role::Manager, ORG_ADMIN), organizations::delete),

        get("/organizations/{organization}/members/", "api:list_organization_members", member(MEMBER_READ).or_empty(), members::list),
        post("/organizations/{organization}/members/", "api:create_organization_member", by_role(Role::Manager, MEMBER_WRITE), members::create),
        get(r"/organizations/{organization}/members/{member:\d+}/", "api:get_organization_member", member(MEMBER_READ), members::show),
        put(r"/organizations/{organization}/members/{member:\d+}/", "api:update_organization_member", by_role(Role::Manager, MEMBER_WRITE), members::update),
        delete(r"/organizations/{organization}/members/{member:\d+}/", "api:delete_organization_member", member(MEMBER_ADMIN), members::delete),
        post(r"/organizations/{organization}/members/{member:\d+}/set_owner/", "api:set_organization_owner", member(MEMBER_ADMIN), members::set_owner),

        get("/organizations/{organization}/teams/", "api:list_teams", member(TEAM_LIST).or_empty(), teams::list),
        post("/organizations/{organization}/teams/", "api:create_team", by_role(Role::Admin, TEAM_CREATE).or_hidden(), teams::create),
        get("/teams/{organization}/{team}/", "api:get_team", member(TEAM_READ), teams::show),
        put("/teams/{organization}/{team}/", "api:update_team", by_role(Role::Member, TEAM_WRITE), teams::update),
        delete("/teams/{organization}/{team}/", "api:delete_team", by_role(Role::Admin, TEAM_ADMIN).or_hidden(), teams::delete),
        get("/teams/{organization}/{team}/members/", "api:list_team_organization_members", member(MEMBER_READ).or_empty(), teams::members::list),
        post(r"/organizations/{organization}/members/{member:me|\d+}/teams/{team}/", "api:add_member_to_team", by_role(Role::Member, TEAM_WRITE), teams::members::add),
        delete(r"/organizations/{organization}/members/{member:me|\d+}/teams/{team}/", "api:delete_member_from_team", by_role(Role::Member, TEAM_WRITE), teams::members::remove),
        get("/projects/{organization}/{project}/teams/", "api:list_project_teams", member(TEAM_LIST).or_empty(), teams::projects::list),
        post("/projects/{organization}/{project}/teams/{team}/", "api:add_team_to_project", by_role(Role::Manager, PROJECT_WRITE).or_hidden(), teams::projects::add),
        delete("/projects/{organization}/{project}/teams/{team}/", "api:delete_team_from_project", by_role(Role::Manager, PROJECT_WRITE).or_hidden(), teams::projects::remove),
        get(r"/accept/{member:\d+}/{token}/", "api:get_accept_invite", everybody(), invitations::show),
        post(r"/accept/{member:\d+}/{token}/", "api:accept_invite", by_scope(&[]), invitations::accept),

        get("/organizations/{organization}/projects/", "api:list_organization_projects", member(PROJECT_LIST).or_empty(), projects::list_in_organization),
        get("/projects/", "api:list_projects", by_scope(PROJECT_LIST), projects::list),
        get("/teams/{organization}/{team}/projects/", "api:list_team_projects", member(PROJECT_LIST).or_empty(), projects::list_of_team),
        post("/teams/{organization}/{team}/projects/", "api:create_project", by_role(Role::Admin, PROJECT_WRITE).or_hidden(), projects::create),
        get("/projects/{organization}/{project}/", "api:get_project", member(PROJECT_READ), projects::show),
        put("/projects/{organization}/{project}/", "api:update_project", by_role(Role::Member, PROJECT_WRITE), projects::update),
        delete("/projects/{organization}/{project}/", "api:delete_project", by_role(Role::Admin, PROJECT_ADMIN).or_hidden(), projects::delete),

        get("/projects/{organization}/{project}/keys/", "api:list_project_keys", member(PROJECT_READ).or_empty(), projects::keys::list),
        post("/projects/{organization}/{project}/keys/", "api:create_project_key", by_role(Role::Member, PROJECT_WRITE), projects::keys::create),
        get("/projects/{organization}/{project}/keys/{key:[-0-9a-f]{36}}/", "api:get_project_key", member(PROJECT_READ), projects::keys::show),
        put("/projects/{organization}/{project}/keys/{key:[-0-9a-f]{36}}/", "api:update_project_key", by_role(Role::Member, PROJECT_WRITE), projects::keys::update),
        delete("/projects/{organization}/{project}/keys/{key:[-0-9a-f]{36}}/", "api:delete_project_key", by_role(Role::Admin, PROJECT_ADMIN).or_hidden(), projects::keys::delete),
        post("/projects/{organization}/{project}/keys/{key:[-0-9a-f]{36}}/rotate/", "api:rotate_project_key", by_role(Role::Member, PROJECT_WRITE), projects::keys::rotate),

        get("/wizard/", "api:setup_wizard", everybody(), wizard::begin),
        get("/wizard/{hash}/", "api:setup_wizard_hash", everybody(), wizard::fetch),
        delete("/wizard/{hash}/", "api:setup_wizard_delete", everybody(), wizard::end),
        post("/wizard-set-token/", "api:setup_wizard_set_token", by_scope(RELEASES), wizard::agree),

        get("/observability/django/", "api:django_prometheus_metrics", staff(), observability::show),
        get("/organizations/{organization}/environments/", "api:list_environments", member(ORG_READ).or_empty(), environments::list),
        get("/projects/{organization}/{project}/environments/", "api:list_environment_projects", member(PROJECT_READ).or_empty(), environments::list_of_project),
        put("/projects/{organization}/{project}/environments/{environment}/", "api:update_environment_project", by_role(Role::Member, PROJECT_WRITE), environments::update),

        get("/organizations/{organization}/stats_v2/", "api:stats_v2", member(ORG_READ), stats::show),

        get("/organizations/{organization}/issues/", "api:list_issues", member(EVENT_READ), issues::list),
        get("/projects/{organization}/{project}/issues/", "api:list_project_issues", member(EVENT_READ), issues::list_in_project),
        get("/issues/{issue}/", "api:get_issue", by_scope(EVENT_READ), issues::show),
        get("/organizations/{organization}/issues/{issue}/", "api:update_organization_issue", member(EVENT_READ), issues::show),
        get("/issues/{issue}/events/latest/", "api:get_latest_issue_event", by_scope(EVENT_READ), events::latest),
        get("/issues/{issue}/events/oldest/", "api:get_oldest_issue_event", by_scope(EVENT_READ), events::oldest),
        get("/issues/{issue}/events/{event}/", "api:get_issue_event", by_scope(EVENT_READ), events::show),
        get("/projects/{organization}/{project}/events/{event}/", "api:get_project_issue_event", member(EVENT_READ), events::show_in_project),
        get("/organizations/{organization}/issues/{issue}/events/{event}/json/", "api:get_event_json", member(EVENT_READ), events::json),
    ]
}

/// What stands beside the versions of the API.
pub fn unversioned_endpoints() -> Vec<Endpoint> {
    vec![get("/settings/", "api:get_settings", everybody(), settings::show)]
}

/// Routes every endpoint; any other path below the prefix is not found, in JSON.
pub fn routes(config: &mut ServiceConfig) {
    // A number that no database counts to is nothing that is there.
    config.app_data(PathConfig::default().error_handler(|_, _| ApiError::NotFound.into()));
    register(config, PREFIX, endpoints());
    register(config, UNVERSIONED, unversioned_endpoints());
    config.configure(observability::routes);
    config.service(web::scope(PREFIX).default_service(web::to(not_found)));
}

async fn not_found() -> Result<HttpResponse, ApiError> {
    Err(ApiError::NotFound)
}
