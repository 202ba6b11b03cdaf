//! `mishap job`: the schedule, how its jobs are doing, and one of them now.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use mishap_beat::schedule::SCHEDULE;
use mishap_core::audit::Action;
use mishap_core::id::JobId;
use mishap_storage::audit::{self, Actor, Target};
use mishap_storage::jobs::{self, NamedJobs};
use mishap_storage::{Conn, transaction};
use serde::Serialize;
use serde_json::{Value, json};

use crate::command::JobCommand;
use crate::operator::{Operator, expect_schema};
use crate::output::{Output, table, time};

/// How often is looked whether a job is done.
const POLL: Duration = Duration::from_millis(100);

#[derive(Debug, Serialize)]
struct ShownJob {
    name: String,
    state: &'static str,
    last_due: Option<DateTime<Utc>>,
    last_done: Option<DateTime<Utc>>,
    next_due: Option<DateTime<Utc>>,
    waiting: i64,
    running: i64,
    failing: i64,
    dead: i64,
    last_error: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct ShownJobs(Vec<ShownJob>);

impl fmt::Display for ShownJobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heading =
            ["job", "state", "last due", "last done", "next due", "given up", "last error"];
        let moment = |at: Option<DateTime<Utc>>| at.map_or_else(|| "-".to_owned(), time);
        let row = |job: &ShownJob| {
            vec![
                job.name.clone(),
                job.state.to_owned(),
                moment(job.last_due),
                moment(job.last_done),
                moment(job.next_due),
                job.dead.to_string(),
                job.last_error.clone().unwrap_or_default(),
            ]
        };
        let rows: Vec<_> = std::iter::once(heading.map(str::to_owned).to_vec())
            .chain(self.0.iter().map(row))
            .collect();
        f.write_str(&table(&rows))
    }
}

#[derive(Debug, Serialize)]
struct Pushed {
    job: i64,
    name: String,
    is_done: bool,
}

impl fmt::Display for Pushed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_done {
            true => write!(f, "The job {} is done.", self.name),
            false => write!(f, "The job {} waits for a worker (number {}).", self.name, self.job),
        }
    }
}

#[derive(Debug, Serialize)]
struct Retried {
    retried: usize,
}

impl fmt::Display for Retried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} jobs begin again.", self.retried)
    }
}

pub(crate) async fn run(command: JobCommand, output: Output) -> anyhow::Result<()> {
    let operator = Operator::new()?;
    let mut conn = operator.conn().await?;
    expect_schema(&mut conn).await?;
    match command {
        JobCommand::List => output.show(&list(&mut conn).await?),
        JobCommand::Retry => output.show(&Retried { retried: retry(&mut conn).await? }),
        JobCommand::Run { name, wait, timeout } => {
            if !SCHEDULE.iter().any(|entry| entry.job.name() == name) {
                bail!("the schedule has no job {name:?}; see mishap job list");
            }
            let job = jobs::push(&mut conn, &name, Value::Null).await?;
            hint(&operator).await;
            if wait {
                until_done(&mut conn, job, Duration::from_secs(timeout)).await?;
            }
            output.show(&Pushed { job: job.0, name, is_done: wait })
        }
    }
}

/// Everything that is scheduled, and what else waits.
async fn list(conn: &mut Conn) -> anyhow::Result<ShownJobs> {
    let now = mishap_storage::now(conn).await?;
    let counted = jobs::count_by_name(conn).await?;
    let mut shown = Vec::new();
    for entry in SCHEDULE {
        let name = entry.job.name();
        let found = counted.iter().find(|job| job.name == name);
        shown.push(show(name, found, entry.next(now)?));
    }
    let others = counted.iter().filter(|job| SCHEDULE.iter().all(|it| it.job.name() != job.name));
    shown.extend(others.map(|job| show(&job.name, Some(job), None)));
    Ok(ShownJobs(shown))
}

fn show(name: &str, jobs: Option<&NamedJobs>, next_due: Option<DateTime<Utc>>) -> ShownJob {
    let count = |of: fn(&NamedJobs) -> i64| jobs.map(of).unwrap_or_default();
    ShownJob {
        name: name.to_owned(),
        state: match jobs {
            Some(jobs) if jobs.dead > 0 => "given up",
            Some(jobs) if jobs.failing > 0 => "failing",
            Some(jobs) if jobs.running > 0 => "running",
            Some(jobs) if jobs.waiting > 0 => "waiting",
            Some(_) => "done",
            None => "never ran",
        },
        last_due: jobs.and_then(|jobs| jobs.last_slot),
        last_done: jobs.and_then(|jobs| jobs.last_success_at),
        next_due,
        waiting: count(|jobs| jobs.waiting),
        running: count(|jobs| jobs.running),
        failing: count(|jobs| jobs.failing),
        dead: count(|jobs| jobs.dead),
        last_error: jobs.and_then(|jobs| jobs.last_error.clone()),
    }
}

async fn retry(conn: &mut Conn) -> anyhow::Result<usize> {
    let retried = transaction(conn, async |conn: &mut Conn| {
        let retried = jobs::retry(conn, None).await?;
        if retried > 0 {
            let target = Target {
                kind: "job",
                id: "all".to_owned(),
                label: "all".to_owned(),
                organization: None,
            };
            let (actor, details) = (Actor::operator(), json!({ "jobs": retried }));
            audit::record(conn, &actor, Action::JobRetry, &target, &details).await?;
        }
        Ok(retried)
    });
    Ok(retried.await?)
}

/// Tells the workers at once; without it they look within seconds.
async fn hint(operator: &Operator) {
    let redis = operator.settings.redis.as_ref().map(mishap_process::redis);
    if let Some(Ok(redis)) = redis {
        let _found_by_the_sweep = redis.hint_job().await;
    }
}

async fn until_done(conn: &mut Conn, job: JobId, timeout: Duration) -> anyhow::Result<()> {
    let began = Instant::now();
    while let Some(found) = jobs::find(conn, job).await? {
        if let Some(error) = found.last_error {
            return Err(anyhow::Error::msg(error)).context("the job failed");
        }
        if began.elapsed() > timeout {
            bail!("the job is not done after {} s; does a worker run?", timeout.as_secs());
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}
