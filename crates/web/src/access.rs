//! Who asks, and what they may see.
//!
//! A handler says in its signature what it needs: [`Access<EventRead>`] for anything that belongs to
//! the caller, [`OrgAccess<EventRead>`] for what belongs to the organization in the path. The latter
//! is the only way to an [`OrganizationId`], which storage asks for, so nobody sees what belongs to
//! an organization that they are not a member of: it is not found.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use mishap_core::access::{Role, Scope};
use mishap_core::id::{OrganizationId, UserId};
use mishap_core::secret::ApiToken;
use mishap_storage::accounts::tokens;
use mishap_storage::organizations::{self, Organization};

use crate::AppState;
use crate::error::ApiError;

/// A right that a token needs.
pub trait Need: 'static {
    /// Any one of these scopes will do.
    const ANY_OF: &'static [Scope];
}

/// Declares rights by the scopes that give them.
macro_rules! needs {
    ($($(#[$doc:meta])* $need:ident = [$($scope:ident),+];)+) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $need;

        impl Need for $need {
            const ANY_OF: &'static [Scope] = &[$(Scope::$scope),+];
        }
    )+};
}

needs! {
    /// To read events and issues.
    EventRead = [EventRead, EventWrite, EventAdmin];
    /// To list projects.
    ProjectList = [ProjectRead];
    /// To read a project and its keys.
    ProjectRead = [ProjectRead, ProjectWrite, ProjectAdmin];
    /// To read organizations.
    OrgRead = [OrgRead, OrgWrite, OrgAdmin];
}

/// A caller who has the right `N`.
#[derive(Debug)]
pub struct Access<N> {
    /// The account.
    pub user: UserId,
    need: PhantomData<fn() -> N>,
}

/// A caller who has the right `N` and is a member of the organization in the path.
#[derive(Debug)]
pub struct OrgAccess<N> {
    /// The account.
    pub user: UserId,
    /// The organization.
    pub organization: Organization,
    /// What the account is in it.
    pub role: Role,
    need: PhantomData<fn() -> N>,
}

impl<N> OrgAccess<N> {
    /// The organization's number, which storage asks for.
    pub fn org(&self) -> OrganizationId {
        self.organization.id
    }
}

type Extraction<T> = Pin<Box<dyn Future<Output = Result<T, ApiError>>>>;

impl<N: Need> FromRequest for Access<N> {
    type Error = ApiError;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let user = authorize(&request, N::ANY_OF).await?;
            Ok(Self { user, need: PhantomData })
        })
    }
}

impl<N: Need> FromRequest for OrgAccess<N> {
    type Error = ApiError;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let user = authorize(&request, N::ANY_OF).await?;
            let slug = request.match_info().get("organization").unwrap_or_default();
            let mut conn = state(&request)?.pool.get().await?;
            let found = organizations::find_for_member(&mut conn, slug, user).await?;
            let (organization, role) = found.ok_or(ApiError::NotFound)?;
            Ok(Self { user, organization, role, need: PhantomData })
        })
    }
}

/// The account behind the request's bearer token, if the token has one of the scopes.
async fn authorize(request: &HttpRequest, any_of: &[Scope]) -> Result<UserId, ApiError> {
    let token = bearer(request).ok_or(ApiError::Unauthorized)?;
    let mut conn = state(request)?.pool.get().await?;
    let owner = tokens::find_owner(&mut conn, token.hash()).await?;
    let owner = owner.ok_or(ApiError::Unauthorized)?;
    if !owner.scopes.has_any(any_of) {
        return Err(ApiError::Forbidden);
    }
    Ok(owner.user)
}

fn bearer(request: &HttpRequest) -> Option<ApiToken> {
    let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = header.split_once(' ')?;
    let is_bearer = scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty();
    is_bearer.then(|| ApiToken::new(token.trim()))
}

fn state(request: &HttpRequest) -> Result<&Data<AppState>, ApiError> {
    let state = request.app_data::<Data<AppState>>();
    state.ok_or_else(|| ApiError::Internal(anyhow::anyhow!("the application has no state")))
}
