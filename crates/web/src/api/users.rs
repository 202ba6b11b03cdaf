//! Accounts, as their owners see them.

use mishap_storage::accounts::identities;
use mishap_storage::accounts::users::User;

use super::model::user::UserResponse;
use crate::AppState;
use crate::error::ApiError;

/// An account as it is shown.
pub(super) async fn shown(state: &AppState, user: &User) -> Result<UserResponse, ApiError> {
    let mut conn = state.pool.get().await?;
    let identities = identities::list_of_users(&mut conn, &[user.id]).await?;
    let own = identities.get(&user.id).map(Vec::as_slice).unwrap_or_default();
    Ok(UserResponse::new(user, own))
}
