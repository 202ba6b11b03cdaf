//! The operator's command, the all-in-one mode, and the load generator.
//!
//! Every command says what it did for people, or as JSON with `--json`. What commands do is made of
//! what the other crates offer; a decision that is made here is in the wrong place.

mod accounts;
mod audit;
mod bootstrap;
mod command;
mod config;
mod dead;
mod dev;
mod ensure_api_users;
pub mod load;
mod migrate;
mod operator;
mod output;
mod queue;
mod quota;
mod send;
mod serve;
mod smoke;
mod status;
mod tenants;
mod tokens;

use std::process::ExitCode;

use clap::Parser as _;

use self::command::{Cli, Command};

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = cli.output();
    match cli.command {
        Command::Serve(arguments) => return serve::main(&arguments),
        Command::Dev(options) => return mishap_process::reported(|| dev::main(&options)),
        Command::Load(options) => return mishap_process::reported(|| load::main(&options, output)),
        Command::Config(options) => {
            return mishap_process::reported(|| config::main(&options, output));
        }
        _ => {}
    }
    mishap_process::reported(|| {
        mishap_process::install_encryption();
        mishap_process::block_on(async {
            match cli.command {
                Command::Serve(_) | Command::Dev(_) | Command::Load(_) | Command::Config(_) => {
                    Ok(())
                }
                Command::Migrate => migrate::run(output).await,
                Command::EnsureApiUsers => ensure_api_users::run(output).await,
                Command::Bootstrap(options) => bootstrap::run(&options, output).await,
                Command::User(command) => accounts::run(command, output).await,
                Command::Token(command) => tokens::run(command, output).await,
                Command::Org(command) => tenants::org(command, output).await,
                Command::Project(command) => tenants::project(command, output).await,
                Command::Dsn(options) => tenants::dsn(&options, output).await,
                Command::Issues(options) => tenants::issues(&options, output).await,
                Command::Send(options) => send::run(&options, output).await,
                Command::Smoke(options) => smoke::run(&options, output).await,
                Command::Queue => queue::run(output).await,
                Command::Dead(command) => dead::run(command, output).await,
                Command::Quota(command) => quota::run(command, output).await,
                Command::Audit(command) => audit::run(command, output).await,
                Command::Status => status::run(output).await,
            }
        })
    })
}
