//! Second factors, and passkeys.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use mishap_core::id::{AuthenticatorId, UserId};
use serde_json::Value;

use crate::error::Result;
use crate::pool::Conn;
use crate::schema::authenticators;

/// What a second factor is. The codes are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i16)]
pub enum Kind {
    /// An app that shows codes.
    Totp = 1,
    /// Codes on paper.
    RecoveryCodes = 2,
    /// A passkey or security key.
    Passkey = 3,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Totp, Self::RecoveryCodes, Self::Passkey];
}

/// A second factor of an account.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = authenticators)]
#[diesel(check_for_backend(diesel::pg::Pg))]
pub struct Authenticator {
    /// Its number.
    pub id: AuthenticatorId,
    /// Whose it is.
    pub user_id: UserId,
    kind: i16,
    /// What its owner calls it.
    pub name: String,
    /// What it takes to check an answer; secret.
    pub data: Value,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it was last used.
    pub last_used_at: Option<DateTime<Utc>>,
}

impl Authenticator {
    /// What it is; nothing for one of another version.
    pub fn kind(&self) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| *kind as i16 == self.kind)
    }
}

/// The second factors of an account, the oldest first.
pub async fn list(conn: &mut Conn, user: UserId) -> Result<Vec<Authenticator>> {
    let query = authenticators::table
        .filter(authenticators::user_id.eq(user))
        .order(authenticators::id)
        .limit(1000);
    Ok(query.select(Authenticator::as_select()).load(conn).await?)
}

/// The second factors of an account, locked until the transaction ends, so that a code that can be
/// used once is used once.
pub async fn lock(conn: &mut Conn, user: UserId) -> Result<Vec<Authenticator>> {
    let query = authenticators::table
        .filter(authenticators::user_id.eq(user))
        .order(authenticators::id)
        .limit(1000)
        .for_update();
    Ok(query.select(Authenticator::as_select()).load(conn).await?)
}

/// Adds a second factor, or replaces the one of its kind of which there is only one.
pub async fn put(conn: &mut Conn, user: UserId, kind: Kind, data: &Value) -> Result<Authenticator> {
    diesel::delete(authenticators::table)
        .filter(authenticators::user_id.eq(user))
        .filter(authenticators::kind.eq(kind as i16))
        .execute(conn)
        .await?;
    let made = diesel::insert_into(authenticators::table)
        .values((
            authenticators::user_id.eq(user),
            authenticators::kind.eq(kind as i16),
            authenticators::data.eq(data),
        ))
        .returning(Authenticator::as_returning())
        .get_result(conn)
        .await?;
    Ok(made)
}

/// Adds a passkey; nothing if another account has it.
pub async fn insert_passkey(
    conn: &mut Conn,
    user: UserId,
    name: &str,
    data: &Value,
    credential_id: &[u8],
) -> Result<Option<Authenticator>> {
    let made = diesel::insert_into(authenticators::table)
        .values((
            authenticators::user_id.eq(user),
            authenticators::kind.eq(Kind::Passkey as i16),
            authenticators::name.eq(name),
            authenticators::data.eq(data),
            authenticators::credential_id.eq(credential_id),
        ))
        .on_conflict(authenticators::credential_id)
        .do_nothing()
        .returning(Authenticator::as_returning())
        .get_result(conn)
        .await
        .optional()?;
    Ok(made)
}

/// Notes that a second factor was used, and what that changed.
pub async fn used(
    conn: &mut Conn,
    authenticator: AuthenticatorId,
    data: &Value,
    at: DateTime<Utc>,
) -> Result<()> {
    diesel::update(authenticators::table.find(authenticator))
        .set((authenticators::data.eq(data), authenticators::last_used_at.eq(at)))
        .execute(conn)
        .await?;
    Ok(())
}

/// Gives a passkey of an account another name.
pub async fn rename(
    conn: &mut Conn,
    user: UserId,
    authenticator: AuthenticatorId,
    name: &str,
) -> Result<Option<Authenticator>> {
    let renamed = diesel::update(authenticators::table)
        .filter(authenticators::id.eq(authenticator))
        .filter(authenticators::user_id.eq(user))
        .filter(authenticators::kind.eq(Kind::Passkey as i16))
        .set(authenticators::name.eq(name))
        .returning(Authenticator::as_returning())
        .get_result(conn)
        .await
        .optional()?;
    Ok(renamed)
}

/// Removes second factors of an account; says how many.
pub async fn delete(
    conn: &mut Conn,
    user: UserId,
    authenticators: &[AuthenticatorId],
) -> Result<usize> {
    let gone = diesel::delete(authenticators::table)
        .filter(authenticators::user_id.eq(user))
        .filter(authenticators::id.eq_any(authenticators))
        .execute(conn)
        .await?;
    Ok(gone)
}
