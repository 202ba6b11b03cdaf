//! The operator's command, the all-in-one mode, and the load generator.
//!
//! Every command says what it did for people, or as JSON with `--json`. What commands do is made of
//! what the other crates offer; a decision that is made here is in the wrong place.

mod acceptance;
mod accounts;
mod audit;
mod bootstrap;
mod called;
mod command;
mod config;
mod database;
mod dead;
mod deletion;
mod dev;
mod ensure_api_users;
mod job;
mod key;
pub mod load;
mod migrate;
mod operator;
mod output;
mod probe;
mod queue;
mod quota;
mod reconcile;
mod redis;
mod send;
mod serve;
mod smoke;
mod status;
mod storage;
mod tenants;
mod tokens;
mod top;

use std::process::ExitCode;

use clap::Parser as _;

use self::command::{Cli, Command};

pub use self::called::main;

/// Says what is wrong with words that somebody would type after `mishap`, without doing anything.
pub fn check_words(words: &[&str]) -> Result<(), clap::Error> {
    Cli::try_parse_from(std::iter::once(&"mishap").chain(words)).map(|_understood| ())
}

/// Runs a command of the operator's.
fn command_main(cli: Cli) -> ExitCode {
    let output = cli.output();
    match cli.command {
        Command::Serve(arguments) => serve::main(&arguments),
        Command::Dev(options) => mishap_process::reported(|| dev::main(&options)),
        Command::Load(options) => mishap_process::reported(|| load::main(&options, output)),
        Command::Config(options) => mishap_process::reported(|| config::main(&options, output)),
        Command::Migrate => awaited(migrate::run(output)),
        Command::EnsureApiUsers => awaited(ensure_api_users::run(output)),
        Command::Bootstrap(options) => awaited(bootstrap::run(&options, output)),
        Command::User(command) => awaited(accounts::run(command, output)),
        Command::Token(command) => awaited(tokens::run(command, output)),
        Command::Org(command) => awaited(tenants::org(command, output)),
        Command::Project(command) => awaited(tenants::project(command, output)),
        Command::Dsn(options) => awaited(tenants::dsn(&options, output)),
        Command::Issues(options) => awaited(tenants::issues(&options, output)),
        Command::Send(options) => awaited(send::run(&options, output)),
        Command::Smoke(options) => awaited(smoke::run(&options, output)),
        Command::Acceptance(options) => awaited(acceptance::run(&options, output)),
        Command::Queue => awaited(queue::run(output)),
        Command::Dead(command) => awaited(dead::run(command, output)),
        Command::Quota(command) => awaited(quota::run(command, output)),
        Command::Audit(command) => awaited(audit::run(command, output)),
        Command::Status => awaited(status::run(output)),
        Command::Key(command) => awaited(key::run(command, output)),
        Command::Probe(options) => awaited(probe::run(&options, output)),
        Command::Database(options) => awaited(database::run(&options, output)),
        Command::Redis => awaited(redis::run(output)),
        Command::Storage(options) => awaited(storage::run(&options, output)),
        Command::Top(options) => awaited(top::run(&options, output)),
        Command::Job(command) => awaited(job::run(command, output)),
        Command::Reconcile(options) => awaited(reconcile::run(&options, output)),
    }
}

/// Runs what waits for servers to its end.
fn awaited(work: impl Future<Output = anyhow::Result<()>>) -> ExitCode {
    mishap_process::reported(|| {
        mishap_process::install_encryption();
        mishap_process::block_on(work)
    })
}
