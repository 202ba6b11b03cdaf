//! Signing in and out.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use mishap_templates::pages::{Provider, SecondFactor, SignIn, SignedOut};
use mishap_templates::parts::Problems;
use mishap_templates::{link, paths};
use serde_json::Value;
use url::form_urlencoded;

use super::screen::{problems, with_next};
use super::{Form, Screen};
use crate::account::sign_in::{self, Progress};
use crate::account::{
    Problem, Refusal, passkey as passkeys, provider, second_factor as factors, sign_up,
};

/// `GET /` — leads on to what there is for somebody.
pub(super) async fn home(screen: Screen) -> HttpResponse {
    let path = match &screen.visit.account {
        Some(user) if user.is_staff => paths::ADMIN,
        Some(_) => paths::SECURITY,
        None => paths::SIGN_IN,
    };
    screen.lead_to(path)
}

/// Where somebody wanted to go, as the address says.
pub(super) fn next(request: &HttpRequest) -> Option<String> {
    let mut pairs = form_urlencoded::parse(request.query_string().as_bytes());
    let next = pairs.find(|(name, _)| name == "next")?.1.into_owned();
    link::local_path(&next).map(str::to_owned)
}

/// `GET /login`
pub(super) async fn show(screen: Screen, request: HttpRequest) -> HttpResponse {
    let next = next(&request);
    if screen.visit.account.is_some() {
        return screen.lead_on(next.as_deref());
    }
    let problems = super::provider::reason(&request).map(Problems::general);
    let page = SignIn { next, problems: problems.unwrap_or_default(), ..SignIn::default() };
    show_page(screen, StatusCode::OK, page).await
}

/// The page with everything that it offers.
pub(super) async fn show_page(screen: Screen, status: StatusCode, page: SignIn) -> HttpResponse {
    let is_open = async {
        let mut conn = screen.state.pool.get().await?;
        let is_open = sign_up::is_open(&mut conn, &screen.state).await?;
        drop(conn);
        Ok((is_open, providers(&screen).await?))
    };
    match is_open.await {
        Ok((can_sign_up, providers)) => {
            screen.show_as(status, &SignIn { can_sign_up, providers, ..page })
        }
        Err(refusal) => screen.refuse(refusal),
    }
}

/// Who else can say who a person is.
pub(super) async fn providers(screen: &Screen) -> Result<Vec<Provider>, Refusal> {
    let shown = |one: provider::Provider| Provider { id: one.config.slug, name: one.config.name };
    Ok(provider::list(&screen.state).await?.into_iter().map(shown).collect())
}

/// `POST /login` — `email`, `password`, `next`.
pub(super) async fn submit(mut screen: Screen, form: Form) -> HttpResponse {
    let (email, password) = (form.text("email"), form.text("password"));
    let state = screen.state.clone();
    let done = sign_in::with_password(&state, &mut screen.visit, email, password).await;
    match done {
        Ok(Progress::Done) | Err(Refusal::Conflict) => screen.lead_on(form.optional("next")),
        Ok(Progress::NeedsSecondFactor) => {
            let path = with_next(paths::SECOND_FACTOR, form.optional("next"));
            screen.lead_to(&path)
        }
        Err(refusal) => refused(screen, &form, refusal).await,
    }
}

/// `POST /login/passkey` — `credential`, `next`.
pub(super) async fn passkey(mut screen: Screen, form: Form) -> HttpResponse {
    let state = screen.state.clone();
    let done = match credential(&form) {
        Ok(answer) => passkeys::sign_in(&state, &mut screen.visit, answer).await,
        Err(refusal) => Err(refusal),
    };
    match done {
        Ok(()) | Err(Refusal::Conflict) => screen.lead_on(form.optional("next")),
        Err(refusal) => refused(screen, &form, refusal).await,
    }
}

async fn refused(screen: Screen, form: &Form, refusal: Refusal) -> HttpResponse {
    let refusal = match refusal {
        // The account is switched off; the password was right.
        Refusal::SignedOut => {
            let message = "This account is switched off. Ask an administrator.".to_owned();
            Problem { code: "inactive", param: None, message }.into()
        }
        other => other,
    };
    match problems(refusal) {
        Ok(problems) => {
            let page = SignIn {
                email: form.text("email").to_owned(),
                problems,
                next: form.optional("next").map(str::to_owned),
                ..SignIn::default()
            };
            show_page(screen, StatusCode::UNPROCESSABLE_ENTITY, page).await
        }
        Err(refusal) => screen.refuse(refusal),
    }
}

/// What a passkey said, as the script filled it in.
pub(super) fn credential(form: &Form) -> Result<Value, Refusal> {
    let credential = serde_json::from_str(form.text("credential"));
    credential.map_err(|_unreadable| Problem::incorrect_passkey().into())
}

/// `GET /login/second-factor`
pub(super) async fn show_second_factor(screen: Screen, request: HttpRequest) -> HttpResponse {
    let page = SecondFactor { next: next(&request), ..SecondFactor::default() };
    ask_second_factor(screen, StatusCode::OK, page).await
}

async fn ask_second_factor(screen: Screen, status: StatusCode, page: SecondFactor) -> HttpResponse {
    let kinds = async {
        let mut conn = screen.state.pool.get().await?;
        let (user, _) = factors::pending(&mut conn, &screen.state, &screen.visit).await?;
        factors::kinds(&mut conn, &user).await
    };
    match kinds.await {
        Ok(kinds) => {
            let has = |kind| kinds.contains(&kind);
            let (has_app, has_passkey) = (has("totp"), has("webauthn"));
            screen.show_as(status, &SecondFactor { has_app, has_passkey, ..page })
        }
        // Nothing is waited for any more.
        Err(Refusal::SignedOut) => {
            let path = with_next(paths::SIGN_IN, page.next.as_deref());
            screen.lead_to(&path)
        }
        Err(refusal) => screen.refuse(refusal),
    }
}

/// `POST /login/second-factor` — `code`, `next`.
pub(super) async fn second_factor(mut screen: Screen, form: Form) -> HttpResponse {
    let state = screen.state.clone();
    let done = factors::sign_in(&state, &mut screen.visit, form.text("code")).await;
    after_second_factor(screen, &form, done).await
}

/// `POST /login/second-factor/passkey` — `credential`, `next`.
pub(super) async fn second_factor_passkey(mut screen: Screen, form: Form) -> HttpResponse {
    let state = screen.state.clone();
    let done = match credential(&form) {
        Ok(answer) => passkeys::second_factor(&state, &mut screen.visit, answer).await,
        Err(refusal) => Err(refusal),
    };
    after_second_factor(screen, &form, done).await
}

async fn after_second_factor(
    screen: Screen,
    form: &Form,
    done: Result<(), Refusal>,
) -> HttpResponse {
    let next = form.optional("next");
    let refusal = match done {
        Ok(()) => return screen.lead_on(next),
        Err(Refusal::SignedOut) => return screen.lead_to(&with_next(paths::SIGN_IN, next)),
        Err(refusal) => refusal,
    };
    match problems(refusal) {
        Ok(problems) => {
            let next = next.map(str::to_owned);
            let page = SecondFactor { problems, next, ..SecondFactor::default() };
            ask_second_factor(screen, StatusCode::UNPROCESSABLE_ENTITY, page).await
        }
        Err(refusal) => screen.refuse(refusal),
    }
}

/// `POST /logout` — `next`.
pub(super) async fn sign_out(mut screen: Screen, form: Form) -> HttpResponse {
    let state = screen.state.clone();
    let done = async {
        let mut conn = state.pool.get().await?;
        screen.visit.sign_out(&mut conn, &state).await
    };
    match (done.await, form.optional("next")) {
        (Ok(()), Some(next)) => screen.lead_on(Some(next)),
        (Ok(()), None) => screen.show(&SignedOut),
        (Err(refusal), _) => screen.refuse(refusal),
    }
}

/// What is wrong when the two spellings of a new password differ.
pub(super) fn check_repeated(form: &Form) -> Result<(), Problems> {
    if form.text("password") == form.text("password_again") {
        return Ok(());
    }
    Err(Problems::none().with("password_again", "The two passwords are not the same."))
}
