//! The REST API under `/api/0/`, in GlitchTip's shapes.

mod events;
mod issues;
pub mod model;
mod organizations;
mod projects;

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Route};

use crate::error::ApiError;

/// Every route of the API, one line each.
pub fn routes(config: &mut ServiceConfig) {
    for (path, view, handler) in [
        ("/", "api:api_root", get(organizations::root)),
        ("/organizations/", "api:list_organizations", get(organizations::list)),
        ("/organizations/{organization}/", "api:get_organization", get(organizations::show)),
        (
            "/organizations/{organization}/projects/",
            "api:list_organization_projects",
            get(projects::list_in_organization),
        ),
        ("/projects/", "api:list_projects", get(projects::list)),
        ("/projects/{organization}/{project}/", "api:get_project", get(projects::show)),
        (
            "/projects/{organization}/{project}/keys/",
            "api:list_project_keys",
            get(projects::list_keys),
        ),
        ("/organizations/{organization}/issues/", "api:list_issues", get(issues::list)),
        (
            "/projects/{organization}/{project}/issues/",
            "api:list_project_issues",
            get(issues::list_in_project),
        ),
        ("/issues/{issue}/", "api:get_issue", get(issues::show)),
        (
            "/organizations/{organization}/issues/{issue}/",
            "api:update_organization_issue",
            get(issues::show),
        ),
        ("/issues/{issue}/events/latest/", "api:get_latest_issue_event", get(events::latest)),
        ("/issues/{issue}/events/oldest/", "api:get_oldest_issue_event", get(events::oldest)),
        ("/issues/{issue}/events/{event}/", "api:get_issue_event", get(events::show)),
        (
            "/projects/{organization}/{project}/events/{event}/",
            "api:get_project_issue_event",
            get(events::show_in_project),
        ),
        (
            "/organizations/{organization}/issues/{issue}/events/{event}/json/",
            "api:get_event_json",
            get(events::json),
        ),
    ] {
        // Both spellings lead to the handler: a redirect would lose what some clients send.
        let path = format!("/api/0{path}");
        let bare = path.trim_end_matches('/').to_owned();
        config.service(
            web::resource([path, bare])
                .name(view)
                .route(handler)
                .default_service(web::to(method_not_allowed)),
        );
    }
    config.service(web::scope("/api/0").default_service(web::to(not_found)));
}

fn get<F, Args>(handler: F) -> Route
where
    F: actix_web::Handler<Args>,
    Args: actix_web::FromRequest + 'static,
    F::Output: actix_web::Responder + 'static,
{
    web::get().to(handler)
}

async fn not_found() -> Result<HttpResponse, ApiError> {
    Err(ApiError::NotFound)
}

async fn method_not_allowed() -> HttpResponse {
    HttpResponse::MethodNotAllowed()
        .insert_header(("Allow", "GET"))
        .content_type("text/html; charset=utf-8")
        .body("Method not allowed")
}
