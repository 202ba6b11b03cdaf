//! Metrics, kept in the process and printed for Prometheus.
//!
//! Most are counted where something happens, with the macros of the `metrics` crate. What is only
//! known when somebody asks, or whose labels come and go, is asked for as a [`Family`].

mod family;
pub mod machine;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

pub use self::family::{Family, Sample};
use crate::build_info;

/// What Prometheus' text format is called in HTTP.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Buckets of request times, in seconds: Django's, which AppSRE's latency objective names, finer ones
/// below, and the 400 milliseconds that it is meant to be.
const REQUEST_SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5,
    10.0, 25.0, 50.0, 75.0,
];

/// Buckets of the time until an event can be read, in seconds.
const DIGEST_SECONDS: &[f64] =
    &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0];

/// Buckets of what takes milliseconds, in seconds.
const SHORT_SECONDS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Buckets of sizes, in bytes.
const BYTES: &[f64] = &[
    64.0,
    256.0,
    1024.0,
    4096.0,
    16384.0,
    65536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
    268_435_456.0,
    1_073_741_824.0,
];

/// Buckets of numbers of things.
const COUNTS: &[f64] = &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0];

/// What a metric is and means.
#[derive(Debug, Clone, Copy)]
pub enum Description {
    /// A number that only grows.
    Counter(&'static str, &'static str),
    /// A number that goes up and down.
    Gauge(&'static str, &'static str),
    /// How long something takes, in seconds.
    Seconds(&'static str, &'static str),
    /// How large something is, in bytes.
    Bytes(&'static str, &'static str),
    /// How many of something there are at once.
    Count(&'static str, &'static str),
}

impl Description {
    /// What the metric is called, without what Prometheus adds for a histogram's parts.
    pub fn name(&self) -> &'static str {
        self.parts().0
    }

    /// What it means, in a sentence.
    pub fn meaning(&self) -> &'static str {
        self.parts().1
    }

    /// Whether it is a histogram.
    pub fn is_histogram(&self) -> bool {
        match self {
            Self::Seconds(..) | Self::Bytes(..) | Self::Count(..) => true,
            Self::Counter(..) | Self::Gauge(..) => false,
        }
    }

    fn parts(&self) -> (&'static str, &'static str) {
        match *self {
            Self::Counter(name, meaning)
            | Self::Gauge(name, meaning)
            | Self::Seconds(name, meaning)
            | Self::Bytes(name, meaning)
            | Self::Count(name, meaning) => (name, meaning),
        }
    }
}

/// What every program measures of itself, whatever it does.
pub const METRICS: &[Description] =
    &[Description::Gauge("glitchtip_build_info", "What program this is; always 1.")];

/// Everything that a process measures.
#[derive(Clone)]
pub struct Metrics {
    recorded: PrometheusHandle,
    /// What is asked for whenever metrics are printed.
    asked: Arc<Mutex<Vec<Source>>>,
}

type Source = Box<dyn Fn() -> Vec<Family> + Send>;

impl Metrics {
    /// Begins keeping metrics; to be called once, before the first one is counted.
    pub fn begin(role: &'static str) -> Result<Self, BuildError> {
        let recorded = builder()?.install_recorder()?;
        describe(METRICS);
        metrics::gauge!(
            "glitchtip_build_info",
            "version" => build_info::VERSION,
            "revision" => build_info::revision(),
            "role" => role
        )
        .set(1.0);
        Ok(Self::of(recorded))
    }

    /// Metrics that nothing is counted in, for tests whose process counts for many.
    pub fn apart() -> Result<Self, BuildError> {
        Ok(Self::of(builder()?.build_recorder().handle()))
    }

    fn of(recorded: PrometheusHandle) -> Self {
        Self { recorded, asked: Arc::default() }
    }

    /// Adds what is to be asked for whenever metrics are printed: it must be quick, and ask nobody
    /// who may be away.
    pub fn ask(&self, source: impl Fn() -> Vec<Family> + Send + 'static) {
        self.sources().push(Box::new(source));
    }

    /// Prometheus' text format.
    pub fn render(&self) -> String {
        self.render_with(&[])
    }

    /// The same with more behind it. What the process knows itself counts more.
    pub fn render_with(&self, more: &[Family]) -> String {
        let mut text = self.recorded.render();
        let own: Vec<_> = self.sources().iter().flat_map(|source| source()).collect();
        let is_new = |family: &&Family| {
            own.iter().all(|it| it.description.name() != family.description.name())
        };
        family::write(own.iter().chain(more.iter().filter(is_new)), &mut text);
        text
    }

    /// Lets the recorder tidy up; to be called every [`UPKEEP`].
    pub(crate) fn keep_up(&self) {
        self.recorded.run_upkeep();
    }

    fn sources(&self) -> MutexGuard<'_, Vec<Source>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    let digest = Matcher::Full("glitchtip_event_digest_seconds".to_owned());
    PrometheusBuilder::new()
        .set_buckets(SHORT_SECONDS)?
        .set_buckets_for_metric(digest, DIGEST_SECONDS)?
        .set_buckets_for_metric(
            Matcher::Prefix("http_server_request_duration".into()),
            REQUEST_SECONDS,
        )?
        .set_buckets_for_metric(
            Matcher::Prefix("django_http_requests_latency".into()),
            REQUEST_SECONDS,
        )?
        .set_buckets_for_metric(Matcher::Suffix("_bytes".into()), BYTES)?
        .set_buckets_for_metric(Matcher::Suffix("_rows".into()), COUNTS)
}

/// Says what metrics mean.
pub fn describe(descriptions: &[Description]) {
    for description in descriptions {
        match *description {
            Description::Counter(name, meaning) => describe_counter!(name, meaning),
            Description::Gauge(name, meaning) => describe_gauge!(name, meaning),
            Description::Seconds(name, meaning) => {
                describe_histogram!(name, Unit::Seconds, meaning);
            }
            Description::Bytes(name, meaning) => describe_histogram!(name, Unit::Bytes, meaning),
            Description::Count(name, meaning) => describe_histogram!(name, Unit::Count, meaning),
        }
    }
}

/// How often the recorder has to tidy up.
pub const UPKEEP: Duration = Duration::from_secs(5);
