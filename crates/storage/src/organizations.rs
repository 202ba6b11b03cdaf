//! Organizations and their members.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use mishap_core::access::Role;
use mishap_core::id::{OrganizationId, UserId};
use mishap_core::page::{Cursor, Page};
use mishap_core::slug;

use crate::error::{Error, Result};
use crate::pool::Conn;
use crate::schema::{members, organizations};
use crate::sql::statement;

/// Longest slug, in characters (GlitchTip).
const MAX_SLUG: usize = 200;

/// Slugs that are tried before giving up.
const SLUG_ATTEMPTS: u32 = 200;

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
}

/// The organization with this slug if the account is a member, with the member's role.
pub async fn find_for_member(
    conn: &mut Conn,
    slug: &str,
    user: UserId,
) -> Result<Option<(Organization, Role)>> {
    let found = organizations::table
        .inner_join(members::table)
        .filter(organizations::slug.eq(slug))
        .filter(members::user_id.eq(user))
        .select((Organization::as_select(), members::role))
        .first::<(Organization, i16)>(conn)
        .await
        .optional()?;
    let Some((organization, role)) = found else {
        return Ok(None);
    };
    let role = Role::from_code(role)
        .ok_or_else(|| Error::Inconsistent { table: "members", what: format!("role {role}") })?;
    Ok(Some((organization, role)))
}

/// The organization with this slug, whoever asks. For operators only.
pub async fn find_by_slug(conn: &mut Conn, slug: &str) -> Result<Option<Organization>> {
    let query = organizations::table.filter(organizations::slug.eq(slug));
    Ok(query.select(Organization::as_select()).first(conn).await.optional()?)
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

/// Makes an organization; a slug that is taken gets a number.
pub async fn insert(conn: &mut Conn, name: &str, wanted_slug: &str) -> Result<Organization> {
    for attempt in 1..=SLUG_ATTEMPTS {
        let slug = slug::numbered(wanted_slug, attempt, MAX_SLUG);
        let made = diesel::insert_into(organizations::table)
            .values((organizations::name.eq(name), organizations::slug.eq(slug)))
            .on_conflict(organizations::slug)
            .do_nothing()
            .returning(Organization::as_returning())
            .get_result(conn)
            .await
            .optional()?;
        if let Some(made) = made {
            return Ok(made);
        }
    }
    Err(Error::Inconsistent {
        table: "organizations",
        what: format!("{SLUG_ATTEMPTS} slugs like {wanted_slug:?} are taken"),
    })
}

/// Makes an account a member, or gives a member this role.
pub async fn put_member(
    conn: &mut Conn,
    organization: OrganizationId,
    user: UserId,
    role: Role,
) -> Result<()> {
    diesel::insert_into(members::table)
        .values((
            members::organization_id.eq(organization),
            members::user_id.eq(user),
            members::role.eq(role.code()),
        ))
        .on_conflict((members::organization_id, members::user_id))
        .do_update()
        .set(members::role.eq(role.code()))
        .execute(conn)
        .await?;
    Ok(())
}

/// The organization, if there is exactly one. For operators only.
pub async fn find_only(conn: &mut Conn) -> Result<Option<Organization>> {
    let query = organizations::table.select(Organization::as_select()).limit(2);
    let mut found = query.load(conn).await?;
    Ok(found.pop().filter(|_| found.is_empty()))
}
