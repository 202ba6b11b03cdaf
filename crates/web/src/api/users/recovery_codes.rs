//! Recovery codes that are shown before they count (GlitchTip).

use actix_web::web::{Data, Json};
use schemars::JsonSchema;
use serde::Serialize;

use crate::AppState;
use crate::account::second_factor::{self, TakenCodes};
use crate::account::{Refusal, Visit};
use crate::body::Body;
use crate::error::ApiError;
use crate::fields::{Fields, Payload};
use crate::respond::NoContent;

/// Longest code that is looked at, in characters.
const MAX_CODE: usize = 100;

/// Codes to be written down.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::api) struct RecoveryCodesResponse {
    /// Ten of them, of eight digits each.
    codes: Vec<String>,
}

/// `GET /api/0/generate-recovery-codes/` — fresh codes, which do not count yet.
pub(in crate::api) async fn offer(
    state: Data<AppState>,
    mut visit: Visit,
) -> Result<Json<RecoveryCodesResponse>, ApiError> {
    let codes = second_factor::offer_recovery_codes(&state, &mut visit).await.map_err(refused)?;
    Ok(Json(RecoveryCodesResponse { codes }))
}

/// One of the codes.
#[derive(Debug, JsonSchema)]
pub(in crate::api) struct TakeRecoveryCodes {
    /// As it was written down.
    code: String,
}

impl Payload for TakeRecoveryCodes {
    fn read(fields: &mut Fields<'_>) -> Self {
        Self { code: fields.text("code", 0..=MAX_CODE) }
    }
}

/// `POST /api/0/generate-recovery-codes/` — makes the codes count that were shown within five minutes.
pub(in crate::api) async fn take(
    state: Data<AppState>,
    mut visit: Visit,
    body: Body<TakeRecoveryCodes>,
) -> Result<NoContent, ApiError> {
    let taken = second_factor::take_recovery_codes(&state, &mut visit, &body.0.code).await;
    match taken.map_err(refused)? {
        TakenCodes::Taken => Ok(NoContent),
        TakenCodes::NoneOffered => {
            Err(ApiError::BadRequest("No recovery codes set, use GET first".into()))
        }
        TakenCodes::OtherCode => Err(ApiError::BadRequest("Invalid code".into())),
    }
}

/// Whoever has no session was refused before.
fn refused(refusal: Refusal) -> ApiError {
    match refusal {
        Refusal::Failed(error) => error,
        _signed_out => ApiError::Unauthorized,
    }
}
