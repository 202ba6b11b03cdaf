//! What sign-in providers made people in organizations, so that it can be taken back.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, SmallInt, Text};
use diesel_async::RunQueryDsl;
use mishap_core::access::Role;
use mishap_core::id::{IdentityId, MemberId, OrganizationId, UserId};

use crate::error::Result;
use crate::members::stored_role;
use crate::pool::Conn;
use crate::schema::identity_roles;
use crate::sql::statement;

/// What somebody is in an organization, and whether a provider made it so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The organization.
    pub organization: OrganizationId,
    /// Its slug.
    pub slug: String,
    /// What the account is there, if it belongs to it.
    pub member: Option<Placed>,
    /// Whether the provider made it so.
    pub is_given: bool,
    /// What the account was before the provider made it another; nothing if it did not belong there.
    pub role_before: Option<Role>,
}

/// A member, as far as providers are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// The member.
    pub id: MemberId,
    /// Its role.
    pub role: Role,
    /// Whether it is the owner who can only leave by handing ownership on.
    pub is_primary_owner: bool,
}

/// What an account is in the organizations with these slugs, and in those that the provider of an
/// identity put it into, by their numbers; uses `organizations_slug_key` and the table's own key.
pub async fn places(
    conn: &mut Conn,
    identity: IdentityId,
    user: UserId,
    slugs: &[&str],
) -> Result<Vec<Place>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        organization: OrganizationId,
        #[diesel(sql_type = Text)]
        slug: String,
        #[diesel(sql_type = Nullable<BigInt>)]
        member: Option<MemberId>,
        #[diesel(sql_type = Nullable<SmallInt>)]
        role: Option<i16>,
        #[diesel(sql_type = Bool)]
        is_primary_owner: bool,
        #[diesel(sql_type = Bool)]
        is_given: bool,
        #[diesel(sql_type = Nullable<SmallInt>)]
        role_before: Option<i16>,
    }
    let rows: Vec<Row> = statement(
        "SELECT o.id AS organization, o.slug, m.id AS member, m.role,
             COALESCE(m.is_primary_owner, false) AS is_primary_owner,
             r.identity_id IS NOT NULL AS is_given, r.role_before
         FROM organizations o
         LEFT JOIN members m ON m.organization_id = o.id AND m.user_id = $1
         LEFT JOIN identity_roles r ON r.organization_id = o.id AND r.identity_id = $2
         WHERE o.deleted_at IS NULL AND o.id IN (
             SELECT id FROM organizations WHERE slug = ANY($3)
             UNION SELECT organization_id FROM identity_roles WHERE identity_id = $4)
         ORDER BY o.id",
    )
    .bind::<BigInt, _>(user)
    .bind::<BigInt, _>(identity)
    .bind::<Array<Text>, _>(slugs.to_vec())
    .bind::<BigInt, _>(identity)
    .load(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let member = match (row.member, row.role) {
                (Some(id), Some(role)) => {
                    let role = stored_role(role)?;
                    Some(Placed { id, role, is_primary_owner: row.is_primary_owner })
                }
                _ => None,
            };
            Ok(Place {
                organization: row.organization,
                slug: row.slug,
                member,
                is_given: row.is_given,
                role_before: row.role_before.map(stored_role).transpose()?,
            })
        })
        .collect()
}

/// Notes that a provider made somebody a member, or another kind of member than before.
pub async fn note(
    conn: &mut Conn,
    identity: IdentityId,
    organization: OrganizationId,
    before: Option<Role>,
) -> Result<()> {
    let before = before.map(Role::code);
    diesel::insert_into(identity_roles::table)
        .values((
            identity_roles::identity_id.eq(identity),
            identity_roles::organization_id.eq(organization),
            identity_roles::role_before.eq(before),
        ))
        .on_conflict((identity_roles::identity_id, identity_roles::organization_id))
        .do_update()
        .set(identity_roles::role_before.eq(before))
        .execute(conn)
        .await?;
    Ok(())
}

/// Notes that nothing is left of what a provider made somebody in an organization.
pub async fn forget(
    conn: &mut Conn,
    identity: IdentityId,
    organization: OrganizationId,
) -> Result<()> {
    diesel::delete(identity_roles::table.find((identity, organization))).execute(conn).await?;
    Ok(())
}
