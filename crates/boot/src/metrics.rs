//! Metrics, kept in the process and printed for Prometheus.

use std::time::Duration;

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder};

pub use metrics_exporter_prometheus::PrometheusHandle;

use crate::build_info;

/// What Prometheus' text format is called in HTTP.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Buckets of request times, in seconds: Django's, which AppSRE's latency objective names, and
/// finer ones below.
const REQUEST_SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
    25.0, 50.0, 75.0,
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

/// Begins keeping metrics; to be called once, before the first one is counted.
pub fn begin(role: &'static str) -> Result<PrometheusHandle, BuildError> {
    let handle = builder()?.install_recorder()?;
    describe(&[Description::Gauge("glitchtip_build_info", "What program this is; always 1.")]);
    metrics::gauge!(
        "glitchtip_build_info",
        "version" => build_info::VERSION,
        "revision" => build_info::revision(),
        "role" => role
    )
    .set(1.0);
    Ok(handle)
}

/// Metrics that nothing is counted in, for tests whose process counts for many.
pub fn apart() -> Result<PrometheusHandle, BuildError> {
    Ok(builder()?.build_recorder().handle())
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
