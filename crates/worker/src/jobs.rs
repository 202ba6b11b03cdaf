//! Jobs: leased, run, and taken away when they are done.

mod apply_retention;
mod clean_hints;
mod forget_expired;
mod make_partitions;
mod purge_deleted;
mod send_mail;
mod train_dictionaries;

use std::sync::Arc;
use std::time::Duration;

use metrics::{counter, histogram};
use mishap_boot::shutdown::CancellationToken;
use mishap_core::causes::Causes;
use mishap_outbound::mail::Mailer;
use mishap_queue::Redis;
use mishap_queue::job::Job;
use mishap_storage::jobs::{self, LeasedJob, MAX_ATTEMPTS};
use mishap_storage::{Pool, Result};
use mishap_templates::mail::MailSender;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How long a job may take before another worker may begin it again.
const TERM: Duration = Duration::from_secs(15 * 60);

/// How often is looked for jobs that nobody hinted at.
const PERIOD: Duration = Duration::from_secs(5);

/// How long a failed job waits before its second attempt; doubled each time.
const FIRST_RETRY: Duration = Duration::from_secs(10);

/// What jobs work with.
#[derive(Clone)]
pub struct JobContext {
    /// Connections to PostgreSQL.
    pub pool: Pool,
    /// The fast path, if there is one.
    pub redis: Option<Redis>,
    /// Days that events are kept.
    pub retention_days: u32,
    /// Days that it is kept who did what.
    pub audit_days: u32,
    /// What sends mails.
    pub mail: MailRoom,
}

/// What sends mails, and in whose name.
#[derive(Clone)]
pub struct MailRoom {
    /// The way out.
    pub mailer: Mailer,
    /// What the installation calls itself, and where it is.
    pub sender: MailSender,
}

/// A job failed.
#[derive(Debug)]
enum JobError {
    /// It may work later.
    Retry(anyhow::Error),
    /// It will never work.
    GiveUp(anyhow::Error),
}

impl From<anyhow::Error> for JobError {
    fn from(error: anyhow::Error) -> Self {
        Self::Retry(error)
    }
}

/// Which function does a job.
async fn run(
    job: Job,
    payload: &serde_json::Value,
    context: &JobContext,
) -> std::result::Result<(), JobError> {
    let done = match job {
        Job::ApplyRetention => apply_retention::run(context).await,
        Job::CleanHints => clean_hints::run(context).await,
        Job::ForgetExpired => forget_expired::run(context).await,
        Job::MakePartitions => make_partitions::run(context).await,
        Job::SendMail => return send_mail::run(context, payload).await,
        Job::PurgeDeleted => purge_deleted::run(context).await,
        Job::TrainDictionaries => train_dictionaries::run(context).await,
    };
    Ok(done?)
}

/// Runs jobs, one at a time, until it is told to stop.
pub(crate) async fn keep_running(
    context: JobContext,
    hinted: Arc<Notify>,
    stop: CancellationToken,
) {
    while !stop.is_cancelled() {
        match run_due(&context, &stop).await {
            Ok(()) => {}
            Err(error) => {
                tracing::warn!(error = %Causes(&error), "jobs cannot be leased");
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = hinted.notified() => {}
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}

/// Runs jobs that are due until none is left.
pub async fn run_due(context: &JobContext, stop: &CancellationToken) -> Result<()> {
    while !stop.is_cancelled() {
        let mut conn = context.pool.get().await?;
        let leased = jobs::lease(&mut conn, TERM).await?;
        drop(conn);
        match leased {
            Some(leased) => run_leased(context, leased, stop).await?,
            None => break,
        }
    }
    Ok(())
}

async fn run_leased(
    context: &JobContext,
    leased: LeasedJob,
    stop: &CancellationToken,
) -> Result<()> {
    let began = Instant::now();
    let result = match Job::from_name(&leased.name) {
        Some(job) => tokio::select! {
            result = run(job, &leased.payload, context) => result,
            () = stop.cancelled() => {
                // Given back at once, so that it need not wait for the end of its term; that the
                // worker stops is no failure of the job.
                return jobs::give_back(&mut *context.pool.get().await?, leased.id).await;
            }
        },
        None => Err(anyhow::anyhow!("this version knows no such job").into()),
    };
    let job = leased.name.clone();
    histogram!("glitchtip_job_duration_seconds", "job" => job.clone()).record(began.elapsed());
    let mut conn = context.pool.get().await?;
    let outcome = match result {
        Ok(()) => {
            jobs::finish(&mut conn, leased.id).await?;
            "ok"
        }
        Err(failure) => {
            let (error, retry) = match failure {
                JobError::Retry(error) => (error, retry_after(leased.attempts)),
                JobError::GiveUp(error) => (error, None),
            };
            let text = format!("{error:#}");
            tracing::warn!(
                job.name = leased.name,
                job.attempt = leased.attempts,
                "a job failed: {text}"
            );
            jobs::fail(&mut conn, leased.id, &text, retry).await?;
            if retry.is_some() { "retry" } else { "dead" }
        }
    };
    counter!("glitchtip_job_total", "job" => job, "outcome" => outcome).increment(1);
    Ok(())
}

/// How long a job waits that failed this often; nothing if it is given up.
fn retry_after(attempts: i16) -> Option<Duration> {
    let doubled = u32::try_from(attempts.saturating_sub(1)).unwrap_or_default();
    (attempts < MAX_ATTEMPTS).then(|| FIRST_RETRY * 2_u32.saturating_pow(doubled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_job_waits_longer_each_time_and_is_given_up() {
        let waits: Vec<_> = (1..=MAX_ATTEMPTS).map(retry_after).collect();
        assert_eq!(waits.first(), Some(&Some(FIRST_RETRY)));
        assert!(waits.windows(2).all(|pair| pair[1].is_none() || pair[0] < pair[1]));
        assert_eq!(waits.iter().filter(|wait| wait.is_none()).count(), 1);
        assert_eq!(waits.last(), Some(&None));
    }
}
