//! `mishap migrate`

use std::fmt;

use mishap_beat::Migration;
use serde::Serialize;

use crate::operator;
use crate::output::Output;

#[derive(Debug, Serialize)]
struct Migrated {
    applied: usize,
    version: String,
}

impl fmt::Display for Migrated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.applied {
            0 => write!(f, "The schema is up to date ({}).", self.version),
            applied => write!(f, "Applied {applied} migrations, up to {}.", self.version),
        }
    }
}

pub(crate) async fn run(output: Output) -> anyhow::Result<()> {
    let migration = operator::settings(Migration::read)?;
    let applied = migration.run(|| {}).await?;
    output.show(&Migrated { applied, version: mishap_storage::migrations::newest() })
}
