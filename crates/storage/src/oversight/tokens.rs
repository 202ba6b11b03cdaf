//! Everybody's API tokens.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl as _;
use mishap_core::access::Scopes;
use mishap_core::id::{TokenId, UserId};
use mishap_core::page::{Cursor, Page};

use super::{SEARCHED, is_backward, pattern, place};
use crate::error::Result;
use crate::pool::Conn;
use crate::sql::statement;

/// A token and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct OwnedToken {
    /// Its number.
    #[diesel(sql_type = BigInt)]
    pub id: TokenId,
    /// Whose it is.
    #[diesel(sql_type = BigInt)]
    pub user_id: UserId,
    /// The owner's address.
    #[diesel(sql_type = Text)]
    pub email: String,
    /// Whether the owner is a superuser.
    #[diesel(sql_type = Bool)]
    pub is_superuser_s: bool,
    /// What its owner calls it.
    #[diesel(sql_type = Text)]
    pub label: String,
    #[diesel(sql_type = BigInt)]
    scopes: i64,
    /// Its last characters, by which its owner knows it again.
    #[diesel(sql_type = Text)]
    pub hint: String,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it stops to count.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_used_at: Option<DateTime<Utc>>,
}

impl OwnedToken {
    /// What it may do.
    pub fn scopes(&self) -> Scopes {
        Scopes::from_bits(self.scopes)
    }
}

/// A list of tokens from a place (`$1`) on.
macro_rules! tokens_query {
    ($beyond:literal, $order:literal) => {
        concat!(
            "SELECT t.id, t.user_id, u.email, u.is_superuser AS is_superuser_s, t.label, t.scopes, t.hint, t.created_at, t.expires_at,
                 t.last_used_at
             FROM (
                 SELECT * FROM api_tokens WHERE id ",
            $beyond,
            " $1 ORDER BY id ",
            $order,
            " LIMIT $2) AS t JOIN users u ON u.id = t.user_id
             WHERE t.label ILIKE $3 OR u.email ILIKE $4 ORDER BY t.id ",
            $order,
            " LIMIT $5"
        )
    };
}

/// Tokens whose label or owner's address contains a text, the newest first.
pub async fn list(
    conn: &mut Conn,
    search: Option<&str>,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<Page<OwnedToken>> {
    let text = match is_backward(cursor) {
        true => tokens_query!(">", "ASC"),
        false => tokens_query!("<", "DESC"),
    };
    let pattern = pattern(search);
    let found = statement(text)
        .bind::<BigInt, _>(place(cursor))
        .bind::<BigInt, _>(SEARCHED)
        .bind::<Text, _>(pattern.clone())
        .bind::<Text, _>(pattern)
        .bind::<BigInt, _>(limit + 1)
        .load(conn)
        .await?;
    Ok(Page::of(found, limit, cursor, |token: &OwnedToken| (token.id.0, 0)))
}
