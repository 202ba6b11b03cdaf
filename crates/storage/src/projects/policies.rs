//! What projects want done with what is sent to them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, SmallInt, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl as _;
use mishap_core::grouping::GroupingMechanism;
use mishap_core::id::{DictionaryId, KeyId, OrganizationId, ProjectId};
use mishap_core::policy::{DigestPolicy, KeyPolicy};
use mishap_core::quota::{Categories, Quota, QuotaKey, QuotaScope, Throttle};
use mishap_core::scrub::ScrubRules;
use mishap_protocol::dsn::PublicKey;
use uuid::Uuid;

use crate::error::Result;
use crate::pool::Conn;
use crate::quotas;
use crate::sql::statement;

/// The policies of those of these pairs that are a project and one of its keys.
pub async fn of_keys(
    conn: &mut Conn,
    keys: &[(ProjectId, PublicKey)],
) -> Result<HashMap<(ProjectId, PublicKey), KeyPolicy>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        project_id: ProjectId,
        #[diesel(sql_type = BigInt)]
        organization_id: OrganizationId,
        #[diesel(sql_type = BigInt)]
        key_id: KeyId,
        #[diesel(sql_type = SqlUuid)]
        public_key: Uuid,
        #[diesel(sql_type = Bool)]
        accepts: bool,
        #[diesel(sql_type = Nullable<Timestamptz>)]
        expires_at: Option<DateTime<Utc>>,
        #[diesel(sql_type = SmallInt)]
        project_throttle: i16,
        #[diesel(sql_type = SmallInt)]
        organization_throttle: i16,
        #[diesel(sql_type = Bool)]
        scrub_ip_addresses: bool,
        #[diesel(sql_type = Nullable<Integer>)]
        rate_limit_count: Option<i32>,
        #[diesel(sql_type = Nullable<Integer>)]
        rate_limit_window: Option<i32>,
    }
    let rows: Vec<Row> = statement(
        "SELECT p.id AS project_id, o.id AS organization_id, k.id AS key_id, k.public_key,
             k.is_active AND p.deleted_at IS NULL AND o.is_accepting_events AS accepts,
             k.expires_at,
             p.event_throttle_rate AS project_throttle,
             o.event_throttle_rate AS organization_throttle,
             p.scrub_ip_addresses OR o.scrub_ip_addresses AS scrub_ip_addresses,
             k.rate_limit_count, k.rate_limit_window
         FROM unnest($1::bigint[], $2::uuid[]) AS wanted (project_id, public_key)
         JOIN project_keys k USING (project_id, public_key)
         JOIN projects p ON p.id = k.project_id
         JOIN organizations o ON o.id = p.organization_id",
    )
    .array::<BigInt, _>(keys.iter().map(|(project, _)| *project).collect())
    .array::<SqlUuid, _>(keys.iter().map(|(_, key)| key.0).collect())
    .load(conn)
    .await?;
    let quotas = quotas::list(conn).await?;
    let policy = |row: Row| {
        let limit_of_key = key_quota(row.key_id, row.rate_limit_count, row.rate_limit_window);
        let applies = |quota: &Quota| match quota.key.scope {
            QuotaScope::Instance => true,
            QuotaScope::Organization => quota.key.scope_id == row.organization_id.0,
            QuotaScope::Project => quota.key.scope_id == row.project_id.0,
            QuotaScope::Key => quota.key.scope_id == row.key_id.0,
        };
        let policy = KeyPolicy {
            project: row.project_id,
            organization: row.organization_id,
            key: row.key_id,
            accepts: row.accepts,
            expires_at: row.expires_at,
            throttles: [
                Throttle::new(row.project_throttle),
                Throttle::new(row.organization_throttle),
            ],
            scrub_ip_addresses: row.scrub_ip_addresses,
            quotas: quotas.iter().copied().filter(applies).chain(limit_of_key).collect(),
        };
        ((row.project_id, PublicKey(row.public_key)), policy)
    };
    Ok(rows.into_iter().map(policy).collect())
}

/// A key's own limit, as GlitchTip's API sets it.
fn key_quota(key: KeyId, count: Option<i32>, window: Option<i32>) -> Option<Quota> {
    let limit = u64::try_from(count?).ok().filter(|count| *count > 0)?;
    let window_seconds = u32::try_from(window?).ok().filter(|window| *window > 0)?;
    let scope = QuotaScope::Key;
    let categories = Categories::ALL;
    Some(Quota { key: QuotaKey { scope, scope_id: key.0, categories, window_seconds }, limit })
}

/// How events of these projects are digested. Deleted projects are left out.
pub async fn of_projects(
    conn: &mut Conn,
    projects: &[ProjectId],
) -> Result<HashMap<ProjectId, DigestPolicy>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        id: ProjectId,
        #[diesel(sql_type = BigInt)]
        organization_id: OrganizationId,
        #[diesel(sql_type = SmallInt)]
        grouping_mechanism: i16,
        #[diesel(sql_type = Nullable<BigInt>)]
        dictionary_id: Option<DictionaryId>,
        #[diesel(sql_type = Bool)]
        scrub_secrets: bool,
        #[diesel(sql_type = Bool)]
        scrub_ip_addresses: bool,
    }
    let rows: Vec<Row> = statement(
        "SELECT p.id, p.organization_id, p.grouping_mechanism, p.scrub_secrets,
             (SELECT d.id FROM dictionaries d WHERE d.project_id = p.id ORDER BY d.id DESC LIMIT 1)
                 AS dictionary_id,
             p.scrub_ip_addresses OR o.scrub_ip_addresses AS scrub_ip_addresses
         FROM projects p JOIN organizations o ON o.id = p.organization_id
         WHERE p.id = ANY($1) AND p.deleted_at IS NULL",
    )
    .array::<BigInt, _>(projects.to_vec())
    .load(conn)
    .await?;
    let policy = |row: Row| DigestPolicy {
        project: row.id,
        organization: row.organization_id,
        mechanism: GroupingMechanism::from_code(row.grouping_mechanism)
            .unwrap_or(GroupingMechanism::DEFAULT),
        dictionary: row.dictionary_id,
        scrub: ScrubRules { secrets: row.scrub_secrets, ip_addresses: row.scrub_ip_addresses },
    };
    Ok(rows.into_iter().map(|row| (row.id, policy(row))).collect())
}
