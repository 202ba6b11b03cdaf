//! Whose accounts an administrator may change.

use mishap_core::id::UserId;
use mishap_storage::accounts::users::User;
use mishap_storage::oversight::users;
use mishap_storage::{Conn, Result};

/// Whether an administrator may change an account. Superusers are changed by superusers only: else
/// whoever gives one of them a new password would become one.
pub(super) fn may_change(acting: &User, user: &User) -> bool {
    acting.is_active && acting.is_staff && (acting.is_superuser || !user.is_superuser)
}

/// An account that an administrator is about to change, if it is there and the administrator still may
/// at this moment. To be called in the transaction that changes it.
pub(super) async fn over(conn: &mut Conn, acting: UserId, user: UserId) -> Result<Option<User>> {
    let locked = users::lock(conn, &[acting, user]).await?;
    let find = |id| locked.iter().find(|account| account.id == id);
    let (Some(acting), Some(user)) = (find(acting), find(user)) else {
        return Ok(None);
    };
    Ok(may_change(acting, user).then(|| user.clone()))
}

/// The same, for what superusers alone may do, and not to themselves.
pub(super) async fn over_as_superuser(
    conn: &mut Conn,
    acting: UserId,
    user: UserId,
) -> Result<Option<User>> {
    let locked = users::lock(conn, &[acting, user]).await?;
    let find = |id| locked.iter().find(|account| account.id == id);
    let is_superuser = find(acting)
        .is_some_and(|acting| acting.is_active && acting.is_staff && acting.is_superuser);
    Ok(find(user).filter(|_| is_superuser && acting != user).cloned())
}
