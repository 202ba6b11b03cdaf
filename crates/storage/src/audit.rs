//! The audit log: who did what to whom, when, from where. Rows are only ever added.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use diesel_async::RunQueryDsl;
use mishap_core::audit::Action;
use mishap_core::id::{AuditId, OrganizationId, UserId};
use mishap_core::page::{Cursor, Page};
use serde_json::Value;

use crate::accounts::tokens::Token;
use crate::accounts::users::User;
use crate::error::Result;
use crate::pool::Conn;
use crate::schema::audit_log;
use crate::sql::statement;

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The account; nothing for an operator at the command line.
    pub user: Option<UserId>,
    /// The account's address then, or what else it was.
    pub label: String,
    /// Where the request came from.
    pub client_ip: Option<IpAddr>,
}

impl Actor {
    /// Whoever holds the installation's settings: at the command line, or as it starts.
    pub fn operator() -> Self {
        Self { user: None, label: "operator".to_owned(), client_ip: None }
    }
}

/// What it was done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// What kind of thing, such as `project`.
    pub kind: &'static str,
    /// Its number, or another name that never changes.
    pub id: String,
    /// What people called it then.
    pub label: String,
    /// The organization it belongs to.
    pub organization: Option<OrganizationId>,
}

impl Target {
    /// An account.
    pub fn account(user: &User) -> Self {
        let label = user.email.clone();
        Self { kind: "account", id: user.id.to_string(), label, organization: None }
    }

    /// A token of an account, without what it is.
    pub fn token(owner: &User, token: &Token) -> Self {
        let label = format!("{} ({})", token.label, owner.email);
        Self { kind: "token", id: token.id.to_string(), label, organization: None }
    }
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = audit_log)]
#[diesel(check_for_backend(diesel::pg::Pg))]
pub struct Entry {
    /// Its number.
    pub id: AuditId,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Whose account did it.
    pub actor_id: Option<UserId>,
    /// Who did it, by the name of then.
    pub actor: String,
    /// What was done: [`Action::name`].
    pub action: String,
    /// What kind of thing it was done to.
    pub target_kind: String,
    /// Which one.
    pub target_id: String,
    /// What it was called.
    pub target: String,
    /// The organization it belongs to.
    pub organization_id: Option<OrganizationId>,
    /// Where the request came from.
    pub client_ip: Option<String>,
    /// What changed; never a secret.
    pub details: Value,
}

/// Adds an entry; to be called in the transaction that it tells of.
pub async fn record(
    conn: &mut Conn,
    actor: &Actor,
    action: Action,
    target: &Target,
    details: &Value,
) -> Result<()> {
    diesel::insert_into(audit_log::table)
        .values((
            audit_log::actor_id.eq(actor.user),
            audit_log::actor.eq(&actor.label),
            audit_log::action.eq(action.name()),
            audit_log::target_kind.eq(target.kind),
            audit_log::target_id.eq(&target.id),
            audit_log::target.eq(&target.label),
            audit_log::organization_id.eq(target.organization),
            audit_log::client_ip.eq(actor.client_ip.map(|address| address.to_string())),
            audit_log::details.eq(details),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Which entries are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Of one organization only.
    pub organization: Option<OrganizationId>,
    /// Of actions whose names begin so.
    pub action: Option<String>,
    /// Of actors whose names begin so, in any case.
    pub actor: Option<String>,
    /// About things whose names begin so, in any case.
    pub target: Option<String>,
    /// Not older than this.
    pub from: Option<DateTime<Utc>>,
    /// Older than this.
    pub until: Option<DateTime<Utc>>,
}

/// Entries, the newest first. Every filter has an index: `audit_log_organization_idx`,
/// `audit_log_action_idx`, `audit_log_actor_idx`, `audit_log_target_idx` and `audit_log_at_idx`. For operators only.
pub async fn list(
    conn: &mut Conn,
    filter: &AuditFilter,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<Page<Entry>> {
    let AuditFilter { organization, action, actor, target, from, until } = filter;
    let mut query = audit_log::table.select(Entry::as_select()).limit(limit + 1).into_boxed();
    if let Some(organization) = organization {
        query = query.filter(audit_log::organization_id.eq(organization));
    }
    // A range, which an index serves whatever the text is.
    let begins = |name: &str, beginning: &str| {
        sql::<Bool>(name)
            .sql(" >= lower(")
            .bind::<Text, _>(beginning.to_owned())
            .sql(&format!(r#") COLLATE "C" AND {name} < lower("#))
            .bind::<Text, _>(format!("{beginning}\u{10ffff}"))
            .sql(r#") COLLATE "C""#)
    };
    let names = [
        (r#"action COLLATE "C""#, action),
        (r#"lower(actor) COLLATE "C""#, actor),
        (r#"lower(target) COLLATE "C""#, target),
    ];
    for (name, beginning) in names {
        if let Some(beginning) = beginning {
            query = query.filter(begins(name, beginning));
        }
    }
    if let Some(from) = from {
        query = query.filter(audit_log::at.ge(from));
    }
    if let Some(until) = until {
        query = query.filter(audit_log::at.lt(until));
    }
    query = match cursor {
        Some(cursor) if cursor.is_backward => {
            query.filter(audit_log::id.gt(AuditId(cursor.position))).order(audit_log::id.asc())
        }
        Some(cursor) => {
            query.filter(audit_log::id.lt(AuditId(cursor.position))).order(audit_log::id.desc())
        }
        None => query.order(audit_log::id.desc()),
    };
    let found = query.load(conn).await?;
    Ok(Page::of(found, limit, cursor, |entry: &Entry| (entry.id.0, 0)))
}

/// Forgets entries older than this; says how many.
pub async fn forget(conn: &mut Conn, before: DateTime<Utc>) -> Result<usize> {
    let gone = statement(
        "WITH allowed AS (SELECT set_config('mishap.applies_retention', 'yes', true) AS yes)
         DELETE FROM audit_log USING allowed WHERE at < $1 AND yes = 'yes'",
    )
    .bind::<diesel::sql_types::Timestamptz, _>(before)
    .execute(conn)
    .await?;
    Ok(gone)
}
