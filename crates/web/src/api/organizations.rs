//! Organizations.

use actix_web::web::{Data, Json};
use mishap_core::access::Role;
use mishap_core::audit::Action;
use mishap_core::slug;
use mishap_storage::audit::Target;
use mishap_storage::organizations::Organization;
use mishap_storage::projects::TeamFilter;
use mishap_storage::{Conn, audit, members, organizations, projects, teams, transaction};
use schemars::JsonSchema;
use serde_json::json;

use super::model::organization::{OrganizationDetailResponse, OrganizationResponse, RootResponse};
use super::model::team::TeamResponse;
use super::model::token::TokenResponse;
use super::projects::with_teams;
use super::users::shown;
use crate::AppState;
use crate::access::{Caller, MaybeCaller, OrgAccess, Via};
use crate::body::{Body, Params};
use crate::error::ApiError;
use crate::fields::{Fields, Payload};
use crate::respond::{Created, Listed, NoContent, PageParams};

/// Projects and teams shown with an organization at most.
const MAX_SHOWN: i64 = 10_000;

/// `GET /api/0/` — what server this is, and who asks.
pub(super) async fn root(
    state: Data<AppState>,
    caller: MaybeCaller,
) -> Result<Json<RootResponse>, ApiError> {
    let Some(caller) = caller.0 else {
        return Ok(Json(RootResponse { version: "0", user: None, auth: None }));
    };
    let user = Some(shown(&state, &caller.account).await?);
    let auth = match &caller.via {
        Via::Token(token) => Some(TokenResponse::hidden(token)),
        Via::Session(_) => None,
    };
    Ok(Json(RootResponse { version: "0", user, auth }))
}

/// `GET /api/0/organizations/` — the caller's organizations, by name.
pub(super) async fn list(
    state: Data<AppState>,
    caller: Caller,
    page: Params<PageParams>,
) -> Result<Listed<OrganizationResponse>, ApiError> {
    let mut conn = state.pool.get().await?;
    let user = caller.user();
    let found = organizations::list_for_member(&mut conn, user, page.cursor, page.limit).await?;
    let hits = match found.whole() {
        Some(hits) => hits,
        None => organizations::count_for_member(&mut conn, user).await?,
    };
    let items = found.items.iter().map(OrganizationResponse::from).collect();
    Ok(Listed::new(&found, items, hits))
}

/// What an organization is to be called.
#[derive(Debug, JsonSchema)]
pub(super) struct NameOrganization {
    /// The name.
    #[schemars(length(min = 1, max = 200))]
    name: String,
}

impl Payload for NameOrganization {
    fn read(fields: &mut Fields<'_>) -> Self {
        Self { name: fields.text("name", 1..=200) }
    }
}

/// `POST /api/0/organizations/` — makes an organization that the caller owns.
pub(super) async fn create(
    state: Data<AppState>,
    caller: Caller,
    body: Body<NameOrganization>,
) -> Result<Created<OrganizationDetailResponse>, ApiError> {
    let NameOrganization { name } = body.0;
    let mut conn = state.pool.get().await?;
    let may = state.config.accounts.makes_organizations
        || caller.account.is_superuser
        || !organizations::exist(&mut conn).await?;
    if !may {
        return Err(ApiError::Refused("Organization creation is not open".into()));
    }
    let slugs = slug::of_organization(&name, state.random.as_ref());
    let (user, actor) = (caller.user(), caller.actor());
    let organization = transaction(&mut conn, async |conn: &mut Conn| {
        let made = organizations::insert(conn, &name, &slugs).await?;
        members::put(conn, made.id, user, Role::Owner).await?;
        audit::record(conn, &actor, Action::OrganizationCreate, &target(&made), &json!({})).await?;
        Ok(made)
    })
    .await?;
    Ok(Created(OrganizationDetailResponse {
        open_membership: organization.open_membership,
        organization: OrganizationResponse::from(&organization),
        projects: Vec::new(),
        teams: Vec::new(),
        access: Role::Owner.access(),
    }))
}

/// `GET /api/0/organizations/{organization}/` — an organization with its projects and teams.
pub(super) async fn show(
    state: Data<AppState>,
    access: OrgAccess,
) -> Result<Json<OrganizationDetailResponse>, ApiError> {
    let mut conn = state.pool.get().await?;
    detail(&mut conn, &access, &access.organization).await.map(Json)
}

/// `PUT /api/0/organizations/{organization}/` — gives an organization another name.
pub(super) async fn update(
    state: Data<AppState>,
    access: OrgAccess,
    body: Body<NameOrganization>,
) -> Result<Json<OrganizationDetailResponse>, ApiError> {
    let NameOrganization { name } = body.0;
    let mut conn = state.pool.get().await?;
    let (organization, actor) = (access.org(), access.caller.actor());
    let details = json!({ "name": [access.organization.name, name] });
    let renamed = transaction(&mut conn, async |conn: &mut Conn| {
        let renamed = organizations::rename(conn, organization, &name).await?;
        let target = target(&renamed);
        audit::record(conn, &actor, Action::OrganizationUpdate, &target, &details).await?;
        Ok(renamed)
    })
    .await?;
    detail(&mut conn, &access, &renamed).await.map(Json)
}

/// `DELETE /api/0/organizations/{organization}/` — deletes an organization with all that it has.
pub(super) async fn delete(
    state: Data<AppState>,
    access: OrgAccess,
) -> Result<NoContent, ApiError> {
    let mut conn = state.pool.get().await?;
    let actor = access.caller.actor();
    let (organization, target) = (access.org(), target(&access.organization));
    transaction(&mut conn, async |conn: &mut Conn| {
        organizations::delete(conn, organization).await?;
        audit::record(conn, &actor, Action::OrganizationDelete, &target, &json!({})).await
    })
    .await?;
    Ok(NoContent)
}

async fn detail(
    conn: &mut Conn,
    access: &OrgAccess,
    organization: &Organization,
) -> Result<OrganizationDetailResponse, ApiError> {
    let all = TeamFilter::default();
    let found = projects::list(conn, organization.id, &all, None, MAX_SHOWN).await?;
    let projects = with_teams(conn, access.caller.user(), &found.items).await?;
    let teams = teams::list(conn, organization.id, access.member, None, MAX_SHOWN).await?;
    Ok(OrganizationDetailResponse {
        organization: OrganizationResponse::from(organization),
        projects,
        teams: teams.items.iter().map(TeamResponse::from).collect(),
        access: access.role.access(),
        open_membership: organization.open_membership,
    })
}

fn target(organization: &Organization) -> Target {
    Target {
        kind: "organization",
        id: organization.id.to_string(),
        label: organization.slug.clone(),
        organization: Some(organization.id),
    }
}
