//! Addresses that only lead elsewhere.

use actix_web::http::header::LOCATION;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use mishap_templates::paths;

use super::screen::site;
use crate::AppState;

fn lead_to(state: &AppState, path: &str) -> HttpResponse {
    HttpResponse::Found().insert_header((LOCATION, site(state).url(path))).finish()
}

/// `GET /api/` — sentry-cli sends people here to make a token.
pub(super) async fn tokens(state: Data<AppState>) -> HttpResponse {
    lead_to(&state, paths::API_TOKENS)
}

/// `GET /organizations/{organization}/issues/{issue}/events/{event}/json/` — an event as it is stored.
pub(super) async fn event_json(state: Data<AppState>, request: HttpRequest) -> HttpResponse {
    lead_to(&state, &format!("/api/0{}/", request.path().trim_end_matches('/')))
}

/// `GET /.well-known/change-password` — where password managers send people (W3C, A Well-Known URL for
/// Changing Passwords).
pub(super) async fn change_password(state: Data<AppState>) -> HttpResponse {
    lead_to(&state, paths::SECURITY)
}
