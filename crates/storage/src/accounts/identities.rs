//! Who people are at sign-in providers.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use mishap_core::id::{IdentityId, UserId};

use crate::error::Result;
use crate::pool::Conn;
use crate::schema::identities;

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
