//! `mishap queue`: what waits.

use std::fmt;

use mishap_process::redis;
use mishap_storage::jobs::JobRow;
use mishap_storage::{dead_letters, inbox, jobs};
use serde::Serialize;

use crate::operator::Operator;
use crate::output::{Output, table};

/// Jobs that are shown.
const MAX_JOBS: i64 = 50;

#[derive(Debug, Serialize)]
pub(crate) struct Queue {
    inbox_rows: i64,
    inbox_oldest_seconds: u64,
    dead_letters: i64,
    jobs_waiting: i64,
    jobs_dead: i64,
    hints: Option<usize>,
    overflow: Option<usize>,
    workers: Option<usize>,
    redis: &'static str,
    jobs: Vec<ShownJob>,
}

#[derive(Debug, Serialize)]
struct ShownJob {
    id: i64,
    name: String,
    attempts: i16,
    is_dead: bool,
    last_error: Option<String>,
}

impl fmt::Display for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |count: Option<usize>| count.map_or_else(|| "?".to_owned(), |n| n.to_string());
        writeln!(
            f,
            "Inbox:         {} envelopes, the oldest {} s old",
            self.inbox_rows, self.inbox_oldest_seconds
        )?;
        writeln!(f, "Dead letters:  {}", self.dead_letters)?;
        writeln!(f, "Jobs:          {} waiting, {} given up", self.jobs_waiting, self.jobs_dead)?;
        write!(f, "Redis:         {}", self.redis)?;
        if self.hints.is_some() {
            write!(
                f,
                "; {} hints, {} in the overflow, {} workers",
                count(self.hints),
                count(self.overflow),
                count(self.workers)
            )?;
        }
        if self.jobs.is_empty() {
            return Ok(());
        }
        let heading = ["job", "name", "attempts", "state", "last error"];
        let row = |job: &ShownJob| {
            vec![
                job.id.to_string(),
                job.name.clone(),
                job.attempts.to_string(),
                if job.is_dead { "given up" } else { "waiting" }.to_owned(),
                job.last_error.clone().unwrap_or_default(),
            ]
        };
        let rows: Vec<_> = std::iter::once(heading.map(str::to_owned).to_vec())
            .chain(self.jobs.iter().map(row))
            .collect();
        write!(f, "\n\n{}", table(&rows))
    }
}

pub(crate) async fn run(output: Output) -> anyhow::Result<()> {
    let operator = Operator::new()?;
    output.show(&look(&operator).await?)
}

/// Looks at everything that waits.
pub(crate) async fn look(operator: &Operator) -> anyhow::Result<Queue> {
    let mut conn = operator.conn().await?;
    let backlog = inbox::backlog(&mut conn).await?;
    let counts = jobs::count(&mut conn).await?;
    let shown = |job: JobRow| ShownJob {
        id: job.id.0,
        name: job.name,
        attempts: job.attempts,
        is_dead: job.is_dead,
        last_error: job.last_error,
    };
    let mut queue = Queue {
        inbox_rows: inbox::count(&mut conn).await?,
        inbox_oldest_seconds: backlog.oldest_seconds,
        dead_letters: dead_letters::count(&mut conn).await?,
        jobs_waiting: counts.waiting,
        jobs_dead: counts.dead,
        hints: None,
        overflow: None,
        workers: None,
        redis: "not used",
        jobs: jobs::list(&mut conn, MAX_JOBS).await?.into_iter().map(shown).collect(),
    };
    if let Some(settings) = &operator.settings.redis {
        let redis = redis(settings)?;
        queue.redis = "cannot be reached";
        if let (Ok(hints), Ok(overflow)) = (redis.count_hints().await, redis.count_overflow().await)
        {
            let takes_writes = redis.try_writing().await.is_ok();
            queue.redis = if takes_writes { "up" } else { "takes no writes" };
            queue.hints = Some(hints.entries);
            queue.workers = Some(hints.consumers);
            queue.overflow = Some(overflow);
        }
    }
    Ok(queue)
}
