//! `mishap-beat`: migrates, then says when it is time for what. `mishap-beat migrate` only migrates.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use mishap_beat::Migration;
use mishap_process::Arguments;

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

fn main() -> ExitCode {
    let program = Program::parse();
    match program.command {
        Some(Command::Migrate) => mishap_process::run_once(Migration::read, async |migration| {
            migration.run().await.map(drop)
        }),
        None => {
            let probes = |settings: &mishap_boot::settings::Settings| settings.beat.metrics;
            mishap_process::run("beat", &program.arguments, probes, mishap_beat::run)
        }
    }
}
