//! What can be typed after `mishap`.

mod load;
mod operations;
mod people;

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use mishap_protocol::dsn::Dsn;
use url::Url;

pub(crate) use self::load::{Component, LoadCoding, LoadOptions, LoadProfile};
pub(crate) use self::operations::{
    Consent, DatabaseCommand, DatabaseOptions, JobCommand, KeyCommand, ProbeOptions, Probed,
    ReconcileOptions, StorageOptions, TopOptions,
};
pub(crate) use self::people::{
    AuditCommand, AuditSelection, OrgCommand, PasswordOptions, TokenCommand, UserCommand,
};
use crate::output::Output;

/// Runs and operates Mishap, an error tracker that speaks the Sentry protocol.
///
/// Settings come from environment variables; where a private server of `mishap dev` is running in
/// the current folder and no database is set, that one is meant.
#[derive(Debug, Parser)]
#[command(name = "mishap", version = mishap_boot::build_info::VERSION)]
pub(crate) struct Cli {
    /// Say the result as one JSON value.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    pub(crate) fn output(&self) -> Output {
        if self.json { Output::Json } else { Output::Human }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run web, worker and beat in one process.
    Serve(mishap_process::Arguments),
    /// Run everything here, with a private PostgreSQL and Redis, and make a first project.
    Dev(DevOptions),
    /// Bring the schema up to date and exit.
    Migrate,
    /// Make the superusers that APPSRE_API_USER_n_EMAIL, _PASSWORD and _TOKEN name, or bring them up
    /// to date. Needs no settings but these and the database's.
    EnsureApiUsers,
    /// Make an account, an organization, a project and a token, as far as they are missing.
    Bootstrap(BootstrapOptions),
    /// Accounts.
    #[command(subcommand)]
    User(UserCommand),
    /// API tokens.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Organizations.
    #[command(subcommand)]
    Org(OrgCommand),
    /// Projects.
    #[command(subcommand)]
    Project(ProjectCommand),
    /// The keys in the DSNs of a project.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Show the DSN of a project.
    Dsn(DsnOptions),
    /// List the issues of an organization.
    Issues(IssuesOptions),
    /// Send a test event, or events and envelopes from files.
    Send(SendOptions),
    /// Send many events and measure what the server does with them.
    Load(LoadOptions),
    /// Send one event and wait until it can be read.
    Smoke(SmokeOptions),
    /// Check from outside that a server does what its users rely on. Makes an organization of its own
    /// and takes it away again. Needs no database.
    Acceptance(AcceptanceOptions),
    /// Show what waits to be digested, and the jobs.
    Queue,
    /// Envelopes that could not be digested.
    #[command(subcommand)]
    Dead(DeadCommand),
    /// Limits on how much is taken.
    #[command(subcommand)]
    Quota(QuotaCommand),
    /// Who did what.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Show how the installation is doing.
    Status,
    /// Ask web, worker or beat on this machine how it is, as a kubelet would; fails if it is not well.
    Probe(ProbeOptions),
    /// Ask PostgreSQL how it is; fails if it takes no writes or the schema is too old.
    Database(DatabaseOptions),
    /// Ask Redis how it is; fails if it takes no writes.
    Redis,
    /// Show what takes how much room, and whose it is.
    Storage(StorageOptions),
    /// Show which projects receive most, and what becomes of it.
    Top(TopOptions),
    /// The schedule and its jobs.
    #[command(subcommand)]
    Job(JobCommand),
    /// Compare the events that are stored with those that were counted; fails if they differ.
    Reconcile(ReconcileOptions),
    /// Show what is set, where it comes from, and what else could be set. Needs no database.
    Config(ConfigOptions),
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct ConfigOptions {
    /// Say what is wrong with the settings, all of it; fails if they cannot be used.
    #[arg(long)]
    pub(crate) check: bool,
    #[command(subcommand)]
    pub(crate) command: Option<ConfigCommand>,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print the reference page of all settings, in Markdown.
    Reference,
}

#[derive(Debug, Args)]
pub(crate) struct DevOptions {
    /// The folder of the data.
    #[arg(long, default_value = ".local")]
    pub(crate) dir: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct BootstrapOptions {
    /// The account's address.
    #[arg(long)]
    pub(crate) email: String,
    /// The account's password, if it is made.
    #[arg(long)]
    pub(crate) password: Option<String>,
    /// The organization's name.
    #[arg(long)]
    pub(crate) org: String,
    /// The project's name.
    #[arg(long)]
    pub(crate) project: String,
    /// The token; made up if it is not given.
    #[arg(long)]
    pub(crate) token: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProjectCommand {
    /// Make a project with a key.
    Create {
        /// The organization's name in URLs.
        org: String,
        /// What it is called.
        name: String,
        /// The language or framework.
        #[arg(long)]
        platform: Option<String>,
    },
    /// Delete a project. Nobody sees it any more; its events are gone within half an hour.
    Delete {
        /// The organization's name in URLs.
        org: String,
        /// The project's name in URLs.
        project: String,
        #[command(flatten)]
        consent: Consent,
    },
}

#[derive(Debug, Args)]
pub(crate) struct DsnOptions {
    /// The organization's name in URLs.
    pub(crate) org: String,
    /// The project's name in URLs.
    pub(crate) project: String,
}

#[derive(Debug, Args)]
pub(crate) struct IssuesOptions {
    /// The organization's name in URLs; may be left out if there is only one.
    pub(crate) org: Option<String>,
    /// Only those of this project.
    #[arg(long)]
    pub(crate) project: Option<String>,
    /// How many.
    #[arg(long, default_value_t = 25)]
    pub(crate) limit: i64,
}

#[derive(Debug, Args)]
pub(crate) struct SendOptions {
    /// Where to send.
    pub(crate) dsn: Dsn,
    /// Files of events (`.json`) and envelopes (`.envelope`); `-` is an envelope on standard input.
    pub(crate) files: Vec<PathBuf>,
    /// What the test event says.
    #[arg(long, default_value = "A test error from mishap send")]
    pub(crate) message: String,
}

#[derive(Debug, Args)]
pub(crate) struct SmokeOptions {
    /// Where to send; without it, to the first project.
    #[arg(long)]
    pub(crate) dsn: Option<Dsn>,
    /// Read the event through the API with this token; without it, from the database.
    #[arg(long)]
    pub(crate) token: Option<String>,
    /// The server's address, if it is not the DSN's.
    #[arg(long)]
    pub(crate) url: Option<Url>,
    /// How long to wait, in seconds.
    #[arg(long, default_value_t = 30)]
    pub(crate) timeout: u64,
}

#[derive(Debug, Args)]
pub(crate) struct AcceptanceOptions {
    /// The server's address; without it, GLITCHTIP_URL.
    #[arg(long)]
    pub(crate) url: Option<Url>,
    /// A token with all scopes, of an account that may make organizations; without it,
    /// GLITCHTIP_API_USER_TOKEN.
    #[arg(long)]
    pub(crate) token: Option<String>,
    /// How long to wait until what was sent can be read, in seconds.
    #[arg(long, default_value_t = 60)]
    pub(crate) timeout: u64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeadCommand {
    /// List dead letters, the newest first.
    List {
        /// How many.
        #[arg(long, default_value_t = 50)]
        limit: i64,
    },
    /// Digest dead letters again.
    Retry(DeadSelection),
    /// Drop dead letters for good.
    Drop(DeadSelection),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct DeadSelection {
    /// Their numbers.
    pub(crate) ids: Vec<i64>,
    /// All of them.
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum QuotaCommand {
    /// List all limits.
    List,
    /// Set a limit.
    Set {
        #[command(flatten)]
        target: QuotaTarget,
        /// Items in a window; 0 lets nothing in.
        limit: u64,
    },
    /// Remove a limit.
    Remove {
        #[command(flatten)]
        target: QuotaTarget,
    },
}

#[derive(Debug, Args)]
pub(crate) struct QuotaTarget {
    /// What is limited.
    #[arg(value_enum)]
    pub(crate) scope: ScopeName,
    /// The organization's or project's name in URLs (`org` or `org/project`), or the public key.
    #[arg(long)]
    pub(crate) of: Option<String>,
    /// The length of a window, in seconds.
    #[arg(long, default_value_t = 3600)]
    pub(crate) window: u32,
    /// Which categories count, such as `error`; all if nothing is said.
    #[arg(long, value_delimiter = ',')]
    pub(crate) categories: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScopeName {
    Instance,
    Organization,
    Project,
    Key,
}

/// Where probes listen in the all-in-one mode.
pub(crate) const LOCALHOST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
