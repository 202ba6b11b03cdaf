//! `mishap status`: how the installation is doing.

use std::fmt;

use mishap_core::outcome::Outcome;
use mishap_storage::measures::{self, TableSize};
use mishap_storage::{migrations, outcomes};
use serde::Serialize;

use crate::operator::{Operator, expect_schema};
use crate::output::Output;
use crate::queue::{self, Queue};

/// Tables that are shown.
const TABLES: usize = 6;

#[derive(Debug, Serialize)]
struct Status {
    version: &'static str,
    schema: String,
    pending_migrations: Vec<String>,
    organizations: i64,
    database_bytes: i64,
    tables: Vec<Table>,
    outcomes: Vec<Counted>,
    queue: Queue,
}

#[derive(Debug, Serialize)]
struct Table {
    name: String,
    bytes: i64,
}

#[derive(Debug, Serialize)]
struct Counted {
    outcome: &'static str,
    reason: &'static str,
    category: &'static str,
    quantity: i64,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mishap {}, schema {}", self.version, self.schema)?;
        if !self.pending_migrations.is_empty() {
            write!(f, ", waiting for {}", self.pending_migrations.join(", "))?;
        }
        writeln!(f, "\nOrganizations: {}", self.organizations)?;
        let tables: Vec<_> = self
            .tables
            .iter()
            .map(|table| format!("{} {}", table.name, megabytes(table.bytes)))
            .collect();
        writeln!(f, "Database:      {} ({})", megabytes(self.database_bytes), tables.join(", "))?;
        writeln!(f, "{}", self.queue)?;
        write!(f, "\nItems received, by what became of them:")?;
        for counted in &self.outcomes {
            let Counted { outcome, reason, category, quantity } = counted;
            let detail = if outcome == reason || *reason == "ok" {
                String::new()
            } else {
                format!(" ({reason})")
            };
            write!(f, "\n  {quantity:>10}  {category} {outcome}{detail}")?;
        }
        Ok(())
    }
}

fn megabytes(bytes: i64) -> String {
    format!("{} MB", bytes.div_euclid(1_000_000))
}

pub(crate) async fn run(output: Output) -> anyhow::Result<()> {
    let operator = Operator::new()?;
    let mut conn = operator.conn().await?;
    expect_schema(&mut conn).await?;
    let totals = measures::totals(&mut conn).await?;
    let tables = measures::table_sizes(&mut conn).await?;
    let outcomes = outcomes::totals(&mut conn, None).await?;
    let counted = |total: outcomes::OutcomeTotal| Counted {
        outcome: Outcome::name(total.reason.outcome()),
        reason: total.reason.name(),
        category: total.category.name(),
        quantity: total.quantity,
    };
    drop(conn);
    output.show(&Status {
        version: mishap_boot::build_info::VERSION,
        schema: migrations::newest(),
        pending_migrations: Vec::new(),
        organizations: totals.organizations,
        database_bytes: totals.database_bytes,
        tables: tables
            .into_iter()
            .take(TABLES)
            .map(|TableSize { name, bytes }| Table { name, bytes })
            .collect(),
        outcomes: outcomes.into_iter().map(counted).collect(),
        queue: queue::look(&operator).await?,
    })
}
