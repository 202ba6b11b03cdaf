//! Sessions of people who sign in with a browser.
//!
//! A session begins before its owner is known, for signing in has several steps; it gets another key
//! when the last of them is done.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use mishap_core::id::{SessionId, UserId};
use mishap_core::secret::TokenHash;
use serde_json::Value;

use super::users::User;
use crate::clock::takes_writes;
use crate::error::Result;
use crate::pool::Conn;
use crate::schema::{sessions, users};

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = sessions)]
#[diesel(check_for_backend(diesel::pg::Pg))]
pub struct Session {
    /// Its number.
    pub id: SessionId,
    /// Who signed in; nobody until every step of it is done.
    pub user_id: Option<UserId>,
    /// How the person signed in, and the state of ceremonies that have begun.
    pub data: Value,
    /// Where it began.
    pub client_ip: Option<String>,
    /// The browser it began in.
    pub user_agent: Option<String>,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    pub last_seen_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// A session to be begun.
#[derive(Debug, Clone)]
pub struct NewSession<'a> {
    /// What is stored of the cookie's value.
    pub key: TokenHash,
    /// Who signed in, if that is known.
    pub user: Option<UserId>,
    /// How, and the state of ceremonies.
    pub data: &'a Value,
    /// Where the request came from.
    pub client_ip: Option<&'a str>,
    /// The browser.
    pub user_agent: Option<&'a str>,
    /// When it begins.
    pub now: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// The session with this key and its owner, if it has not ended and the account may be used; notes
/// that it was used, once a minute.
pub async fn find(
    conn: &mut Conn,
    key: TokenHash,
    now: DateTime<Utc>,
) -> Result<Option<(Session, Option<User>)>> {
    let found = sessions::table
        .left_join(users::table)
        .filter(sessions::key_hash.eq(key.0.as_slice()))
        .filter(sessions::expires_at.gt(now))
        .select((Session::as_select(), Option::<User>::as_select()))
        .first::<(Session, Option<User>)>(conn)
        .await
        .optional()?;
    let may_be_used =
        |(_, user): &(Session, Option<User>)| user.as_ref().is_none_or(|user| user.is_active);
    let Some((session, user)) = found.filter(may_be_used) else {
        return Ok(None);
    };
    let is_known = (now - session.last_seen_at).num_seconds() < 60;
    if !is_known && takes_writes(conn).await? {
        let update = diesel::update(sessions::table.find(session.id));
        update.set(sessions::last_seen_at.eq(now)).execute(conn).await?;
    }
    Ok(Some((session, user)))
}

/// Begins a session.
pub async fn insert(conn: &mut Conn, new: &NewSession<'_>) -> Result<Session> {
    let made = diesel::insert_into(sessions::table)
        .values((
            sessions::key_hash.eq(new.key.0.as_slice()),
            sessions::user_id.eq(new.user),
            sessions::data.eq(new.data),
            sessions::client_ip.eq(new.client_ip),
            sessions::user_agent.eq(new.user_agent),
            sessions::created_at.eq(new.now),
            sessions::last_seen_at.eq(new.now),
            sessions::expires_at.eq(new.expires_at),
        ))
        .returning(Session::as_returning())
        .get_result(conn)
        .await?;
    Ok(made)
}

/// Keeps what a session remembers.
pub async fn set_data(conn: &mut Conn, session: SessionId, data: &Value) -> Result<()> {
    let update = diesel::update(sessions::table.find(session));
    update.set(sessions::data.eq(data)).execute(conn).await?;
    Ok(())
}

/// The sessions of an account that have not ended, the last used first.
pub async fn list(conn: &mut Conn, user: UserId, now: DateTime<Utc>) -> Result<Vec<Session>> {
    let query = sessions::table
        .filter(sessions::user_id.eq(user))
        .filter(sessions::expires_at.gt(now))
        .order((sessions::last_seen_at.desc(), sessions::id.desc()))
        .limit(1000);
    Ok(query.select(Session::as_select()).load(conn).await?)
}

/// Ends a session.
pub async fn delete(conn: &mut Conn, session: SessionId) -> Result<()> {
    diesel::delete(sessions::table.find(session)).execute(conn).await?;
    Ok(())
}

/// Ends one session of an account; says whether it was there.
pub async fn delete_own(conn: &mut Conn, user: UserId, session: SessionId) -> Result<bool> {
    let gone = diesel::delete(sessions::table)
        .filter(sessions::id.eq(session))
        .filter(sessions::user_id.eq(user))
        .execute(conn)
        .await?;
    Ok(gone > 0)
}

/// Ends every session of an account but one; says how many.
pub async fn delete_others(
    conn: &mut Conn,
    user: UserId,
    except: Option<SessionId>,
) -> Result<usize> {
    let gone = diesel::delete(sessions::table)
        .filter(sessions::user_id.eq(user))
        .filter(sessions::id.ne(except.unwrap_or(SessionId(0))))
        .execute(conn)
        .await?;
    Ok(gone)
}

/// Removes sessions that have ended; says how many.
pub async fn forget(conn: &mut Conn, now: DateTime<Utc>) -> Result<usize> {
    let ended = diesel::delete(sessions::table).filter(sessions::expires_at.le(now));
    Ok(ended.execute(conn).await?)
}
