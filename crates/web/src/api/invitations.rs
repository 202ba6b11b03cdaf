//! Accepting invitations. Whoever has the link may look at one; only an account with the invited
//! address accepts it.

use actix_web::web::{Data, Json, Path};
use mishap_core::id::MemberId;
use mishap_core::signing::Purpose;
use mishap_storage::Conn;
use mishap_storage::members::{self, Member};
use mishap_storage::organizations::{self, Organization};
use schemars::JsonSchema;

use super::members::shown;
use super::model::member::{InvitationResponse, InvitedMemberResponse};
use super::model::organization::OrganizationResponse;
use crate::AppState;
use crate::access::Caller;
use crate::account::invitation::{has_address, join};
use crate::body::Body;
use crate::error::ApiError;
use crate::fields::{Fields, Payload};

/// An open invitation whose link is sound.
struct Invitation {
    member: Member,
    address: String,
    organization: Organization,
}

/// `GET /api/0/accept/{member}/{token}/` — an open invitation.
pub(super) async fn show(
    state: Data<AppState>,
    path: Path<(i64, String)>,
) -> Result<Json<InvitationResponse>, ApiError> {
    let mut conn = state.pool.get().await?;
    let Invitation { member, organization, .. } = find(&mut conn, &state, &path).await?;
    respond(&mut conn, member, &organization, false).await
}

/// Whether an invitation is accepted.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub(super) struct AcceptInvitation {
    accept_invite: bool,
}

impl Payload for AcceptInvitation {
    fn read(fields: &mut Fields<'_>) -> Self {
        Self { accept_invite: fields.boolean("acceptInvite", None) }
    }
}

/// `POST /api/0/accept/{member}/{token}/` — makes the caller a member.
pub(super) async fn accept(
    state: Data<AppState>,
    caller: Caller,
    path: Path<(i64, String)>,
    body: Body<AcceptInvitation>,
) -> Result<Json<InvitationResponse>, ApiError> {
    let mut conn = state.pool.get().await?;
    let Invitation { member, address, organization } = find(&mut conn, &state, &path).await?;
    if !body.0.accept_invite {
        return respond(&mut conn, member, &organization, false).await;
    }
    if !has_address(&mut conn, &caller.account, &address).await? {
        let text = format!(
            "This invitation is for {address}. Sign in with that address, or add it to your account \
             and confirm it."
        );
        return Err(ApiError::Refused(text.into()));
    }
    let is_joined = join(&mut conn, &member, caller.user(), &caller.actor()).await?;
    let joined = members::find(&mut conn, member.organization, member.id).await?;
    let conflict = || ApiError::Conflict("You are a member of this organization already".into());
    let joined = joined.filter(|_| is_joined).ok_or_else(conflict)?;
    respond(&mut conn, joined, &organization, true).await
}

/// The invitation that the path names and proves.
async fn find(
    conn: &mut Conn,
    state: &AppState,
    path: &(i64, String),
) -> Result<Invitation, ApiError> {
    let (id, token) = path;
    let member = members::find_anywhere(conn, MemberId(*id)).await?.ok_or(ApiError::NotFound)?;
    let invalid = || ApiError::Refused("Invalid invite token".into());
    let address = member.email.clone().ok_or_else(invalid)?;
    let (key, now) = (&state.config.signing_key, state.clock.now());
    if !key.verifies(token, Purpose::Invitation, *id, &[&address], now) {
        return Err(invalid());
    }
    let organization = organizations::list_by_ids(conn, &[member.organization]).await?.pop();
    Ok(Invitation { member, address, organization: organization.ok_or(ApiError::NotFound)? })
}

async fn respond(
    conn: &mut Conn,
    member: Member,
    organization: &Organization,
    accept_invite: bool,
) -> Result<Json<InvitationResponse>, ApiError> {
    let member = shown(conn, &[member]).await?.pop().ok_or(ApiError::NotFound)?;
    let organization = OrganizationResponse::from(organization);
    let org_user = InvitedMemberResponse { member, organization };
    Ok(Json(InvitationResponse { accept_invite, org_user }))
}
