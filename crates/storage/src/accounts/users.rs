//! Accounts.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use mishap_core::id::UserId;

use crate::error::Result;
use crate::pool::Conn;
use crate::schema::{user_emails, users};
use crate::sql::statement;

diesel::define_sql_function! {
    /// Lower case, by the database's collation; what the unique index on e-mail addresses is made of.
    fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

/// An account.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = users)]
#[diesel(check_for_backend(diesel::pg::Pg))]
pub struct User {
    /// Its number.
    pub id: UserId,
    /// The address it signs in with.
    pub email: String,
    /// What the person is called.
    pub name: String,
    /// Whether a password can be used.
    #[diesel(select_expression = users::password_hash.is_not_null())]
    pub has_password: bool,
    /// Whether it may be used.
    pub is_active: bool,
    /// Whether it may open the administrator's pages.
    pub is_staff: bool,
    /// Whether it may do there what only few should, such as making others staff.
    pub is_superuser: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last signed in.
    pub last_login_at: Option<DateTime<Utc>>,
    /// Preferences, by GlitchTip's names.
    pub options: serde_json::Value,
    /// Whether it wants alerts of projects that it said nothing about.
    pub subscribe_by_default: bool,
}

impl Eq for User {}

/// An account to be made.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = users)]
pub struct NewUser<'a> {
    /// The address it signs in with.
    pub email: &'a str,
    /// What the person is called.
    pub name: &'a str,
    /// The hashed password, if one can be used.
    pub password_hash: Option<&'a str>,
    /// Whether it may do what only few should.
    pub is_superuser: bool,
    /// Whether it may open the administrator's pages.
    pub is_staff: bool,
}

/// The account with this number.
pub async fn find(conn: &mut Conn, user: UserId) -> Result<Option<User>> {
    Ok(users::table.find(user).select(User::as_select()).first(conn).await.optional()?)
}

/// The account with this address, in any case; uses `users_email_key`.
pub async fn find_by_email(conn: &mut Conn, email: &str) -> Result<Option<User>> {
    let query = users::table.filter(lower(users::email).eq(lower(email)));
    Ok(query.select(User::as_select()).first(conn).await.optional()?)
}

/// The account with this address, in any case, locked until the transaction ends.
pub async fn lock_by_email(conn: &mut Conn, email: &str) -> Result<Option<User>> {
    let query = users::table.filter(lower(users::email).eq(lower(email)));
    Ok(query.select(User::as_select()).for_update().first(conn).await.optional()?)
}

/// The account that signs in with this address: its own, or one that it proved to be its own.
pub async fn find_for_sign_in(conn: &mut Conn, email: &str) -> Result<Option<User>> {
    if let Some(user) = find_by_email(conn, email).await? {
        return Ok(Some(user));
    }
    let query = users::table
        .inner_join(user_emails::table)
        .filter(lower(user_emails::email).eq(lower(email)))
        .filter(user_emails::is_verified);
    Ok(query.select(User::as_select()).first(conn).await.optional()?)
}

/// Accounts, the newest first. For operators only.
pub async fn list(conn: &mut Conn, limit: i64) -> Result<Vec<User>> {
    let query = users::table.order(users::id.desc()).limit(limit);
    Ok(query.select(User::as_select()).load(conn).await?)
}

/// Makes an account.
pub async fn insert(conn: &mut Conn, new: &NewUser<'_>) -> Result<User> {
    let query = diesel::insert_into(users::table).values(new);
    Ok(query.returning(User::as_returning()).get_result(conn).await?)
}

/// Changes what a person prefers, and what they are called if that is given.
pub async fn update(
    conn: &mut Conn,
    user: UserId,
    options: &serde_json::Value,
    name: Option<&str>,
) -> Result<User> {
    let changed = diesel::update(users::table.find(user))
        .set((users::options.eq(options), name.map(|name| users::name.eq(name))))
        .returning(User::as_returning())
        .get_result(conn)
        .await?;
    Ok(changed)
}

/// Says whether an account wants alerts of projects that it said nothing about.
pub async fn set_subscribe_by_default(conn: &mut Conn, user: UserId, wants: bool) -> Result<()> {
    let update = diesel::update(users::table.find(user));
    update.set(users::subscribe_by_default.eq(wants)).execute(conn).await?;
    Ok(())
}

/// Deletes an account with everything that is its own: addresses, sessions, tokens, memberships.
/// What it did stays.
pub async fn delete(conn: &mut Conn, user: UserId) -> Result<()> {
    diesel::delete(users::table.find(user)).execute(conn).await?;
    Ok(())
}

/// Lets nobody else make an account until the transaction ends.
pub async fn lock(conn: &mut Conn) -> Result<()> {
    statement("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE").execute(conn).await?;
    Ok(())
}

/// Whether there is any account at all.
pub async fn exist(conn: &mut Conn) -> Result<bool> {
    Ok(diesel::select(diesel::dsl::exists(users::table.select(users::id))).get_result(conn).await?)
}

/// What an account may do besides what its memberships allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, AsChangeset)]
#[diesel(table_name = users)]
pub struct Rights {
    /// Whether it may be used.
    pub is_active: bool,
    /// Whether it may open the administrator's pages.
    pub is_staff: bool,
    /// Whether it may do what only few should.
    pub is_superuser: bool,
}

impl User {
    /// What it may do besides what its memberships allow.
    pub fn rights(&self) -> Rights {
        let Self { is_active, is_staff, is_superuser, .. } = *self;
        Rights { is_active, is_staff, is_superuser }
    }
}

/// Gives an account other rights.
pub async fn set_rights(conn: &mut Conn, user: UserId, rights: Rights) -> Result<()> {
    diesel::update(users::table.find(user)).set(rights).execute(conn).await?;
    Ok(())
}

/// What an account keeps secret of its password: nothing if none can be used.
pub async fn password_hash(conn: &mut Conn, user: UserId) -> Result<Option<String>> {
    let query = users::table.find(user).select(users::password_hash);
    Ok(query.first::<Option<String>>(conn).await.optional()?.flatten())
}

/// Gives an account another password, or none.
pub async fn set_password(conn: &mut Conn, user: UserId, hash: Option<&str>) -> Result<()> {
    let update = diesel::update(users::table.find(user));
    update.set(users::password_hash.eq(hash)).execute(conn).await?;
    Ok(())
}

/// Gives an account another password in place of the one that was looked at; says whether it still had
/// that one, for whoever was faster decides.
pub async fn replace_password(
    conn: &mut Conn,
    user: UserId,
    old: Option<&str>,
    new: &str,
) -> Result<bool> {
    let changed = diesel::update(users::table.find(user))
        .filter(users::password_hash.is_not_distinct_from(old))
        .set(users::password_hash.eq(new))
        .execute(conn)
        .await?;
    Ok(changed > 0)
}

/// Notes that somebody signed in.
pub async fn signed_in(conn: &mut Conn, user: UserId, at: DateTime<Utc>) -> Result<()> {
    let update = diesel::update(users::table.find(user));
    update.set(users::last_login_at.eq(at)).execute(conn).await?;
    Ok(())
}
