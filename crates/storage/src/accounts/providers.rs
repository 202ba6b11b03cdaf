//! Sign-in providers that administrators set up.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use mishap_core::id::ProviderId;
use serde_json::Value;

use crate::error::Result;
use crate::pool::Conn;
use crate::schema::sign_in_providers;

/// A provider.
#[derive(Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = sign_in_providers)]
#[diesel(check_for_backend(diesel::pg::Pg))]
pub struct ProviderRow {
    /// Its number.
    pub id: ProviderId,
    /// Its name in URLs.
    pub slug: String,
    /// How it is spoken with: `openid_connect`, `github`, `gitlab`, `google` or `microsoft`.
    pub kind: String,
    /// What people see.
    pub name: String,
    /// Our name there.
    pub client_id: String,
    /// Our password there; never shown.
    pub client_secret: String,
    /// Addresses, scopes, and which claims make a member of which organization.
    pub settings: Value,
    /// Whether people may come from there.
    pub is_enabled: bool,
    /// When it was set up.
    pub created_at: DateTime<Utc>,
}

impl std::fmt::Debug for ProviderRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProviderRow").field("slug", &self.slug).finish_non_exhaustive()
    }
}

/// What a provider is to be.
#[derive(Clone, Insertable, AsChangeset)]
#[diesel(table_name = sign_in_providers)]
pub struct ProviderChanges<'a> {
    /// Its name in URLs.
    pub slug: &'a str,
    /// How it is spoken with.
    pub kind: &'a str,
    /// What people see.
    pub name: &'a str,
    /// Our name there.
    pub client_id: &'a str,
    /// Our password there.
    pub client_secret: &'a str,
    /// Addresses, scopes and rules.
    pub settings: &'a Value,
    /// Whether people may come from there.
    pub is_enabled: bool,
}

/// Every provider, by name.
pub async fn list(conn: &mut Conn) -> Result<Vec<ProviderRow>> {
    let query = sign_in_providers::table
        .order((sign_in_providers::name, sign_in_providers::id))
        .limit(1000);
    Ok(query.select(ProviderRow::as_select()).load(conn).await?)
}

/// The provider with this number.
pub async fn find(conn: &mut Conn, provider: ProviderId) -> Result<Option<ProviderRow>> {
    let query = sign_in_providers::table.find(provider).select(ProviderRow::as_select());
    Ok(query.first(conn).await.optional()?)
}

/// The same, locked until the transaction ends.
pub async fn lock(conn: &mut Conn, provider: ProviderId) -> Result<Option<ProviderRow>> {
    let query = sign_in_providers::table.find(provider).select(ProviderRow::as_select());
    Ok(query.for_update().first(conn).await.optional()?)
}

/// Adds a provider; nothing if the slug is taken.
pub async fn insert(conn: &mut Conn, new: &ProviderChanges<'_>) -> Result<Option<ProviderRow>> {
    let made = diesel::insert_into(sign_in_providers::table)
        .values(new)
        .on_conflict(sign_in_providers::slug)
        .do_nothing()
        .returning(ProviderRow::as_returning())
        .get_result(conn)
        .await
        .optional()?;
    Ok(made)
}

/// Changes a provider.
pub async fn update(
    conn: &mut Conn,
    provider: ProviderId,
    changes: &ProviderChanges<'_>,
) -> Result<Option<ProviderRow>> {
    let changed = diesel::update(sign_in_providers::table.find(provider))
        .set(changes)
        .returning(ProviderRow::as_returning())
        .get_result(conn)
        .await
        .optional()?;
    Ok(changed)
}

/// Removes a provider; people stay linked with it, in case it comes back.
pub async fn delete(conn: &mut Conn, provider: ProviderId) -> Result<bool> {
    let gone = diesel::delete(sign_in_providers::table.find(provider)).execute(conn).await?;
    Ok(gone > 0)
}
