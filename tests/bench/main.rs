//! The bench: what the product costs, measured on the real programs.
//!
//! It starts a private PostgreSQL that keeps what it commits, a private Redis, and the real programs,
//! sends what a busy installation would receive, and prints one table. `make bench` runs all of it;
//! `make bench ONLY=digest` one section.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints, and one that cannot go on must stop"
)]

mod installation;
mod sections;
mod stages;
mod table;
mod usage;

use clap::Parser;

use self::installation::Installation;
use self::table::Table;

/// What is measured, and for how long.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// Sections to run; all if none is named.
    only: Vec<Section>,
    /// Seconds of the digest section.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Events that are stored before the cost of an event is measured again.
    #[arg(long, default_value_t = 2_000_000)]
    stored: i64,
    /// Issues of the project whose list is read.
    #[arg(long, default_value_t = 100_000)]
    issues: i64,
    /// Runs a pure stage so often and ends; the bench calls itself with it under valgrind.
    #[arg(long, hide = true)]
    stage: Option<stages::Stage>,
    /// How often.
    #[arg(long, hide = true, default_value_t = 0)]
    rounds: u32,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Section {
    /// Start, and memory when idle.
    Start,
    /// As many events as it takes, for a minute; memory and disk afterwards.
    Digest,
    /// 500 events a second: how soon they are acknowledged.
    Accept,
    /// The list of many issues.
    List,
    /// The lists of an organization with many members, teams and projects.
    Tenants,
    /// The cost of an event when many are stored.
    Flat,
    /// Instructions of the pure stages.
    Stages,
}

fn main() {
    let options = Options::parse();
    if let Some(stage) = options.stage {
        stages::run(stage, options.rounds);
        return;
    }
    let wants = |section| options.only.is_empty() || options.only.contains(&section);
    let mut table = Table::default();
    if wants(Section::Stages) {
        stages::measure(&mut table);
    }
    let on_servers = [
        Section::Start,
        Section::Digest,
        Section::Accept,
        Section::List,
        Section::Tenants,
        Section::Flat,
    ];
    if on_servers.into_iter().any(wants) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(on_installation(&options, wants, &mut table));
    }
    println!("\n{table}");
}

async fn on_installation(options: &Options, wants: impl Fn(Section) -> bool, table: &mut Table) {
    let mut installation = Installation::start().await;
    if wants(Section::Start) {
        sections::start(&mut installation, table).await;
    }
    if wants(Section::Accept) {
        sections::accept(&installation, table).await;
    }
    if wants(Section::Digest) || wants(Section::Flat) {
        let empty = sections::digest(&installation, options.seconds, table).await;
        if wants(Section::Flat) {
            sections::flat(&installation, options, empty, table).await;
        }
    }
    if wants(Section::List) {
        sections::list(&installation, options.issues, table).await;
    }
    if wants(Section::Tenants) {
        sections::tenants(&installation, table).await;
    }
}
