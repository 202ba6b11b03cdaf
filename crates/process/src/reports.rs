//! Reports of our own failures: what is logged as an error, and panics, go to `SENTRY_DSN`.
//!
//! The address may be the installation's own: it then keeps its own issues. What goes wrong while a
//! report is taken or digested is logged and not reported, or one report would make the next.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use mishap_boot::build_info;
use mishap_boot::settings::ReportSettings;
use sentry::integrations::tracing::{BreadcrumbLayer, ErrorLayer};
use sentry::transports::{ReqwestHttpTransport, ReqwestHttpTransportOptions};
use sentry::{ClientInitGuard, ClientOptions, Transport, TransportFactory, TransportOptions};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::{Layer, Registry};

/// How reports say who sends them; what comes with it is a report.
const CLIENT: &str = concat!("mishap-report/", env!("CARGO_PKG_VERSION"));

/// What [`CLIENT`] begins with in every version.
const ANY_CLIENT: &str = "mishap-report/";

/// Reports of one process at most within [`WINDOW`]: a failure that every request meets is known
/// after the first few.
const MOST: usize = 20;

/// See [`MOST`].
const WINDOW: Duration = Duration::from_secs(60);

/// How long the server may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long the last reports may take when the process ends.
const FLUSH: Duration = Duration::from_secs(2);

tokio::task_local! {
    /// Set while a report is worked on.
    static SILENT: ();
}

/// Whether something that was sent to us is a report of our own, by the `User-Agent` it came with.
pub fn is_own(user_agent: Option<&str>) -> bool {
    user_agent.is_some_and(|agent| agent.starts_with(ANY_CLIENT))
}

/// Does something; if it is `own`, nothing of it is reported.
pub async fn silently_if<T>(own: bool, work: impl Future<Output = T>) -> T {
    if own { SILENT.scope((), work).await } else { work.await }
}

/// Whether what goes wrong now is not to be reported.
fn is_silent() -> bool {
    SILENT.try_with(|()| ()).is_ok()
}

/// Begins to report; until the guard is dropped, which sends what is left.
pub(crate) fn begin(settings: &ReportSettings) -> anyhow::Result<Option<ClientInitGuard>> {
    let Some(dsn) = &settings.dsn else { return Ok(None) };
    crate::install_encryption();
    let client = reqwest::Client::builder().timeout(TIMEOUT).user_agent(CLIENT).no_proxy();
    let client = client.build().context("cannot make an HTTP client")?;
    let allowance = Allowance::default();
    let mut options = ClientOptions::new()
        .release(format!("mishap@{}", build_info::VERSION))
        .in_app_include([
            "mishap_beat",
            "mishap_cli",
            "mishap_core",
            "mishap_process",
            "mishap_queue",
            "mishap_storage",
            "mishap_web",
            "mishap_worker",
        ])
        .before_send(move |event| {
            (!is_silent() && allowance.take(Instant::now())).then_some(event)
        });
    // The settings have been checked, and its text is not repeated: it holds a key.
    options.dsn = Some(dsn.parse().ok().context("SENTRY_DSN cannot be read")?);
    options.environment = settings.environment.clone().map(Into::into);
    options.server_name = settings.service.clone().map(Into::into);
    options = options.sample_rate(settings.sample_rate);
    options.user_agent = CLIENT.into();
    options.shutdown_timeout = FLUSH;
    options.transport = Some(Arc::new(Transports(client)));
    Ok(Some(sentry::init(options)))
}

/// What makes reports of log lines; without [`begin`] it does nothing.
pub(crate) fn layer() -> Box<dyn Layer<Registry> + Send + Sync> {
    let errors = ErrorLayer::new().with_filter(LevelFilter::ERROR);
    let breadcrumbs = BreadcrumbLayer::new().with_filter(LevelFilter::WARN);
    errors.and_then(breadcrumbs).boxed()
}

/// Sends with one client.
struct Transports(reqwest::Client);

impl TransportFactory for Transports {
    fn create_transport_with_options(&self, options: TransportOptions) -> Arc<dyn Transport> {
        let options = ReqwestHttpTransportOptions::from(options).with_client(self.0.clone());
        let transport: ReqwestHttpTransport = options.build();
        Arc::new(transport)
    }
}

/// How many reports may still be sent.
#[derive(Default)]
struct Allowance(Mutex<Vec<Instant>>);

impl Allowance {
    fn take(&self, now: Instant) -> bool {
        let mut sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sent.retain(|at| now.saturating_duration_since(*at) < WINDOW);
        let may = sent.len() < MOST;
        if may {
            sent.push(now);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_sends_no_more_than_its_allowance() {
        let allowance = Allowance::default();
        let began = Instant::now();
        assert!((0..MOST).all(|_| allowance.take(began)));
        assert!(!allowance.take(began + WINDOW / 2));
        assert!(allowance.take(began + WINDOW));
    }

    #[tokio::test]
    async fn only_work_on_reports_is_silent() {
        assert!(is_own(Some(CLIENT)));
        assert!(!is_own(Some("sentry.python/2.1")) && !is_own(None));
        assert!(silently_if(true, async { is_silent() }).await);
        assert!(!silently_if(false, async { is_silent() }).await);
        assert!(!is_silent());
    }
}
