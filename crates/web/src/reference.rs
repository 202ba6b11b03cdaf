//! What programs and people can read of the API: `/api/openapi.json` and `/api/docs`.

mod permissions;
mod shown;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, ServiceConfig};
use mishap_templates::pages::{ApiPermissions, ApiReference};
use mishap_templates::shell::{Navigation, NavigationGroup, NavigationItem};
use mishap_templates::{Link, Page, Shell, paths};

use crate::access::everybody;
use crate::config::AppConfig;
use crate::endpoint::{get, register_pages};
use crate::openapi::{Table, document};
use crate::pages::Screen;
use crate::{AppState, allauth, api};

/// The API's description, in every form that it is read in.
pub(crate) struct Reference {
    document: Bytes,
    page: ApiReference,
    permissions: ApiPermissions,
}

/// Everything that is described.
fn tables() -> [Table; 3] {
    [
        Table { prefix: api::PREFIX, tag: None, endpoints: api::endpoints() },
        Table { prefix: api::UNVERSIONED, tag: None, endpoints: api::unversioned_endpoints() },
        Table { prefix: allauth::PREFIX, tag: Some("signing in"), endpoints: allauth::endpoints() },
    ]
}

impl Reference {
    pub(crate) fn new(config: &AppConfig) -> Self {
        let tables = tables();
        let document = document(&tables, &config.instance.version, config.public_url.as_str());
        Self {
            page: shown::reference(&document),
            permissions: permissions::page(&tables),
            document: document.to_string().into(),
        }
    }
}

/// Routes them.
pub(crate) fn routes(config: &mut ServiceConfig) {
    let open = everybody();
    let endpoints = vec![
        get(paths::OPENAPI, "api:openapi-json", open, openapi),
        get(paths::API_REFERENCE, "api:openapi-view", open, show),
        get(paths::API_PERMISSIONS, "api:openapi-permissions", open, show_permissions),
    ];
    register_pages(config, endpoints);
}

/// `GET /api/openapi.json`
async fn openapi(state: Data<AppState>) -> HttpResponse {
    let document = state.reference().document.clone();
    HttpResponse::Ok().content_type("application/json").body(document)
}

/// `GET /api/docs`
async fn show(screen: Screen) -> HttpResponse {
    let state = screen.state.clone();
    show_in_frame(screen, state.reference(), &state.reference().page)
}

/// `GET /api/docs/permissions` — who may call what.
async fn show_permissions(screen: Screen) -> HttpResponse {
    let state = screen.state.clone();
    show_in_frame(screen, state.reference(), &state.reference().permissions)
}

fn show_in_frame(screen: Screen, reference: &Reference, page: &impl Page) -> HttpResponse {
    let navigation = Some(navigation(&reference.page));
    let html = page.render(&Shell { navigation, ..screen.shell() });
    screen.html(StatusCode::OK, html)
}

/// The ways to the parts of the reference, and to the permissions.
fn navigation(page: &ApiReference) -> Navigation {
    let item = |(label, link): (String, Link)| NavigationItem {
        label,
        link,
        count: None,
        is_current: false,
    };
    let group = |title: &str, links: Vec<(String, Link)>| NavigationGroup {
        title: title.to_owned(),
        items: links.into_iter().map(item).collect(),
    };
    let permissions = ("Who may".to_owned(), Link::within(paths::API_PERMISSIONS));
    let groups = vec![group("What there is", page.sections()), group("More", vec![permissions])];
    Navigation { label: "API".to_owned(), groups }
}
