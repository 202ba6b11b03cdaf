//! What can be typed after `mishap load`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use mishap_protocol::dsn::Dsn;
use url::Url;

#[derive(Debug, Args)]
pub(crate) struct LoadOptions {
    /// Where to send.
    pub(crate) dsn: Dsn,
    /// Go through the phases of a load test with everything that SDKs send, write a report, and say by
    /// the exit code whether the server did well. Nobody else may send to the project meanwhile.
    #[arg(long, value_enum, conflicts_with_all = ["events", "no_wait"])]
    pub(crate) profile: Option<LoadProfile>,
    /// How long, in seconds; 30 if nothing is said. Of a profile it is the length of the steady phase,
    /// and the others follow.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) seconds: Option<u64>,
    /// Requests a second, whatever the server does; without it, each connection sends its next
    /// request when the last one was answered. Of a profile it is the rate of the steady phase, and
    /// the others follow.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate: Option<u32>,
    /// Connections.
    #[arg(long, default_value_t = 32)]
    pub(crate) connections: usize,
    /// Distinct issues.
    #[arg(long, default_value_t = 1000)]
    pub(crate) issues: usize,
    /// Stop after so many events.
    #[arg(long)]
    pub(crate) events: Option<u64>,
    /// How bodies are compressed.
    #[arg(long, value_enum, default_value_t = LoadCoding::Gzip)]
    pub(crate) coding: LoadCoding,
    /// Do not wait until everything is digested. Needs no database.
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// How long to wait until everything is digested, in seconds.
    #[arg(long, default_value_t = 300)]
    pub(crate) patience: u64,
    /// Write the ids of acknowledged events to this file, one a line.
    #[arg(long)]
    pub(crate) acknowledged: Option<PathBuf>,
    /// Which random numbers to use.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Requests a second that read meanwhile, as a member of the project's organization who is made
    /// for it and deleted afterwards; with 0, nobody reads.
    #[arg(long, value_name = "PER_SECOND", default_value_t = 10, requires = "profile")]
    pub(crate) reads: u32,
    /// Write a profile's report to this file with `.json` and with `.md` at its end.
    #[arg(long, requires = "profile")]
    pub(crate) report: Option<PathBuf>,
    /// A program and where its metrics are, such as `web=http://127.0.0.1:9090`; one for each.
    #[arg(long = "component", value_name = "NAME=URL", requires = "profile")]
    pub(crate) components: Vec<Component>,
    /// MiB that programs of a name may use, such as `web=256`.
    #[arg(long = "memory-limit", value_name = "NAME=MIB", requires = "components")]
    pub(crate) memory_limits: Vec<MemoryLimit>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LoadCoding {
    Gzip,
    None,
}

/// How much a load test sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LoadProfile {
    /// 50 envelopes a second, for less than a minute.
    Ci,
    /// 150 envelopes a second, for a quarter of an hour.
    Staging,
    /// 250 envelopes a second, for a quarter of an hour.
    Production,
}

/// A program and where its metrics are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Component {
    /// What it is called; pods of one deployment share a name.
    pub(crate) name: String,
    /// The address of its metrics port.
    pub(crate) url: Url,
}

impl FromStr for Component {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, url) = named(text)?;
        let url = Url::parse(url).map_err(|error| format!("{url}: {error}"))?;
        Ok(Self { name, url })
    }
}

/// How much memory programs of a name may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MemoryLimit {
    /// The components' name.
    pub(crate) name: String,
    /// How many MiB each may use.
    pub(crate) mebibytes: u32,
}

impl FromStr for MemoryLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, mebibytes) = named(text)?;
        let mebibytes = mebibytes.parse().map_err(|error| format!("{mebibytes}: {error}"))?;
        Ok(Self { name, mebibytes })
    }
}

fn named(text: &str) -> Result<(String, &str), String> {
    let (name, value) = text.split_once('=').ok_or("there is no = in it")?;
    if name.is_empty() {
        return Err("there is no name in front of the =".to_owned());
    }
    Ok((name.to_owned(), value))
}
