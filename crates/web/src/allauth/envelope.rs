//! How the headless API answers.

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, EXPIRES};
use actix_web::{HttpRequest, HttpResponse, Responder, ResponseError as _};
use mishap_storage::accounts::emails;
use mishap_storage::accounts::users::User;
use serde_json::{Map, Value, json};

use crate::AppState;
use crate::account::{Problem, Refusal, Visit, provider, second_factor, sign_up};
use crate::error::ApiError;
use crate::openapi::{Answer, Operation};

/// An answer, with the cookies of the visit.
pub(crate) struct Envelope {
    status: u16,
    members: Map<String, Value>,
    failure: Option<ApiError>,
    visit: Option<Visit>,
}

impl Envelope {
    /// An answer with nothing in it.
    pub(super) fn of(status: u16) -> Self {
        Self { status, members: Map::new(), failure: None, visit: None }
    }

    /// What was asked for.
    pub(super) fn data(data: Value) -> Self {
        Self::of(200).with("data", data)
    }

    pub(super) fn with(mut self, name: &str, value: Value) -> Self {
        self.members.insert(name.to_owned(), value);
        self
    }

    /// What a person can mend.
    pub(super) fn problems(status: u16, problems: &[Problem]) -> Self {
        let shown = |problem: &Problem| {
            let mut shown = json!({ "message": problem.message, "code": problem.code });
            if let (Some(param), Some(shown)) = (problem.param, shown.as_object_mut()) {
                shown.insert("param".to_owned(), json!(param));
            }
            shown
        };
        Self::of(status).with("errors", problems.iter().map(shown).collect())
    }

    /// The cookies of the visit go along with the answer.
    pub(super) fn to(mut self, visit: Visit) -> Self {
        self.visit = Some(visit);
        self
    }
}

/// Makes an answer of what was done for a visit.
pub(super) async fn answer(
    state: &AppState,
    visit: Visit,
    done: Result<Envelope, Refusal>,
) -> Envelope {
    let answered = match done {
        Ok(envelope) => Ok(envelope),
        Err(refusal) => refused(state, &visit, refusal).await,
    };
    match answered {
        Ok(envelope) => envelope.to(visit),
        Err(failure) => Envelope { failure: Some(failure), ..Envelope::of(500) },
    }
}

async fn refused(state: &AppState, visit: &Visit, refusal: Refusal) -> Result<Envelope, ApiError> {
    match refusal {
        Refusal::Problems(problems) => Ok(Envelope::problems(400, &problems)),
        Refusal::SignedOut => signed_out(state, visit).await,
        Refusal::Conflict => Ok(Envelope::of(409)),
        Refusal::Forbidden => Ok(Envelope::of(403)),
        Refusal::TooOften => Ok(Envelope::of(429)),
        Refusal::Failed(error) => Err(error),
    }
}

/// Who is signed in, and how; or what can be done to sign in.
pub(super) async fn session(state: &AppState, visit: &Visit) -> Result<Envelope, Refusal> {
    let Some(user) = &visit.account else {
        return Ok(signed_out(state, visit).await?);
    };
    let data = json!({ "user": shown(state, user).await?, "methods": visit.data.methods });
    Ok(Envelope::data(data).with("meta", json!({ "is_authenticated": true })))
}

/// What can be done to sign in.
pub(super) async fn signed_out(state: &AppState, visit: &Visit) -> Result<Envelope, ApiError> {
    let mut conn = state.pool.get().await?;
    let unknown = |refusal| match refusal {
        Refusal::Failed(error) => error,
        _ => ApiError::NotFound,
    };
    let mut flows = vec![json!({ "id": "login" })];
    if sign_up::is_open(&mut conn, state).await.map_err(unknown)? {
        flows.push(json!({ "id": "signup" }));
    }
    let providers = provider::list(state).await?;
    if !providers.is_empty() {
        let ids: Vec<_> = providers.iter().map(|one| one.config.slug.as_str()).collect();
        flows.push(json!({ "id": "provider_redirect", "providers": ids }));
    }
    flows.push(json!({ "id": "mfa_login_webauthn" }));
    if let Ok((user, _)) = second_factor::pending(&mut conn, state, visit).await {
        let kinds = second_factor::kinds(&mut conn, &user).await.map_err(unknown)?;
        flows.push(json!({ "id": "mfa_authenticate", "is_pending": true, "types": kinds }));
    }
    let envelope = Envelope::of(401).with("data", json!({ "flows": flows }));
    Ok(envelope.with("meta", json!({ "is_authenticated": false })))
}

/// An account, as the headless API shows it.
pub(super) async fn shown(state: &AppState, user: &User) -> Result<Value, ApiError> {
    let addresses = emails::list(&mut *state.pool.get().await?, user.id).await?;
    let primary = addresses.iter().find(|address| address.is_primary);
    let mut shown = json!({
        "id": user.id.0,
        "display": user.email,
        "has_usable_password": user.has_password,
    });
    if let (Some(address), Some(shown)) = (primary, shown.as_object_mut()) {
        shown.insert("email".to_owned(), json!(address.email));
    }
    Ok(shown)
}

impl Responder for Envelope {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        if let Some(failure) = self.failure {
            return failure.error_response();
        }
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let mut body = Map::new();
        body.insert("status".to_owned(), json!(self.status));
        body.extend(self.members);
        let mut response = HttpResponse::build(status)
            .insert_header((
                CACHE_CONTROL,
                "max-age=0, no-cache, no-store, must-revalidate, private",
            ))
            .insert_header((EXPIRES, "Thu, 01 Jan 1970 00:00:00 GMT"))
            .json(body);
        if let (Some(mut visit), Ok(state)) = (self.visit, crate::access::state(request)) {
            visit.tell(state, &mut response);
        }
        response
    }
}

impl Answer for Envelope {
    fn describe(_operation: &mut Operation<'_>) {}
}
