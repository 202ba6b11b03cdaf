//! What every page needs to be shown, and how forms are read.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, LOCATION, RETRY_AFTER};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError};
use mishap_templates::link::local_path;
use mishap_templates::pages::ErrorPage;
use mishap_templates::parts::{Level, Problems};
use mishap_templates::shell::{CsrfToken, Navigation, Notice, Person, Theme};
use mishap_templates::{Page, Shell, Site, paths};
use url::form_urlencoded;

use crate::AppState;
use crate::access::state;
use crate::account::{Refusal, Visit};
use crate::body;
use crate::csrf;
use crate::error::ApiError;
use crate::openapi::Input;

/// The cookie that keeps the theme.
const THEME_COOKIE: &str = "theme";

/// How long the theme is kept, in seconds.
const THEME_AGE: i64 = 31_536_000;

/// When to try again what was tried too often, in seconds: the window of most limits.
const WINDOW: u64 = 60;

/// Fields of a form at most.
const MAX_FIELDS: usize = 1000;

/// A browser that looks at a page.
pub(crate) struct Screen {
    /// Who it is.
    pub(crate) visit: Visit,
    /// What all handlers share.
    pub(crate) state: Data<AppState>,
    here: Option<String>,
    theme: Theme,
    notices: Vec<Notice>,
    chosen_theme: Option<Theme>,
    navigation: Option<Navigation>,
    is_kept: bool,
}

impl Screen {
    /// Adds a sentence to the next page that is shown.
    pub(crate) fn notice(&mut self, level: Level, text: impl Into<String>) {
        self.notices.push(Notice { level, text: text.into() });
    }

    /// Chooses a theme; the browser keeps it.
    pub(crate) fn choose_theme(&mut self, theme: Theme) {
        self.chosen_theme = Some(theme);
    }

    /// Shows sections at the side.
    pub(crate) fn navigate(&mut self, navigation: Navigation) {
        self.navigation = Some(navigation);
    }

    /// Says where the page's own forms return to, if not to its whole address.
    pub(crate) fn return_to(&mut self, here: String) {
        self.here = Some(here);
    }

    /// Shows a page that nobody keeps a copy of, for there is a secret on it or in its address. No form
    /// returns to it.
    pub(crate) fn keep_nothing(&mut self) {
        self.is_kept = false;
        self.here = None;
    }

    /// The frame of the page.
    pub(crate) fn shell(&self) -> Shell {
        let person = self.visit.account.as_ref();
        Shell {
            site: site(&self.state),
            person: person
                .map(|user| Person { email: user.email.clone(), is_staff: user.is_staff }),
            theme: self.theme,
            csrf_token: CsrfToken::new(self.visit.csrf_token.as_str()),
            here: self.here.clone(),
            notices: self.notices.clone(),
            navigation: self.navigation.clone(),
            now: self.state.clock.now(),
        }
    }

    /// Shows a page.
    pub(crate) fn show(self, page: &impl Page) -> HttpResponse {
        self.show_as(StatusCode::OK, page)
    }

    /// Shows a page with a status: what was wrong with a form is 422, so that caches and scripts know.
    pub(crate) fn show_as(self, status: StatusCode, page: &impl Page) -> HttpResponse {
        let html = page.render(&self.shell());
        self.html(status, html)
    }

    /// Answers with a document that was rendered in [`Screen::shell`].
    pub(crate) fn html(mut self, status: StatusCode, html: String) -> HttpResponse {
        let caching = if self.is_kept { "no-cache, private" } else { "no-store" };
        let mut response = HttpResponse::build(status)
            .content_type("text/html; charset=utf-8")
            .insert_header((CACHE_CONTROL, caching))
            .body(html);
        self.tell(&mut response);
        response
    }

    /// Leads on to a path of this installation.
    pub(crate) fn lead_to(mut self, path: &str) -> HttpResponse {
        let url = site(&self.state).url(path);
        let mut response = HttpResponse::SeeOther().insert_header((LOCATION, url)).finish();
        self.tell(&mut response);
        response
    }

    /// Leads on to where somebody wanted to go before signing in; never away from here.
    pub(crate) fn lead_on(self, next: Option<&str>) -> HttpResponse {
        let next = next.and_then(local_path).unwrap_or(paths::HOME).to_owned();
        // `next` names a path as the browser sees it, under the installation's own.
        let base = self.state.config.base_path().to_owned();
        let within = next.strip_prefix(base.as_str()).filter(|rest| rest.starts_with('/'));
        let path = within.unwrap_or(&next).to_owned();
        self.lead_to(&path)
    }

    /// Shows what cannot be done.
    pub(crate) fn refuse(self, refusal: Refusal) -> HttpResponse {
        match refusal {
            Refusal::SignedOut => {
                let path = with_next(paths::SIGN_IN, self.here.as_deref());
                self.lead_to(&path)
            }
            Refusal::Conflict => self.lead_to(paths::HOME),
            Refusal::Forbidden => self.show_as(StatusCode::FORBIDDEN, &ErrorPage::Forbidden),
            Refusal::TooOften => {
                let (status, page) = page_of(&ApiError::TooMany);
                wait_as_said(&page, self.show_as(status, &page))
            }
            Refusal::Problems(problems) => {
                let text = problems.into_iter().map(|problem| problem.message).next();
                let page = ErrorPage::BadRequest(text.unwrap_or_default());
                self.show_as(StatusCode::BAD_REQUEST, &page)
            }
            Refusal::Failed(error) => {
                let (status, page) = page_of(&error);
                note(&error);
                wait_as_said(&page, self.show_as(status, &page))
            }
        }
    }

    fn tell(&mut self, response: &mut HttpResponse) {
        if let Some(theme) = self.chosen_theme {
            let cookie = Cookie::build(THEME_COOKIE, theme.name())
                .path(self.state.config.cookie_path())
                .max_age(Duration::seconds(THEME_AGE))
                .same_site(SameSite::Lax)
                .secure(self.state.config.sessions.is_secure)
                .finish();
            let _always = response.add_cookie(&cookie);
        }
        let state = self.state.clone();
        self.visit.tell(&state, response);
    }
}

/// A path that leads on to `next`.
pub(super) fn with_next(path: &str, next: Option<&str>) -> String {
    let Some(next) = next else {
        return path.to_owned();
    };
    let mut query = form_urlencoded::Serializer::new(String::new());
    format!("{path}?{}", query.append_pair("next", next).finish())
}

/// The installation, as its pages need to know it.
pub(crate) fn site(state: &AppState) -> Site {
    let name = state.config.instance.name.as_deref().unwrap_or_default();
    Site::new(state.config.base_path(), name)
}

/// What is wrong with what a person sent, for the page that asked for it.
pub(crate) fn problems(refusal: Refusal) -> Result<Problems, Refusal> {
    let Refusal::Problems(found) = refusal else {
        return Err(refusal);
    };
    let mut problems = Problems::none();
    for problem in found {
        problems = match problem.param {
            // Nobody sees these fields.
            None | Some("credential" | "key") => problems.and_general(problem.message),
            Some(param) => problems.with(param, problem.message),
        };
    }
    Ok(problems)
}

/// The theme that the browser keeps.
fn theme_of(request: &HttpRequest) -> Theme {
    let cookie = request.cookie(THEME_COOKIE);
    cookie.and_then(|cookie| Theme::parse(cookie.value())).unwrap_or_default()
}

impl FromRequest for Screen {
    type Error = PageError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, PageError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let visit = Visit::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let visit = visit.await.map_err(|error| PageError::of(&request, error))?;
            let state = state(&request).map_err(|error| PageError::of(&request, error))?.clone();
            let theme = theme_of(&request);
            let here = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
            Ok(Self {
                visit,
                state,
                here: Some(here),
                theme,
                notices: Vec::new(),
                chosen_theme: None,
                navigation: None,
                is_kept: true,
            })
        })
    }
}

/// The fields of a form of ours. A form without the browser's token is not read.
#[derive(Debug, Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// A field; empty if it was not sent.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.optional(name).unwrap_or_default()
    }

    /// A field, if something was typed into it.
    pub(crate) fn optional(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(field, _)| field == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Every value of a field that may be sent several times.
    pub(crate) fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        self.0.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    fn read(bytes: &[u8]) -> Self {
        let fields = form_urlencoded::parse(bytes).take(MAX_FIELDS);
        // PostgreSQL cannot keep a null character, and nobody can type one.
        Self(fields.map(|(name, value)| (name.into_owned(), value.replace('\0', ""))).collect())
    }
}

impl FromRequest for Form {
    type Error = PageError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, PageError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let read = async {
                let form = Self::read(&body::read(payload).await?);
                let token = form.optional("csrfmiddlewaretoken");
                csrf::check(&request, state(&request)?, token)?;
                Ok(form)
            };
            read.await.map_err(|error| PageError::of(&request, error))
        })
    }
}

/// Something that keeps a page from being shown, before there is a [`Screen`].
#[derive(Debug)]
pub(crate) struct PageError {
    site: Site,
    theme: Theme,
    error: ApiError,
    now: chrono::DateTime<chrono::Utc>,
}

impl PageError {
    pub(crate) fn of(request: &HttpRequest, error: ApiError) -> Self {
        let found = state(request).ok();
        let site = found.map_or_else(|| Site::new("", ""), |state| site(state));
        let now = found.map_or_else(Default::default, |state| state.clock.now());
        Self { site, theme: theme_of(request), error, now }
    }
}

impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl ResponseError for PageError {
    fn status_code(&self) -> StatusCode {
        self.error.status_code()
    }

    fn error_response(&self) -> HttpResponse {
        note(&self.error);
        let (status, page) = page_of(&self.error);
        let shell = Shell {
            site: self.site.clone(),
            person: None,
            theme: self.theme,
            // Nothing is known of the browser, so there is no form on the page.
            csrf_token: CsrfToken::new(""),
            here: None,
            notices: Vec::new(),
            navigation: None,
            now: self.now,
        };
        let response = HttpResponse::build(status)
            .content_type("text/html; charset=utf-8")
            .insert_header((CACHE_CONTROL, "no-store"))
            .body(page.render(&shell));
        wait_as_said(&page, response)
    }
}

/// Tells programs when to come back, too.
fn wait_as_said(page: &ErrorPage, mut response: HttpResponse) -> HttpResponse {
    let seconds = match page {
        ErrorPage::TooManyRequests { retry_after } => *retry_after,
        ErrorPage::Unavailable => 5,
        _ => return response,
    };
    response.headers_mut().insert(RETRY_AFTER, seconds.into());
    response
}

fn note(error: &ApiError) {
    match error {
        ApiError::Internal(error) => tracing::error!("a page failed: {error:#}"),
        ApiError::Unavailable(error) => {
            tracing::error!(error = %mishap_core::causes::Causes(error), "a page failed");
        }
        _ => {}
    }
}

fn page_of(error: &ApiError) -> (StatusCode, ErrorPage) {
    let page = match error {
        ApiError::NotFound => ErrorPage::NotFound,
        ApiError::Csrf => ErrorPage::StaleForm,
        ApiError::Unauthorized | ApiError::Forbidden | ApiError::Refused(_) => ErrorPage::Forbidden,
        ApiError::TooMany => ErrorPage::TooManyRequests { retry_after: WINDOW },
        ApiError::Unavailable(_) => ErrorPage::Unavailable,
        ApiError::Internal(_) => ErrorPage::Failed { reference: None },
        ApiError::BadRequest(_)
        | ApiError::Conflict(_)
        | ApiError::TooLarge
        | ApiError::Invalid(_)
        | ApiError::Unprocessable(_)
        | ApiError::Rejected(..) => ErrorPage::BadRequest(error.to_string()),
    };
    (error.status_code(), page)
}

impl Input for Screen {}
impl Input for Form {}
