//! Events.

use actix_web::HttpRequest;
use actix_web::web::{Data, Json, Path};
use mishap_core::id::EventId;
use mishap_protocol::event::Event;
use mishap_protocol::json::repair_utf8;
use mishap_storage::events::{self, EventRow, Neighbours};
use mishap_storage::{bodies, projects};
use serde::Serialize;

use super::issues::visible;
use super::model::Prepared;
use super::model::event::{EventDetailResponse, EventJsonResponse};
use crate::AppState;
use crate::access::{Caller, OrgAccess};
use crate::error::ApiError;

/// An event with its neighbours.
type Detail = Prepared<EventDetailResponse<'static>>;

/// `GET /api/0/issues/{issue}/events/latest/` — the newest event of an issue.
pub(super) async fn latest(
    request: HttpRequest,
    state: Data<AppState>,
    access: Caller,
) -> Result<Json<Detail>, ApiError> {
    let issue = visible(&state, &access, &request).await?;
    let mut conn = state.pool.get().await?;
    let event = events::latest(&mut conn, issue.id).await?;
    drop(conn);
    detail(&state, event).await
}

/// `GET /api/0/issues/{issue}/events/oldest/` — the oldest event of an issue that is still kept.
pub(super) async fn oldest(
    request: HttpRequest,
    state: Data<AppState>,
    access: Caller,
) -> Result<Json<Detail>, ApiError> {
    let issue = visible(&state, &access, &request).await?;
    let mut conn = state.pool.get().await?;
    let event = events::oldest(&mut conn, issue.id).await?;
    drop(conn);
    detail(&state, event).await
}

/// `GET /api/0/issues/{issue}/events/{event}/` — an event of an issue.
pub(super) async fn show(
    request: HttpRequest,
    state: Data<AppState>,
    access: Caller,
) -> Result<Json<Detail>, ApiError> {
    let event_id = event_id(&request)?;
    let issue = visible(&state, &access, &request).await?;
    let mut conn = state.pool.get().await?;
    let event = events::by_id_in_issue(&mut conn, issue.project_id, issue.id, event_id).await?;
    drop(conn);
    detail(&state, event).await
}

/// `GET /api/0/projects/{organization}/{project}/events/{event}/` — an event of a project.
pub(super) async fn show_in_project(
    request: HttpRequest,
    state: Data<AppState>,
    access: OrgAccess,
    path: Path<(String, String, String)>,
) -> Result<Json<Detail>, ApiError> {
    let event_id = event_id(&request)?;
    let (_organization, slug, _event) = path.into_inner();
    let mut conn = state.pool.get().await?;
    let project = projects::find(&mut conn, access.org(), &slug).await?;
    let project = project.ok_or(ApiError::NotFound)?;
    let event = events::by_id_in_project(&mut conn, project.id, event_id).await?;
    drop(conn);
    detail(&state, event).await
}

/// `GET /api/0/organizations/{organization}/issues/{issue}/events/{event}/json/` — an event as it
/// is stored.
pub(super) async fn json(
    request: HttpRequest,
    state: Data<AppState>,
    access: Caller,
) -> Result<Json<Prepared<EventJsonResponse<'static>>>, ApiError> {
    let event_id = event_id(&request)?;
    let issue = visible(&state, &access, &request).await?;
    let mut conn = state.pool.get().await?;
    let event = events::by_id_in_issue(&mut conn, issue.project_id, issue.id, event_id).await?;
    let event = event.ok_or(ApiError::NotFound)?;
    let hashes = events::hashes(&mut conn, issue.id).await?;
    drop(conn);
    let body = open(&state, &event).await?;
    let content = content_of(&body)?;
    prepared(&EventJsonResponse::new(&event, &content, &hashes))
}

/// The event that the path names, in any spelling of a UUID.
fn event_id(request: &HttpRequest) -> Result<EventId, ApiError> {
    let text = request.match_info().get("event").unwrap_or_default();
    EventId::parse(text)
        .ok_or_else(|| ApiError::path("event_id", "uuid_parsing", "Input should be a valid UUID"))
}

/// An event with its neighbours.
async fn detail(state: &AppState, event: Option<EventRow>) -> Result<Json<Detail>, ApiError> {
    let event = event.ok_or(ApiError::NotFound)?;
    let mut conn = state.pool.get().await?;
    let neighbours: Neighbours = events::neighbours(&mut conn, &event).await?;
    drop(conn);
    let body = open(state, &event).await?;
    let content = content_of(&body)?;
    let shown = EventDetailResponse::new(&event, &content, neighbours);
    prepared(&shown)
}

fn prepared<T>(shown: &impl Serialize) -> Result<Json<Prepared<T>>, ApiError> {
    let prepared = Prepared::new(shown);
    Ok(Json(prepared.map_err(|error| ApiError::Internal(error.into()))?))
}

/// The JSON of an event.
async fn open(state: &AppState, event: &EventRow) -> Result<String, ApiError> {
    let dictionary = match event.dictionary_id {
        Some(id) => Some(state.dictionary(id).await?),
        None => None,
    };
    let body = bodies::unpack(&event.body, dictionary.as_deref())?;
    Ok(repair_utf8(&body).into_owned())
}

fn content_of(body: &str) -> Result<Event<'_>, ApiError> {
    Event::read(body).map_err(|error| ApiError::Internal(error.into()))
}
