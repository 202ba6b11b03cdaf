//! Links that came by mail: a new password, and the proof of an address.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use mishap_templates::pages::{ConfirmAddress, PasswordForgotten, PasswordReset, SignIn};
use mishap_templates::parts::{Level, Problems, Secret};
use mishap_templates::paths;

use super::screen::problems;
use super::sign_in::{self, check_repeated};
use super::{Form, Screen};
use crate::account::{Refusal, address, password};

/// `GET /reset-password`
pub(super) async fn show_forgotten(screen: Screen) -> HttpResponse {
    let problems = Problems::none();
    screen.show(&PasswordForgotten::Ask { email: String::new(), problems })
}

/// `POST /reset-password` — `email`.
pub(super) async fn forgotten(screen: Screen, form: Form) -> HttpResponse {
    let email = form.text("email").to_owned();
    let done = password::request_reset(&screen.state, &screen.visit, &email).await;
    match done.map_err(problems) {
        Ok(()) => screen.show(&PasswordForgotten::Sent { email }),
        Err(Ok(problems)) => {
            let page = PasswordForgotten::Ask { email, problems };
            screen.show_as(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(Err(refusal)) => screen.refuse(refusal),
    }
}

/// `GET /reset-password/set-new-password/{key}`
pub(super) async fn show_reset(mut screen: Screen, path: Path<String>) -> HttpResponse {
    screen.keep_nothing();
    let found = async {
        let mut conn = screen.state.pool.get().await?;
        password::owner_of_link(&mut conn, &screen.state, &path).await
    };
    match found.await {
        Ok(user) => screen.show(&PasswordReset::Choose {
            key: Secret::new(path.as_str()),
            email: user.email,
            problems: Problems::none(),
        }),
        Err(Refusal::Problems(_)) => screen.show_as(StatusCode::NOT_FOUND, &PasswordReset::Invalid),
        Err(refusal) => screen.refuse(refusal),
    }
}

/// `POST /reset-password/set-new-password/{key}` — `password`, `password_again`.
pub(super) async fn reset(mut screen: Screen, path: Path<String>, form: Form) -> HttpResponse {
    screen.keep_nothing();
    let state = screen.state.clone();
    let owner =
        async { password::owner_of_link(&mut *state.pool.get().await?, &state, &path).await };
    let owner = match owner.await {
        Ok(owner) => owner,
        Err(Refusal::Problems(_)) => {
            return screen.show_as(StatusCode::NOT_FOUND, &PasswordReset::Invalid);
        }
        Err(refusal) => return screen.refuse(refusal),
    };
    let done = match check_repeated(&form) {
        Err(problems) => Err(Ok(problems)),
        Ok(()) => {
            let new = form.text("password");
            password::reset(&state, &mut screen.visit, &path, new).await.map_err(problems)
        }
    };
    match done {
        Ok(()) => {
            screen.notice(Level::Ok, "Your password is changed. Sign in with it.");
            screen.return_to(paths::SIGN_IN.to_owned());
            let page = SignIn { email: owner.email, ..SignIn::default() };
            sign_in::show_page(screen, StatusCode::OK, page).await
        }
        Err(Ok(problems)) => {
            let key = Secret::new(path.as_str());
            let page = PasswordReset::Choose { key, email: owner.email, problems };
            screen.show_as(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(Err(refusal)) => screen.refuse(refusal),
    }
}

/// `GET /profile/confirm-email/{key}/`
pub(super) async fn show_confirmation(mut screen: Screen, path: Path<String>) -> HttpResponse {
    screen.keep_nothing();
    let found = async {
        let mut conn = screen.state.pool.get().await?;
        address::of_key(&mut conn, &screen.state, &path).await
    };
    match found.await {
        Ok(found) => screen
            .show(&ConfirmAddress::Ask { key: Secret::new(path.as_str()), email: found.email }),
        Err(refusal) => invalid(screen, refusal),
    }
}

/// `POST /profile/confirm-email/{key}/`
pub(super) async fn confirm(mut screen: Screen, path: Path<String>, _form: Form) -> HttpResponse {
    screen.keep_nothing();
    match address::confirm(&screen.state, &screen.visit, &path).await {
        Ok(found) => screen.show(&ConfirmAddress::Done { email: found.email }),
        Err(refusal) => invalid(screen, refusal),
    }
}

fn invalid(screen: Screen, refusal: Refusal) -> HttpResponse {
    match refusal {
        Refusal::Problems(_) => screen.show_as(StatusCode::NOT_FOUND, &ConfirmAddress::Invalid),
        other => screen.refuse(other),
    }
}
