//! Projects.

pub(super) mod keys;

use std::collections::HashMap;

use actix_web::web::{Data, Json, Path};
use mishap_core::audit::Action;
use mishap_core::id::UserId;
use mishap_core::slug;
use mishap_protocol::dsn::PublicKey;
use mishap_storage::audit::Target;
use mishap_storage::projects::{self, NewProject, Project, ProjectChange, TeamFilter};
use mishap_storage::{Conn, audit, organizations, teams, transaction};
use schemars::JsonSchema;
use serde_json::{Value, json};

use super::model::organization::OrganizationResponse;
use super::model::project::{ProjectOrganizationResponse, ProjectResponse, ProjectTeamResponse};
use super::teams::find as find_team;
use crate::AppState;
use crate::access::{Caller, OrgAccess};
use crate::body::{Body, Params};
use crate::error::ApiError;
use crate::fields::{Fields, Payload};
use crate::respond::{Created, Listed, NoContent, PageParams};

/// Longest name and platform of a project, in characters (GlitchTip).
const MAX_NAME: usize = 64;

/// Longest search for projects, in characters.
const MAX_QUERY: usize = 4096;

/// `GET /api/0/projects/` — the projects of all the caller's organizations, by name.
pub(super) async fn list(
    state: Data<AppState>,
    caller: Caller,
    page: Params<PageParams>,
) -> Result<Listed<ProjectOrganizationResponse>, ApiError> {
    let mut conn = state.pool.get().await?;
    let user = caller.user();
    let found = projects::list_for_member(&mut conn, user, page.cursor, page.limit).await?;
    let items = with_organizations(&mut conn, user, &found.items).await?;
    let hits = match found.whole() {
        Some(hits) => hits,
        None => projects::count_for_member(&mut conn, user).await?,
    };
    Ok(Listed::new(&found, items, hits))
}

/// Which projects are asked for.
#[derive(Debug, JsonSchema)]
pub(super) struct ProjectParams {
    #[schemars(flatten)]
    page: PageParams,
    /// `team:<slug>` for those of a team, `!team:<slug>` for all others, and several of these for
    /// those that are meant by each.
    #[schemars(with = "Option<String>")]
    query: TeamFilter,
}

impl Payload for ProjectParams {
    fn read(fields: &mut Fields<'_>) -> Self {
        let text = fields.optional_text("query", MAX_QUERY).unwrap_or_default();
        let mut query = TeamFilter::default();
        for term in text.split_whitespace() {
            let (slugs, slug) = match (term.strip_prefix("team:"), term.strip_prefix("!team:")) {
                (Some(slug), _) => (&mut query.inside, slug),
                (None, Some(slug)) => (&mut query.outside, slug),
                // Whatever else is asked narrows nothing (GlitchTip).
                (None, None) => continue,
            };
            slugs.push(slug.trim_matches('"').to_owned());
        }
        Self { page: PageParams::read(fields), query }
    }
}

/// `GET /api/0/organizations/{organization}/projects/` — an organization's projects, by name.
pub(super) async fn list_in_organization(
    state: Data<AppState>,
    access: OrgAccess,
    params: Params<ProjectParams>,
) -> Result<Listed<ProjectTeamResponse>, ApiError> {
    let ProjectParams { page, query } = &*params;
    let mut conn = state.pool.get().await?;
    let organization = access.org();
    let found = projects::list(&mut conn, organization, query, page.cursor, page.limit).await?;
    let items = with_teams(&mut conn, access.caller.user(), &found.items).await?;
    let hits = match found.whole() {
        Some(hits) => hits,
        None => projects::count(&mut conn, organization, query).await?,
    };
    Ok(Listed::new(&found, items, hits))
}

/// `GET /api/0/teams/{organization}/{team}/projects/` — a team's projects, by name; an unknown team has
/// none.
pub(super) async fn list_of_team(
    state: Data<AppState>,
    access: OrgAccess,
    path: Path<(String, String)>,
    page: Params<PageParams>,
) -> Result<Listed<ProjectResponse>, ApiError> {
    let mut conn = state.pool.get().await?;
    let Some(team) = teams::find(&mut conn, access.org(), &path.1, access.member).await? else {
        return Ok(Listed::empty());
    };
    let found = projects::list_of_team(&mut conn, team.id, page.cursor, page.limit).await?;
    let items = shown(&mut conn, access.caller.user(), &found.items).await?;
    let hits = match found.whole() {
        Some(hits) => hits,
        None => projects::count_of_team(&mut conn, team.id).await?,
    };
    Ok(Listed::new(&found, items, hits))
}

/// A project to be made.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub(super) struct CreateProject {
    /// 1 to 64 characters; the slug is made of it.
    name: String,
    /// The language or framework, up to 64 characters.
    platform: Option<String>,
    /// Percentage of events to refuse.
    #[schemars(with = "Option<i16>")]
    event_throttle_rate: i16,
}

impl Payload for CreateProject {
    fn read(fields: &mut Fields<'_>) -> Self {
        Self {
            name: fields.text("name", 1..=MAX_NAME),
            platform: fields.optional_text("platform", MAX_NAME),
            event_throttle_rate: throttle_rate(fields).unwrap_or_default(),
        }
    }
}

fn throttle_rate(fields: &mut Fields<'_>) -> Option<i16> {
    let rate = fields.optional_integer("eventThrottleRate", 0..=100)?;
    i16::try_from(rate).ok()
}

/// `POST /api/0/teams/{organization}/{team}/projects/` — makes a project of a team, with a first key.
pub(super) async fn create(
    state: Data<AppState>,
    access: OrgAccess,
    path: Path<(String, String)>,
    body: Body<CreateProject>,
) -> Result<Created<ProjectResponse>, ApiError> {
    let CreateProject { name, platform, event_throttle_rate } = body.0;
    let mut conn = state.pool.get().await?;
    let team = find_team(&mut conn, &access, &path.1).await?;
    let slugs = slug::of_project(&name);
    let platform = platform.as_deref();
    let new = NewProject { name: &name, slugs: &slugs, platform, event_throttle_rate };
    let (organization, actor) = (access.org(), access.caller.actor());
    let key = PublicKey(state.random.uuid());
    let details = json!({ "team": team.slug });
    let project = transaction(&mut conn, async |conn: &mut Conn| {
        let project = projects::insert(conn, organization, &new).await?;
        teams::add_project(conn, team.id, project.id).await?;
        projects::keys::insert(conn, project.id, key, "").await?;
        let target = target(&access, &project);
        audit::record(conn, &actor, Action::ProjectCreate, &target, &details).await?;
        Ok(project)
    })
    .await?;
    Ok(Created(ProjectResponse::new(&project, team.is_member)))
}

/// `GET /api/0/projects/{organization}/{project}/` — a project.
pub(super) async fn show(
    state: Data<AppState>,
    access: OrgAccess,
    path: Path<(String, String)>,
) -> Result<Json<ProjectOrganizationResponse>, ApiError> {
    let mut conn = state.pool.get().await?;
    let project = find(&mut conn, &access, &path.1).await?;
    with_organization(&mut conn, &access, project).await.map(Json)
}

/// What is to be different in a project.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub(super) struct UpdateProject {
    /// 1 to 64 characters.
    name: String,
    /// Up to 50 ASCII letters, digits, dashes and underscores; stays if it is left out.
    slug: Option<String>,
    /// The language or framework, up to 64 characters; stays if it is left out.
    #[schemars(with = "Option<String>")]
    platform: Option<Option<String>>,
    /// Percentage of events to refuse; stays if it is left out.
    event_throttle_rate: Option<i16>,
}

impl Payload for UpdateProject {
    fn read(fields: &mut Fields<'_>) -> Self {
        let is_platform_sent = fields.has("platform");
        let platform = fields.optional_text("platform", MAX_NAME);
        Self {
            name: fields.text("name", 1..=MAX_NAME),
            slug: fields.optional_slug("slug", slug::MAX_PROJECT),
            platform: is_platform_sent.then_some(platform),
            event_throttle_rate: throttle_rate(fields),
        }
    }
}

/// `PUT /api/0/projects/{organization}/{project}/` — changes what was sent of a project.
pub(super) async fn update(
    state: Data<AppState>,
    access: OrgAccess,
    path: Path<(String, String)>,
    body: Body<UpdateProject>,
) -> Result<Json<ProjectOrganizationResponse>, ApiError> {
    let UpdateProject { name, slug, platform, event_throttle_rate } = body.0;
    let mut conn = state.pool.get().await?;
    let before = find(&mut conn, &access, &path.1).await?;
    let change = ProjectChange {
        name: &name,
        slug: slug.as_deref(),
        platform: platform.as_ref().map(Option::as_deref),
        event_throttle_rate,
    };
    let actor = access.caller.actor();
    let changed = transaction(&mut conn, async |conn: &mut Conn| {
        let Some(after) = projects::update(conn, before.id, &change).await? else {
            return Ok(None);
        };
        let (target, details) = (target(&access, &after), differences(&before, &after));
        audit::record(conn, &actor, Action::ProjectUpdate, &target, &details).await?;
        Ok(Some(after))
    })
    .await?;
    let missing = || match &slug {
        Some(slug) => ApiError::Conflict(format!("There is a project {slug} already").into()),
        None => ApiError::NotFound,
    };
    let project = changed.ok_or_else(missing)?;
    with_organization(&mut conn, &access, project).await.map(Json)
}

/// `DELETE /api/0/projects/{organization}/{project}/` — deletes a project with all that it has.
pub(super) async fn delete(
    state: Data<AppState>,
    access: OrgAccess,
    path: Path<(String, String)>,
) -> Result<NoContent, ApiError> {
    let mut conn = state.pool.get().await?;
    let project = find(&mut conn, &access, &path.1).await?;
    let (actor, target) = (access.caller.actor(), target(&access, &project));
    transaction(&mut conn, async |conn: &mut Conn| {
        if projects::delete(conn, project.id).await? {
            audit::record(conn, &actor, Action::ProjectDelete, &target, &json!({})).await?;
        }
        Ok(())
    })
    .await?;
    Ok(NoContent)
}

/// The project that a path names.
pub(super) async fn find(
    conn: &mut Conn,
    access: &OrgAccess,
    slug: &str,
) -> Result<Project, ApiError> {
    projects::find(conn, access.org(), slug).await?.ok_or(ApiError::NotFound)
}

/// How the audit log tells of a project.
pub(super) fn target(access: &OrgAccess, project: &Project) -> Target {
    access.target("project", project.id, project.slug.as_str())
}

/// What is different in a project, for the audit log: before and after.
fn differences(before: &Project, after: &Project) -> Value {
    let told = |project: &Project| {
        [
            ("name", json!(project.name)),
            ("slug", json!(project.slug)),
            ("platform", json!(project.platform)),
            ("eventThrottleRate", json!(project.event_throttle_rate)),
        ]
    };
    let both = told(before).into_iter().zip(told(after));
    let changed = both.filter(|(before, after)| before != after);
    changed.map(|((name, before), (_, after))| (name.to_owned(), json!([before, after]))).collect()
}

async fn with_organization(
    conn: &mut Conn,
    access: &OrgAccess,
    project: Project,
) -> Result<ProjectOrganizationResponse, ApiError> {
    let shown = shown(conn, access.caller.user(), &[project]).await?;
    let project = shown.into_iter().next().ok_or(ApiError::NotFound)?;
    let organization = OrganizationResponse::from(&access.organization);
    Ok(ProjectOrganizationResponse { project, organization })
}

/// Projects as an account sees them.
pub(super) async fn shown(
    conn: &mut Conn,
    viewer: UserId,
    rows: &[Project],
) -> Result<Vec<ProjectResponse>, ApiError> {
    let ids: Vec<_> = rows.iter().map(|project| project.id).collect();
    let own = teams::own_projects(conn, viewer, &ids).await?;
    let shown = |project: &Project| ProjectResponse::new(project, own.contains(&project.id));
    Ok(rows.iter().map(shown).collect())
}

/// Projects with their organizations, as an account sees them.
pub(super) async fn with_organizations(
    conn: &mut Conn,
    viewer: UserId,
    rows: &[Project],
) -> Result<Vec<ProjectOrganizationResponse>, ApiError> {
    let organizations: Vec<_> = rows.iter().map(|row| row.organization_id).collect();
    let owners: HashMap<_, _> = organizations::list_by_ids(conn, &organizations)
        .await?
        .into_iter()
        .map(|organization| (organization.id, OrganizationResponse::from(&organization)))
        .collect();
    let shown = shown(conn, viewer, rows).await?;
    let with = |(row, project): (&Project, _)| {
        let organization = owners.get(&row.organization_id)?.clone();
        Some(ProjectOrganizationResponse { project, organization })
    };
    Ok(rows.iter().zip(shown).filter_map(with).collect())
}

/// Projects with their teams, as an account sees them.
pub(super) async fn with_teams(
    conn: &mut Conn,
    viewer: UserId,
    rows: &[Project],
) -> Result<Vec<ProjectTeamResponse>, ApiError> {
    let ids: Vec<_> = rows.iter().map(|project| project.id).collect();
    let mut teams = teams::of_projects(conn, &ids).await?;
    let shown = shown(conn, viewer, rows).await?;
    let teams_of = |project: &Project| teams.remove(&project.id).unwrap_or_default();
    let teams: Vec<_> = rows.iter().map(teams_of).collect();
    let with = |(project, teams): (_, Vec<teams::TeamSlug>)| ProjectTeamResponse {
        project,
        teams: teams.iter().map(Into::into).collect(),
    };
    Ok(shown.into_iter().zip(teams).map(with).collect())
}
