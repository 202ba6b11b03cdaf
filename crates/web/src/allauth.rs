//! The headless API for signing in, under `/_allauth/browser/v1/` (django-allauth), by which
//! GlitchTip's frontend signs people in.
//!
//! Every answer is `{"status": …}` with `data`, `meta` or `errors`, and the HTTP status says the same.

mod account;
mod auth;
mod envelope;
mod providers;
mod second_factors;
mod shapes;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, EXPIRES, HeaderValue};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, ServiceConfig};
use actix_web::{Error, HttpResponse};

use crate::access::everybody;
use crate::endpoint::{Endpoint, delete, get, patch, post, put, register};
use crate::pages::provider;

/// What every path begins with.
pub const PREFIX: &str = "/_allauth/browser/v1";

/// Every endpoint. Nobody is asked who they are before the handler: it answers what can be done to
/// sign in. Whatever changes something needs proof that it comes from a page of ours.
#[rustfmt::skip]
pub fn endpoints() -> Vec<Endpoint> {
    let open = everybody().with_proof();
    vec![
        get("/config", "headless:config", open, auth::config),
        get("/auth/session", "headless:account:current_session", open, auth::session),
        delete("/auth/session", "headless:account:current_session", open, auth::sign_out),
        post("/auth/login", "headless:account:login", open, auth::login),
        post("/auth/signup", "headless:account:signup", open, auth::sign_up),
        post("/auth/reauthenticate", "headless:account:reauthenticate", open, auth::reauthenticate),
        post("/auth/password/request", "headless:account:request_password_reset", open, auth::request_reset),
        get("/auth/password/reset", "headless:account:reset_password", open, auth::show_reset),
        post("/auth/password/reset", "headless:account:reset_password", open, auth::reset),
        get("/auth/email/verify", "headless:account:verify_email", open, auth::show_verification),
        post("/auth/email/verify", "headless:account:verify_email", open, auth::verify),
        post("/auth/email/verify/resend", "headless:account:resend_email_verification_code", open, auth::off),
        post("/auth/phone/verify", "headless:account:verify_phone", open, auth::off),
        post("/auth/phone/verify/resend", "headless:account:resend_phone_verification_code", open, auth::off),
        post("/auth/code/confirm", "headless:account:confirm_login_code", open, auth::off),

        post("/auth/2fa/authenticate", "headless:mfa:authenticate", open, second_factors::authenticate),
        post("/auth/2fa/reauthenticate", "headless:mfa:reauthenticate", open, second_factors::reauthenticate),
        get("/auth/webauthn/authenticate", "headless:mfa:authenticate_webauthn", open, second_factors::begin_passkey),
        post("/auth/webauthn/authenticate", "headless:mfa:authenticate_webauthn", open, second_factors::passkey),
        get("/auth/webauthn/reauthenticate", "headless:mfa:reauthenticate_webauthn", open, second_factors::begin_passkey_again),
        post("/auth/webauthn/reauthenticate", "headless:mfa:reauthenticate_webauthn", open, second_factors::passkey_again),
        get("/auth/webauthn/login", "headless:mfa:login_webauthn", open, second_factors::begin_passkey_login),
        post("/auth/webauthn/login", "headless:mfa:login_webauthn", open, second_factors::passkey_login),

        post("/auth/provider/token", "headless:socialaccount:provider_token", open, providers::token),
        get("/auth/provider/signup", "headless:socialaccount:provider_signup", open, providers::show_signup),
        post("/auth/provider/signup", "headless:socialaccount:provider_signup", open, providers::signup),
        get("/account/providers", "headless:socialaccount:manage_providers", open, providers::list),
        delete("/account/providers", "headless:socialaccount:manage_providers", open, providers::unlink),

        post("/account/password/change", "headless:account:change_password", open, account::change_password),
        get("/account/email", "headless:account:manage_email", open, account::emails),
        post("/account/email", "headless:account:manage_email", open, account::add_email),
        put("/account/email", "headless:account:manage_email", open, account::resend_email),
        patch("/account/email", "headless:account:manage_email", open, account::make_email_primary),
        delete("/account/email", "headless:account:manage_email", open, account::remove_email),
        get("/account/phone", "headless:account:manage_phone", open, account::phone),
        get("/account/authenticators", "headless:mfa:authenticators", open, second_factors::list),
        get("/account/authenticators/totp", "headless:mfa:manage_totp", open, second_factors::show_totp),
        post("/account/authenticators/totp", "headless:mfa:manage_totp", open, second_factors::add_totp),
        delete("/account/authenticators/totp", "headless:mfa:manage_totp", open, second_factors::remove_totp),
        get("/account/authenticators/recovery-codes", "headless:mfa:manage_recovery_codes", open, second_factors::show_recovery_codes),
        post("/account/authenticators/recovery-codes", "headless:mfa:manage_recovery_codes", open, second_factors::renew_recovery_codes),
        get("/account/authenticators/webauthn", "headless:mfa:manage_webauthn", open, second_factors::begin_adding_passkey),
        post("/account/authenticators/webauthn", "headless:mfa:manage_webauthn", open, second_factors::add_passkey),
        put("/account/authenticators/webauthn", "headless:mfa:manage_webauthn", open, second_factors::rename_passkey),
        delete("/account/authenticators/webauthn", "headless:mfa:manage_webauthn", open, second_factors::remove_passkeys),
    ]
}

/// What browsers send as a form of a page: its token proves where it comes from, and a page is the
/// answer.
fn forms() -> Vec<Endpoint> {
    let view = "headless:socialaccount:redirect_to_provider";
    vec![post("/auth/provider/redirect", view, everybody(), provider::redirect)]
}

/// Routes every endpoint.
pub fn routes(config: &mut ServiceConfig) {
    let not_found = || async { HttpResponse::NotFound().finish() };
    let scope = web::scope(PREFIX)
        .wrap(from_fn(finish))
        .configure(|config| register(config, "", endpoints()))
        .configure(|config| register(config, "", forms()))
        .default_service(web::to(not_found));
    config.service(scope);
}

/// Nothing here is for caches; and that a method is unknown is said without words (allauth).
async fn finish<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, ()>>, Error> {
    let mut response = next.call(request).await?;
    let uncached = "max-age=0, no-cache, no-store, must-revalidate, private";
    let long_ago = "Thu, 01 Jan 1970 00:00:00 GMT";
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(uncached));
    response.headers_mut().insert(EXPIRES, HeaderValue::from_static(long_ago));
    if response.status() != StatusCode::METHOD_NOT_ALLOWED {
        return Ok(response.map_into_left_body());
    }
    response.headers_mut().remove(CONTENT_TYPE);
    Ok(response.map_body(|_head, _words| EitherBody::right(())))
}
