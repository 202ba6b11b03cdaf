//! How the headless API answers.

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, Responder, ResponseError as _};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use super::shapes::{Error, Flow, Flows, Meta, SignedIn, User};
use crate::AppState;
use crate::account::{Problem, Refusal, Visit, provider, second_factor, sign_up};
use crate::error::ApiError;
use crate::openapi::{Answer, ErrorBody, Operation};

/// An answer, with the cookies of the visit.
pub(crate) struct Envelope {
    members: Members,
    failure: Option<ApiError>,
    visit: Option<Visit>,
}

/// What an answer says, in this order.
#[derive(Default, Serialize, JsonSchema)]
#[schemars(rename = "SignInEnvelope")]
struct Members {
    /// The status of the answer once more.
    status: u16,
    /// What was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Value>")]
    data: Option<Box<RawValue>>,
    /// What else is to be known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Map<String, Value>>")]
    meta: Option<Box<RawValue>>,
    /// What a person can mend.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<Error<'_>>>")]
    errors: Option<Box<RawValue>>,
}

impl Envelope {
    /// An answer with nothing in it.
    pub(super) fn of(status: u16) -> Self {
        Self { members: Members { status, ..Members::default() }, failure: None, visit: None }
    }

    /// What was asked for.
    pub(super) fn data(data: impl Serialize) -> Self {
        Self::of(200).with_data(data)
    }

    pub(super) fn with_data(mut self, data: impl Serialize) -> Self {
        self.members.data = self.written(data);
        self
    }

    pub(super) fn with_meta(mut self, meta: impl Serialize) -> Self {
        self.members.meta = self.written(meta);
        self
    }

    /// What a person can mend.
    pub(super) fn problems(status: u16, problems: &[Problem]) -> Self {
        let mut envelope = Self::of(status);
        let errors: Vec<_> = problems.iter().map(Error::from).collect();
        envelope.members.errors = envelope.written(errors);
        envelope
    }

    fn written(&mut self, member: impl Serialize) -> Option<Box<RawValue>> {
        let written = to_raw_value(&member);
        written.map_err(|error| self.failure = Some(ApiError::Internal(error.into()))).ok()
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
    let user = User::find(&mut *state.pool.get().await?, user).await?;
    let data = SignedIn { user, methods: &visit.data.methods };
    Ok(Envelope::data(data).with_meta(Meta { is_authenticated: Some(true) }))
}

/// What can be done to sign in, said where the first step of it should have been done.
pub(super) async fn nothing_pending(state: &AppState, visit: &Visit) -> Result<Envelope, ApiError> {
    let envelope = signed_out(state, visit).await?;
    Ok(envelope.with_meta(Meta { is_authenticated: None }))
}

/// What can be done to sign in.
pub(super) async fn signed_out(state: &AppState, visit: &Visit) -> Result<Envelope, ApiError> {
    let providers = provider::list(state).await?;
    let mut conn = state.pool.get().await?;
    let unknown = |refusal| match refusal {
        Refusal::Failed(error) => error,
        _ => ApiError::NotFound,
    };
    let mut flows = vec![Flow::of("login")];
    if sign_up::is_open(&mut conn, state).await.map_err(unknown)? {
        flows.push(Flow::of("signup"));
    }
    if !providers.is_empty() {
        let slugs = providers.iter().map(|one| one.config.slug.clone()).collect();
        flows.push(Flow { providers: Some(slugs), ..Flow::of("provider_redirect") });
    }
    flows.push(Flow::of("mfa_login_webauthn"));
    match second_factor::pending(&mut conn, state, visit).await {
        Ok((user, _)) => {
            let types = second_factor::kinds(&mut conn, &user).await.map_err(unknown)?;
            let types = Some(types);
            flows.push(Flow { is_pending: true, types, ..Flow::of("mfa_authenticate") });
        }
        Err(Refusal::Failed(error)) => return Err(error),
        Err(_nothing) => {}
    }
    if let Some(provider) = super::providers::pending(state, visit, &providers) {
        let provider = Some(provider);
        flows.push(Flow { is_pending: true, provider, ..Flow::of("provider_signup") });
    }
    let envelope = Envelope::of(401).with_data(Flows { flows });
    Ok(envelope.with_meta(Meta { is_authenticated: Some(false) }))
}

impl Responder for Envelope {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        if let Some(failure) = self.failure {
            return failure.error_response();
        }
        let status = StatusCode::from_u16(self.members.status).unwrap_or(StatusCode::OK);
        let mut response = HttpResponse::build(status).json(&self.members);
        if let (Some(mut visit), Ok(state)) = (self.visit, crate::access::state(request)) {
            visit.tell(state, &mut response);
        }
        response
    }
}

impl Answer for Envelope {
    fn describe(operation: &mut Operation<'_>) {
        operation.answer::<Answered>("default", "What was done, or what is to be done first.");
    }
}

/// Everything that is ever answered.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "SignInAnswer")]
#[expect(dead_code, reason = "for its description only")]
enum Answered {
    Envelope(Members),
    Refusal(ErrorBody),
}
