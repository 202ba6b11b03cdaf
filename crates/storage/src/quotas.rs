//! Quotas and how much of them is used.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Integer, SmallInt, Text};
use diesel_async::RunQueryDsl as _;
use mishap_core::quota::{Categories, Quota, QuotaKey, QuotaScope, Usage};

use crate::error::Result;
use crate::pool::Conn;
use crate::sql::statement;

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = SmallInt)]
    scope: i16,
    #[diesel(sql_type = BigInt)]
    scope_id: i64,
    #[diesel(sql_type = SmallInt)]
    categories: i16,
    #[diesel(sql_type = Integer)]
    window_seconds: i32,
}

impl KeyRow {
    /// Nothing for a scope of a newer version.
    fn into_key(self) -> Option<QuotaKey> {
        Some(QuotaKey {
            scope: QuotaScope::from_code(self.scope)?,
            scope_id: self.scope_id,
            categories: Categories::from_bits(self.categories),
            window_seconds: u32::try_from(self.window_seconds).ok()?,
        })
    }
}

/// Every quota. They are few: an administrator sets them one by one.
pub async fn list(conn: &mut Conn) -> Result<Vec<Quota>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(embed)]
        key: KeyRow,
        #[diesel(sql_type = BigInt)]
        max_items: i64,
    }
    let rows: Vec<Row> = statement(
        "SELECT scope, scope_id, categories, window_seconds, max_items FROM quotas
         ORDER BY scope, scope_id, categories, window_seconds",
    )
    .load(conn)
    .await?;
    let quota = |row: Row| {
        Some(Quota { key: row.key.into_key()?, limit: u64::try_from(row.max_items).ok()? })
    };
    Ok(rows.into_iter().filter_map(quota).collect())
}

/// What an operator calls the thing that a quota is of; nothing if it is gone, or everything.
pub async fn name_of(conn: &mut Conn, scope: QuotaScope, id: i64) -> Result<Option<String>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let query = match scope {
        QuotaScope::Instance => return Ok(None),
        QuotaScope::Organization => "SELECT slug AS name FROM organizations WHERE id = $1",
        QuotaScope::Project => {
            "SELECT organizations.slug || '/' || projects.slug AS name
             FROM projects JOIN organizations ON organizations.id = organization_id
             WHERE projects.id = $1"
        }
        QuotaScope::Key => {
            "SELECT replace(public_key::text, '-', '') AS name FROM project_keys WHERE id = $1"
        }
    };
    let rows: Vec<Row> = statement(query).bind::<BigInt, _>(id).load(conn).await?;
    Ok(rows.into_iter().next().map(|row| row.name))
}

/// The quotas of one thing.
pub async fn list_of(conn: &mut Conn, scope: QuotaScope, scope_id: i64) -> Result<Vec<Quota>> {
    let all = list(conn).await?;
    let is_its = |quota: &Quota| quota.key.scope == scope && quota.key.scope_id == scope_id;
    Ok(all.into_iter().filter(is_its).collect())
}

/// Sets a quota.
pub async fn put(conn: &mut Conn, quota: &Quota) -> Result<()> {
    statement(
        "INSERT INTO quotas (scope, scope_id, categories, window_seconds, max_items)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (scope, scope_id, categories, window_seconds)
         DO UPDATE SET max_items = excluded.max_items",
    )
    .bind::<SmallInt, _>(quota.key.scope.code())
    .bind::<BigInt, _>(quota.key.scope_id)
    .bind::<SmallInt, _>(quota.key.categories.bits())
    .bind::<Integer, _>(i32::try_from(quota.key.window_seconds).unwrap_or(i32::MAX))
    .bind::<BigInt, _>(i64::try_from(quota.limit).unwrap_or(i64::MAX))
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes a quota; says whether it was there.
pub async fn remove(conn: &mut Conn, key: &QuotaKey) -> Result<bool> {
    let removed = statement(
        "DELETE FROM quotas
         WHERE scope = $1 AND scope_id = $2 AND categories = $3 AND window_seconds = $4",
    )
    .bind::<SmallInt, _>(key.scope.code())
    .bind::<BigInt, _>(key.scope_id)
    .bind::<SmallInt, _>(key.categories.bits())
    .bind::<Integer, _>(i32::try_from(key.window_seconds).unwrap_or(i32::MAX))
    .execute(conn)
    .await?;
    Ok(removed > 0)
}

/// Gives something the quotas that another thing of its scope has.
pub async fn copy(conn: &mut Conn, scope: QuotaScope, from: i64, to: i64) -> Result<()> {
    statement(
        "INSERT INTO quotas (scope, scope_id, categories, window_seconds, max_items)
         SELECT scope, $1, categories, window_seconds, max_items FROM quotas
         WHERE scope = $2 AND scope_id = $3 ON CONFLICT DO NOTHING",
    )
    .bind::<BigInt, _>(to)
    .bind::<SmallInt, _>(scope.code())
    .bind::<BigInt, _>(from)
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes every quota of things that are no more.
pub async fn remove_all(conn: &mut Conn, scope: QuotaScope, ids: &[i64]) -> Result<()> {
    statement("DELETE FROM quotas WHERE scope = $1 AND scope_id = ANY($2)")
        .bind::<SmallInt, _>(scope.code())
        .array::<BigInt, _>(ids.to_vec())
        .execute(conn)
        .await?;
    Ok(())
}

/// Adds what a process let in, and returns the sums of all processes.
pub async fn exchange(conn: &mut Conn, usage: &[Usage]) -> Result<Vec<Usage>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(embed)]
        key: KeyRow,
        #[diesel(sql_type = BigInt)]
        window_start: i64,
        #[diesel(sql_type = BigInt)]
        used: i64,
    }
    if usage.is_empty() {
        return Ok(Vec::new());
    }
    let window = |usage: &Usage| i32::try_from(usage.key.window_seconds).unwrap_or(i32::MAX);
    let rows: Vec<Row> = statement(
        "INSERT INTO quota_usage (scope, scope_id, categories, window_seconds, window_start, used)
         SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::smallint[], $4::integer[],
             $5::bigint[], $6::bigint[]) ORDER BY 1, 2, 3, 4, 5
         ON CONFLICT (scope, scope_id, categories, window_seconds, window_start)
         DO UPDATE SET used = quota_usage.used + excluded.used
         RETURNING scope, scope_id, categories, window_seconds, window_start, used",
    )
    .array::<SmallInt, _>(usage.iter().map(|usage| usage.key.scope.code()).collect())
    .array::<BigInt, _>(usage.iter().map(|usage| usage.key.scope_id).collect())
    .array::<SmallInt, _>(usage.iter().map(|usage| usage.key.categories.bits()).collect())
    .array::<Integer, _>(usage.iter().map(window).collect())
    .array::<BigInt, _>(usage.iter().map(|usage| usage.window_start).collect())
    .array::<BigInt, _>(
        usage.iter().map(|usage| i64::try_from(usage.used).unwrap_or(i64::MAX)).collect(),
    )
    .load(conn)
    .await?;
    let sum = |row: Row| {
        Some(Usage {
            key: row.key.into_key()?,
            window_start: row.window_start,
            used: u64::try_from(row.used).ok()?,
        })
    };
    Ok(rows.into_iter().filter_map(sum).collect())
}

/// Forgets windows that ended long ago; uses `quota_usage_window_idx`.
pub async fn purge(conn: &mut Conn) -> Result<usize> {
    let purge = statement(
        "DELETE FROM quota_usage WHERE window_start + 2 * window_seconds < extract(epoch FROM now())
             AND window_start < extract(epoch FROM now()) - 3600",
    );
    Ok(purge.execute(conn).await?)
}
