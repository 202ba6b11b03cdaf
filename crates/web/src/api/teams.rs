//! Teams.

pub(super) mod members;
pub(super) mod projects;

use actix_web::web::{Data, Json, Path};
use mishap_core::audit::Action;
use mishap_core::id::UserId;
use mishap_core::slug::MAX_TEAM;
use mishap_storage::teams::{self, Team};
use mishap_storage::{Conn, audit, transaction};
use schemars::JsonSchema;
use serde_json::json;

use super::model::project::ProjectResponse;
use super::model::team::{TeamProjectsResponse, TeamResponse};
use crate::AppState;
use crate::access::OrgAccess;
use crate::body::{Body, Params};
use crate::error::ApiError;
use crate::fields::{Fields, Payload};
use crate::respond::{Created, Listed, NoContent, PageParams};

/// `GET /api/0/organizations/{organization}/teams/` — the newest first.
pub(super) async fn list(
    state: Data<AppState>,
    access: OrgAccess,
    page: Params<PageParams>,
) -> Result<Listed<TeamProjectsResponse>, ApiError> {
    let mut conn = state.pool.get().await?;
    let (organization, member) = (access.org(), access.member);
    let found = teams::list(&mut conn, organization, member, page.cursor, page.limit).await?;
    let hits = match found.whole() {
        Some(hits) => hits,
        None => teams::count(&mut conn, organization).await?,
    };
    let items = with_projects(&mut conn, access.caller.user(), &found.items).await?;
    Ok(Listed::new(&found, items, hits))
}

/// What a team is to be called.
#[derive(Debug, JsonSchema)]
pub(super) struct NameTeam {
    /// Up to 50 ASCII letters, digits, dashes and underscores.
    slug: String,
}

impl Payload for NameTeam {
    fn read(fields: &mut Fields<'_>) -> Self {
        Self { slug: fields.slug("slug", MAX_TEAM) }
    }
}

/// `POST /api/0/organizations/{organization}/teams/` — makes a team, with the caller in it.
pub(super) async fn create(
    state: Data<AppState>,
    access: OrgAccess,
    body: Body<NameTeam>,
) -> Result<Created<TeamProjectsResponse>, ApiError> {
    let NameTeam { slug } = body.0;
    let mut conn = state.pool.get().await?;
    let (organization, member, actor) = (access.org(), access.member, access.caller.actor());
    let made = transaction(&mut conn, async |conn: &mut Conn| {
        let Some(team) = teams::insert(conn, organization, &slug).await? else {
            return Ok(None);
        };
        teams::add_member(conn, &[team], member).await?;
        let target = access.target("team", team, slug.as_str());
        audit::record(conn, &actor, Action::TeamCreate, &target, &json!({})).await?;
        teams::find(conn, organization, &slug, member).await
    })
    .await?;
    let team = made.ok_or_else(|| taken(&slug))?;
    shown(&mut conn, &access, team).await.map(Created)
}

/// `GET /api/0/teams/{organization}/{team}/` — a team with its projects.
pub(super) async fn show(
    state: Data<AppState>,
    access: OrgAccess,
    path: Path<(String, String)>,
) -> Result<Json<TeamProjectsResponse>, ApiError> {
    let mut conn = state.pool.get().await?;
    let team = find(&mut conn, &access, &path.1).await?;
    shown(&mut conn, &access, team).await.map(Json)
}

/// `PUT /api/0/teams/{organization}/{team}/` — gives a team another slug.
pub(super) async fn update(
    state: Data<AppState>,
    access: OrgAccess,
    path: Path<(String, String)>,
    body: Body<NameTeam>,
) -> Result<Json<TeamProjectsResponse>, ApiError> {
    let NameTeam { slug } = body.0;
    let mut conn = state.pool.get().await?;
    let team = find(&mut conn, &access, &path.1).await?;
    let actor = access.caller.actor();
    let target = access.target("team", team.id, slug.as_str());
    let details = json!({ "slug": [team.slug, slug] });
    let is_free = transaction(&mut conn, async |conn: &mut Conn| {
        let is_free = teams::rename(conn, &team, &slug).await?;
        if is_free {
            audit::record(conn, &actor, Action::TeamUpdate, &target, &details).await?;
        }
        Ok(is_free)
    })
    .await?;
    if !is_free {
        return Err(taken(&slug));
    }
    shown(&mut conn, &access, Team { slug, ..team }).await.map(Json)
}

/// `DELETE /api/0/teams/{organization}/{team}/` — deletes a team; its members and projects stay.
pub(super) async fn delete(
    state: Data<AppState>,
    access: OrgAccess,
    path: Path<(String, String)>,
) -> Result<NoContent, ApiError> {
    let mut conn = state.pool.get().await?;
    let team = find(&mut conn, &access, &path.1).await?;
    let actor = access.caller.actor();
    let target = access.target("team", team.id, team.slug.as_str());
    transaction(&mut conn, async |conn: &mut Conn| {
        teams::delete(conn, team.id).await?;
        audit::record(conn, &actor, Action::TeamDelete, &target, &json!({})).await
    })
    .await?;
    Ok(NoContent)
}

fn taken(slug: &str) -> ApiError {
    ApiError::Conflict(format!("There is a team {slug} already").into())
}

/// The team that a path names.
pub(super) async fn find(
    conn: &mut Conn,
    access: &OrgAccess,
    slug: &str,
) -> Result<Team, ApiError> {
    let found = teams::find(conn, access.org(), slug, access.member).await?;
    found.ok_or(ApiError::NotFound)
}

async fn shown(
    conn: &mut Conn,
    access: &OrgAccess,
    team: Team,
) -> Result<TeamProjectsResponse, ApiError> {
    let shown = with_projects(conn, access.caller.user(), &[team]).await?;
    shown.into_iter().next().ok_or(ApiError::NotFound)
}

/// Teams with their projects, as an account sees them.
async fn with_projects(
    conn: &mut Conn,
    viewer: UserId,
    rows: &[Team],
) -> Result<Vec<TeamProjectsResponse>, ApiError> {
    let ids: Vec<_> = rows.iter().map(|team| team.id).collect();
    let mut projects = teams::projects_of(conn, &ids).await?;
    let all: Vec<_> = projects.values().flatten().map(|project| project.id).collect();
    let own = teams::own_projects(conn, viewer, &all).await?;
    let shown = |team: &Team| {
        let projects = projects.remove(&team.id).unwrap_or_default();
        let shown = |project| ProjectResponse::new(project, own.contains(&project.id));
        TeamProjectsResponse {
            team: TeamResponse::from(team),
            projects: projects.iter().map(shown).collect(),
        }
    };
    Ok(rows.iter().map(shown).collect())
}
