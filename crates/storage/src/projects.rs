//! Projects, and what they want done with what is sent to them.

pub mod keys;
pub mod policies;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, SmallInt, Text};
use diesel_async::RunQueryDsl;
use mishap_core::grouping::GroupingMechanism;
use mishap_core::id::{OrganizationId, ProjectId, UserId};
use mishap_core::page::{Cursor, Page};

use crate::error::{Error, Result};
use crate::pool::Conn;
use crate::schema::{members, projects};
use crate::sql::{Statement, statement};
use crate::tx::transaction;

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, QueryableByName, Selectable)]
#[diesel(table_name = projects)]
#[diesel(check_for_backend(diesel::pg::Pg))]
pub struct Project {
    /// Its number, which ends its DSNs.
    pub id: ProjectId,
    /// The organization it belongs to.
    pub organization_id: OrganizationId,
    /// What it is called.
    pub name: String,
    /// Its name in URLs.
    pub slug: String,
    /// The language or framework.
    pub platform: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When its first event was received.
    pub first_event_at: Option<DateTime<Utc>>,
    /// Percentage of events to refuse.
    pub event_throttle_rate: i16,
    /// Whether addresses are scrubbed.
    pub scrub_ip_addresses: bool,
}

/// A project of an organization by its slug.
pub async fn find(
    conn: &mut Conn,
    organization: OrganizationId,
    slug: &str,
) -> Result<Option<Project>> {
    let query = projects::table
        .filter(projects::organization_id.eq(organization))
        .filter(projects::slug.eq(slug))
        .filter(projects::deleted_at.is_null());
    Ok(query.select(Project::as_select()).first(conn).await.optional()?)
}

/// The projects of an organization, by name.
pub async fn list(
    conn: &mut Conn,
    organization: OrganizationId,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<Page<Project>> {
    let text = match cursor {
        None => {
            "SELECT * FROM projects WHERE organization_id = $1 AND deleted_at IS NULL AND $2 = 0
             ORDER BY name, id LIMIT $3"
        }
        Some(cursor) if cursor.is_backward => {
            "SELECT * FROM projects WHERE organization_id = $1 AND deleted_at IS NULL
                 AND (name, id) < (SELECT name, id FROM projects WHERE id = $2)
             ORDER BY name DESC, id DESC LIMIT $3"
        }
        Some(_) => {
            "SELECT * FROM projects WHERE organization_id = $1 AND deleted_at IS NULL
                 AND (name, id) > (SELECT name, id FROM projects WHERE id = $2)
             ORDER BY name, id LIMIT $3"
        }
    };
    let query = statement(text).bind::<BigInt, _>(organization);
    page(conn, query, cursor, limit).await
}

/// The projects of every organization that the account is a member of, by name.
pub async fn list_for_member(
    conn: &mut Conn,
    user: UserId,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<Page<Project>> {
    let text = match cursor {
        None => {
            "SELECT p.* FROM projects p JOIN members m USING (organization_id)
             WHERE m.user_id = $1 AND p.deleted_at IS NULL AND $2 = 0
             ORDER BY p.name, p.id LIMIT $3"
        }
        Some(cursor) if cursor.is_backward => {
            "SELECT p.* FROM projects p JOIN members m USING (organization_id)
             WHERE m.user_id = $1 AND p.deleted_at IS NULL
                 AND (p.name, p.id) < (SELECT name, id FROM projects WHERE id = $2)
             ORDER BY p.name DESC, p.id DESC LIMIT $3"
        }
        Some(_) => {
            "SELECT p.* FROM projects p JOIN members m USING (organization_id)
             WHERE m.user_id = $1 AND p.deleted_at IS NULL
                 AND (p.name, p.id) > (SELECT name, id FROM projects WHERE id = $2)
             ORDER BY p.name, p.id LIMIT $3"
        }
    };
    page(conn, statement(text).bind::<BigInt, _>(user), cursor, limit).await
}

/// How many projects an organization has.
pub async fn count(conn: &mut Conn, organization: OrganizationId) -> Result<i64> {
    let query = projects::table
        .filter(projects::organization_id.eq(organization))
        .filter(projects::deleted_at.is_null());
    Ok(query.count().get_result(conn).await?)
}

/// How many projects the organizations of an account have.
pub async fn count_for_member(conn: &mut Conn, user: UserId) -> Result<i64> {
    let own = members::table.filter(members::user_id.eq(user)).select(members::organization_id);
    let query = projects::table
        .filter(projects::organization_id.eq_any(own))
        .filter(projects::deleted_at.is_null());
    Ok(query.count().get_result(conn).await?)
}

/// Reads a page whose cursor names a project.
async fn page(
    conn: &mut Conn,
    query: Statement<'_>,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<Page<Project>> {
    let found = query
        .bind::<BigInt, _>(cursor.map_or(0, |cursor| cursor.position))
        .bind::<BigInt, _>(limit + 1)
        .load(conn)
        .await?;
    Ok(Page::of(found, limit, cursor, |project: &Project| (project.id.0, 0)))
}

/// A project to be made.
#[derive(Debug, Clone)]
pub struct NewProject<'a> {
    /// What it is called.
    pub name: &'a str,
    /// The slugs to try, the best first.
    pub slugs: &'a [String],
    /// The language or framework.
    pub platform: Option<&'a str>,
    /// Percentage of events to refuse.
    pub event_throttle_rate: i16,
}

/// Makes a project with the first of its slugs that is free in the organization.
pub async fn insert(
    conn: &mut Conn,
    organization: OrganizationId,
    new: &NewProject<'_>,
) -> Result<Project> {
    transaction(conn, async |conn: &mut Conn| {
        let made = statement(
            "INSERT INTO projects
                 (organization_id, name, slug, platform, event_throttle_rate, grouping_mechanism)
             SELECT $1, $2, wanted.slug, $3, $4, $5
             FROM unnest($6::text[]) WITH ORDINALITY AS wanted (slug, place)
             WHERE NOT EXISTS (
                 SELECT 1 FROM projects p WHERE p.organization_id = $7 AND p.slug = wanted.slug)
             ORDER BY wanted.place LIMIT 1 RETURNING *",
        )
        .bind::<BigInt, _>(organization)
        .bind::<Text, _>(new.name)
        .bind::<Nullable<Text>, _>(new.platform)
        .bind::<SmallInt, _>(new.event_throttle_rate)
        .bind::<SmallInt, _>(GroupingMechanism::DEFAULT.code())
        .array::<Text, _>(new.slugs.to_vec())
        .bind::<BigInt, _>(organization)
        .get_result(conn)
        .await
        .optional()?;
        made.ok_or_else(|| Error::Inconsistent {
            table: "projects",
            what: format!("all of {} slugs for {:?} are taken", new.slugs.len(), new.name),
        })
    })
    .await
}
