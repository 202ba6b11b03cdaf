//! Pages for people: signing in, and the safety of one's account.
//!
//! What is shown is in `mishap-templates`; what is done is in [`crate::account`]. Every page works
//! without the script, and every form that changes something carries the browser's token.

mod elsewhere;
mod invitation;
mod password;
pub(crate) mod provider;
pub(crate) mod screen;
mod security;
mod sign_in;
mod sign_up;
mod theme;
pub(crate) mod tokens;

use actix_web::http::header::{
    AcceptEncoding, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, Encoding, Header as _, VARY,
};
use actix_web::web::{Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use mishap_templates::{assets, paths};

pub(crate) use self::screen::{Form, Screen};
use crate::access::everybody;
use crate::endpoint::{Endpoint, get, post, register_pages};
use crate::error::ApiError;
use crate::front::refusal;

/// Every page, and where forms go; whoever asks to see such an address, by going back or by choosing a
/// theme after a form was refused, is led to the page of the form. Nobody is asked who they are before the handler, which leads whoever is signed out to
/// the sign-in page; forms prove where they come from by their token ([`Form`]).
#[rustfmt::skip]
fn endpoints() -> Vec<Endpoint> {
    let open = everybody();
    vec![
        get(paths::HOME, "home", open, sign_in::home),
        get(paths::SIGN_IN, "sign_in", open, sign_in::show),
        post(paths::SIGN_IN, "sign_in", open, sign_in::submit),
        get(paths::SIGN_IN_PASSKEY, "sign_in_passkey", open, elsewhere::sign_in),
        post(paths::SIGN_IN_PASSKEY, "sign_in_passkey", open, sign_in::passkey),
        get(paths::SECOND_FACTOR, "second_factor", open, sign_in::show_second_factor),
        post(paths::SECOND_FACTOR, "second_factor", open, sign_in::second_factor),
        get(paths::SECOND_FACTOR_PASSKEY, "second_factor_passkey", open, elsewhere::second_factor),
        post(paths::SECOND_FACTOR_PASSKEY, "second_factor_passkey", open, sign_in::second_factor_passkey),
        get(paths::SIGN_OUT, "sign_out", open, elsewhere::home),
        post(paths::SIGN_OUT, "sign_out", open, sign_in::sign_out),

        get(paths::PROVIDER_SIGN_UP, "provider_sign_up", open, provider::show_sign_up),
        post(paths::PROVIDER_SIGN_UP, "provider_sign_up", open, provider::sign_up),
        get("/accounts/oidc/{provider}/login/callback/", "openid_connect_callback", open, provider::callback),
        get("/accounts/{provider}/login/callback/", "provider_callback", open, provider::callback),

        get(paths::SIGN_UP, "sign_up", open, sign_up::show),
        post(paths::SIGN_UP, "sign_up", open, sign_up::submit),
        get(paths::FIRST_RUN, "first_run", open, sign_up::show_first),
        post(paths::FIRST_RUN, "first_run", open, sign_up::first),

        get(paths::PASSWORD_FORGOTTEN, "password_forgotten", open, password::show_forgotten),
        post(paths::PASSWORD_FORGOTTEN, "password_forgotten", open, password::forgotten),
        get("/reset-password/set-new-password/{key}", "password_reset", open, password::show_reset),
        post("/reset-password/set-new-password/{key}", "password_reset", open, password::reset),
        get("/profile/confirm-email/{key}/", "confirm_address", open, password::show_confirmation),
        post("/profile/confirm-email/{key}/", "confirm_address", open, password::confirm),

        get(r"/accept/{member:\d+}/{token}/", "accept_invitation", open, invitation::show),
        post(r"/accept/{member:\d+}/{token}/", "accept_invitation", open, invitation::accept),

        get(paths::THEME, "theme", open, elsewhere::home),
        post(paths::THEME, "theme", open, theme::choose),
        get(paths::SECURITY, "security", open, security::show),
        get(paths::SECURITY_PASSWORD, "security_password", open, elsewhere::security),
        post(paths::SECURITY_PASSWORD, "security_password", open, security::password),
        get(paths::SECURITY_CONFIRM, "security_confirm", open, elsewhere::security),
        post(paths::SECURITY_CONFIRM, "security_confirm", open, security::confirm_address),
        get(paths::SECURITY_TOTP, "security_totp", open, security::show_totp),
        post(paths::SECURITY_TOTP, "security_totp", open, security::add_totp),
        get(paths::SECURITY_TOTP_REMOVE, "security_totp_remove", open, elsewhere::security),
        post(paths::SECURITY_TOTP_REMOVE, "security_totp_remove", open, security::remove_totp),
        get(paths::SECURITY_RECOVERY, "security_recovery", open, elsewhere::security),
        post(paths::SECURITY_RECOVERY, "security_recovery", open, security::renew_recovery_codes),
        get(paths::SECURITY_PASSKEYS, "security_passkeys", open, elsewhere::security),
        post(paths::SECURITY_PASSKEYS, "security_passkeys", open, security::add_passkey),
        get(paths::SECURITY_PASSKEYS_REMOVE, "security_passkeys_remove", open, elsewhere::security),
        post(paths::SECURITY_PASSKEYS_REMOVE, "security_passkeys_remove", open, security::remove_passkey),
        get(paths::SECURITY_PROVIDERS_REMOVE, "security_providers_remove", open, elsewhere::security),
        post(paths::SECURITY_PROVIDERS_REMOVE, "security_providers_remove", open, provider::unlink),
        get(paths::SECURITY_SESSIONS_END, "security_sessions_end", open, elsewhere::security),
        post(paths::SECURITY_SESSIONS_END, "security_sessions_end", open, security::end_sessions),
        get(paths::API_TOKENS, "api_tokens", open, tokens::show),
        post(paths::API_TOKENS, "api_tokens", open, tokens::create),
        get(paths::API_TOKENS_DELETE, "api_tokens_delete", open, elsewhere::tokens),
        post(paths::API_TOKENS_DELETE, "api_tokens_delete", open, tokens::delete),

        get("/api/", "api", open, elsewhere::tokens),
        get(r"/organizations/{organization}/issues/{issue:\d+}/events/{event}/json/", "event_json", open, elsewhere::event_json),
        get("/static/{file}", "static", open, file),
        get("/favicon.ico", "favicon", open, favicon),
        get("/robots.txt", "robots", open, robots),
        get("/.well-known/change-password", "change_password", open, elsewhere::change_password),
    ]
}

/// Routes every page.
pub(crate) fn routes(config: &mut ServiceConfig) {
    register_pages(config, endpoints());
}

/// `GET /static/…` — style sheet, script and icon. A name with a hash never changes its content.
async fn file(request: HttpRequest, path: Path<String>) -> HttpResponse {
    let Some(asset) = assets::asset(&path) else {
        return refusal(&request, ApiError::NotFound);
    };
    let caching = match asset.is_hashed {
        true => "max-age=315360000, public, immutable",
        false => "max-age=60, public",
    };
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CONTENT_TYPE, asset.content_type))
        .insert_header((CACHE_CONTROL, caching))
        .insert_header((VARY, "Accept-Encoding"));
    let accepted = AcceptEncoding::parse(&request).ok();
    let encodings = [Encoding::gzip(), Encoding::identity()];
    match accepted.and_then(|accepted| accepted.negotiate(encodings.iter())) {
        Some(encoding) if encoding == Encoding::gzip() => {
            response.insert_header((CONTENT_ENCODING, "gzip")).body(asset.gzipped)
        }
        _plain => response.body(asset.bytes),
    }
}

/// `GET /favicon.ico` — browsers that ask for it get the icon.
async fn favicon(request: HttpRequest) -> HttpResponse {
    file(request, Path::from("favicon.svg".to_owned())).await
}

/// `GET /robots.txt` — nothing here is for search engines.
async fn robots() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("User-agent: *\nDisallow: /\n")
}
