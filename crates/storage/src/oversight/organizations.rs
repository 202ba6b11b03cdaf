//! Everybody's organizations.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, SmallInt, Text, Timestamptz};
use diesel_async::RunQueryDsl as _;
use mishap_core::id::{OrganizationId, TeamId};
use mishap_core::outcome::Reason;
use mishap_core::page::{Cursor, Page};

use super::{SEARCHED, is_backward, pattern, place};
use crate::error::Result;
use crate::organizations::Organization;
use crate::pool::Conn;
use crate::sql::statement;

/// An organization in a list.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct ListedOrganization {
    /// Its number.
    #[diesel(sql_type = BigInt)]
    pub id: OrganizationId,
    /// What it is called.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Its name in URLs.
    #[diesel(sql_type = Text)]
    pub slug: String,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// Whether it takes events.
    #[diesel(sql_type = Bool)]
    pub is_accepting_events: bool,
    /// Percentage of events to refuse.
    #[diesel(sql_type = SmallInt)]
    pub event_throttle_rate: i16,
    /// How many members it has, open invitations included.
    #[diesel(sql_type = BigInt)]
    pub members: i64,
    /// How many projects it has.
    #[diesel(sql_type = BigInt)]
    pub projects: i64,
}

/// A list of organizations from a place (`$1`) on.
macro_rules! organizations_query {
    ($beyond:literal, $order:literal) => {
        concat!(
            "SELECT o.id, o.name, o.slug, o.created_at, o.is_accepting_events, o.event_throttle_rate,
                 (SELECT count(*) FROM members m WHERE m.organization_id = o.id) AS members,
                 (SELECT count(*) FROM projects p
                     WHERE p.organization_id = o.id AND p.deleted_at IS NULL) AS projects
             FROM (
                 SELECT * FROM (
                     SELECT * FROM organizations WHERE id ",
            $beyond,
            " $1 ORDER BY id ",
            $order,
            " LIMIT $2) AS near
                 WHERE (name ILIKE $3 OR slug ILIKE $4) AND NOT starts_with(slug, 'deleted.')
                 ORDER BY id ",
            $order,
            " LIMIT $5) AS o ORDER BY o.id ",
            $order
        )
    };
}

/// Organizations whose name or slug contains a text, the newest first.
pub async fn list(
    conn: &mut Conn,
    search: Option<&str>,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<Page<ListedOrganization>> {
    let text = match is_backward(cursor) {
        true => organizations_query!(">", "ASC"),
        false => organizations_query!("<", "DESC"),
    };
    let pattern = pattern(search);
    let found = statement(text)
        .bind::<BigInt, _>(place(cursor))
        .bind::<BigInt, _>(SEARCHED)
        .bind::<Text, _>(pattern.clone())
        .bind::<Text, _>(pattern)
        .bind::<BigInt, _>(limit + 1)
        .load(conn)
        .await?;
    let place = |organization: &ListedOrganization| (organization.id.0, 0);
    Ok(Page::of(found, limit, cursor, place))
}

/// An organization with what only administrators set, and how much belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct WholeOrganization {
    /// What everybody sees of it.
    #[diesel(embed)]
    pub organization: Organization,
    /// Whether addresses are scrubbed whatever its projects say.
    #[diesel(sql_type = Bool)]
    pub scrub_ip_addresses: bool,
    /// Days that its events are kept, if less than the installation's.
    #[diesel(sql_type = Nullable<Integer>)]
    pub retention_days: Option<i32>,
    /// How many members it has, open invitations included.
    #[diesel(sql_type = BigInt)]
    pub members: i64,
    /// How many teams it has.
    #[diesel(sql_type = BigInt)]
    pub teams: i64,
    /// How many projects it has.
    #[diesel(sql_type = BigInt)]
    pub projects: i64,
}

/// The organization with this number, unless it was deleted.
pub async fn find(
    conn: &mut Conn,
    organization: OrganizationId,
) -> Result<Option<WholeOrganization>> {
    let found = statement(
        "SELECT o.*,
             (SELECT count(*) FROM members m WHERE m.organization_id = o.id) AS members,
             (SELECT count(*) FROM teams t WHERE t.organization_id = o.id) AS teams,
             (SELECT count(*) FROM projects p
                 WHERE p.organization_id = o.id AND p.deleted_at IS NULL) AS projects
         FROM organizations o WHERE o.id = $1 AND NOT starts_with(o.slug, 'deleted.')",
    );
    Ok(found.bind::<BigInt, _>(organization).load(conn).await?.pop())
}

/// Events of an organization's projects that were stored in the last 30 days, as far as they are
/// folded; uses the key of `outcomes`.
pub async fn stored_events(conn: &mut Conn, organization: OrganizationId) -> Result<i64> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        events: i64,
    }
    let row: Row = statement(
        "SELECT coalesce(sum(o.quantity), 0)::bigint AS events
         FROM projects p JOIN outcomes o ON o.project_id = p.id
         WHERE p.organization_id = $1 AND p.deleted_at IS NULL AND o.reason = $2
             AND o.hour > now() - interval '30 days'",
    )
    .bind::<BigInt, _>(organization)
    .bind::<SmallInt, _>(Reason::Ok.code())
    .get_result(conn)
    .await?;
    Ok(row.events)
}

/// What an organization is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationSettings {
    /// What it is called.
    pub name: String,
    /// Its name in URLs.
    pub slug: String,
    /// Whether it takes events.
    pub is_accepting_events: bool,
    /// Percentage of events to refuse.
    pub event_throttle_rate: i16,
    /// Whether addresses are scrubbed whatever its projects say.
    pub scrub_ip_addresses: bool,
    /// Whether members may join teams by themselves.
    pub open_membership: bool,
    /// Whether members must have a second factor.
    pub require_second_factor: bool,
    /// Days that its events are kept, if less than the installation's.
    pub retention_days: Option<i32>,
}

/// Changes an organization, unless another one has the slug; says whether it was changed.
pub async fn update(
    conn: &mut Conn,
    organization: OrganizationId,
    settings: &OrganizationSettings,
) -> Result<bool> {
    let changed = statement(
        "UPDATE organizations SET name = $1, slug = $2, is_accepting_events = $3,
             event_throttle_rate = $4, scrub_ip_addresses = $5, open_membership = $6,
             require_second_factor = $7, retention_days = $8
         WHERE id = $9 AND NOT starts_with(slug, 'deleted.') AND NOT EXISTS (
             SELECT 1 FROM organizations other WHERE other.slug = $10 AND other.id <> $11)",
    )
    .bind::<Text, _>(&settings.name)
    .bind::<Text, _>(&settings.slug)
    .bind::<Bool, _>(settings.is_accepting_events)
    .bind::<SmallInt, _>(settings.event_throttle_rate)
    .bind::<Bool, _>(settings.scrub_ip_addresses)
    .bind::<Bool, _>(settings.open_membership)
    .bind::<Bool, _>(settings.require_second_factor)
    .bind::<Nullable<Integer>, _>(settings.retention_days)
    .bind::<BigInt, _>(organization)
    .bind::<Text, _>(&settings.slug)
    .bind::<BigInt, _>(organization)
    .execute(conn)
    .await?;
    Ok(changed > 0)
}

/// A team in a list.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct ListedTeam {
    /// Its number.
    #[diesel(sql_type = BigInt)]
    pub id: TeamId,
    /// Its name in URLs.
    #[diesel(sql_type = Text)]
    pub slug: String,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// How many members it has.
    #[diesel(sql_type = BigInt)]
    pub members: i64,
    /// How many projects it has.
    #[diesel(sql_type = BigInt)]
    pub projects: i64,
}

/// A list of an organization's teams from a place (`$2`) on.
macro_rules! teams_query {
    ($beyond:literal, $order:literal) => {
        concat!(
            "SELECT t.id, t.slug, t.created_at,
                 (SELECT count(*) FROM team_members m WHERE m.team_id = t.id) AS members,
                 (SELECT count(*) FROM project_teams p WHERE p.team_id = t.id) AS projects
             FROM teams t WHERE t.organization_id = $1 AND t.id ",
            $beyond,
            " $2 ORDER BY t.id ",
            $order,
            " LIMIT $3"
        )
    };
}

/// The teams of an organization, the newest first; uses `teams_organization_idx`.
pub async fn teams(
    conn: &mut Conn,
    organization: OrganizationId,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<Page<ListedTeam>> {
    let text = match is_backward(cursor) {
        true => teams_query!(">", "ASC"),
        false => teams_query!("<", "DESC"),
    };
    let found = statement(text)
        .bind::<BigInt, _>(organization)
        .bind::<BigInt, _>(place(cursor))
        .bind::<BigInt, _>(limit + 1)
        .load(conn)
        .await?;
    Ok(Page::of(found, limit, cursor, |team: &ListedTeam| (team.id.0, 0)))
}
