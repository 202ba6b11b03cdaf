//! Who asks, and what they may see.
//!
//! What an endpoint needs stands in its row of the table ([`Permission`]), and is checked before its
//! handler is reached. The handler then takes a [`Caller`], or for what belongs to the organization in
//! the path an [`OrgAccess`]. The latter is the only way to an [`OrganizationId`], which storage asks
//! for, so nobody sees what belongs to an organization that they are not a member of: it is not found.

mod permission;

use std::future::{Ready, ready};
use std::net::IpAddr;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, FromRequest, HttpMessage as _, HttpRequest};
use mishap_core::access::{Role, Scopes};
use mishap_core::id::{MemberId, OrganizationId, UserId};
use mishap_core::secret::ApiToken;
use mishap_storage::accounts::sessions::Session;
use mishap_storage::accounts::tokens::{self, Token};
use mishap_storage::accounts::users::User;
use mishap_storage::audit::{Actor, Target};
use mishap_storage::organizations::{self, Membership, Organization};

pub use self::permission::{
    Otherwise, Permission, Who, by_role, by_scope, everybody, member, staff, staff_page,
    superuser_page,
};
use crate::AppState;
use crate::admin::admit;
use crate::error::ApiError;
use crate::front::refusal;
use crate::respond::Listed;
use crate::{client, csrf, session};

/// Somebody who is known.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The account.
    pub account: User,
    /// How it was proven.
    pub via: Via,
    /// Where the request came from.
    pub client_ip: Option<IpAddr>,
}

/// How a caller is known.
#[derive(Debug, Clone)]
pub enum Via {
    /// By a token.
    Token(Token),
    /// By a session.
    Session(Session),
}

impl Caller {
    /// The account's number.
    pub fn user(&self) -> UserId {
        self.account.id
    }

    /// What a token may do; everything in a session, where roles say what is allowed.
    pub fn scopes(&self) -> Scopes {
        match &self.via {
            Via::Token(token) => token.scopes(),
            Via::Session(_) => Scopes::ALL,
        }
    }

    /// The session, if there is one.
    pub fn session(&self) -> Option<&Session> {
        match &self.via {
            Via::Session(session) => Some(session),
            Via::Token(_) => None,
        }
    }

    /// How the audit log tells who it was.
    pub fn actor(&self) -> Actor {
        let label = self.account.email.clone();
        Actor { user: Some(self.account.id), label, client_ip: self.client_ip }
    }

    /// How the audit log tells of the caller's own account.
    pub fn account_target(&self) -> Target {
        let label = self.account.email.clone();
        Target { kind: "account", id: self.account.id.to_string(), label, organization: None }
    }
}

/// A caller who is a member of the organization in the path.
#[derive(Debug, Clone)]
pub struct OrgAccess {
    /// Who asks.
    pub caller: Caller,
    /// The organization.
    pub organization: Organization,
    /// The caller's place in it.
    pub member: MemberId,
    /// What the caller is in it.
    pub role: Role,
}

impl OrgAccess {
    /// The organization's number, which storage asks for.
    pub fn org(&self) -> OrganizationId {
        self.organization.id
    }

    /// How the audit log tells of something in the organization.
    pub fn target(
        &self,
        kind: &'static str,
        id: impl std::fmt::Display,
        label: impl Into<String>,
    ) -> Target {
        let organization = Some(self.organization.id);
        Target { kind, id: id.to_string(), label: label.into(), organization }
    }
}

/// Lets a request through to its handler if its row of the table allows it.
pub(crate) async fn authorize<B: MessageBody>(
    permissions: &[(Method, Permission)],
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let found = permissions.iter().find(|(method, _)| method == request.method());
    let Some((_, permission)) = found else {
        // The method is refused; nobody is asked who they are.
        return Ok(next.call(request).await?.map_into_left_body());
    };
    if permission.page {
        return match admit(permission, request.request()).await {
            Ok(()) => Ok(next.call(request).await?.map_into_left_body()),
            Err(response) => Ok(request.into_response(response).map_into_right_body()),
        };
    }
    match check(permission, request.request()).await {
        Ok(Verdict::Granted) => Ok(next.call(request).await?.map_into_left_body()),
        Ok(Verdict::Empty) => {
            let response = Listed::<()>::empty().respond(request.request())?;
            Ok(request.into_response(response).map_into_right_body())
        }
        Err(error) => {
            let response = match (error, permission.who) {
                // Who is asked who they are is a script of the API.
                (ApiError::Csrf, Who::Everybody) => csrf::refusal(),
                (error, _) => refusal(request.request(), error),
            };
            Ok(request.into_response(response).map_into_right_body())
        }
    }
}

/// What a row of the table says to a request.
enum Verdict {
    /// The handler may be asked; who asks is noted in the request.
    Granted,
    /// The caller sees nothing of this list.
    Empty,
}

async fn check(permission: &Permission, request: &HttpRequest) -> Result<Verdict, ApiError> {
    // PostgreSQL keeps no text with a null character, so nothing is called so.
    if request.path().contains("%00") {
        return Err(ApiError::NotFound);
    }
    let caller = match permission.who {
        Who::Everybody => {
            if permission.proof && !request.method().is_safe() {
                csrf::check(request, state(request)?, None)?;
            }
            return Ok(Verdict::Granted);
        }
        Who::Anybody => match identify(request, true).await {
            Ok(caller) => caller,
            Err(ApiError::Unauthorized | ApiError::Csrf) => return Ok(Verdict::Granted),
            Err(other) => return Err(other),
        },
        Who::Caller => identify(request, true).await?,
        Who::Person => identify(request, false).await?,
    };
    if let Via::Token(token) = &caller.via
        && !permission.scopes.is_empty()
        && !token.scopes().has_any(permission.scopes)
    {
        return Err(ApiError::Forbidden);
    }
    if permission.staff && !caller.account.is_staff {
        return Err(ApiError::Refused("is_staff required".into()));
    }
    if let Some(role) = permission.role {
        let slug = request.match_info().get("organization").unwrap_or_default();
        let mut conn = state(request)?.pool.get().await?;
        let found = organizations::find_for_member(&mut conn, slug, caller.user()).await?;
        let Some((organization, membership)) = found else {
            return match permission.otherwise {
                Otherwise::EmptyList => Ok(Verdict::Empty),
                Otherwise::Refused | Otherwise::Hidden => Err(ApiError::NotFound),
            };
        };
        let access = grant(permission, role, caller.clone(), organization, membership)?;
        request.extensions_mut().insert(access);
    }
    request.extensions_mut().insert(caller);
    Ok(Verdict::Granted)
}

fn grant(
    permission: &Permission,
    least: Role,
    caller: Caller,
    organization: Organization,
    membership: Membership,
) -> Result<OrgAccess, ApiError> {
    let Membership { member, role } = membership;
    if role < least {
        return Err(match permission.otherwise {
            Otherwise::Refused | Otherwise::EmptyList => ApiError::Refused("forbidden".into()),
            Otherwise::Hidden => ApiError::NotFound,
        });
    }
    if organization.require_second_factor
        && caller.session().is_some_and(|session| !session::has_second_factor(session))
    {
        let text = "This organization requires a second factor. Add one to your account, and sign \
                    in again.";
        return Err(ApiError::Refused(text.into()));
    }
    Ok(OrgAccess { caller, organization, member, role })
}

/// Who sends a request: the owner of its token, or else of its session.
///
/// A request that changes something in a session must prove that it comes from a page of ours.
pub(crate) async fn identify(
    request: &HttpRequest,
    takes_tokens: bool,
) -> Result<Caller, ApiError> {
    let state = state(request)?;
    let mut conn = state.pool.get().await?;
    let client_ip = client::address(request, &state.config.trusted_proxies);
    if takes_tokens && let Some(token) = bearer(request) {
        let owner = tokens::find_owner(&mut conn, token.hash(), state.clock.now()).await?;
        if let Some((token, account)) = owner {
            return Ok(Caller { account, via: Via::Token(token), client_ip });
        }
    }
    let is_safe = request.method().is_safe();
    let unknown = || if is_safe { ApiError::Unauthorized } else { ApiError::Csrf };
    let (session, account) = session::find(&mut conn, state, request).await?.ok_or_else(unknown)?;
    let account = account.ok_or_else(unknown)?;
    if !is_safe {
        csrf::check(request, state, None)?;
    }
    Ok(Caller { account, via: Via::Session(session), client_ip })
}

fn bearer(request: &HttpRequest) -> Option<ApiToken> {
    let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = header.split_once(' ')?;
    let is_bearer = scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty();
    is_bearer.then(|| ApiToken::new(token.trim()))
}

pub(crate) fn state(request: &HttpRequest) -> Result<&Data<AppState>, ApiError> {
    let state = request.app_data::<Data<AppState>>();
    state.ok_or_else(|| ApiError::Internal(anyhow::anyhow!("the application has no state")))
}

/// What was noted when the request was let through.
fn noted<T: Clone + 'static>(request: &HttpRequest) -> Result<T, ApiError> {
    let noted = request.extensions().get::<T>().cloned();
    noted.ok_or_else(|| {
        let path = request.match_pattern().unwrap_or_default();
        ApiError::Internal(anyhow::anyhow!("the handler of {path} asks for more than its row says"))
    })
}

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(noted(request))
    }
}

impl FromRequest for OrgAccess {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(noted(request))
    }
}

/// A caller, or nobody that is known.
#[derive(Debug, Clone)]
pub struct MaybeCaller(pub Option<Caller>);

impl FromRequest for MaybeCaller {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(Ok(Self(request.extensions().get::<Caller>().cloned())))
    }
}
