//! Digests events and runs jobs.
//!
//! The worker takes what web made durable and makes issues and events of it ([`digest`]), finds what
//! nobody told it about (`feed`), folds the statistics, and runs the jobs that beat says are due
//! ([`jobs`]). It serves no HTTP beyond its probes.

pub mod digest;
mod feed;
pub mod jobs;
mod overflow;
mod statistics;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use mishap_boot::metrics::Description;
use mishap_boot::settings::{MailEncryption, MailTransport};
use mishap_boot::tasks::Tasks;
use mishap_core::causes::Causes;
use mishap_core::random::Random;
use mishap_outbound::mail::{Credentials, Encryption, MailConfig, Mailer, Sender, Smtp, Transport};
use mishap_process::Process;
use mishap_queue::Redis;
use mishap_storage::{Pool, inbox, migrations};
use mishap_templates::mail::{MailLink, MailSender};
use tokio::sync::Notify;

use self::digest::Digester;
use self::feed::Feed;
use self::jobs::{JobContext, MailRoom};

/// Connections besides those of the digest: statistics, jobs, rotation, overflow.
const OTHER_CONNECTIONS: usize = 4;

/// How long batches and jobs may take to end after the process was told to stop.
const FINISH: Duration = Duration::from_secs(20);

/// How often is looked whether slots of the inbox can be truncated.
const ROTATION: Duration = Duration::from_secs(5);

/// How often is looked whether something waits in the overflow.
const OVERFLOW: Duration = Duration::from_secs(1);

/// How long a mail server may take with one mail, unless the settings say otherwise.
const MAIL_PATIENCE: Duration = Duration::from_secs(30);

/// What the worker measures.
pub const METRICS: &[Description] = &[
    Description::Seconds(
        "glitchtip_event_digest_seconds",
        "Time from receipt until an event can be read.",
    ),
    Description::Counter("glitchtip_events_digested_total", "Events digested, by result."),
    Description::Counter("glitchtip_issues_total", "Issues that began or came back."),
    Description::Counter("glitchtip_dead_letters_total", "Envelopes that could not be digested."),
    Description::Seconds("glitchtip_digest_batch_seconds", "Time that a batch took."),
    Description::Count("glitchtip_digest_batch_rows", "Envelopes in a batch."),
    Description::Seconds(
        "glitchtip_statistics_fold_seconds",
        "Time that a fold of the statistics took.",
    ),
    Description::Counter(
        "glitchtip_statistics_folded_total",
        "Tallies folded into the statistics.",
    ),
    Description::Seconds("glitchtip_job_duration_seconds", "Time that a job took."),
    Description::Counter("glitchtip_job_total", "Jobs, by name and outcome."),
    Description::Counter(
        "glitchtip_purge_rows_total",
        "Rows removed past the retention, or of what was deleted.",
    ),
    Description::Counter(
        "glitchtip_purge_partitions_dropped_total",
        "Partitions dropped past the retention.",
    ),
];

/// What a worker is made of.
pub struct WorkerConfig {
    /// Connections to PostgreSQL.
    pub pool: Pool,
    /// The fast path, if there is one.
    pub redis: Option<Redis>,
    /// The worker's name among others.
    pub name: String,
    /// Batches digested at once.
    pub concurrency: usize,
    /// Days that events are kept.
    pub retention_days: u32,
    /// Days that it is kept who did what.
    pub audit_days: u32,
    /// What sends mails.
    pub mail: MailRoom,
}

/// Starts everything that a worker does.
pub fn start(config: WorkerConfig, tasks: &Tasks) {
    let WorkerConfig { pool, redis, name, concurrency, retention_days, audit_days, mail } = config;
    let hinted_jobs = Arc::new(Notify::new());
    let feed = Feed {
        digester: Arc::new(Digester::new(pool.clone())),
        pool: pool.clone(),
        redis: redis.clone(),
        consumer: name,
        concurrency,
        jobs: Arc::clone(&hinted_jobs),
    };
    feed.start(tasks);
    tasks.spawn("statistics", statistics::keep_folding(pool.clone(), tasks.stop().clone()));
    let rotating = pool.clone();
    tasks.every("rotation", ROTATION, move || {
        let pool = rotating.clone();
        async move { rotate(&pool).await }
    });
    if let Some(redis) = redis.clone() {
        let draining = pool.clone();
        tasks.every("overflow", OVERFLOW, move || {
            let (redis, pool) = (redis.clone(), draining.clone());
            async move { overflow::drain(&redis, &pool).await }
        });
    }
    let context = JobContext { pool, redis, retention_days, audit_days, mail };
    tasks.spawn("jobs", jobs::keep_running(context, hinted_jobs, tasks.stop().clone()));
}

async fn rotate(pool: &Pool) {
    let rotated = async {
        let mut conn = pool.get().await?;
        inbox::rotate(&mut conn).await
    };
    if let Err(error) = rotated.await {
        tracing::debug!(error = %Causes(&error), "the inbox was not rotated");
    }
}

/// Runs the program `mishap-worker` as its command line says.
pub fn main() -> ExitCode {
    mishap_process::main("worker", |settings| settings.worker.metrics, run)
}

/// Runs the worker process until it is told to stop, and then until its batches are done.
pub async fn run(process: &Process) -> anyhow::Result<()> {
    mishap_boot::metrics::describe(METRICS);
    let ready = process.health.part("worker");
    process.touch_health_file();
    let concurrency = process.settings.worker.concurrency.max(1);
    let pool = process.pool("worker", concurrency + OTHER_CONNECTIONS)?;
    tokio::select! {
        () = process.stop().cancelled() => return Ok(()),
        () = migrations::wait_until_current(&pool, |what| ready.not_ready(what.phrase())) => {}
    }
    let tasks = Tasks::new(process.stop().child_token());
    let config = WorkerConfig {
        pool,
        redis: process.redis.clone(),
        name: name(process.random.as_ref()),
        concurrency,
        retention_days: process.settings.retention_days,
        audit_days: process.settings.audit_days,
        mail: mail_room(process)?,
    };
    start(config, &tasks);
    tracing::info!(concurrency, "working");
    ready.ready();
    tasks.stop().cancelled().await;
    ready.not_ready("was told to stop");
    if !tasks.finish(FINISH).await {
        tracing::warn!("a batch or a job did not end in time and is left to another worker");
    }
    Ok(())
}

/// How mails are sent, as the settings say.
fn mail_room(process: &Process) -> anyhow::Result<MailRoom> {
    let settings = &process.settings;
    let transport = match &settings.mail.transport {
        MailTransport::Console => Transport::Console,
        MailTransport::File(folder) => Transport::Files(folder.clone()),
        MailTransport::Dummy => Transport::Nowhere,
        MailTransport::Smtp(server) => Transport::Smtp(Smtp {
            host: server.host.clone(),
            port: server.port,
            encryption: match server.encryption {
                MailEncryption::None => Encryption::None,
                MailEncryption::StartTls => Encryption::StartTls,
                MailEncryption::Tls => Encryption::Implicit,
            },
            credentials: server.user.clone().map(|user| {
                let password = server.password.clone().unwrap_or_default();
                Credentials { user, password }
            }),
            timeout: server.timeout_seconds.map_or(MAIL_PATIENCE, Duration::from_secs),
        }),
    };
    let config = MailConfig {
        transport,
        from: Sender::parse(&settings.mail.from).context("DEFAULT_FROM_EMAIL")?,
        subject_prefix: settings.mail.subject_prefix.clone(),
    };
    let (clock, random) = (Arc::clone(&process.clock), Arc::clone(&process.random));
    let home = settings.public_url.as_str();
    let sender = MailSender {
        name: settings.instance.name.clone().unwrap_or_else(|| "Mishap".to_owned()),
        home: MailLink::parse(home).context("GLITCHTIP_URL")?,
    };
    Ok(MailRoom { mailer: Mailer::new(config, clock, random)?, sender })
}

/// A name that no other worker has, not even one on the same host.
fn name(random: &dyn Random) -> String {
    format!("worker-{}", random.uuid().simple())
}
