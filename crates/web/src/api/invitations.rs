//! Accepting invitations. Whoever has the link may look at one; only an account with the invited
//! address accepts it.

use actix_web::web::{Data, Json, Path};
use mishap_core::audit::Action;
use mishap_core::id::MemberId;
use mishap_core::signing::Purpose;
use mishap_storage::accounts::emails;
use mishap_storage::audit::Target;
use mishap_storage::members::{self, Member};
use mishap_storage::organizations::{self, Organization};
use mishap_storage::{Conn, audit, transaction};
use schemars::JsonSchema;
use serde_json::json;

use super::members::shown;
use super::model::member::{InvitationResponse, InvitedMemberResponse};
use super::model::organization::OrganizationResponse;
use crate::AppState;
use crate::access::Caller;
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
    if !has_address(&mut conn, &caller, &address).await? {
        let text = format!(
            "This invitation is for {address}. Sign in with that address, or add it to your account \
             and confirm it."
        );
        return Err(ApiError::Refused(text.into()));
    }
    let (user, actor) = (caller.user(), caller.actor());
    let details = json!({ "role": member.role.name(), "invited": address });
    let joined = transaction(&mut conn, async |conn: &mut Conn| {
        let is_member = members::find_by_user(conn, member.organization, user).await?.is_some();
        if is_member || !members::attach(conn, member.id, user).await? {
            return Ok(None);
        }
        let target = Target {
            kind: "member",
            id: member.id.to_string(),
            label: actor.label.clone(),
            organization: Some(member.organization),
        };
        audit::record(conn, &actor, Action::MemberJoin, &target, &details).await?;
        members::find(conn, member.organization, member.id).await
    })
    .await?;
    let conflict = || ApiError::Conflict("You are a member of this organization already".into());
    let joined = joined.ok_or_else(conflict)?;
    respond(&mut conn, joined, &organization, true).await
}

/// Whether an address is the caller's: the one that the account signs in with, or one that it proved.
async fn has_address(conn: &mut Conn, caller: &Caller, address: &str) -> Result<bool, ApiError> {
    if caller.account.email.to_lowercase() == address.to_lowercase() {
        return Ok(true);
    }
    let own = emails::find(conn, caller.user(), address).await?;
    Ok(own.is_some_and(|own| own.is_verified))
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
