//! What web, worker and beat have in common: how they begin, what they are connected to, and how
//! they end.
//!
//! A program's `main` says what it is and what it does:
//!
//! ```ignore
//! fn main() -> ExitCode {
//!     mishap_process::main("web", |settings| settings.web.metrics, async |process| {
//!         mishap_web::run(process).await
//!     })
//! }
//! ```
//!
//! This crate knows no work that a program does.

mod connections;
pub mod reports;
pub mod tenants;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use ::metrics::gauge;
use anyhow::Context as _;
use clap::{Args, Parser};
use mishap_boot::health::{self, Health};
use mishap_boot::metrics::{Description, Metrics, machine};
use mishap_boot::settings::{Environment, LogSettings, ServerRole, Settings};
use mishap_boot::shutdown::CancellationToken;
use mishap_boot::tasks::Tasks;
use mishap_boot::{build_info, logs, metrics, shutdown};
use mishap_core::clock::{Clock, SystemClock};
use mishap_core::random::{Random, SystemRandom};
use mishap_queue::Redis;
use mishap_storage::Pool;

pub use self::connections::{database, redis};

/// What every program measures, besides what it takes of the machine.
pub const METRICS: &[Description] = &[
    Description::Seconds("glitchtip_db_pool_wait_seconds", "Time until a connection was had."),
    Description::Counter(
        "glitchtip_db_pool_timeouts_total",
        "How often no connection was free in time.",
    ),
    Description::Counter("glitchtip_db_errors_total", "What went wrong with PostgreSQL, by kind."),
    Description::Gauge("glitchtip_redis_up", "Whether Redis took a write when last asked."),
    Description::Gauge(
        "glitchtip_schema_version",
        "The newest version of the schema that this program brings.",
    ),
];

/// How often Redis is asked whether it is there.
const REDIS: Duration = Duration::from_secs(5);

/// How long background tasks may take to end.
pub const FINISH: Duration = Duration::from_secs(3);

/// What every program takes on its command line; everything else is a variable.
#[derive(Debug, Default, Args)]
pub struct Arguments {
    /// Check the settings and exit.
    #[arg(long)]
    check_config: bool,
}

#[derive(Debug, Parser)]
#[command(version = build_info::VERSION)]
struct Program {
    #[command(flatten)]
    arguments: Arguments,
}

/// A running program.
pub struct Process {
    /// What was set.
    pub settings: Settings,
    /// What its probes say.
    pub health: Health,
    /// What it measures.
    pub metrics: Metrics,
    /// Background tasks.
    pub tasks: Tasks,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// The fast path, if there is one.
    pub redis: Option<Redis>,
}

impl Process {
    /// Begins a program: metrics, probes, connections. To be called on the main runtime.
    pub async fn begin(
        role: &'static str,
        settings: Settings,
        probes: SocketAddr,
        stop: CancellationToken,
    ) -> anyhow::Result<Self> {
        install_encryption();
        let metrics = Metrics::begin(role)?;
        machine::measure(&metrics);
        metrics::describe(METRICS);
        mishap_storage::failures::begin_counting();
        mishap_storage::migrations::report_newest();
        let tasks = Tasks::new(stop);
        let health = Health::default();
        let bound = health::serve(probes, health.clone(), metrics.clone(), &tasks)
            .await
            .with_context(|| format!("cannot serve probes on {probes}"))?;
        tracing::info!(role, version = build_info::VERSION, probes = %bound, "starting");
        let redis = settings.redis.as_ref().map(redis).transpose()?;
        if let Some(redis) = redis.clone() {
            tasks.every("redis", REDIS, move || {
                let redis = redis.clone();
                async move {
                    gauge!("glitchtip_redis_up")
                        .set(f64::from(u8::from(redis.try_writing().await.is_ok())))
                }
            });
        }
        let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
        Ok(Self { settings, health, metrics, tasks, clock, random, redis })
    }

    /// Connections to PostgreSQL for one purpose, which is their name there.
    pub fn pool(&self, purpose: &str, connections: usize) -> anyhow::Result<Pool> {
        let config = database(&self.settings.database, purpose, connections)?;
        Ok(Pool::new(&config, &tokio::runtime::Handle::current())?)
    }

    /// Touches the file that is set for probes of worker and beat, while the program lives.
    pub fn touch_health_file(&self) {
        if let Some(file) = &self.settings.health_file {
            self.health.touch(file, &self.tasks);
        }
    }

    /// Cancelled when the program is to stop.
    pub fn stop(&self) -> &CancellationToken {
        self.tasks.stop()
    }

    /// Ends the program: background tasks are told to stop, and waited for.
    pub async fn end(self) {
        self.stop().cancel();
        if !self.tasks.finish(FINISH).await {
            tracing::warn!("a background task did not end in time");
        }
        tracing::info!("stopped");
    }
}

/// Runs a program that has no command line of its own, from its beginning to its end.
pub fn main(
    role: &'static str,
    probes: impl FnOnce(&Settings) -> SocketAddr,
    work: impl AsyncFnOnce(&Process) -> anyhow::Result<()>,
) -> ExitCode {
    run(role, &Program::parse().arguments, probes, work)
}

/// Runs a program from its beginning to its end.
pub fn run(
    role: &'static str,
    arguments: &Arguments,
    probes: impl FnOnce(&Settings) -> SocketAddr,
    work: impl AsyncFnOnce(&Process) -> anyhow::Result<()>,
) -> ExitCode {
    take_small_pages();
    let mut env = Environment::of_process();
    let logging = LogSettings::read(&mut env);
    let settings = Settings::read(&mut env);
    reported(|| {
        let warnings = env.check()?;
        if arguments.check_config {
            warnings.iter().for_each(|warning| tell(warning));
            return Ok(());
        }
        let _sends_the_last = reports::begin(&settings.reports)?;
        logs::begin_with(&logging, reports::layer())?;
        log_warnings(&warnings);
        if let Some(wanted) = settings.server_role.filter(|wanted| !may_be(*wanted, role)) {
            tracing::warn!(role, "SERVER_ROLE wants {wanted:?}, and this is another program");
        }
        block_on(async {
            let stop = shutdown::on_signal()?;
            let probes = probes(&settings);
            let process = Process::begin(role, settings, probes, stop).await?;
            let result = work(&process).await;
            process.end().await;
            result
        })
    })
}

/// Says what is wrong with the settings and need not stop a program.
pub fn log_warnings(warnings: &[String]) {
    warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
}

/// Whether a program is, or is a part of, what its container is meant to be.
fn may_be(wanted: ServerRole, role: &str) -> bool {
    match wanted {
        ServerRole::Web => role == "web",
        ServerRole::Worker => role == "worker",
        ServerRole::Beat => role == "beat",
        ServerRole::WorkerWithBeat => role != "web",
        ServerRole::AllInOne => true,
    }
}

/// Does something once that needs no settings but those that it reads.
pub fn run_once<S>(
    read: impl FnOnce(&mut Environment) -> S,
    work: impl AsyncFnOnce(&S) -> anyhow::Result<()>,
) -> ExitCode {
    let mut env = Environment::of_process();
    let logging = LogSettings::read(&mut env);
    let settings = read(&mut env);
    reported(|| {
        let warnings = env.check()?;
        logs::begin(&logging)?;
        log_warnings(&warnings);
        install_encryption();
        block_on(async { work(&settings).await })
    })
}

/// Takes memory from the system in small pages. Huge ones cost each program tens of megabytes, most
/// of them never used, and made nothing faster that was measured.
fn take_small_pages() {
    #[cfg(target_os = "linux")]
    let _older_kernels_cannot = nix::sys::prctl::set_thp_disable(true);
}

/// Everything that encrypts uses the same provider.
pub fn install_encryption() {
    let _installed_before = rustls::crypto::ring::default_provider().install_default();
}

/// Runs a future on the main runtime.
pub fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let result = runtime.block_on(future);
    // What still blocks a thread is nothing that anybody waits for.
    runtime.shutdown_timeout(Duration::from_millis(100));
    result
}

/// Runs a program's body; a failure is told on standard error with its causes.
pub fn reported(body: impl FnOnce() -> anyhow::Result<()>) -> ExitCode {
    match body() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "logs may not have begun")]
fn tell(text: &str) {
    eprintln!("{text}");
}
