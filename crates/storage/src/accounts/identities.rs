//! Who people are at sign-in providers.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel_async::RunQueryDsl;
use mishap_core::id::{IdentityId, UserId};

use super::users::User;
use crate::error::Result;
use crate::pool::Conn;
use crate::schema::{identities, users};
use crate::sql::statement;

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
/// Nothing is changed, and nothing returned, if that is another account's identity.
pub async fn link(
    conn: &mut Conn,
    user: UserId,
    provider: &str,
    uid: &str,
    email: Option<&str>,
    username: Option<&str>,
) -> Result<Option<IdentityId>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        id: IdentityId,
    }
    let linked: Option<Row> = statement(
        "INSERT INTO identities (user_id, provider, uid, email, username)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (provider, uid) DO UPDATE SET
             email = excluded.email, username = excluded.username, last_login_at = now()
         WHERE identities.user_id = excluded.user_id
         RETURNING id",
    )
    .bind::<BigInt, _>(user)
    .bind::<Text, _>(provider)
    .bind::<Text, _>(uid)
    .bind::<Nullable<Text>, _>(email)
    .bind::<Nullable<Text>, _>(username)
    .get_result(conn)
    .await
    .optional()?;
    Ok(linked.map(|row| row.id))
}

/// The identities of an account, the oldest first.
pub async fn list(conn: &mut Conn, user: UserId) -> Result<Vec<Identity>> {
    Ok(list_of_users(conn, &[user]).await?.remove(&user).unwrap_or_default())
}

/// How many people are linked with providers, by the slugs of those; uses the key of provider and
/// uid. For operators only.
pub async fn count_by_provider(
    conn: &mut Conn,
    providers: &[&str],
) -> Result<HashMap<String, i64>> {
    let counts = identities::table
        .filter(identities::provider.eq_any(providers))
        .group_by(identities::provider)
        .select((identities::provider, diesel::dsl::count_star()))
        .load(conn)
        .await?;
    Ok(counts.into_iter().collect())
}

/// Unlinks an account from who somebody is at a provider.
pub async fn unlink(conn: &mut Conn, identity: IdentityId) -> Result<()> {
    diesel::delete(identities::table.find(identity)).execute(conn).await?;
    Ok(())
}
