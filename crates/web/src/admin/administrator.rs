//! Somebody who may open the administrator's pages, and what their browser asks for.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, HttpResponse, ResponseError as _};
use mishap_core::page::Cursor;
use mishap_storage::accounts::users::User;
use mishap_storage::audit::Actor;
use mishap_storage::{PooledConn, oversight};
use mishap_templates::{Page, paths};
use url::form_urlencoded;

use super::done::Done;
use super::sections;
use crate::AppState;
use crate::access::Permission;
use crate::account::{Problem, Refusal};
use crate::error::ApiError;
use crate::openapi::Input;
use crate::pages::Screen;
use crate::pages::screen::PageError;

/// Parameters of an address at most.
const MAX_PARAMETERS: usize = 100;

/// Longest parameter that is read, in characters.
const MAX_PARAMETER: usize = 400;

/// The parameter that says what the request before did; see [`Done`].
const DONE: &str = "done";

/// Somebody who may open the administrator's pages, at a page of theirs.
///
/// There is one only where the row of the table says [`staff_page`](crate::access::staff_page) or
/// [`superuser_page`](crate::access::superuser_page).
pub(crate) struct Administrator {
    screen: Screen,
    account: User,
    path: Vec<(String, String)>,
    query: Vec<(String, String)>,
}

/// Lets staff through to the administrator's pages, superusers only where the row says so, and says to
/// anybody else what to do.
pub(crate) async fn admit(
    permission: &Permission,
    request: &HttpRequest,
) -> Result<(), HttpResponse> {
    let screen = Screen::from_request(request, &mut Payload::None).await;
    let mut screen = screen.map_err(|error| error.error_response())?;
    if !screen.state.config.administration.is_enabled {
        return Err(screen.refuse(ApiError::NotFound.into()));
    }
    let Some(account) = screen.visit.account.clone() else {
        if !request.method().is_safe() {
            // There is nothing to see where a form goes.
            screen.return_to(paths::ADMIN.to_owned());
        }
        return Err(screen.refuse(Refusal::SignedOut));
    };
    if !account.is_staff || permission.superuser && !account.is_superuser {
        return Err(screen.refuse(Refusal::Forbidden));
    }
    let counts = async { Ok(oversight::attention(&mut *screen.state.pool.get().await?).await?) };
    let attention = match counts.await {
        Ok(attention) => attention,
        Err(error) => return Err(screen.refuse(Refusal::Failed(error))),
    };
    let query = form_urlencoded::parse(request.query_string().as_bytes()).take(MAX_PARAMETERS);
    let readable = |text: &str| {
        // PostgreSQL cannot keep a null character, and nobody can type one.
        mishap_core::text::truncated(text, MAX_PARAMETER).replace('\0', "")
    };
    let query: Vec<_> = query
        .map(|(name, value)| (name.into_owned(), readable(&value).trim().to_owned()))
        .collect();
    screen.navigate(sections::of(request.path(), attention));
    screen.return_to(without_done(request.path(), &query));
    if let Some(done) = Done::read(&query) {
        screen.notice(done.level(), done.sentence());
    }
    let path = request.match_info().iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let path = path.collect();
    request.extensions_mut().insert(Administrator { screen, account, path, query });
    Ok(())
}

/// The address without what the request before did, so that it is not told twice.
fn without_done(path: &str, query: &[(String, String)]) -> String {
    let mut text = form_urlencoded::Serializer::new(String::new());
    let rest = query.iter().filter(|(name, _)| name != DONE && name != Done::COUNT);
    let text = text.extend_pairs(rest).finish();
    if text.is_empty() { path.to_owned() } else { format!("{path}?{text}") }
}

impl Administrator {
    /// What all handlers share.
    pub(super) fn state(&self) -> &AppState {
        &self.screen.state
    }

    /// A connection.
    pub(super) async fn conn(&self) -> Result<PooledConn, Refusal> {
        Ok(self.screen.state.pool.get().await?)
    }

    /// The account.
    pub(super) fn account(&self) -> &User {
        &self.account
    }

    /// How the audit log tells who it was.
    pub(super) fn actor(&self) -> Actor {
        self.screen.visit.actor(&self.account)
    }

    /// A number in the path; there is no page without it.
    pub(super) fn number(&self, name: &str) -> Result<i64, Refusal> {
        let found = self.path.iter().find(|(part, _)| part == name);
        let number = found.and_then(|(_, number)| number.parse().ok());
        number.ok_or(Refusal::Failed(ApiError::NotFound))
    }

    /// A parameter of the address, if there is something in it.
    pub(super) fn asked(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(asked, _)| asked == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Where the page of a list begins; the first page if that makes no sense.
    pub(super) fn cursor(&self) -> Option<Cursor> {
        Cursor::decode(self.asked("cursor")?).ok()
    }

    /// Shows a page.
    pub(super) fn show(self, page: &impl Page) -> HttpResponse {
        self.screen.show(page)
    }

    /// Shows a form again, with what is wrong with it.
    pub(super) fn show_again(self, page: &impl Page) -> HttpResponse {
        self.screen.show_as(StatusCode::UNPROCESSABLE_ENTITY, page)
    }

    /// Shows a page with a secret, which nobody keeps a copy of.
    pub(super) fn reveal(mut self, page: &impl Page) -> HttpResponse {
        self.screen.keep_nothing();
        self.screen.show(page)
    }

    /// The same, on a page that has another address than the request: nothing is shown there.
    pub(super) fn at(mut self, path: String) -> Self {
        self.screen.return_to(path);
        self
    }

    /// Shows a page, or why there is none.
    pub(super) fn answer(self, page: Result<impl Page, Refusal>) -> HttpResponse {
        match page {
            Ok(page) => self.show(&page),
            Err(refusal) => self.refuse(refusal),
        }
    }

    /// Leads on to a page that says what was done, or says why it was not.
    pub(super) fn follow(self, done: Result<(String, Done), Refusal>) -> HttpResponse {
        match done {
            Ok((path, done)) => self.screen.lead_to(&done.at(&path)),
            Err(refusal) => self.refuse(refusal),
        }
    }

    /// Says why something is not shown or not done.
    pub(super) fn refuse(self, refusal: Refusal) -> HttpResponse {
        self.screen.refuse(refusal)
    }
}

/// There is no such thing.
pub(super) fn missing() -> Refusal {
    Refusal::Failed(ApiError::NotFound)
}

/// Something cannot be done, and why.
pub(super) fn impossible(why: impl Into<String>) -> Refusal {
    Problem { code: "impossible", param: None, message: why.into() }.into()
}

impl FromRequest for Administrator {
    type Error = PageError;
    type Future = Ready<Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let admitted = request.extensions_mut().remove::<Self>();
        ready(admitted.ok_or_else(|| {
            let path = request.match_pattern().unwrap_or_default();
            let text = format!("{path} is open to everybody, and its handler is for staff");
            PageError::of(request, ApiError::Internal(anyhow::anyhow!(text)))
        }))
    }
}

impl Input for Administrator {}
