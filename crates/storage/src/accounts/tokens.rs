//! API tokens, stored as hashes.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use mishap_core::access::Scopes;
use mishap_core::id::UserId;
use mishap_core::secret::TokenHash;

use crate::error::Result;
use crate::pool::Conn;
use crate::schema::{api_tokens, users};

/// Whose token it is and what it may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenOwner {
    /// The account.
    pub user: UserId,
    /// The token's rights.
    pub scopes: Scopes,
}

/// The owner of a token, if the token is known and the account may be used.
pub async fn find_owner(conn: &mut Conn, token: TokenHash) -> Result<Option<TokenOwner>> {
    let owner = api_tokens::table
        .inner_join(users::table)
        .filter(api_tokens::token_hash.eq(token.0.as_slice()))
        .filter(users::is_active)
        .select((api_tokens::user_id, api_tokens::scopes))
        .first::<(UserId, i64)>(conn)
        .await
        .optional()?;
    Ok(owner.map(|(user, scopes)| TokenOwner { user, scopes: Scopes::from_bits(scopes) }))
}

/// Makes a token, or gives one that is known to this account and these rights.
pub async fn upsert(
    conn: &mut Conn,
    user: UserId,
    token: TokenHash,
    label: &str,
    scopes: Scopes,
) -> Result<()> {
    diesel::insert_into(api_tokens::table)
        .values((
            api_tokens::user_id.eq(user),
            api_tokens::token_hash.eq(token.0.as_slice()),
            api_tokens::label.eq(label),
            api_tokens::scopes.eq(scopes.bits()),
        ))
        .on_conflict(api_tokens::token_hash)
        .do_update()
        .set((api_tokens::user_id.eq(user), api_tokens::scopes.eq(scopes.bits())))
        .execute(conn)
        .await?;
    Ok(())
}
