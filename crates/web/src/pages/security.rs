//! Password, second factors and sessions of one's account.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use mishap_core::audit::Action;
use mishap_identity::recovery_codes::{RECOVERY_CODES, RecoveryCodes as Codes};
use mishap_identity::totp::{self, TotpSecret};
use mishap_storage::accounts::authenticators::{Authenticator, Kind};
use mishap_storage::accounts::sessions;
use mishap_templates::pages::{
    Connection, Passkey, RecoveryCodes, RecoveryState, Security, Session, TotpSetup,
};
use mishap_templates::parts::{Level, Problems, QrCode, Secret};
use mishap_templates::paths;

use super::screen::problems;
use super::sign_in::{check_repeated, credential, providers};
use super::{Form, Screen};
use crate::account::{
    Refusal, address, passkey as passkeys, password as passwords, provider, second_factor,
};

/// `GET /profile/security` — `error`: why an account elsewhere was not connected.
pub(super) async fn show(mut screen: Screen, request: HttpRequest) -> HttpResponse {
    if let Some(reason) = super::provider::reason(&request) {
        screen.notice(Level::Error, reason);
    }
    show_as(screen, StatusCode::OK).await
}

/// The page, after something was done.
pub(super) async fn show_as(screen: Screen, status: StatusCode) -> HttpResponse {
    show_with(screen, status, Problems::none(), Problems::none()).await
}

async fn show_with(
    screen: Screen,
    status: StatusCode,
    password_problems: Problems,
    passkey_problems: Problems,
) -> HttpResponse {
    match page(&screen).await {
        Ok(page) => {
            let page = Security { password_problems, passkey_problems, ..page };
            screen.show_as(status, &page)
        }
        Err(refusal) => screen.refuse(refusal),
    }
}

async fn page(screen: &Screen) -> Result<Security, Refusal> {
    let (state, visit) = (&screen.state, &screen.visit);
    let user = visit.signed_in()?;
    let factors = second_factor::list(state, visit).await?;
    let connections: Vec<_> =
        provider::linked(state, visit).await?.into_iter().map(connection).collect();
    let mut open = providers(screen).await?;
    open.retain(|one| !connections.iter().any(|known| known.provider == one.id));
    let mut conn = state.pool.get().await?;
    let current = visit.session.as_ref().map(|session| session.id);
    let mut found = sessions::list(&mut conn, user.id, state.clock.now()).await?;
    found.sort_by_key(|session| Some(session.id) != current);
    let blocked = match second_factor::needs_verified_address(&mut conn, user).await {
        Ok(()) => None,
        Err(Refusal::Problems(problems)) => problems.into_iter().next().map(|one| one.message),
        Err(other) => return Err(other),
    };
    let of = |kind| factors.iter().find(move |factor| factor.kind() == Some(kind));
    Ok(Security {
        has_password: user.has_password,
        app_since: of(Kind::Totp).map(|factor| factor.created_at),
        blocked,
        recovery: of(Kind::RecoveryCodes).and_then(recovery_state),
        passkeys: factors.iter().filter_map(passkey_of).collect(),
        sessions: found.iter().map(|session| shown(session, current)).collect(),
        connections,
        providers: open,
        ..Security::default()
    })
}

fn shown(session: &sessions::Session, current: Option<mishap_core::id::SessionId>) -> Session {
    Session {
        client: crate::browser::name(session.user_agent.as_deref().unwrap_or_default()),
        address: session.client_ip.clone(),
        since: session.created_at,
        seen: session.last_seen_at,
        is_current: Some(session.id) == current,
    }
}

fn connection(linked: provider::Linked) -> Connection {
    let provider::Linked { identity, provider } = linked;
    Connection {
        name: provider.map(|provider| provider.config.name),
        account: identity.email.or(identity.username).unwrap_or_else(|| identity.uid.clone()),
        uid: identity.uid,
        provider: identity.provider,
        since: identity.created_at,
        used: identity.last_login_at,
    }
}

fn codes_of(factor: &Authenticator) -> Option<Codes> {
    serde_json::from_value(factor.data.clone()).ok()
}

fn recovery_state(factor: &Authenticator) -> Option<RecoveryState> {
    let left = codes_of(factor)?.unused().len();
    let count = |number: usize| u64::try_from(number).unwrap_or_default();
    Some(RecoveryState { left: count(left), made: count(RECOVERY_CODES) })
}

fn passkey_of(factor: &Authenticator) -> Option<Passkey> {
    (factor.kind() == Some(Kind::Passkey)).then(|| Passkey {
        id: factor.id.0,
        name: factor.name.clone(),
        created: factor.created_at,
        used: factor.last_used_at,
        is_passwordless: factor.data.get("is_passwordless") == Some(&true.into()),
    })
}

/// `POST /profile/security/password` — `current_password`, `password`, `password_again`.
pub(super) async fn password(mut screen: Screen, form: Form) -> HttpResponse {
    let state = screen.state.clone();
    let repeated = screen.visit.signed_in().map(|_| check_repeated(&form));
    let done = match repeated {
        Err(refusal) => Err(Err(refusal)),
        Ok(Err(problems)) => Err(Ok(problems)),
        Ok(Ok(())) => {
            let (current, new) = (form.optional("current_password"), form.text("password"));
            let done = passwords::change(&state, &mut screen.visit, current, new).await;
            done.map_err(problems)
        }
    };
    match done {
        Ok(()) => {
            screen.notice(Level::Ok, "Your password is changed. Other browsers are signed out.");
            show_as(screen, StatusCode::OK).await
        }
        Err(Ok(problems)) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            show_with(
                screen,
                status,
                problems.renamed("new_password", "password"),
                Problems::none(),
            )
            .await
        }
        Err(Err(refusal)) => screen.refuse(refusal),
    }
}

/// `POST /profile/security/confirm-email`
pub(super) async fn confirm_address(mut screen: Screen, _form: Form) -> HttpResponse {
    let sent = async { address::send_again(&screen.state, screen.visit.signed_in()?).await };
    match sent.await {
        Ok(true) => {
            screen.notice(Level::Ok, "A mail is on its way. Its link works for three days.")
        }
        Ok(false) => screen.notice(Level::Info, "A mail was sent a moment ago. Look for it."),
        Err(refusal) => return screen.refuse(refusal),
    }
    show_as(screen, StatusCode::OK).await
}

/// `GET /profile/security/totp` — a fresh secret for an app.
pub(super) async fn show_totp(mut screen: Screen) -> HttpResponse {
    let state = screen.state.clone();
    let begun = async {
        let factors = second_factor::list(&state, &screen.visit).await?;
        if factors.iter().any(|factor| factor.kind() == Some(Kind::Totp)) {
            return Ok(None);
        }
        Ok(Some(second_factor::begin_totp(&state, &mut screen.visit).await?))
    };
    let begun = begun.await;
    match begun {
        Ok(Some((secret, url))) => {
            screen.keep_nothing();
            screen.show(&setup(&secret, &url, Problems::none()))
        }
        // The page above says why it cannot be done now, or that it is done.
        Ok(None) | Err(Refusal::Problems(_)) => screen.lead_to(paths::SECURITY),
        Err(refusal) => screen.refuse(refusal),
    }
}

fn setup(secret: &TotpSecret, url: &str, problems: Problems) -> TotpSetup {
    let qr = totp::qr_code(url).ok().and_then(|svg| QrCode::parse(&svg));
    TotpSetup { qr, secret: Secret::new(secret.to_base32()), problems }
}

/// `POST /profile/security/totp` — `code`: the app has the secret.
pub(super) async fn add_totp(mut screen: Screen, form: Form) -> HttpResponse {
    let state = screen.state.clone();
    let pending = screen.visit.data.totp_secret.clone();
    let had_codes = has_recovery_codes(&screen).await;
    let done = second_factor::add_totp(&state, &mut screen.visit, form.text("code")).await;
    match done.map_err(problems) {
        Ok(_) => after_adding(screen, had_codes, "Your app is set up.").await,
        Err(Ok(problems)) => {
            let secret = pending.and_then(|text| TotpSecret::from_base32(&text).ok());
            let Some(secret) = secret else {
                return screen.lead_to(paths::SECURITY_TOTP);
            };
            let account = screen.visit.account.as_ref();
            let email = account.map(|user| user.email.clone()).unwrap_or_default();
            let issuer = state.config.public_url.host_str().unwrap_or("mishap");
            let page = setup(&secret, &secret.url(issuer, &email), problems);
            screen.keep_nothing();
            screen.show_as(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(Err(refusal)) => screen.refuse(refusal),
    }
}

async fn has_recovery_codes(screen: &Screen) -> bool {
    let factors = second_factor::list(&screen.state, &screen.visit).await.unwrap_or_default();
    factors.iter().any(|factor| factor.kind() == Some(Kind::RecoveryCodes))
}

/// Recovery codes that came along are shown at once; otherwise the page says what was done.
async fn after_adding(mut screen: Screen, had_codes: bool, text: &str) -> HttpResponse {
    screen.notice(Level::Ok, text);
    if had_codes {
        return show_as(screen, StatusCode::OK).await;
    }
    match second_factor::list(&screen.state, &screen.visit).await {
        Ok(factors) => {
            let codes = factors.iter().find(|factor| factor.kind() == Some(Kind::RecoveryCodes));
            match codes {
                Some(codes) => reveal(screen, codes),
                None => show_as(screen, StatusCode::OK).await,
            }
        }
        Err(refusal) => screen.refuse(refusal),
    }
}

fn reveal(mut screen: Screen, factor: &Authenticator) -> HttpResponse {
    let codes = codes_of(factor).map(|codes| codes.unused()).unwrap_or_default();
    screen.keep_nothing();
    screen.show(&RecoveryCodes { codes: codes.into_iter().map(Secret::new).collect() })
}

/// `POST /profile/security/totp/remove`
pub(super) async fn remove_totp(screen: Screen, _form: Form) -> HttpResponse {
    let is_app = |factor: &Authenticator| factor.kind() == Some(Kind::Totp);
    let done = second_factor::remove(&screen.state, &screen.visit, is_app).await;
    after_removing(screen, done, "The app is not asked for any more.").await
}

/// `POST /profile/security/recovery-codes` — new codes, shown once.
pub(super) async fn renew_recovery_codes(screen: Screen, _form: Form) -> HttpResponse {
    match second_factor::renew_recovery_codes(&screen.state, &screen.visit).await {
        Ok(codes) => reveal(screen, &codes),
        Err(refusal) => screen.refuse(refusal),
    }
}

/// `POST /profile/security/passkeys` — `name`, `credential`.
pub(super) async fn add_passkey(mut screen: Screen, form: Form) -> HttpResponse {
    let state = screen.state.clone();
    let had_codes = has_recovery_codes(&screen).await;
    let name: String = form.text("name").chars().take(100).collect();
    let done = match credential(&form) {
        Ok(answer) => passkeys::add(&state, &mut screen.visit, &name, answer).await,
        Err(refusal) => Err(refusal),
    };
    match done.map_err(problems) {
        Ok(_) => after_adding(screen, had_codes, "Your passkey is added.").await,
        Err(Ok(problems)) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            show_with(screen, status, Problems::none(), problems).await
        }
        Err(Err(refusal)) => screen.refuse(refusal),
    }
}

/// `POST /profile/security/passkeys/remove` — `id`.
pub(super) async fn remove_passkey(screen: Screen, form: Form) -> HttpResponse {
    let id = form.text("id").parse::<i64>().unwrap_or_default();
    let is_named =
        |factor: &Authenticator| factor.kind() == Some(Kind::Passkey) && factor.id.0 == id;
    let done = second_factor::remove(&screen.state, &screen.visit, is_named).await;
    after_removing(screen, done, "The passkey is forgotten.").await
}

async fn after_removing(mut screen: Screen, done: Result<(), Refusal>, text: &str) -> HttpResponse {
    match done {
        Ok(()) => {
            screen.notice(Level::Ok, text);
            show_as(screen, StatusCode::OK).await
        }
        Err(refusal) => screen.refuse(refusal),
    }
}

/// `POST /profile/security/sessions/end` — signs out everywhere else.
pub(super) async fn end_sessions(mut screen: Screen, _form: Form) -> HttpResponse {
    let done = async {
        let user = screen.visit.signed_in()?.clone();
        let mut conn = screen.state.pool.get().await?;
        let current = screen.visit.session.as_ref().map(|session| session.id);
        let ended = sessions::delete_others(&mut conn, user.id, current).await?;
        screen.visit.note(&mut conn, &user, Action::SignOut).await?;
        Ok(ended)
    };
    match done.await {
        Ok(ended) => {
            let text = match ended {
                1 => "One other browser is signed out.".to_owned(),
                ended => format!("{ended} other browsers are signed out."),
            };
            screen.notice(Level::Ok, text);
            show_as(screen, StatusCode::OK).await
        }
        Err(refusal) => screen.refuse(refusal),
    }
}
