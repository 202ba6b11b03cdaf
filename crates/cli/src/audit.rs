//! `mishap audit`: who did what.

use std::fmt;
use std::io::{self, Write as _};

use chrono::{DateTime, Utc};
use mishap_core::audit::Action;
use mishap_core::page::Cursor;
use mishap_storage::Conn;
use mishap_storage::audit::{self, Actor, AuditFilter, Entry, Target};
use serde::Serialize;
use serde_json::{Value, json};

use crate::command::{AuditCommand, AuditSelection};
use crate::operator::Operator;
use crate::output::{Output, table, time};

/// Entries listed at most.
const MAX_LISTED: i64 = 10_000;

/// Entries that are exported with one query.
const AT_ONCE: i64 = 1000;

/// An entry, as it is shown and exported.
#[derive(Debug, Serialize)]
struct Shown {
    id: i64,
    at: DateTime<Utc>,
    actor: String,
    actor_id: Option<i64>,
    action: String,
    target_kind: String,
    target_id: String,
    target: String,
    organization_id: Option<i64>,
    client_ip: Option<String>,
    details: Value,
}

impl From<Entry> for Shown {
    fn from(entry: Entry) -> Self {
        let Entry {
            id,
            at,
            actor_id,
            actor,
            action,
            target_kind,
            target_id,
            target,
            organization_id,
            client_ip,
            details,
        } = entry;
        Self {
            id: id.0,
            at,
            actor,
            actor_id: actor_id.map(|id| id.0),
            action,
            target_kind,
            target_id,
            target,
            organization_id: organization_id.map(|id| id.0),
            client_ip,
            details,
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct List(Vec<Shown>);

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("There are no such entries.");
        }
        let heading = ["at", "who", "from", "did", "to", "details"].map(str::to_owned).to_vec();
        let row = |entry: &Shown| {
            let details = match entry.details.as_object() {
                Some(details) if details.is_empty() => String::new(),
                _ => entry.details.to_string(),
            };
            vec![
                time(entry.at),
                entry.actor.clone(),
                entry.client_ip.clone().unwrap_or_default(),
                entry.action.clone(),
                format!("{} {}", entry.target_kind, entry.target),
                details,
            ]
        };
        let rows: Vec<_> = std::iter::once(heading).chain(self.0.iter().map(row)).collect();
        f.write_str(&table(&rows))
    }
}

pub(crate) async fn run(command: AuditCommand, output: Output) -> anyhow::Result<()> {
    let operator = Operator::new()?;
    let mut conn = operator.conn().await?;
    match command {
        AuditCommand::List { selection, limit } => {
            let limit = limit.clamp(1, MAX_LISTED);
            let page = audit::list(&mut conn, &selection.filter(), None, limit).await?;
            output.show(&List(page.items.into_iter().map(Shown::from).collect()))
        }
        AuditCommand::Export { selection } => export(&mut conn, &selection).await,
    }
}

impl AuditSelection {
    fn filter(&self) -> AuditFilter {
        let (action, actor) = (self.action.clone(), self.actor.clone());
        AuditFilter { action, actor, from: self.since, ..AuditFilter::default() }
    }
}

/// Writes entries, a page at a time. Noted before, so that a copy that breaks off is noted, too.
async fn export(conn: &mut Conn, selection: &AuditSelection) -> anyhow::Result<()> {
    let AuditSelection { since, action, actor } = selection;
    let target = Target {
        kind: "audit_log",
        id: String::new(),
        label: "audit log".to_owned(),
        organization: None,
    };
    let details = json!({ "since": since, "action": action, "actor": actor });
    audit::record(conn, &Actor::operator(), Action::AuditExport, &target, &details).await?;
    let filter = selection.filter();
    // From the end of the list, where the oldest are.
    let mut cursor = Some(Cursor { position: 0, id: 0, is_backward: true });
    while cursor.is_some() {
        let page = audit::list(conn, &filter, cursor, AT_ONCE).await?;
        cursor = page.previous;
        match write(page.items) {
            // A reader who has seen enough is no failure.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            written => written?,
        }
    }
    Ok(())
}

/// Writes a page, whose oldest entry is the last.
fn write(entries: Vec<Entry>) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for entry in entries.into_iter().rev() {
        serde_json::to_writer(&mut out, &Shown::from(entry))?;
        out.write_all(b"\n")?;
    }
    out.flush()
}
