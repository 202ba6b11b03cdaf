//! `mishap load`: sends many events and measures what the server does with them.
//!
//! What counts is not what was acknowledged but what was digested: the report waits until nothing is
//! left in the inbox. In a closed loop each connection sends its next request when the last one was
//! answered; in an open loop requests are due at fixed times, and latency counts from when a request
//! was due, so that a server which stalls cannot hide it. A profile is an open loop in phases with
//! everything that SDKs send, while somebody reads; its report says whether the server did well.

mod attachments;
mod bodies;
mod body;
mod connection;
mod events;
mod kind;
mod latencies;
mod mix;
mod popularity;
mod profile;
mod report;
mod sending;
mod tally;
mod trails;
mod unkept;

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use mishap_core::id::{EventId, ProjectId};
use mishap_storage::{inbox, measures};
use tokio::time::Instant;
use uuid::Uuid;

use self::bodies::SampleEvents;
pub use self::events::sample_event;
use self::mix::Mix;
use self::report::Report;
use self::sending::{Sending, Stretch};
use crate::command::LoadOptions;
use crate::operator::Operator;
use crate::output::Output;

/// How long is sent if nothing is said, in seconds.
const SECONDS: u64 = 30;

/// How often is looked whether everything is digested.
const POLL: Duration = Duration::from_millis(100);

pub(crate) fn main(options: &LoadOptions, output: Output) -> anyhow::Result<()> {
    mishap_process::install_encryption();
    // One thread: the generator must not take more of the machine than it needs.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match options.profile {
        Some(profile) => runtime.block_on(profile::run(profile, options, output)),
        None => runtime.block_on(run(options, output)),
    }
}

async fn run(options: &LoadOptions, output: Output) -> anyhow::Result<()> {
    let sending = Sending::new(options, events_in_turn(options))?;
    let operator = if options.no_wait { None } else { Some(Operator::new()?) };
    let project = ProjectId(options.dsn.project_id());
    let before = match &operator {
        Some(operator) => stored(operator, project).await?,
        None => 0,
    };
    let began = Instant::now();
    let stretch = Stretch {
        rate: options.rate.map(f64::from),
        length: Duration::from_secs(options.seconds.unwrap_or(SECONDS)),
        max_events: options.events.unwrap_or(u64::MAX),
    };
    let tallied = sending.send(stretch).await?;
    let sending = began.elapsed();
    let digested = match &operator {
        Some(operator) => {
            let patience = Duration::from_secs(options.patience);
            let is_digested = until_digested(operator, patience).await?;
            anyhow::ensure!(is_digested, "not everything is digested after {patience:?}");
            let all = began.elapsed();
            Some((stored(operator, project).await? - before, all))
        }
        None => None,
    };
    if let Some(path) = &options.acknowledged {
        write_ids(path, &tallied.acknowledged)?;
    }
    output.show(&Report::new(&tallied, sending, digested))?;
    let answers = tallied.readable();
    let (refused, unanswered) = (answers.refused(), answers.unanswered);
    anyhow::ensure!(
        refused == 0 && unanswered == 0,
        "{refused} requests were refused, and {unanswered} were not answered"
    );
    Ok(())
}

fn events_in_turn(options: &LoadOptions) -> Mix {
    Mix::InTurn(SampleEvents::new(options.seed, options.issues, options.coding))
}

fn write_ids(path: &Path, ids: &[Uuid]) -> anyhow::Result<()> {
    let file = std::fs::File::create(path);
    let mut file = file.with_context(|| format!("cannot write {}", path.display()))?;
    for id in ids {
        writeln!(file, "{}", EventId(*id))?;
    }
    Ok(())
}

/// Events of the project that are stored.
async fn stored(operator: &Operator, project: ProjectId) -> anyhow::Result<i64> {
    let mut conn = operator.conn().await?;
    Ok(measures::events_of_issues(&mut conn, project).await?)
}

/// Waits until everything is digested; says whether it is.
async fn until_digested(operator: &Operator, patience: Duration) -> anyhow::Result<bool> {
    let began = Instant::now();
    loop {
        let mut conn = operator.conn().await?;
        if inbox::is_empty(&mut conn).await? {
            return Ok(true);
        }
        drop(conn);
        if began.elapsed() > patience {
            return Ok(false);
        }
        tokio::time::sleep(POLL).await;
    }
}
