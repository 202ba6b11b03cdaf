//! Addresses that only lead elsewhere.

use actix_web::http::header::LOCATION;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::screen::site;
use crate::AppState;

/// Where people make tokens.
const TOKENS: &str = "/profile/auth-tokens";

fn lead_to(state: &AppState, path: &str) -> HttpResponse {
    HttpResponse::Found().insert_header((LOCATION, site(state).url(path))).finish()
}

/// `GET /api/` — sentry-cli sends people here to make a token.
pub(super) async fn tokens(state: Data<AppState>) -> HttpResponse {
    lead_to(&state, TOKENS)
}

/// `GET /organizations/{organization}/issues/{issue}/events/{event}/json/` — an event as it is stored.
pub(super) async fn event_json(state: Data<AppState>, request: HttpRequest) -> HttpResponse {
    lead_to(&state, &format!("/api/0{}/", request.path().trim_end_matches('/')))
}
