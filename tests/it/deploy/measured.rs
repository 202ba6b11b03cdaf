//! What the programs measure, and what the platform does, as far as anything asks for it.

use std::collections::{BTreeMap, BTreeSet};

use mishap_boot::metrics::{Description, machine};
use mishap_process::tenants;
use mishap_testkit::{Program, TestDatabase, Typed, built_program, free_port};
use tokio::task::block_in_place;

use crate::tidy::sources::{Source, rust};

/// Labels of what was scraped, which Prometheus adds. Of a metric's own labels, those that are called
/// like one of these get `exported_` in front.
const OF_TARGETS: &[&str] =
    &["container", "endpoint", "instance", "job", "namespace", "pod", "service"];

/// What others measure, and the labels of it that we ask for.
const OF_PLATFORM: &[(&str, &[&str])] = &[
    ("up", &[]),
    ("aws_elasticache_cpuutilization_average", &["cache_cluster_id"]),
    ("aws_rds_cpuutilization_average", &["dbinstance_identifier"]),
    ("aws_rds_free_storage_space_average", &["dbinstance_identifier"]),
    ("container_cpu_usage_seconds_total", &[]),
    ("container_memory_working_set_bytes", &[]),
    ("haproxy_backend_http_responses_total", &["exported_namespace", "route", "code"]),
    ("kube_pod_container_resource_limits", &["resource"]),
    ("kube_pod_container_status_restarts_total", &[]),
];

/// Every metric that a program says it has.
pub(crate) fn descriptions() -> impl Iterator<Item = &'static Description> {
    let lists = [
        mishap_boot::metrics::METRICS,
        machine::METRICS,
        mishap_process::METRICS,
        tenants::METRICS,
        mishap_web::METRICS,
        mishap_worker::METRICS,
        mishap_beat::METRICS,
    ];
    lists.into_iter().flatten()
}

/// Series that Prometheus can have, by their names, and the labels of each.
#[derive(Default, Clone)]
pub(super) struct Series(BTreeMap<String, BTreeSet<String>>);

impl Series {
    /// Everything that can be scraped.
    pub(super) fn scraped() -> Self {
        let own = labels_in_sources();
        let none = BTreeSet::new();
        let mut series = Self::default();
        for description in descriptions() {
            let (name, endings) = match description {
                Description::Counter(name, _) | Description::Gauge(name, _) => (*name, &[""][..]),
                Description::Seconds(name, _)
                | Description::Bytes(name, _)
                | Description::Count(name, _) => (*name, &["_count", "_sum", "_bucket"][..]),
            };
            for ending in endings {
                let labels = own.get(name).unwrap_or(&none).iter().map(|label| exported(label));
                let bucket = (*ending == "_bucket").then(|| "le".to_owned());
                series.add(&format!("{name}{ending}"), labels.chain(bucket));
            }
        }
        for (name, labels) in OF_PLATFORM {
            series.add(name, labels.iter().map(|label| (*label).to_owned()));
        }
        series
    }

    /// Adds a series; targets' labels it has anyway.
    pub(super) fn add(&mut self, name: &str, labels: impl IntoIterator<Item = String>) {
        let of_targets = OF_TARGETS.iter().map(|label| (*label).to_owned());
        self.0.entry(name.to_owned()).or_default().extend(of_targets.chain(labels));
    }

    /// The labels of a series, if there is one of this name.
    pub(super) fn labels(&self, name: &str) -> Option<&BTreeSet<String>> {
        self.0.get(name)
    }
}

/// What Prometheus calls a metric's own label.
fn exported(label: &str) -> String {
    if OF_TARGETS.contains(&label) { format!("exported_{label}") } else { label.to_owned() }
}

/// The labels that the programs give their metrics.
fn labels_in_sources() -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let product = rust().into_iter().filter(|source| source.path.starts_with("crates/"));
    for Source { text, .. } in product {
        for counted in ["counter!(", "gauge!(", "histogram!("] {
            for (name, labels) in text.split(counted).skip(1).filter_map(labels_of) {
                found.entry(name.to_owned()).or_default().extend(labels);
            }
        }
        // What is asked for as a family has one of the labels that its file has.
        if text.contains("Family::new(") {
            let labels = pairs(&text);
            for name in
                text.split("Description::").skip(1).filter_map(|after| after.split('"').nth(1))
            {
                found.entry(name.to_owned()).or_default().extend(labels.iter().cloned());
            }
        }
    }
    found
}

/// The first of each pair of a label and its value.
fn pairs(text: &str) -> Vec<String> {
    let quoted = text.split("(\"").skip(1).filter_map(|after| after.split_once('"'));
    let labels = quoted.filter(|(label, after)| {
        after.starts_with(',')
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    });
    labels.map(|(label, _)| label.to_owned()).collect()
}

/// The name and the labels with which something is counted.
fn labels_of(after: &str) -> Option<(&str, Vec<String>)> {
    let parts: Vec<&str> = arguments(after).split('"').collect();
    let [before, name, _, labels @ ..] = parts.as_slice() else {
        return None;
    };
    // Every second part stands between quotes; what follows tells labels from their values.
    let pairs = labels.chunks(2).filter(|pair| {
        pair.get(1).is_some_and(|following| following.trim_start().starts_with("=>"))
    });
    let labels = pairs.map(|pair| pair[0].to_owned()).collect();
    before.trim().is_empty().then_some((*name, labels))
}

/// The text until the bracket closes that was open before it.
fn arguments(text: &str) -> &str {
    let mut open = 1;
    let mut letters = text.split_inclusive(['(', ')']);
    let mut length = 0;
    while let (Some(part), 1..) = (letters.next(), open) {
        length += part.len();
        open += if part.ends_with('(') { 1 } else { -1 };
    }
    text.get(..length).unwrap_or(text)
}

/// The bounds of the buckets of each histogram that one process for everything shows after an event.
pub(super) async fn bounds_of_buckets() -> BTreeMap<String, BTreeSet<String>> {
    let database = TestDatabase::empty().await;
    let port = free_port().to_string();
    let url = format!("http://127.0.0.1:{port}");
    let environment = [
        ("DATABASE_URL", database.url.as_str()),
        ("REDIS_URL", ""),
        ("PORT", port.as_str()),
        ("GLITCHTIP_URL", url.as_str()),
        ("LOG_LEVEL", "error"),
    ];
    let mut served =
        Program::prepare(&built_program("mishap"), &environment).with_arguments(&["serve"]);
    served.spawn();
    block_in_place(|| served.wait_until_ready());
    let mishap = Typed::new("mishap", &environment);
    let words = ["bootstrap", "--email", "a@example.com", "--org", "O", "--project", "P"];
    mishap.run(&words).expect(0);
    mishap.run(&["smoke"]).expect(0);

    let mut bounds: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in served.metrics().lines() {
        if let Some((series, rest)) = line.split_once('{')
            && let Some((_, bound)) = rest.split_once("le=\"")
            && let Some((bound, _)) = bound.split_once('"')
        {
            bounds.entry(series.to_owned()).or_default().insert(bound.to_owned());
        }
    }
    bounds
}

#[test]
fn labels_are_read_where_something_is_counted() {
    let read = |after| labels_of(after).map(|(name, labels)| (name, labels.join(" ")));
    assert_eq!(
        read("\"a_total\").increment(1); other(\"b\" => 1)"),
        Some(("a_total", String::new()))
    );
    assert_eq!(
        read("\n  \"a\",\n  \"state\" => state(x),\n \"result\" => \"stored\"\n)\n.set(1.0)"),
        Some(("a", "state result".to_owned()))
    );
    assert_eq!(read("name, \"state\" => state)"), None);
}

#[test]
fn what_the_programs_measure_is_known_with_its_labels() {
    let series = Series::scraped();
    let labels = series.labels("http_server_request_duration_seconds_bucket").unwrap();
    assert!(
        ["route", "route_class", "le", "namespace"].iter().all(|label| labels.contains(*label))
    );
    let labels = series.labels("glitchtip_job_total").unwrap();
    assert!(labels.contains("exported_job"), "the label that Prometheus has for the Service");
    assert!(series.labels("http_server_request_duration_seconds").is_none());
}
