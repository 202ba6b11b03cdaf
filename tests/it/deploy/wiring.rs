//! What manifests say of the programs is what the programs do.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use mishap_boot::build_info::VERSION;
use mishap_boot::health::{self, Health};
use mishap_boot::settings::catalogue;
use mishap_boot::shutdown::CancellationToken;
use mishap_boot::tasks::Tasks;
use mishap_testkit::Client;
use serde_json::Value;

use super::manifests::{container_port, containers, installations, items, name, pod_template};
use super::{environment, manifests};

/// How long worker and beat may take to end.
const ENDS_WITHIN: Duration = Duration::from_secs(25);

/// How much more time a pod is given.
const SPARE: Duration = Duration::from_secs(10);

/// The components of an installation, and where their metrics and probes are.
fn components() -> [(&'static str, &'static catalogue::Setting); 3] {
    [
        ("web", &catalogue::WEB_METRICS_PORT),
        ("worker", &catalogue::WORKER_METRICS_PORT),
        ("beat", &catalogue::BEAT_METRICS_PORT),
    ]
}

/// The container of a component, in each installation.
fn programs(component: &str) -> impl Iterator<Item = (&'static Value, &'static Value)> {
    installations().map(move |set| {
        let deployment = set.object("Deployment", &format!("glitchtip-{component}"));
        let pod = &pod_template(deployment).unwrap()["spec"];
        let containers = items(&pod["containers"]);
        assert_eq!(containers.len(), 1);
        assert_eq!(containers[0]["name"], component, "dashboards know containers by this name");
        (pod, &containers[0])
    })
}

#[test]
fn ports_are_those_at_which_the_programs_listen() {
    let number = |setting: &catalogue::Setting| setting.default.parse::<u64>().ok();
    for (component, metrics) in components() {
        for (pod, _) in programs(component) {
            assert_eq!(container_port(pod, &Value::from("metrics")), number(metrics));
            let http = (component == "web").then(|| number(&catalogue::PORT)).flatten();
            assert_eq!(container_port(pod, &Value::from("http")), http);
        }
    }
    for set in installations() {
        let settings = &set.object("ConfigMap", "glitchtip-configmap")["data"];
        for (_, setting) in components() {
            let named = setting.names.iter().find_map(|name| settings[*name].as_str());
            assert_eq!(named, Some(setting.default), "{}", set.name);
        }
    }
}

#[test]
fn each_container_runs_the_program_of_its_component() {
    for (component, _) in components() {
        for (pod, container) in programs(component) {
            let program = format!("mishap-{component}");
            assert_eq!(items(&container["command"]), [Value::from(program)]);
            let role = environment::literal(container, "SERVER_ROLE");
            assert_eq!(role, Some(component));
            let first: Vec<_> = items(&pod["initContainers"]).iter().map(command).collect();
            let wanted: &[&str] = match component {
                "web" => &["mishap-beat migrate", "mishap ensure-api-users"],
                "beat" => &["mishap-beat migrate"],
                _ => &[],
            };
            assert_eq!(first, wanted);
            let images: BTreeSet<_> = containers(pod).map(|one| one["image"].to_string()).collect();
            assert_eq!(images.len(), 1, "what migrates is what runs");
        }
    }
}

#[test]
fn the_image_is_of_the_version_of_this_tree() {
    for (component, _) in components() {
        for (_, container) in programs(component) {
            let (_, tag) = container["image"].as_str().unwrap().rsplit_once(':').unwrap();
            assert!([VERSION, "dev"].contains(&tag), "{component} is {tag}");
        }
    }
}

fn command(container: &Value) -> String {
    let words: Vec<_> = items(&container["command"]).iter().filter_map(Value::as_str).collect();
    words.join(" ")
}

#[test]
fn a_pod_is_given_more_time_than_its_program_needs_to_end() {
    for (component, _) in components() {
        for (pod, container) in programs(component) {
            let given = Duration::from_secs(pod["terminationGracePeriodSeconds"].as_u64().unwrap());
            let needed = match component {
                "web" => drain(container) + mishap_web::ENDS_WITHIN,
                _ => ENDS_WITHIN,
            };
            assert!(given >= needed + SPARE, "{component}: {given:?} of {needed:?}");
        }
    }
}

#[test]
fn web_waits_for_routers_itself() {
    for (pod, container) in programs("web") {
        assert!(drain(container) >= Duration::from_secs(5));
        // There is no shell and no `sleep`.
        assert!(containers(pod).all(|container| container["lifecycle"].is_null()));
    }
}

/// How long web takes connections after it was told to stop.
fn drain(container: &Value) -> Duration {
    let seconds = environment::literal(container, catalogue::WEB_DRAIN.names[0]);
    Duration::from_secs(seconds.map_or(0, |seconds| seconds.parse().unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_ask_what_is_answered_at_the_port_of_the_metrics() {
    let tasks = Tasks::new(CancellationToken::new());
    let metrics = mishap_boot::metrics::Metrics::apart().unwrap();
    let address = health::serve(([127, 0, 0, 1], 0).into(), Health::default(), metrics, &tasks);
    let address = address.await.unwrap();
    let client = Client::at(&format!("http://{address}"), None);
    let mut asked = BTreeSet::new();
    for (component, _) in components() {
        for (_, container) in programs(component) {
            for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
                let get = &container[probe]["httpGet"];
                assert_eq!(get["port"], "metrics", "{component} {probe}");
                asked.insert(get["path"].as_str().unwrap());
            }
        }
    }
    let scraped = installations().flat_map(|set| set.of("ServiceMonitor"));
    let endpoints = scraped.flat_map(|monitor| items(&monitor["spec"]["endpoints"]));
    asked.extend(endpoints.map(|endpoint| endpoint["path"].as_str().unwrap()));
    assert_eq!(asked, BTreeSet::from(["/livez", "/metrics", "/readyz", "/startupz"]));
    for path in asked {
        // 503 is an answer, too: nothing has said yet that it is ready.
        let status = client.get(path).await.status.as_u16();
        assert!([200, 503].contains(&status), "{path}: {status}");
    }
    client.get("/other").await.expect(404);
    tasks.stop().cancel();
    assert!(tasks.finish(Duration::from_secs(20)).await);
}

#[test]
fn workers_are_scaled_by_metrics_that_there_are() {
    let beat = sources(&manifests::root().join("crates/beat/src"));
    for set in installations().filter(|set| set.name != "Kubernetes dev") {
        let scaled = set.object("ScaledObject", "glitchtip-worker");
        let queries = items(&scaled["spec"]["triggers"])
            .iter()
            .map(|trigger| trigger["metadata"]["query"].as_str().unwrap());
        let queries: Vec<_> = queries.collect();
        assert_eq!(queries.len(), 2);
        for query in queries {
            let inner =
                query.strip_prefix("max(").and_then(|rest| rest.strip_suffix("\"})")).unwrap();
            let (metric, namespace) = inner.split_once("{namespace=\"").unwrap();
            assert!(beat.contains(&format!("\"{metric}\"")), "{metric} is measured by nobody");
            let own =
                set.object("Deployment", "glitchtip-worker")["metadata"]["namespace"].as_str();
            let own = own.unwrap_or_else(|| openshift_namespace(set.name));
            assert_eq!(namespace, own, "{}", set.name);
        }
        assert_eq!(name(scaled), "glitchtip-worker");
    }
}

/// The sources in a folder, and below.
fn sources(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let texts = entries.map(|path| match path.is_dir() {
        true => sources(&path),
        false => fs::read_to_string(path).unwrap(),
    });
    texts.collect()
}

/// Templates say no namespaces; the parameter is what metrics are found by.
fn openshift_namespace(set: &str) -> &'static str {
    match set {
        "OpenShift staging" => "glitchtip-stage",
        _ => "glitchtip",
    }
}

#[test]
fn a_worker_s_way_out_leads_to_no_private_network() {
    for set in installations() {
        let policy = set.object("NetworkPolicy", "glitchtip-worker");
        let rules = items(&policy["spec"]["egress"]).iter();
        let anywhere: Vec<_> = rules.filter(|rule| rule["ports"].is_null()).collect();
        let [webhooks] = anywhere.as_slice() else { panic!("{}: {anywhere:?}", set.name) };
        for block in items(&webhooks["to"]) {
            let except = items(&block["ipBlock"]["except"]);
            let private: &[&str] = match block["ipBlock"]["cidr"].as_str() {
                Some("0.0.0.0/0") => {
                    &["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"]
                }
                Some("::/0") => &["fc00::/7", "fe80::/10"],
                other => panic!("{other:?}"),
            };
            assert!(private.iter().all(|network| except.iter().any(|known| known == network)));
        }
    }
}
