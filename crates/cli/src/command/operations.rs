//! What can be typed to look after an installation: its servers, its stores, its jobs.

use clap::{Args, Subcommand, ValueEnum};
use mishap_protocol::dsn::PublicKey;
use url::Url;

#[derive(Debug, Args)]
pub(crate) struct DatabaseOptions {
    /// Show statements that have been running for at least so many seconds.
    #[arg(long, default_value_t = 1.0)]
    pub(crate) longer_than: f64,
    #[command(subcommand)]
    pub(crate) command: Option<DatabaseCommand>,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum DatabaseCommand {
    /// Cancel the statement that a process of PostgreSQL runs.
    Cancel {
        /// The process, as `mishap database` shows it.
        pid: i32,
        /// End its connection, too: for one that is idle in a transaction.
        #[arg(long)]
        end: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct StorageOptions {
    /// How many tables and organizations.
    #[arg(long, default_value_t = 10)]
    pub(crate) limit: i64,
}

#[derive(Debug, Args)]
pub(crate) struct TopOptions {
    /// How many hours, the present one included, which has only just begun perhaps.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(i32).range(1..=9504))]
    pub(crate) hours: i32,
    /// How many projects.
    #[arg(long, default_value_t = 10)]
    pub(crate) limit: i64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JobCommand {
    /// Show the schedule, and how its jobs are doing.
    List,
    /// Let a job of the schedule run now.
    Run {
        /// Its name, as `mishap job list` shows it.
        name: String,
        /// Wait until it is done, and fail if it fails.
        #[arg(long)]
        wait: bool,
        /// How long to wait, in seconds.
        #[arg(long, default_value_t = 300)]
        timeout: u64,
    },
    /// Let jobs that were given up begin again.
    Retry,
}

#[derive(Debug, Args)]
pub(crate) struct ProbeOptions {
    /// Which program.
    #[arg(value_enum)]
    pub(crate) program: Probed,
    /// Where its probes are, if not where the settings say, on this machine.
    #[arg(long)]
    pub(crate) url: Option<Url>,
    /// Print its metrics.
    #[arg(long)]
    pub(crate) metrics: bool,
    /// Print only the metrics whose names begin so.
    #[arg(long, requires = "metrics")]
    pub(crate) name: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Probed {
    Web,
    Worker,
    Beat,
}

#[derive(Debug, Args)]
pub(crate) struct ReconcileOptions {
    /// How many days; at most those that events are kept.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=36500))]
    pub(crate) days: Option<u32>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// List the keys of a project, the newest first.
    List {
        /// The organization's name in URLs.
        org: String,
        /// The project's name in URLs.
        project: String,
    },
    /// Let a key count again.
    Enable {
        /// The public key, the part of the DSN before the `@`.
        key: PublicKey,
    },
    /// Refuse whatever comes with a key, within seconds.
    Disable {
        /// The public key, the part of the DSN before the `@`.
        key: PublicKey,
    },
}

/// That something is meant to be deleted.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Consent {
    /// Yes, delete it with everything that belongs to it.
    #[arg(long, required = true)]
    yes: bool,
}
