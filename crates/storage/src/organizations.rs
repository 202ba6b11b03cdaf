//! Organizations.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;
use mishap_core::access::Role;
use mishap_core::id::{MemberId, OrganizationId, UserId};
use mishap_core::page::{Cursor, Page};

use crate::error::{Error, Result};
use crate::members::stored_role;
use crate::pool::Conn;
use crate::schema::{members, organizations};
use crate::sql::statement;
use crate::tx::transaction;

/// An organization.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, QueryableByName, Selectable)]
#[diesel(table_name = organizations)]
#[diesel(check_for_backend(diesel::pg::Pg))]
pub struct Organization {
    /// Its number.
    pub id: OrganizationId,
    /// What it is called.
    pub name: String,
    /// Its name in URLs.
    pub slug: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Whether it takes events.
    pub is_accepting_events: bool,
    /// Percentage of events to refuse.
    pub event_throttle_rate: i16,
    /// Whether members may join teams by themselves.
    pub open_membership: bool,
    /// Whether members must have a second factor.
    pub require_second_factor: bool,
}

/// An account's place in an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Membership {
    /// The member.
    pub member: MemberId,
    /// What it may do.
    pub role: Role,
}

/// The organization with this slug if the account is a member, with its place in it.
pub async fn find_for_member(
    conn: &mut Conn,
    slug: &str,
    user: UserId,
) -> Result<Option<(Organization, Membership)>> {
    let found = organizations::table
        .inner_join(members::table)
        .filter(organizations::slug.eq(slug))
        .filter(members::user_id.eq(user))
        .select((Organization::as_select(), members::id, members::role))
        .first::<(Organization, MemberId, i16)>(conn)
        .await
        .optional()?;
    let Some((organization, member, role)) = found else {
        return Ok(None);
    };
    Ok(Some((organization, Membership { member, role: stored_role(role)? })))
}

/// The organization with this slug, whoever asks. For operators only.
pub async fn find_by_slug(conn: &mut Conn, slug: &str) -> Result<Option<Organization>> {
    let query = organizations::table.filter(organizations::slug.eq(slug));
    Ok(query.select(Organization::as_select()).first(conn).await.optional()?)
}

/// Which of these slugs organizations have; uses `organizations_slug_key`.
pub async fn known_slugs(conn: &mut Conn, slugs: &[&str]) -> Result<Vec<String>> {
    let query = organizations::table
        .filter(organizations::slug.eq_any(slugs))
        .filter(organizations::deleted_at.is_null());
    Ok(query.select(organizations::slug).load(conn).await?)
}

/// Organizations by their numbers.
pub async fn list_by_ids(conn: &mut Conn, ids: &[OrganizationId]) -> Result<Vec<Organization>> {
    let query = organizations::table.filter(organizations::id.eq_any(ids));
    Ok(query.select(Organization::as_select()).load(conn).await?)
}

/// The organizations of an account, by name; uses `members_user_idx`.
pub async fn list_for_member(
    conn: &mut Conn,
    user: UserId,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<Page<Organization>> {
    let text = match cursor {
        None => {
            "SELECT o.* FROM organizations o JOIN members m ON m.organization_id = o.id
             WHERE m.user_id = $1 AND $2 = 0
             ORDER BY o.name, o.id LIMIT $3"
        }
        Some(cursor) if cursor.is_backward => {
            "SELECT o.* FROM organizations o JOIN members m ON m.organization_id = o.id
             WHERE m.user_id = $1
                 AND (o.name, o.id) < (SELECT name, id FROM organizations WHERE id = $2)
             ORDER BY o.name DESC, o.id DESC LIMIT $3"
        }
        Some(_) => {
            "SELECT o.* FROM organizations o JOIN members m ON m.organization_id = o.id
             WHERE m.user_id = $1
                 AND (o.name, o.id) > (SELECT name, id FROM organizations WHERE id = $2)
             ORDER BY o.name, o.id LIMIT $3"
        }
    };
    let found = statement(text)
        .bind::<BigInt, _>(user)
        .bind::<BigInt, _>(cursor.map_or(0, |cursor| cursor.position))
        .bind::<BigInt, _>(limit + 1)
        .load(conn)
        .await?;
    Ok(Page::of(found, limit, cursor, |organization: &Organization| (organization.id.0, 0)))
}

/// How many organizations an account has.
pub async fn count_for_member(conn: &mut Conn, user: UserId) -> Result<i64> {
    Ok(members::table.filter(members::user_id.eq(user)).count().get_result(conn).await?)
}

/// Makes an organization with the first of these slugs that is free.
pub async fn insert(conn: &mut Conn, name: &str, slugs: &[String]) -> Result<Organization> {
    transaction(conn, async |conn: &mut Conn| {
        let made = statement(
            "INSERT INTO organizations (name, slug)
             SELECT $1, wanted.slug FROM unnest($2::text[]) WITH ORDINALITY AS wanted (slug, place)
             WHERE NOT EXISTS (SELECT 1 FROM organizations o WHERE o.slug = wanted.slug)
             ORDER BY wanted.place LIMIT 1 RETURNING *",
        )
        .bind::<Text, _>(name)
        .array::<Text, _>(slugs.to_vec())
        .get_result(conn)
        .await
        .optional()?;
        made.ok_or_else(|| Error::Inconsistent {
            table: "organizations",
            what: format!("all of {} slugs for {name:?} are taken", slugs.len()),
        })
    })
    .await
}

/// Gives an organization another name; the slug stays.
pub async fn rename(
    conn: &mut Conn,
    organization: OrganizationId,
    name: &str,
) -> Result<Organization> {
    let renamed = diesel::update(organizations::table.find(organization))
        .set(organizations::name.eq(name))
        .returning(Organization::as_returning())
        .get_result(conn)
        .await?;
    Ok(renamed)
}

/// Takes an organization out of everybody's sight and frees its slug. What belongs to it is purged
/// later, in small steps.
pub async fn delete(conn: &mut Conn, organization: OrganizationId) -> Result<()> {
    statement(
        "WITH gone AS (
             UPDATE organizations
             SET is_accepting_events = false, slug = 'deleted.' || id, deleted_at = now()
             WHERE id = $1 AND deleted_at IS NULL RETURNING id),
         projects_gone AS (
             UPDATE projects SET deleted_at = now(), slug = 'deleted.' || projects.id
             FROM gone WHERE organization_id = gone.id AND deleted_at IS NULL)
         DELETE FROM members USING gone WHERE organization_id = gone.id",
    )
    .bind::<BigInt, _>(organization)
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether there is any organization: anybody may make the first.
pub async fn exist(conn: &mut Conn) -> Result<bool> {
    let any = organizations::table.filter(organizations::deleted_at.is_null());
    let any = any.select(organizations::id);
    Ok(diesel::select(diesel::dsl::exists(any)).get_result(conn).await?)
}

/// The organization, if there is exactly one. For operators only.
pub async fn find_only(conn: &mut Conn) -> Result<Option<Organization>> {
    let query = organizations::table.filter(organizations::deleted_at.is_null());
    let query = query.select(Organization::as_select()).limit(2);
    let mut found = query.load(conn).await?;
    Ok(found.pop().filter(|_| found.is_empty()))
}
