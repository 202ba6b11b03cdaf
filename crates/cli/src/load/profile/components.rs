//! What the server's programs say of themselves on their metrics ports.

use std::time::Duration;

use anyhow::Context as _;
use tokio::time::Instant;

use super::exposition::{Buckets, Exposition};
use crate::command::Component;

/// How long a program may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The server's programs.
pub(super) struct Components<'o> {
    client: reqwest::Client,
    pub(super) all: &'o [Component],
}

/// What all of them said at a moment; those that did not answer said nothing.
pub(super) struct Readings {
    pub(super) at: Instant,
    pub(super) each: Vec<Option<Reading>>,
}

/// What one of them said.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// When it began; another number is another process.
    pub(super) began: f64,
    pub(super) version: String,
    pub(super) revision: String,
    pub(super) cpu_seconds: f64,
    pub(super) memory_bytes: f64,
    /// How long events took from their acknowledgement until they were stored, in seconds.
    digest_seconds: Buckets,
    /// Events that it stored; only workers do.
    stored: Option<f64>,
}

impl<'o> Components<'o> {
    pub(super) fn new(all: &'o [Component]) -> anyhow::Result<Self> {
        Ok(Self { client: crate::send::client()?, all })
    }

    /// Asks all of them; fails if one does not answer, so that nobody waits for a report in which it
    /// is missing.
    pub(super) async fn read_all(&self) -> anyhow::Result<Readings> {
        let mut each = Vec::with_capacity(self.all.len());
        for component in self.all {
            let reading = self.read_one(component).await;
            let Component { name, url } = component;
            each.push(Some(reading.with_context(|| format!("no metrics of {name} at {url}"))?));
        }
        Ok(Readings { at: Instant::now(), each })
    }

    /// Asks all of them.
    pub(super) async fn read(&self) -> Readings {
        let mut each = Vec::with_capacity(self.all.len());
        for component in self.all {
            each.push(self.read_one(component).await.ok());
        }
        Readings { at: Instant::now(), each }
    }

    async fn read_one(&self, component: &Component) -> anyhow::Result<Reading> {
        let request = self.client.get(component.url.join("metrics")?).timeout(TIMEOUT);
        let text = request.send().await?.error_for_status()?.text().await?;
        Reading::of(&Exposition::read(&text)).context("its CPU and memory are not among them")
    }
}

impl Reading {
    fn of(metrics: &Exposition) -> Option<Self> {
        let build = |label| metrics.label("glitchtip_build_info", label).unwrap_or("unknown");
        Some(Self {
            began: metrics.sum("process_start_time_seconds")?,
            version: build("version").to_owned(),
            revision: build("revision").to_owned(),
            cpu_seconds: metrics.sum("process_cpu_seconds_total")?,
            memory_bytes: metrics.sum("process_resident_memory_bytes")?,
            digest_seconds: metrics.histogram("glitchtip_event_digest_seconds"),
            stored: metrics.sum_where("glitchtip_events_digested_total", "result", "stored"),
        })
    }

    /// Whether the process is another one.
    pub(super) fn is_restart_of(&self, before: &Self) -> bool {
        (self.began - before.began).abs() > 1.0
    }
}

/// How workers digested between two moments.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Digesting {
    pub(super) per_second: f64,
    pub(super) seconds: Buckets,
}

impl Readings {
    /// What the component at a place said.
    pub(super) fn of(&self, place: usize) -> Option<&Reading> {
        self.each.get(place)?.as_ref()
    }

    /// How workers digested since then; nothing if there is no worker among the components.
    pub(super) fn digesting_since(&self, before: &Self) -> Option<Digesting> {
        let mut events = None;
        let mut seconds = Buckets::default();
        for (now, before) in self.each.iter().zip(&before.each) {
            let (Some(now), Some(before)) = (now, before) else { continue };
            // Whoever has not stored anything yet does not count it either.
            let Some(stored) = now.stored else { continue };
            let stored = (stored - before.stored.unwrap_or_default()).max(0.0);
            *events.get_or_insert(0.0) += stored;
            seconds = seconds.and(&now.digest_seconds.since(&before.digest_seconds));
        }
        let took = self.at.duration_since(before.at).as_secs_f64().max(f64::EPSILON);
        Some(Digesting { per_second: events? / took, seconds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readings(at: Instant, stored: &str, buckets: [u32; 2]) -> Readings {
        let [few, all] = buckets;
        let text = format!(
            "process_start_time_seconds 5\nprocess_cpu_seconds_total 1.5\n\
             process_resident_memory_bytes 1e6\n{stored}\n\
             glitchtip_event_digest_seconds_bucket{{le=\"0.5\"}} {few}\n\
             glitchtip_event_digest_seconds_bucket{{le=\"+Inf\"}} {all}\n"
        );
        Readings { at, each: vec![Reading::of(&Exposition::read(&text))] }
    }

    #[test]
    fn the_rate_and_the_times_are_those_between_two_moments() {
        let begin = Instant::now();
        let stored = "glitchtip_events_digested_total{result=\"stored\"}";
        let first = readings(begin, &format!("{stored} 100"), [0, 100]);
        let end = begin + Duration::from_secs(10);
        let second = readings(end, &format!("{stored} 150"), [50, 150]);
        let digesting = second.digesting_since(&first).unwrap();
        assert!((digesting.per_second - 5.0).abs() < 1e-9);
        assert_eq!(digesting.seconds.at_most(0.99), Some(0.5));
    }

    #[test]
    fn components_that_store_nothing_do_not_digest() {
        let now = Instant::now();
        let web = || readings(now, "", [0, 0]);
        assert_eq!(web().digesting_since(&web()), None);
    }
}
