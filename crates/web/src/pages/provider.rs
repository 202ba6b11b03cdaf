//! The way to a sign-in provider and back.

use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use mishap_identity::provider::Callback;
use mishap_templates::link::local_path;
use mishap_templates::pages::{GuestAddress, ProviderSignUp};
use mishap_templates::parts::{Level, Problems};
use mishap_templates::paths;
use url::{Url, form_urlencoded};

use super::screen::{problems, site, with_next};
use super::sign_in::next;
use super::{Form, Screen};
use crate::account::Refusal;
use crate::account::provider::{self, Arrival};

/// `POST /_allauth/browser/v1/auth/provider/redirect` — `provider`, `callback_url`, `process`.
pub(crate) async fn redirect(mut screen: Screen, form: Form) -> HttpResponse {
    let state = screen.state.clone();
    let connects = form.text("process") == "connect";
    // There is nothing to see where the form goes.
    screen.return_to(if connects { paths::SECURITY } else { paths::HOME }.to_owned());
    let begun = match own_path(&screen, form.optional("callback_url")) {
        Ok(next) => {
            let (slug, next) = (form.text("provider"), next.as_deref());
            provider::begin(&state, &mut screen.visit, slug, next, connects).await
        }
        Err(refusal) => Err(refusal),
    };
    match begun {
        Ok(url) => screen.lead_away(url.as_str()),
        Err(refusal) => refused(screen, refusal),
    }
}

/// A path of this installation, of a whole address or of a path.
fn own_path(screen: &Screen, address: Option<&str>) -> Result<Option<String>, Refusal> {
    let Some(address) = address else {
        return Ok(None);
    };
    let foreign = || provider::problem("invalid_url");
    if let Some(path) = local_path(address) {
        return Ok(Some(path.to_owned()));
    }
    let url = Url::parse(address).map_err(|_unreadable| foreign())?;
    let is_own = url.origin() == screen.state.config.public_url.origin();
    let path = local_path(&url[url::Position::BeforePath..]).filter(|_| is_own);
    Ok(Some(path.ok_or_else(foreign)?.to_owned()))
}

/// `GET /accounts/{provider}/login/callback/`, `GET /accounts/oidc/{provider}/login/callback/`
pub(super) async fn callback(
    mut screen: Screen,
    path: Path<String>,
    request: HttpRequest,
) -> HttpResponse {
    let state = screen.state.clone();
    let value = |name: &str| {
        let mut pairs = form_urlencoded::parse(request.query_string().as_bytes());
        pairs.find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
    };
    let (code, said) = (value("code"), value("state"));
    let callback = match (value("error"), &code, &said) {
        (None, Some(code), Some(said)) => Ok(Callback { code, state: said }),
        _ => Err("denied"),
    };
    match provider::finish(&state, &mut screen.visit, &path, callback).await {
        Ok((arrival, next)) => arrived(screen, arrival, next.as_deref()),
        Err(refusal) => refused(screen, refusal),
    }
}

fn arrived(screen: Screen, arrival: Arrival, next: Option<&str>) -> HttpResponse {
    match arrival {
        Arrival::Done => screen.lead_on(next),
        Arrival::NeedsSecondFactor => screen.lead_to(&with_next(paths::SECOND_FACTOR, next)),
        Arrival::NeedsAddress => screen.lead_to(&with_next(paths::PROVIDER_SIGN_UP, next)),
        Arrival::Linked => screen.lead_on(next.or(Some(paths::SECURITY))),
    }
}

/// Whoever did not come in so is led back, with the reason (GlitchTip's parameters).
fn refused(screen: Screen, refusal: Refusal) -> HttpResponse {
    let Refusal::Problems(problems) = refusal else {
        return screen.refuse(refusal);
    };
    let code = problems.first().map_or(provider::FAILED, |problem| problem.code);
    let page = match screen.visit.account {
        Some(_) => paths::SECURITY,
        None => paths::SIGN_IN,
    };
    let path = site(&screen.state).url(&format!("{page}?socialLoginError=true&error={code}"));
    screen.lead_away(&path)
}

/// What an address says went wrong at a provider.
pub(super) fn reason(request: &HttpRequest) -> Option<&'static str> {
    let mut pairs = form_urlencoded::parse(request.query_string().as_bytes());
    provider::explanation(&pairs.find(|(name, _)| name == "error")?.1)
}

/// `GET /login/provider` — asks whoever came from a provider for an address.
pub(super) async fn show_sign_up(screen: Screen, request: HttpRequest) -> HttpResponse {
    ask_address(screen, StatusCode::OK, next(&request), None, Problems::none()).await
}

async fn ask_address(
    screen: Screen,
    status: StatusCode,
    next: Option<String>,
    typed: Option<&str>,
    problems: Problems,
) -> HttpResponse {
    let Ok(guest) = provider::guest(&screen.state, &screen.visit) else {
        // Nobody is waited for any more.
        return screen.lead_to(&with_next(paths::SIGN_IN, next.as_deref()));
    };
    let known = provider::list(&screen.state).await;
    let name = match known {
        Ok(known) => known.into_iter().find(|one| one.config.slug == guest.provider),
        Err(error) => return screen.refuse(error.into()),
    };
    let page = ProviderSignUp {
        provider: name.map_or_else(|| guest.provider.clone(), |provider| provider.config.name),
        address: match &guest.email {
            Some(email) => GuestAddress::Taken(email.clone()),
            None => GuestAddress::Untold,
        },
        email: typed.unwrap_or_default().to_owned(),
        problems,
        next,
    };
    screen.show_as(status, &page)
}

/// `POST /login/provider` — `email`, `next`.
pub(super) async fn sign_up(mut screen: Screen, form: Form) -> HttpResponse {
    let (state, next) = (screen.state.clone(), form.optional("next"));
    let done = provider::sign_up(&state, &mut screen.visit, form.text("email")).await;
    match done.map_err(problems) {
        Ok(()) => screen.lead_on(next),
        Err(Ok(problems)) => {
            let (next, typed) = (next.map(str::to_owned), form.optional("email"));
            ask_address(screen, StatusCode::UNPROCESSABLE_ENTITY, next, typed, problems).await
        }
        Err(Err(Refusal::Conflict)) => screen.lead_to(&with_next(paths::SIGN_IN, next)),
        Err(Err(refusal)) => screen.refuse(refusal),
    }
}

/// `POST /profile/security/providers/remove` — `provider`, `account`.
pub(super) async fn unlink(mut screen: Screen, form: Form) -> HttpResponse {
    let (slug, uid) = (form.text("provider"), form.text("account"));
    let done = provider::unlink(&screen.state, &screen.visit, slug, uid).await;
    let (status, level, text) = match done {
        Ok(()) => (StatusCode::OK, Level::Ok, "You are not connected any more.".to_owned()),
        Err(Refusal::Problems(problems)) => {
            let text = problems.into_iter().map(|problem| problem.message).collect();
            (StatusCode::UNPROCESSABLE_ENTITY, Level::Error, text)
        }
        Err(refusal) => return screen.refuse(refusal),
    };
    screen.notice(level, text);
    super::security::show_as(screen, status).await
}

impl Screen {
    /// Leads the browser to an address, which may be elsewhere.
    fn lead_away(mut self, address: &str) -> HttpResponse {
        let mut response = HttpResponse::Found().insert_header((LOCATION, address)).finish();
        let state = self.state.clone();
        self.visit.tell(&state, &mut response);
        response
    }
}
