//! Making an account, and the first one of an installation.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use mishap_templates::pages::{ErrorPage, FirstRun, SignUp};
use mishap_templates::parts::{Problems, Secret};
use mishap_templates::paths;
use url::form_urlencoded;

use super::screen::problems;
use super::sign_in::{check_repeated, next, providers};
use super::{Form, Screen};
use crate::account::{Refusal, first_run, sign_up};

/// `GET /register`
pub(super) async fn show(screen: Screen, request: HttpRequest) -> HttpResponse {
    let next = next(&request);
    if screen.visit.account.is_some() {
        return screen.lead_on(next.as_deref());
    }
    let is_open = async {
        let mut conn = screen.state.pool.get().await?;
        sign_up::is_open(&mut conn, &screen.state).await
    };
    match is_open.await {
        Ok(true) => show_page(screen, StatusCode::OK, SignUp { next, ..SignUp::default() }).await,
        Ok(false) => closed(screen),
        Err(refusal) => screen.refuse(refusal),
    }
}

async fn show_page(screen: Screen, status: StatusCode, page: SignUp) -> HttpResponse {
    match providers(&screen).await {
        Ok(providers) => screen.show_as(status, &SignUp { providers, ..page }),
        Err(refusal) => screen.refuse(refusal),
    }
}

/// `POST /register` — `email`, `password`, `password_again`, `next`.
pub(super) async fn submit(mut screen: Screen, form: Form) -> HttpResponse {
    let state = screen.state.clone();
    let done = match check_repeated(&form) {
        Err(problems) => return show_again(screen, &form, problems).await,
        Ok(()) => {
            let (email, password) = (form.text("email"), form.text("password"));
            sign_up::sign_up(&state, &mut screen.visit, email, password).await
        }
    };
    match done.map_err(problems) {
        Ok(()) => screen.lead_on(form.optional("next")),
        Err(Ok(problems)) => show_again(screen, &form, problems).await,
        Err(Err(Refusal::Forbidden)) => closed(screen),
        Err(Err(refusal)) => screen.refuse(refusal),
    }
}

fn closed(screen: Screen) -> HttpResponse {
    screen.show_as(StatusCode::FORBIDDEN, &ErrorPage::SignUpClosed)
}

async fn show_again(screen: Screen, form: &Form, problems: Problems) -> HttpResponse {
    let page = SignUp {
        email: form.text("email").to_owned(),
        problems,
        next: form.optional("next").map(str::to_owned),
        providers: Vec::new(),
    };
    show_page(screen, StatusCode::UNPROCESSABLE_ENTITY, page).await
}

/// `GET /register/first` — for whoever can read what the server printed.
pub(super) async fn show_first(mut screen: Screen, request: HttpRequest) -> HttpResponse {
    screen.keep_nothing();
    let mut pairs = form_urlencoded::parse(request.query_string().as_bytes());
    let key = pairs.find(|(name, _)| name == "key").map(|(_, key)| key.into_owned());
    match first_run::check(&screen.state, key.as_deref().unwrap_or_default()).await {
        Ok(()) => screen.show(&FirstRun {
            key: key.map(Secret::new),
            email: String::new(),
            organization: String::new(),
            problems: Problems::none(),
        }),
        Err(refusal) => refuse_first(screen, refusal),
    }
}

fn refuse_first(screen: Screen, refusal: Refusal) -> HttpResponse {
    match refusal {
        // Somebody was faster: that is where to sign in.
        Refusal::Conflict => screen.lead_to(paths::SIGN_IN),
        Refusal::Forbidden => screen.show_as(StatusCode::FORBIDDEN, &ErrorPage::FirstRunInvalid),
        other => screen.refuse(other),
    }
}

/// `POST /register/first` — `key`, `email`, `password`, `password_again`, `organization`.
pub(super) async fn first(mut screen: Screen, form: Form) -> HttpResponse {
    screen.keep_nothing();
    let state = screen.state.clone();
    let done = match check_repeated(&form) {
        Err(problems) => Err(Ok(problems)),
        Ok(()) => {
            let wanted = first_run::First {
                key: form.text("key"),
                email: form.text("email"),
                password: form.text("password"),
                organization: form.text("organization"),
            };
            first_run::make(&state, &mut screen.visit, &wanted).await.map_err(problems)
        }
    };
    match done {
        Ok(()) => screen.lead_to(paths::ADMIN),
        Err(Ok(problems)) => {
            let page = FirstRun {
                key: form.optional("key").map(Secret::new),
                email: form.text("email").to_owned(),
                organization: form.text("organization").to_owned(),
                problems,
            };
            screen.show_as(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(Err(refusal)) => refuse_first(screen, refusal),
    }
}
