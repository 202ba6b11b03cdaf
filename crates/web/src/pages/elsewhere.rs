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

fn show_instead(state: &AppState, path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, site(state).url(path))).finish()
}

/// Where only forms go that are on the sign-in page.
pub(super) async fn sign_in(state: Data<AppState>) -> HttpResponse {
    show_instead(&state, paths::SIGN_IN)
}

/// Where only forms go that ask for a second factor.
pub(super) async fn second_factor(state: Data<AppState>) -> HttpResponse {
    show_instead(&state, paths::SECOND_FACTOR)
}

/// Where only forms go that are on the page of an account's security.
pub(super) async fn security(state: Data<AppState>) -> HttpResponse {
    show_instead(&state, paths::SECURITY)
}

/// Where only forms go that are on every page.
pub(super) async fn home(state: Data<AppState>) -> HttpResponse {
    show_instead(&state, paths::HOME)
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
