//! Members of organizations, and invitations that are still open.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, SmallInt};
use diesel_async::RunQueryDsl;
use mishap_core::access::Role;
use mishap_core::id::{MemberId, OrganizationId, TeamId, UserId};
use mishap_core::page::{Cursor, Page};

use crate::accounts::users::{User, lower};
use crate::error::{Error, Result};
use crate::pool::Conn;
use crate::schema::{members, organizations, team_members, teams, users};
use crate::sql::statement;

/// An account's place in an organization, or an open invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its number.
    pub id: MemberId,
    /// The organization.
    pub organization: OrganizationId,
    /// What it may do.
    pub role: Role,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// The invited address, while the invitation is open.
    pub email: Option<String>,
    /// Whether it is the owner who can only leave by handing ownership on.
    pub is_primary_owner: bool,
    /// The account, once the invitation was accepted.
    pub user: Option<User>,
}

impl Member {
    /// The address by which people know the member.
    pub fn address(&self) -> &str {
        let invited = self.email.as_deref().unwrap_or_default();
        self.user.as_ref().map_or(invited, |user| user.email.as_str())
    }
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = members)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct Row {
    id: MemberId,
    organization_id: OrganizationId,
    role: i16,
    created_at: DateTime<Utc>,
    email: Option<String>,
    is_primary_owner: bool,
}

impl Row {
    fn with(self, user: Option<User>) -> Result<Member> {
        Ok(Member {
            id: self.id,
            organization: self.organization_id,
            role: stored_role(self.role)?,
            created_at: self.created_at,
            email: self.email,
            is_primary_owner: self.is_primary_owner,
            user,
        })
    }
}

/// The role that a stored number stands for.
pub(crate) fn stored_role(code: i16) -> Result<Role> {
    let unknown = || Error::Inconsistent { table: "members", what: format!("role {code}") };
    Role::from_code(code).ok_or_else(unknown)
}

fn page_of(
    found: Vec<(Row, Option<User>)>,
    limit: i64,
    cursor: Option<Cursor>,
) -> Result<Page<Member>> {
    let members: Result<Vec<_>> = found.into_iter().map(|(row, user)| row.with(user)).collect();
    Ok(Page::of(members?, limit, cursor, |member: &Member| (member.id.0, 0)))
}

/// The members of an organization, the newest first; uses `members_organization_idx`.
pub async fn list(
    conn: &mut Conn,
    organization: OrganizationId,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<Page<Member>> {
    let mut query = members::table
        .left_join(users::table)
        .filter(members::organization_id.eq(organization))
        .select((Row::as_select(), Option::<User>::as_select()))
        .limit(limit + 1)
        .into_boxed();
    query = match cursor {
        Some(cursor) if cursor.is_backward => {
            query.filter(members::id.gt(MemberId(cursor.position))).order(members::id.asc())
        }
        Some(cursor) => {
            query.filter(members::id.lt(MemberId(cursor.position))).order(members::id.desc())
        }
        None => query.order(members::id.desc()),
    };
    page_of(query.load(conn).await?, limit, cursor)
}

/// How many members an organization has, counted up to 1,001.
pub async fn count(conn: &mut Conn, organization: OrganizationId) -> Result<i64> {
    let query = members::table.filter(members::organization_id.eq(organization));
    let some = query.select(members::id).limit(1001).load::<MemberId>(conn).await?;
    Ok(i64::try_from(some.len()).unwrap_or(i64::MAX))
}

/// The members of a team, the newest first; uses the key of `team_members`.
pub async fn list_of_team(
    conn: &mut Conn,
    team: TeamId,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<Page<Member>> {
    let mut query = team_members::table
        .inner_join(members::table.left_join(users::table))
        .filter(team_members::team_id.eq(team))
        .select((Row::as_select(), Option::<User>::as_select()))
        .limit(limit + 1)
        .into_boxed();
    query = match cursor {
        Some(cursor) if cursor.is_backward => query
            .filter(team_members::member_id.gt(MemberId(cursor.position)))
            .order(team_members::member_id.asc()),
        Some(cursor) => query
            .filter(team_members::member_id.lt(MemberId(cursor.position)))
            .order(team_members::member_id.desc()),
        None => query.order(team_members::member_id.desc()),
    };
    page_of(query.load(conn).await?, limit, cursor)
}

/// How many members a team has.
pub async fn count_of_team(conn: &mut Conn, team: TeamId) -> Result<i64> {
    let query = team_members::table.filter(team_members::team_id.eq(team));
    Ok(query.count().get_result(conn).await?)
}

/// A member of an organization.
pub async fn find(
    conn: &mut Conn,
    organization: OrganizationId,
    member: MemberId,
) -> Result<Option<Member>> {
    let found = members::table
        .left_join(users::table)
        .filter(members::id.eq(member))
        .filter(members::organization_id.eq(organization))
        .select((Row::as_select(), Option::<User>::as_select()))
        .first::<(Row, Option<User>)>(conn)
        .await
        .optional()?;
    found.map(|(row, user)| row.with(user)).transpose()
}

/// The member that an account is in an organization.
pub async fn find_by_user(
    conn: &mut Conn,
    organization: OrganizationId,
    user: UserId,
) -> Result<Option<Member>> {
    let found = members::table
        .left_join(users::table)
        .filter(members::user_id.eq(user))
        .filter(members::organization_id.eq(organization))
        .select((Row::as_select(), Option::<User>::as_select()))
        .first::<(Row, Option<User>)>(conn)
        .await
        .optional()?;
    found.map(|(row, user)| row.with(user)).transpose()
}

/// The member, invited or not, that belongs to nobody's organization yet known to the caller: for
/// links of invitations, which prove themselves.
pub async fn find_anywhere(conn: &mut Conn, member: MemberId) -> Result<Option<Member>> {
    let found = members::table
        .left_join(users::table)
        .filter(members::id.eq(member))
        .select((Row::as_select(), Option::<User>::as_select()))
        .first::<(Row, Option<User>)>(conn)
        .await
        .optional()?;
    found.map(|(row, user)| row.with(user)).transpose()
}

/// The member with this address, in any case: an account's own, or that of an open invitation.
pub async fn find_by_email(
    conn: &mut Conn,
    organization: OrganizationId,
    email: &str,
) -> Result<Option<Member>> {
    let found = members::table
        .left_join(users::table)
        .filter(members::organization_id.eq(organization))
        .filter(
            lower(users::email).nullable().eq(lower(email).nullable()).or(members::user_id
                .is_null()
                .and(lower(members::email.assume_not_null()).eq(lower(email)))),
        )
        .select((Row::as_select(), Option::<User>::as_select()))
        .order(members::user_id.is_null())
        .first::<(Row, Option<User>)>(conn)
        .await
        .optional()?;
    found.map(|(row, user)| row.with(user)).transpose()
}

/// Invites an address; it must not be invited already. An operator invites as nobody.
pub async fn invite(
    conn: &mut Conn,
    organization: OrganizationId,
    email: &str,
    role: Role,
    invited_by: impl Into<Option<UserId>>,
) -> Result<Member> {
    let invited_by: Option<UserId> = invited_by.into();
    let row = diesel::insert_into(members::table)
        .values((
            members::organization_id.eq(organization),
            members::email.eq(email),
            members::role.eq(role.code()),
            members::invited_by.eq(invited_by),
        ))
        .returning(Row::as_returning())
        .get_result(conn)
        .await?;
    row.with(None)
}

/// The organizations that an account belongs to, by their slugs, with what it is there; uses
/// `members_user_idx`. For operators only.
pub async fn list_of_user(conn: &mut Conn, user: UserId) -> Result<Vec<(String, Role)>> {
    let rows = members::table
        .inner_join(organizations::table)
        .filter(members::user_id.eq(user))
        .order(organizations::slug)
        .limit(1000)
        .select((organizations::slug, members::role))
        .load::<(String, i16)>(conn)
        .await?;
    rows.into_iter().map(|(slug, role)| Ok((slug, stored_role(role)?))).collect()
}

/// Gives an open invitation to an account; says whether there was one.
pub async fn attach(conn: &mut Conn, member: MemberId, user: UserId) -> Result<bool> {
    let attached = diesel::update(members::table)
        .filter(members::id.eq(member))
        .filter(members::user_id.is_null())
        .set((members::user_id.eq(user), members::email.eq(None::<String>)))
        .execute(conn)
        .await?;
    Ok(attached > 0)
}

/// Makes an account a member, or gives a member this role. The first owner becomes the primary one.
pub async fn put(
    conn: &mut Conn,
    organization: OrganizationId,
    user: UserId,
    role: Role,
) -> Result<()> {
    statement(
        "INSERT INTO members (organization_id, user_id, role, is_primary_owner)
         VALUES ($1, $2, $3, $4 = 3 AND NOT EXISTS (
             SELECT 1 FROM members WHERE organization_id = $5 AND is_primary_owner))
         ON CONFLICT (organization_id, user_id) DO UPDATE SET role = excluded.role",
    )
    .bind::<BigInt, _>(organization)
    .bind::<BigInt, _>(user)
    .bind::<SmallInt, _>(role.code())
    .bind::<SmallInt, _>(role.code())
    .bind::<BigInt, _>(organization)
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives a member another role.
pub async fn set_role(conn: &mut Conn, member: MemberId, role: Role) -> Result<()> {
    let update = diesel::update(members::table.find(member)).set(members::role.eq(role.code()));
    update.execute(conn).await?;
    Ok(())
}

/// Makes a member the primary owner, in place of whoever was it; says whether the member is still
/// there. To be called in a transaction.
pub async fn make_primary_owner(
    conn: &mut Conn,
    organization: OrganizationId,
    member: MemberId,
) -> Result<bool> {
    let heir = members::table
        .filter(members::id.eq(member))
        .filter(members::organization_id.eq(organization))
        .filter(members::user_id.is_not_null())
        .select(members::id)
        .for_update()
        .first::<MemberId>(conn)
        .await
        .optional()?;
    if heir.is_none() {
        return Ok(false);
    }
    diesel::update(members::table)
        .filter(members::organization_id.eq(organization))
        .filter(members::is_primary_owner)
        .set(members::is_primary_owner.eq(false))
        .execute(conn)
        .await?;
    let update = diesel::update(members::table.find(member));
    update.set(members::is_primary_owner.eq(true)).execute(conn).await?;
    Ok(true)
}

/// Removes a member or withdraws an invitation; what the account did stays.
pub async fn delete(conn: &mut Conn, member: MemberId) -> Result<()> {
    diesel::delete(members::table.find(member)).execute(conn).await?;
    Ok(())
}

/// How many accounts own an organization. Locks them, so that the last two cannot both leave at once.
pub async fn lock_owners(conn: &mut Conn, organization: OrganizationId) -> Result<i64> {
    let owners = members::table
        .filter(members::organization_id.eq(organization))
        .filter(members::role.eq(Role::Owner.code()))
        .filter(members::user_id.is_not_null())
        .select(members::id)
        .order(members::id)
        .for_update()
        .load::<MemberId>(conn)
        .await?;
    Ok(i64::try_from(owners.len()).unwrap_or(i64::MAX))
}

/// Whether an organization would have nobody who may do everything, or no primary owner, without this
/// account; uses `members_user_idx`. Locks the owners of its organizations, so that the last two
/// cannot both leave at once.
pub async fn is_needed(conn: &mut Conn, user: UserId) -> Result<bool> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        is_needed: bool,
    }
    let row: Row = statement(
        "WITH owners AS (
             SELECT m.user_id, m.organization_id, m.role, m.is_primary_owner FROM members m
             WHERE (m.role = 3 OR m.is_primary_owner) AND m.user_id IS NOT NULL
                 AND m.organization_id IN (
                     SELECT own.organization_id FROM members own
                     WHERE own.user_id = $1 AND (own.role = 3 OR own.is_primary_owner))
             ORDER BY m.id FOR UPDATE)
         SELECT EXISTS (
             SELECT 1 FROM owners o
             WHERE o.user_id = $2 AND (o.is_primary_owner OR o.role = 3 AND NOT EXISTS (
                 SELECT 1 FROM owners other
                 WHERE other.organization_id = o.organization_id AND other.role = 3
                     AND other.user_id <> o.user_id))) AS is_needed",
    )
    .bind::<BigInt, _>(user)
    .bind::<BigInt, _>(user)
    .get_result(conn)
    .await?;
    Ok(row.is_needed)
}

/// The slugs of the teams that members are in, oldest team first.
pub async fn teams_of(
    conn: &mut Conn,
    members: &[MemberId],
) -> Result<HashMap<MemberId, Vec<String>>> {
    let rows = team_members::table
        .inner_join(teams::table)
        .filter(team_members::member_id.eq_any(members))
        .order((team_members::member_id, teams::id))
        .select((team_members::member_id, teams::slug))
        .load::<(MemberId, String)>(conn)
        .await?;
    let mut slugs: HashMap<MemberId, Vec<String>> = HashMap::new();
    for (member, slug) in rows {
        slugs.entry(member).or_default().push(slug);
    }
    Ok(slugs)
}
