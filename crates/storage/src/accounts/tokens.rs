//! API tokens, stored as hashes.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use mishap_core::access::Scopes;
use mishap_core::id::{TokenId, UserId};
use mishap_core::page::{Cursor, Page};
use mishap_core::secret::{ApiToken, TokenHash};

use super::users::User;
use crate::clock::takes_writes;
use crate::error::Result;
use crate::pool::Conn;
use crate::schema::{api_tokens, users};

/// A token, without what it is.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = api_tokens)]
#[diesel(check_for_backend(diesel::pg::Pg))]
pub struct Token {
    /// Its number.
    pub id: TokenId,
    /// Whose it is.
    pub user_id: UserId,
    /// What its owner calls it.
    pub label: String,
    scopes: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Its last characters, by which its owner knows it again.
    pub hint: String,
    /// When it stops to count.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

impl Token {
    /// What it may do.
    pub fn scopes(&self) -> Scopes {
        Scopes::from_bits(self.scopes)
    }
}

/// A token to be made.
#[derive(Debug, Clone)]
pub struct NewToken<'a> {
    /// Whose it is.
    pub user: UserId,
    /// What it is.
    pub token: &'a ApiToken,
    /// What its owner calls it.
    pub label: &'a str,
    /// What it may do.
    pub scopes: Scopes,
    /// When it stops to count.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A token and its owner, if the token counts and the account may be used; notes that it was used,
/// once a minute, unless the database only reads.
pub async fn find_owner(
    conn: &mut Conn,
    token: TokenHash,
    now: DateTime<Utc>,
) -> Result<Option<(Token, User)>> {
    let found = api_tokens::table
        .inner_join(users::table)
        .filter(api_tokens::token_hash.eq(token.0.as_slice()))
        .filter(users::is_active)
        .select((Token::as_select(), User::as_select()))
        .first::<(Token, User)>(conn)
        .await
        .optional()?;
    let counts = |(token, _): &(Token, User)| token.expires_at.is_none_or(|end| now < end);
    let Some((token, user)) = found.filter(counts) else {
        return Ok(None);
    };
    let is_known = token.last_used_at.is_some_and(|last| (now - last).num_seconds() < 60);
    if !is_known && takes_writes(conn).await? {
        let update = diesel::update(api_tokens::table.find(token.id));
        update.set(api_tokens::last_used_at.eq(now)).execute(conn).await?;
    }
    Ok(Some((token, user)))
}

/// What is known of a token, whoever has it; uses the key of hashes. For operators only.
pub async fn find_by_hash(conn: &mut Conn, token: TokenHash) -> Result<Option<Token>> {
    let query = api_tokens::table.filter(api_tokens::token_hash.eq(token.0.as_slice()));
    Ok(query.select(Token::as_select()).first(conn).await.optional()?)
}

/// The tokens of an account, the newest first; uses `api_tokens_user_idx`.
pub async fn list(
    conn: &mut Conn,
    user: UserId,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<Page<Token>> {
    let mut query = api_tokens::table
        .filter(api_tokens::user_id.eq(user))
        .select(Token::as_select())
        .limit(limit + 1)
        .into_boxed();
    query = match cursor {
        Some(cursor) if cursor.is_backward => {
            query.filter(api_tokens::id.gt(TokenId(cursor.position))).order(api_tokens::id.asc())
        }
        Some(cursor) => {
            query.filter(api_tokens::id.lt(TokenId(cursor.position))).order(api_tokens::id.desc())
        }
        None => query.order(api_tokens::id.desc()),
    };
    let found = query.load(conn).await?;
    Ok(Page::of(found, limit, cursor, |token: &Token| (token.id.0, 0)))
}

/// How many tokens an account has.
pub async fn count(conn: &mut Conn, user: UserId) -> Result<i64> {
    Ok(api_tokens::table.filter(api_tokens::user_id.eq(user)).count().get_result(conn).await?)
}

/// Makes a token.
pub async fn insert(conn: &mut Conn, new: &NewToken<'_>) -> Result<Token> {
    let made = diesel::insert_into(api_tokens::table)
        .values((
            api_tokens::user_id.eq(new.user),
            api_tokens::token_hash.eq(new.token.hash().0.as_slice()),
            api_tokens::hint.eq(new.token.hint()),
            api_tokens::label.eq(new.label),
            api_tokens::scopes.eq(new.scopes.bits()),
            api_tokens::expires_at.eq(new.expires_at),
        ))
        .returning(Token::as_returning())
        .get_result(conn)
        .await?;
    Ok(made)
}

/// Makes a token, or gives one that is known to this account and these rights.
pub async fn upsert(
    conn: &mut Conn,
    user: UserId,
    token: &ApiToken,
    label: &str,
    scopes: Scopes,
) -> Result<()> {
    diesel::insert_into(api_tokens::table)
        .values((
            api_tokens::user_id.eq(user),
            api_tokens::token_hash.eq(token.hash().0.as_slice()),
            api_tokens::hint.eq(token.hint()),
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

/// Gives a token another label and other rights, and lets it count for ever.
pub async fn update(conn: &mut Conn, token: TokenId, label: &str, scopes: Scopes) -> Result<()> {
    diesel::update(api_tokens::table.find(token))
        .set((
            api_tokens::label.eq(label),
            api_tokens::scopes.eq(scopes.bits()),
            api_tokens::expires_at.eq(None::<DateTime<Utc>>),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Deletes the tokens of an account with this label, but one; returns them.
pub async fn delete_labelled(
    conn: &mut Conn,
    user: UserId,
    label: &str,
    except: TokenHash,
) -> Result<Vec<Token>> {
    let gone = diesel::delete(api_tokens::table)
        .filter(api_tokens::user_id.eq(user))
        .filter(api_tokens::label.eq(label))
        .filter(api_tokens::token_hash.ne(except.0.as_slice()))
        .returning(Token::as_returning())
        .get_results(conn)
        .await?;
    Ok(gone)
}

/// Deletes a token of an account; says which it was, if it was there.
pub async fn delete(conn: &mut Conn, user: UserId, token: TokenId) -> Result<Option<Token>> {
    let gone = diesel::delete(api_tokens::table)
        .filter(api_tokens::id.eq(token))
        .filter(api_tokens::user_id.eq(user))
        .returning(Token::as_returning())
        .get_result(conn)
        .await
        .optional()?;
    Ok(gone)
}
