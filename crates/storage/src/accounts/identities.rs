//! Who people are at sign-in providers.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use mishap_core::id::{IdentityId, UserId};

use super::users::User;
use crate::error::Result;
use crate::pool::Conn;
use crate::schema::{identities, users};

/// Who an account is at a provider.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = identities)]
#[diesel(check_for_backend(diesel::pg::Pg))]
pub struct Identity {
    /// Its number.
    pub id: IdentityId,
    /// The account.
    pub user_id: UserId,
    /// The provider's slug.
    pub provider: String,
    /// What the provider calls the person; it never changes.
    pub uid: String,
    /// The address that the provider told.
    pub email: Option<String>,
    /// The name that the provider told.
    pub username: Option<String>,
    /// When they were linked.
    pub created_at: DateTime<Utc>,
    /// When the person last came from there.
    pub last_login_at: DateTime<Utc>,
}

/// The identities of accounts, the oldest first.
pub async fn list_of_users(
    conn: &mut Conn,
    users: &[UserId],
) -> Result<HashMap<UserId, Vec<Identity>>> {
    let rows = identities::table
        .filter(identities::user_id.eq_any(users))
        .order(identities::id)
        .select(Identity::as_select())
        .load(conn)
        .await?;
    let mut found: HashMap<UserId, Vec<Identity>> = HashMap::new();
    for row in rows {
        found.entry(row.user_id).or_default().push(row);
    }
    Ok(found)
}

/// The account that somebody has who a provider knows, if they are linked.
pub async fn find_user(conn: &mut Conn, provider: &str, uid: &str) -> Result<Option<User>> {
    let query = identities::table
        .inner_join(users::table)
        .filter(identities::provider.eq(provider))
        .filter(identities::uid.eq(uid));
    Ok(query.select(User::as_select()).first(conn).await.optional()?)
}

/// Links an account with who somebody is at a provider, or notes that they came from there again.
/// Says whether the account is the one that is linked.
pub async fn link(
    conn: &mut Conn,
    user: UserId,
    provider: &str,
    uid: &str,
    email: Option<&str>,
    username: Option<&str>,
) -> Result<bool> {
    let owner = diesel::insert_into(identities::table)
        .values((
            identities::user_id.eq(user),
            identities::provider.eq(provider),
            identities::uid.eq(uid),
            identities::email.eq(email),
            identities::username.eq(username),
        ))
        .on_conflict((identities::provider, identities::uid))
        .do_update()
        .set((
            identities::email.eq(email),
            identities::username.eq(username),
            identities::last_login_at.eq(diesel::dsl::now),
        ))
        .returning(identities::user_id)
        .get_result::<UserId>(conn)
        .await?;
    Ok(owner == user)
}

/// The identities of an account, the oldest first.
pub async fn list(conn: &mut Conn, user: UserId) -> Result<Vec<Identity>> {
    Ok(list_of_users(conn, &[user]).await?.remove(&user).unwrap_or_default())
}

/// Unlinks an account from who somebody is at a provider; says whether they were linked.
pub async fn unlink(conn: &mut Conn, user: UserId, provider: &str, uid: &str) -> Result<bool> {
    let gone = diesel::delete(identities::table)
        .filter(identities::user_id.eq(user))
        .filter(identities::provider.eq(provider))
        .filter(identities::uid.eq(uid))
        .execute(conn)
        .await?;
    Ok(gone > 0)
}
