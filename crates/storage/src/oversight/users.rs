//! Everybody's accounts.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, SmallInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use mishap_core::access::Role;
use mishap_core::id::{EmailId, MemberId, OrganizationId, UserId};
use mishap_core::page::{Cursor, Page};

use super::{SEARCHED, is_backward, pattern, place};
use crate::accounts::users::{User, find_by_email};
use crate::error::Result;
use crate::members::stored_role;
use crate::pool::Conn;
use crate::schema::{authenticators, users};
use crate::sql::statement;

/// Which accounts are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// Their addresses or names contain this.
    pub search: Option<String>,
    /// Whether they may be used.
    pub is_active: Option<bool>,
    /// Whether they may open the administrator's pages.
    pub is_staff: Option<bool>,
}

/// An account in a list.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct ListedUser {
    /// Its number.
    #[diesel(sql_type = BigInt)]
    pub id: UserId,
    /// The address it signs in with.
    #[diesel(sql_type = Text)]
    pub email: String,
    /// What the person is called.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Whether it may be used.
    #[diesel(sql_type = Bool)]
    pub is_active: bool,
    /// Whether it may open the administrator's pages.
    #[diesel(sql_type = Bool)]
    pub is_staff: bool,
    /// Whether it may do there what only few should.
    #[diesel(sql_type = Bool)]
    pub is_superuser: bool,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it last signed in.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_login_at: Option<DateTime<Utc>>,
    /// How many organizations it is in.
    #[diesel(sql_type = BigInt)]
    pub organizations: i64,
    /// Whether it has a second factor besides recovery codes.
    #[diesel(sql_type = Bool)]
    pub has_second_factor: bool,
}

/// A list of accounts from a place (`$1`) on.
macro_rules! users_query {
    ($beyond:literal, $order:literal) => {
        concat!(
            "SELECT u.id, u.email, u.name, u.is_active, u.is_staff, u.is_superuser, u.created_at,
                 u.last_login_at,
                 (SELECT count(*) FROM members m WHERE m.user_id = u.id) AS organizations,
                 EXISTS (SELECT 1 FROM authenticators a WHERE a.user_id = u.id AND a.kind <> 2)
                     AS has_second_factor
             FROM (
                 SELECT * FROM (
                     SELECT * FROM users WHERE id ",
            $beyond,
            " $1 ORDER BY id ",
            $order,
            " LIMIT $2) AS near
                 WHERE (email ILIKE $3 OR name ILIKE $4)
                     AND ($5::boolean IS NULL OR is_active = $6)
                     AND ($7::boolean IS NULL OR is_staff = $8)
                 ORDER BY id ",
            $order,
            " LIMIT $9) AS u ORDER BY u.id ",
            $order
        )
    };
}

/// Accounts, the newest first. An address that is given in full is found however old its account is.
pub async fn list(
    conn: &mut Conn,
    filter: &UserFilter,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<Page<ListedUser>> {
    let mut found =
        load(conn, filter, is_backward(cursor), place(cursor), SEARCHED, limit + 1).await?;
    if let (true, None, Some(search)) = (found.is_empty(), cursor, filter.search.as_deref())
        && let Some(user) = find_by_email(conn, search.trim()).await?
    {
        found = load(conn, filter, true, user.id.0 - 1, 1, 1).await?;
    }
    Ok(Page::of(found, limit, cursor, |user: &ListedUser| (user.id.0, 0)))
}

async fn load(
    conn: &mut Conn,
    filter: &UserFilter,
    is_backward: bool,
    place: i64,
    searched: i64,
    limit: i64,
) -> Result<Vec<ListedUser>> {
    let text = if is_backward { users_query!(">", "ASC") } else { users_query!("<", "DESC") };
    let pattern = pattern(filter.search.as_deref());
    let found = statement(text)
        .bind::<BigInt, _>(place)
        .bind::<BigInt, _>(searched)
        .bind::<Text, _>(pattern.clone())
        .bind::<Text, _>(pattern)
        .bind::<Nullable<Bool>, _>(filter.is_active)
        .bind::<Nullable<Bool>, _>(filter.is_active)
        .bind::<Nullable<Bool>, _>(filter.is_staff)
        .bind::<Nullable<Bool>, _>(filter.is_staff)
        .bind::<BigInt, _>(limit)
        .load(conn)
        .await?;
    Ok(found)
}

/// An account's place in an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnMembership {
    /// The organization.
    pub organization: OrganizationId,
    /// What it is called.
    pub name: String,
    /// The member.
    pub member: MemberId,
    /// What it may do.
    pub role: Role,
    /// Whether it is the owner who can only leave by handing ownership on.
    pub is_primary_owner: bool,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// The organizations of an account, by name; uses `members_user_idx`.
pub async fn memberships(conn: &mut Conn, user: UserId, limit: i64) -> Result<Vec<OwnMembership>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        organization_id: OrganizationId,
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = BigInt)]
        member_id: MemberId,
        #[diesel(sql_type = SmallInt)]
        role: i16,
        #[diesel(sql_type = Bool)]
        is_primary_owner: bool,
        #[diesel(sql_type = Timestamptz)]
        created_at: DateTime<Utc>,
    }
    let rows: Vec<Row> = statement(
        "SELECT o.id AS organization_id, o.name, m.id AS member_id, m.role, m.is_primary_owner,
             m.created_at
         FROM members m JOIN organizations o ON o.id = m.organization_id
         WHERE m.user_id = $1 ORDER BY o.name, o.id LIMIT $2",
    )
    .bind::<BigInt, _>(user)
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    let membership = |row: Row| {
        Ok(OwnMembership {
            organization: row.organization_id,
            name: row.name,
            member: row.member_id,
            role: stored_role(row.role)?,
            is_primary_owner: row.is_primary_owner,
            since: row.created_at,
        })
    };
    rows.into_iter().map(membership).collect()
}

/// Accounts by their numbers, locked until the transaction ends, so that what is decided by what they
/// may do stays true.
pub async fn lock(conn: &mut Conn, ids: &[UserId]) -> Result<Vec<User>> {
    let query = users::table.filter(users::id.eq_any(ids)).order(users::id).for_update();
    Ok(query.select(User::as_select()).load(conn).await?)
}

/// What an account may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    /// It may be used.
    Active,
    /// It may open the administrator's pages.
    Staff,
    /// It may do there what only few should.
    Superuser,
}

/// Says what an account may be.
pub async fn set_flag(conn: &mut Conn, user: UserId, flag: Flag, value: bool) -> Result<()> {
    let update = diesel::update(users::table.find(user));
    match flag {
        Flag::Active => update.set(users::is_active.eq(value)).execute(conn).await?,
        Flag::Staff => update.set(users::is_staff.eq(value)).execute(conn).await?,
        Flag::Superuser => update.set(users::is_superuser.eq(value)).execute(conn).await?,
    };
    Ok(())
}

/// Takes every second factor from an account, recovery codes included; says how many there were.
pub async fn reset_second_factors(conn: &mut Conn, user: UserId) -> Result<usize> {
    let gone = diesel::delete(authenticators::table).filter(authenticators::user_id.eq(user));
    Ok(gone.execute(conn).await?)
}

/// Notes that an address is the account's own, unless another account proved that already; says which
/// address it is.
pub async fn verify_address(
    conn: &mut Conn,
    user: UserId,
    email: EmailId,
) -> Result<Option<String>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        email: String,
    }
    let verified: Option<Row> = statement(
        "UPDATE user_emails SET is_verified = true
         WHERE id = $1 AND user_id = $2 AND NOT is_verified AND NOT EXISTS (
             SELECT 1 FROM user_emails other
             WHERE lower(other.email) = lower(user_emails.email) AND other.is_verified)
         RETURNING email",
    )
    .bind::<BigInt, _>(email)
    .bind::<BigInt, _>(user)
    .load(conn)
    .await?
    .pop();
    Ok(verified.map(|row| row.email))
}
