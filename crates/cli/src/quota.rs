//! `mishap quota`: limits on how much is taken.

use std::fmt;

use anyhow::{Context as _, bail};
use mishap_core::audit::Action;
use mishap_core::quota::{Categories, Quota, QuotaKey, QuotaScope};
use mishap_protocol::dsn::PublicKey;
use mishap_protocol::envelope::DataCategory;
use mishap_storage::audit::{self, Actor, Target};
use mishap_storage::projects::keys;
use mishap_storage::{Conn, Result, organizations, quotas, transaction};
use serde::Serialize;
use serde_json::{Value, json};

use crate::command::{QuotaCommand, QuotaTarget, ScopeName};
use crate::operator::Operator;
use crate::output::{Output, table};
use crate::tenants::find_project;

#[derive(Debug, Serialize)]
struct ShownQuota {
    scope: &'static str,
    scope_id: i64,
    of: Option<String>,
    categories: Vec<&'static str>,
    window_seconds: u32,
    limit: u64,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct ShownQuotas(Vec<ShownQuota>);

impl fmt::Display for ShownQuotas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("There are no limits.");
        }
        let heading = ["scope", "of", "categories", "window", "limit"];
        let row = |quota: &ShownQuota| {
            let categories = match quota.categories.as_slice() {
                [] => "all".to_owned(),
                some => some.join(","),
            };
            vec![
                quota.scope.to_owned(),
                quota.of.clone().unwrap_or_else(|| quota.scope_id.to_string()),
                categories,
                format!("{} s", quota.window_seconds),
                quota.limit.to_string(),
            ]
        };
        let rows: Vec<_> = std::iter::once(heading.map(str::to_owned).to_vec())
            .chain(self.0.iter().map(row))
            .collect();
        f.write_str(&table(&rows))
    }
}

pub(crate) async fn run(command: QuotaCommand, output: Output) -> anyhow::Result<()> {
    let operator = Operator::new()?;
    let mut conn = operator.conn().await?;
    match command {
        QuotaCommand::List => {}
        QuotaCommand::Set { target, limit } => {
            let key = key_of(&mut conn, &target).await?;
            set(&mut conn, Quota { key, limit }, &target).await?;
        }
        QuotaCommand::Remove { target } => {
            let key = key_of(&mut conn, &target).await?;
            if !remove(&mut conn, &key, &target).await? {
                bail!("there is no such limit");
            }
        }
    }
    let mut shown = Vec::new();
    for quota in quotas::list(&mut conn).await? {
        let QuotaKey { scope, scope_id, categories, window_seconds } = quota.key;
        shown.push(ShownQuota {
            scope: scope.name(),
            scope_id,
            of: quotas::name_of(&mut conn, scope, scope_id).await?,
            categories: categories.iter().map(DataCategory::name).collect(),
            window_seconds,
            limit: quota.limit,
        });
    }
    output.show(&ShownQuotas(shown))
}

async fn set(conn: &mut Conn, quota: Quota, target: &QuotaTarget) -> anyhow::Result<()> {
    transaction(conn, async |conn: &mut Conn| {
        let was = limit_of(conn, &quota.key).await?;
        quotas::put(conn, &quota).await?;
        note(conn, &quota.key, target, &json!({ "limit": [was, quota.limit] })).await
    })
    .await?;
    Ok(())
}

/// Removes a limit; says whether it was there.
async fn remove(conn: &mut Conn, key: &QuotaKey, target: &QuotaTarget) -> anyhow::Result<bool> {
    let removed = transaction(conn, async |conn: &mut Conn| {
        let was = limit_of(conn, key).await?;
        let removed = quotas::remove(conn, key).await?;
        if removed {
            note(conn, key, target, &json!({ "limit": [was, null] })).await?;
        }
        Ok(removed)
    });
    Ok(removed.await?)
}

async fn limit_of(conn: &mut Conn, key: &QuotaKey) -> Result<Option<u64>> {
    let all = quotas::list_of(conn, key.scope, key.scope_id).await?;
    Ok(all.iter().find(|quota| quota.key == *key).map(|quota| quota.limit))
}

async fn note(
    conn: &mut Conn,
    key: &QuotaKey,
    target: &QuotaTarget,
    details: &Value,
) -> Result<()> {
    let QuotaKey { scope, scope_id, categories, window_seconds } = key;
    let of = target.of.as_deref().unwrap_or("the installation");
    let target = Target {
        kind: "quota",
        id: format!("{scope}:{scope_id}:{}:{window_seconds}", categories.bits()),
        label: format!("{of}, in {window_seconds} s"),
        organization: None,
    };
    audit::record(conn, &Actor::operator(), Action::QuotaChange, &target, details).await
}

async fn key_of(conn: &mut Conn, target: &QuotaTarget) -> anyhow::Result<QuotaKey> {
    let category = |name: &String| {
        DataCategory::from_name(name).with_context(|| format!("there is no category {name:?}"))
    };
    let categories: Vec<_> = target.categories.iter().map(category).collect::<Result<_, _>>()?;
    if target.window == 0 {
        bail!("a window has at least one second");
    }
    let (scope, scope_id) = scope_of(conn, target).await?;
    let categories = Categories::of(&categories);
    Ok(QuotaKey { scope, scope_id, categories, window_seconds: target.window })
}

async fn scope_of(conn: &mut Conn, target: &QuotaTarget) -> anyhow::Result<(QuotaScope, i64)> {
    let of = || target.of.as_deref().context("say with --of what is limited");
    Ok(match target.scope {
        ScopeName::Instance => (QuotaScope::Instance, 0),
        ScopeName::Organization => {
            let found = organizations::find_by_slug(conn, of()?).await?;
            let organization = found.context("there is no such organization")?;
            (QuotaScope::Organization, organization.id.0)
        }
        ScopeName::Project => {
            let (organization, project) =
                of()?.split_once('/').context("a project is named organization/project")?;
            (QuotaScope::Project, find_project(conn, organization, project).await?.id.0)
        }
        ScopeName::Key => {
            let public_key: PublicKey = of()?.parse()?;
            let found = keys::find(conn, public_key).await?;
            (QuotaScope::Key, found.context("there is no such key")?.id.0)
        }
    })
}
