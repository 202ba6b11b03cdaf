//! The program's command line.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use mishap_boot::settings::Settings;
use mishap_process::Arguments;

use crate::Migration;

/// Migrates the schema, then pushes jobs when they are due.
#[derive(Debug, Parser)]
#[command(version = mishap_boot::build_info::VERSION)]
struct Program {
    #[command(flatten)]
    arguments: Arguments,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Bring the schema up to date and exit. Needs no settings but the database's, and reads
    /// INITIAL_USER_EMAIL, _PASSWORD and _AUTH_TOKEN.
    Migrate,
}

/// Runs the program `mishap-beat` as its command line says.
pub fn main() -> ExitCode {
    let program = Program::parse();
    match program.command {
        Some(Command::Migrate) => migrate(),
        None => {
            let probes = |settings: &Settings| settings.beat.metrics;
            mishap_process::run("beat", &program.arguments, probes, crate::run)
        }
    }
}

/// Brings the schema up to date, as `mishap-beat migrate` does.
pub fn migrate() -> ExitCode {
    mishap_process::run_once(Migration::read, async |migration| {
        migration.run(|| {}).await.map(drop)
    })
}
