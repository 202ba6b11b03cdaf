//! `mishap key`: the keys in DSNs, switched on and off.

use std::fmt;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use mishap_core::audit::Action;
use mishap_protocol::dsn::PublicKey;
use mishap_storage::audit::{self, Actor, Target};
use mishap_storage::projects::keys::{self, ProjectKey};
use mishap_storage::{Conn, transaction};
use serde::Serialize;
use serde_json::json;

use crate::command::KeyCommand;
use crate::operator::Operator;
use crate::output::{Output, table, time};
use crate::tenants::find_project;

/// Keys that are shown.
const MAX_KEYS: i64 = 1000;

#[derive(Debug, Serialize)]
struct ShownKey {
    key: String,
    label: String,
    is_active: bool,
    expires_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct ShownKeys(Vec<ShownKey>);

impl fmt::Display for ShownKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heading = ["key", "state", "ends", "last used", "name"];
        let row = |key: &ShownKey| {
            vec![
                key.key.clone(),
                if key.is_active { "on" } else { "off" }.to_owned(),
                key.expires_at.map_or_else(|| "never".to_owned(), time),
                key.last_used_at.map_or_else(|| "never".to_owned(), time),
                key.label.clone(),
            ]
        };
        let rows: Vec<_> = std::iter::once(heading.map(str::to_owned).to_vec())
            .chain(self.0.iter().map(row))
            .collect();
        f.write_str(&table(&rows))
    }
}

#[derive(Debug, Serialize)]
struct Switched {
    key: String,
    is_active: bool,
}

impl fmt::Display for Switched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "The key {} is {}.", self.key, if self.is_active { "on" } else { "off" })
    }
}

pub(crate) async fn run(command: KeyCommand, output: Output) -> anyhow::Result<()> {
    let operator = Operator::new()?;
    let mut conn = operator.conn().await?;
    let (key, is_active) = match command {
        KeyCommand::List { org, project } => {
            let project = find_project(&mut conn, &org, &project).await?;
            let keys = keys::list(&mut conn, project.id, None, MAX_KEYS).await?;
            return output.show(&ShownKeys(keys.items.iter().map(shown).collect()));
        }
        KeyCommand::Enable { key } => (key, true),
        KeyCommand::Disable { key } => (key, false),
    };
    switch(&mut conn, key, is_active).await?;
    output.show(&Switched { key: key.to_string(), is_active })
}

fn shown(key: &ProjectKey) -> ShownKey {
    ShownKey {
        key: key.public_key().to_string(),
        label: key.label.clone(),
        is_active: key.is_active,
        expires_at: key.expires_at,
        last_used_at: key.last_used_at,
    }
}

/// Switches a key on or off; web hears of it within seconds.
async fn switch(conn: &mut Conn, key: PublicKey, is_active: bool) -> anyhow::Result<()> {
    let found = keys::find(conn, key).await?.context("there is no such key")?;
    if found.is_active == is_active {
        return Ok(());
    }
    let target = Target {
        kind: "key",
        id: found.id.to_string(),
        label: found.label.clone(),
        organization: None,
    };
    let details = json!({ "isActive": [found.is_active, is_active] });
    transaction(conn, async |conn: &mut Conn| {
        keys::set_active(conn, key, is_active).await?;
        audit::record(conn, &Actor::operator(), Action::KeyUpdate, &target, &details).await
    })
    .await?;
    Ok(())
}
