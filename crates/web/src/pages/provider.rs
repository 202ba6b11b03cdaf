//! The way to a sign-in provider and back.

use actix_web::http::header::LOCATION;
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use mishap_templates::link::local_path;
use mishap_templates::paths;
use url::{Url, form_urlencoded};

use super::{Form, Screen};
use crate::account::Refusal;
use crate::account::provider;
use crate::account::sign_in::Progress;

/// `POST /_allauth/browser/v1/auth/provider/redirect` — `provider`, `callback_url`, `process`.
pub(super) async fn redirect(mut screen: Screen, form: Form) -> HttpResponse {
    let state = screen.state.clone();
    let connects = form.text("process") == "connect";
    let next = form.optional("callback_url").and_then(|url| own_path(&screen, url));
    let slug = form.text("provider");
    let begun = provider::begin(&state, &mut screen.visit, slug, next.as_deref(), connects).await;
    match begun {
        Ok(url) => screen.lead_away(&url),
        Err(refusal) => refused(screen, refusal),
    }
}

/// A path of this installation, of a whole address or of a path.
fn own_path(screen: &Screen, address: &str) -> Option<String> {
    if let Some(path) = local_path(address) {
        return Some(path.to_owned());
    }
    let url = Url::parse(address).ok()?;
    let is_own = url.origin() == screen.state.config.public_url.origin();
    let path = &url[url::Position::BeforePath..];
    is_own.then(|| local_path(path).map(str::to_owned))?
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
    let returned = match (value("error"), value("code"), value("state")) {
        (None, Some(code), Some(said)) => {
            provider::finish(&state, &mut screen.visit, &path, &code, &said).await
        }
        _ => Err(provider::problem("denied")),
    };
    match returned {
        Ok(returned) => match returned.progress {
            Some(Progress::NeedsSecondFactor) => {
                let path =
                    super::sign_in::with_next(paths::SECOND_FACTOR, returned.next.as_deref());
                screen.lead_to(&path)
            }
            Some(Progress::Done) => screen.lead_on(returned.next.as_deref()),
            None => screen.lead_on(returned.next.as_deref().or(Some(paths::SECURITY))),
        },
        Err(refusal) => refused(screen, refusal),
    }
}

/// Whoever cannot sign in so is led back, with the reason (GlitchTip's parameters).
fn refused(screen: Screen, refusal: Refusal) -> HttpResponse {
    match refusal {
        Refusal::Problems(problems) => {
            let code = problems.first().map_or("provider_failed", |problem| problem.code);
            let path = format!("{}?socialLoginError=true&error={code}", paths::SIGN_IN);
            screen.lead_to(&path)
        }
        other => screen.refuse(other),
    }
}

impl Screen {
    /// Leads the browser to a provider.
    fn lead_away(mut self, url: &Url) -> HttpResponse {
        let mut response = HttpResponse::Found().insert_header((LOCATION, url.as_str())).finish();
        let state = self.state.clone();
        self.visit.tell(&state, &mut response);
        response
    }
}
