//! Addresses that accounts claim, and prove to be their own.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use mishap_core::id::{EmailId, UserId};

use super::users::lower;
use crate::error::Result;
use crate::pool::Conn;
use crate::schema::{user_emails, users};

/// Addresses of one account at most.
pub const MAX_EMAILS: i64 = 200;

/// An address of an account.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = user_emails)]
#[diesel(check_for_backend(diesel::pg::Pg))]
pub struct UserEmail {
    /// Its number.
    pub id: EmailId,
    /// Whose it is.
    pub user_id: UserId,
    /// The address.
    pub email: String,
    /// Whether the account proved that it is its own.
    pub is_verified: bool,
    /// Whether it is the one that mail goes to.
    pub is_primary: bool,
    /// When a link to prove it was last sent.
    pub confirmation_sent_at: Option<DateTime<Utc>>,
}

/// The addresses of an account, the oldest first.
pub async fn list(conn: &mut Conn, user: UserId) -> Result<Vec<UserEmail>> {
    let query = user_emails::table
        .filter(user_emails::user_id.eq(user))
        .order(user_emails::id)
        .limit(MAX_EMAILS);
    Ok(query.select(UserEmail::as_select()).load(conn).await?)
}

/// An address of an account, in any case.
pub async fn find(conn: &mut Conn, user: UserId, email: &str) -> Result<Option<UserEmail>> {
    let query = user_emails::table
        .filter(user_emails::user_id.eq(user))
        .filter(lower(user_emails::email).eq(lower(email)));
    Ok(query.select(UserEmail::as_select()).first(conn).await.optional()?)
}

/// The address with this number, for links that prove themselves.
pub async fn find_by_id(conn: &mut Conn, email: EmailId) -> Result<Option<UserEmail>> {
    let query = user_emails::table.find(email).select(UserEmail::as_select());
    Ok(query.first(conn).await.optional()?)
}

/// Whether an account, this one left out, signs in with the address or proved that it is its own.
pub async fn is_taken(conn: &mut Conn, email: &str, except: Option<UserId>) -> Result<bool> {
    let except = except.unwrap_or(UserId(0));
    let verified = user_emails::table
        .filter(lower(user_emails::email).eq(lower(email)))
        .filter(user_emails::is_verified)
        .filter(user_emails::user_id.ne(except))
        .select(user_emails::id);
    let own = users::table
        .filter(lower(users::email).eq(lower(email)))
        .filter(users::id.ne(except))
        .select(users::id);
    let (is_verified, is_own) =
        diesel::select((diesel::dsl::exists(verified), diesel::dsl::exists(own)))
            .get_result::<(bool, bool)>(conn)
            .await?;
    Ok(is_verified || is_own)
}

/// Adds an address; nothing if the account has it already.
pub async fn insert(
    conn: &mut Conn,
    user: UserId,
    email: &str,
    is_verified: bool,
    is_primary: bool,
) -> Result<Option<UserEmail>> {
    let made = diesel::insert_into(user_emails::table)
        .values((
            user_emails::user_id.eq(user),
            user_emails::email.eq(email),
            user_emails::is_verified.eq(is_verified),
            user_emails::is_primary.eq(is_primary),
        ))
        .on_conflict_do_nothing()
        .returning(UserEmail::as_returning())
        .get_result(conn)
        .await
        .optional()?;
    Ok(made)
}

/// Notes that the account proved the address.
pub async fn verify(conn: &mut Conn, email: EmailId) -> Result<()> {
    let update = diesel::update(user_emails::table.find(email));
    update.set(user_emails::is_verified.eq(true)).execute(conn).await?;
    Ok(())
}

/// Makes an address the account's primary one, and the one it signs in with. To be called in a
/// transaction.
pub async fn make_primary(conn: &mut Conn, email: &UserEmail) -> Result<()> {
    diesel::update(user_emails::table)
        .filter(user_emails::user_id.eq(email.user_id))
        .filter(user_emails::is_primary)
        .set(user_emails::is_primary.eq(false))
        .execute(conn)
        .await?;
    let update = diesel::update(user_emails::table.find(email.id));
    update.set(user_emails::is_primary.eq(true)).execute(conn).await?;
    let update = diesel::update(users::table.find(email.user_id));
    update.set(users::email.eq(&email.email)).execute(conn).await?;
    Ok(())
}

/// Notes that a link to prove the address is sent now, unless one was sent after `last`; says whether
/// that was so.
pub async fn send_confirmation(
    conn: &mut Conn,
    email: EmailId,
    now: DateTime<Utc>,
    last: DateTime<Utc>,
) -> Result<bool> {
    let noted = diesel::update(user_emails::table.find(email))
        .filter(
            user_emails::confirmation_sent_at
                .is_null()
                .or(user_emails::confirmation_sent_at.le(last)),
        )
        .set(user_emails::confirmation_sent_at.eq(now))
        .execute(conn)
        .await?;
    Ok(noted > 0)
}

/// Removes an address that is not the primary one; says whether it was there.
pub async fn delete(conn: &mut Conn, user: UserId, email: &str) -> Result<bool> {
    let gone = diesel::delete(user_emails::table)
        .filter(user_emails::user_id.eq(user))
        .filter(lower(user_emails::email).eq(lower(email)))
        .filter(user_emails::is_primary.eq(false))
        .execute(conn)
        .await?;
    Ok(gone > 0)
}
