//! `mishap database`: how PostgreSQL is doing, and whether it takes writes.

use std::fmt;
use std::time::Instant;

use anyhow::bail;
use chrono::{DateTime, Utc};
use mishap_storage::vitals::{self, Vitals};
use mishap_storage::{Conn, migrations};
use serde::Serialize;

use crate::command::{DatabaseCommand, DatabaseOptions};
use crate::operator::Operator;
use crate::output::{Output, bytes, table, time};

/// Statements that are shown.
const MAX_RUNNING: i64 = 20;

#[derive(Debug, Serialize)]
struct Database {
    version: String,
    address: Option<String>,
    started_at: DateTime<Utc>,
    latency_ms: f64,
    in_recovery: bool,
    read_only: bool,
    database_bytes: i64,
    slot_bytes: Option<i64>,
    max_connections: i64,
    open_connections: i64,
    connections: Vec<Connections>,
    schema: Schema,
    running: Vec<Running>,
}

#[derive(Debug, Serialize)]
struct Connections {
    program: String,
    state: String,
    connections: i64,
}

#[derive(Debug, Serialize)]
struct Schema {
    expected: String,
    pending: Vec<String>,
    /// Versions that a newer program brought.
    newer: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Running {
    pid: i32,
    program: String,
    state: String,
    seconds: f64,
    waits_for: Option<String>,
    blocked_by: Option<i32>,
    text: String,
}

#[derive(Debug, Serialize)]
struct Cancelled {
    pid: i32,
    is_ended: bool,
}

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.is_ended { "Ended the connection" } else { "Cancelled the statement" };
        write!(f, "{what} of {}.", self.pid)
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.pending.as_slice(), self.newer.as_slice()) {
            ([], []) => write!(f, "{}, as expected", self.expected),
            ([], newer) => {
                write!(f, "newer than this program ({}): {}", self.expected, newer.join(", "))
            }
            (pending, _) => write!(f, "too old, waits for {}", pending.join(", ")),
        }
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.address.as_deref().unwrap_or("a socket");
        writeln!(f, "PostgreSQL:    {} at {address}", self.version)?;
        writeln!(f, "Up since:      {}", time(self.started_at))?;
        writeln!(f, "Latency:       {:.1} ms", self.latency_ms)?;
        writeln!(f, "Writes:        {}", self.writes())?;
        writeln!(f, "Schema:        {}", self.schema)?;
        writeln!(f, "Size:          {}", bytes(self.database_bytes))?;
        if let Some(slot) = self.slot_bytes {
            writeln!(f, "Slots:         keep {} of the log back", bytes(slot))?;
        }
        let (open, max) = (self.open_connections, self.max_connections);
        write!(f, "Connections:   {open} of {max}")?;
        for Connections { program, state, connections } in &self.connections {
            write!(f, "\n  {connections:>11}  {program} {state}")?;
        }
        if self.running.is_empty() {
            return Ok(());
        }
        let heading = ["pid", "seconds", "program", "state", "waits for", "blocked by", "begins"];
        let row = |running: &Running| {
            vec![
                running.pid.to_string(),
                format!("{:.1}", running.seconds),
                running.program.clone(),
                running.state.clone(),
                running.waits_for.clone().unwrap_or_default(),
                running.blocked_by.map(|pid| pid.to_string()).unwrap_or_default(),
                running.text.clone(),
            ]
        };
        let rows: Vec<_> = std::iter::once(heading.map(str::to_owned).to_vec())
            .chain(self.running.iter().map(row))
            .collect();
        write!(f, "\n\n{}", table(&rows))
    }
}

impl Database {
    fn writes(&self) -> &'static str {
        match (self.in_recovery, self.read_only) {
            (true, _) => "no: this is a standby",
            (false, true) => "no: transactions are read only",
            (false, false) => "yes",
        }
    }

    fn verdict(&self) -> anyhow::Result<()> {
        if self.in_recovery || self.read_only {
            bail!("PostgreSQL takes no writes");
        }
        if !self.schema.pending.is_empty() {
            bail!("the schema is too old (run `mishap migrate`)");
        }
        Ok(())
    }
}

pub(crate) async fn run(options: &DatabaseOptions, output: Output) -> anyhow::Result<()> {
    let operator = Operator::new()?;
    let mut conn = operator.conn().await?;
    if let Some(DatabaseCommand::Cancel { pid, end }) = options.command {
        match vitals::cancel(&mut conn, pid, end).await? {
            vitals::Cancelled::Done => {}
            vitals::Cancelled::Idle => bail!(
                "process {pid} runs no statement that could be cancelled; \
                 `mishap database cancel {pid} --end` ends its connection"
            ),
            vitals::Cancelled::Unknown => bail!("PostgreSQL has no process {pid}"),
        }
        return output.show(&Cancelled { pid, is_ended: end });
    }
    let database = look(&mut conn, options.longer_than).await?;
    output.show(&database)?;
    database.verdict()
}

async fn look(conn: &mut Conn, longer_than: f64) -> anyhow::Result<Database> {
    // The first statement of a connection pays for more than the way.
    mishap_storage::now(conn).await?;
    let began = Instant::now();
    mishap_storage::now(conn).await?;
    let latency = began.elapsed();
    let Vitals {
        version,
        address,
        started_at,
        in_recovery,
        read_only,
        max_connections,
        database_bytes,
        slot_bytes,
    } = vitals::vitals(conn).await?;
    let connections = vitals::connections(conn).await?;
    let schema = migrations::differences(conn).await?;
    let running = vitals::running(conn, longer_than, MAX_RUNNING).await?;
    Ok(Database {
        version,
        address,
        started_at,
        latency_ms: latency.as_secs_f64() * 1000.0,
        in_recovery,
        read_only,
        database_bytes,
        slot_bytes,
        max_connections,
        open_connections: connections.iter().map(|one| one.connections).sum(),
        connections: connections
            .into_iter()
            .map(|vitals::Connections { program, state, connections }| Connections {
                program,
                state,
                connections,
            })
            .collect(),
        schema: Schema {
            expected: migrations::newest(),
            pending: schema.pending,
            newer: schema.unknown,
        },
        running: running.into_iter().map(Running::from).collect(),
    })
}

impl From<vitals::Running> for Running {
    fn from(running: vitals::Running) -> Self {
        let vitals::Running { pid, program, state, seconds, waits_for, blocked_by, text } = running;
        Self { pid, program, state, seconds, waits_for, blocked_by, text }
    }
}
