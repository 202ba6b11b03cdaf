//! However many pods there are, PostgreSQL has a connection for each that wants one.

use std::fs;

use serde_json::Value;

use super::manifests::{Set, deploy, set};

/// Connections that are left for migrations by hand, backups and people.
const RESERVE: u64 = 10;

/// Connections of a worker besides those of its batches.
const WORKER_BESIDES: u64 = 4;

/// Connections of beat.
const BEAT: u64 = 2;

/// What a database of the size that an environment has takes: about 80 on a db.t3.micro, and twice as
/// many on a db.t3.small.
const BUDGETS: &[(&str, u64)] = &[("staging", 80), ("production", 160)];

/// Connections at most: of web, of worker and of beat. During a rollout there is one pod more of each.
fn wanted(set: &Set) -> [u64; 3] {
    let settings = &set.object("ConfigMap", "glitchtip-configmap")["data"];
    let setting = |name: &str| settings[name].as_str().unwrap().parse::<u64>().unwrap();
    let web =
        set.object("HorizontalPodAutoscaler", "glitchtip-web")["spec"]["maxReplicas"].as_u64();
    let worker = set.object("ScaledObject", "glitchtip-worker")["spec"]["maxReplicaCount"].as_u64();
    let beat = set.object("Deployment", "glitchtip-beat")["spec"]["replicas"].as_u64();
    let pods = |most: Option<u64>| most.unwrap() + 1;
    [
        pods(web) * setting("DATABASE_POOL_MAX_SIZE"),
        pods(worker) * (setting("MISHAP_WORKER_CONCURRENCY") + WORKER_BESIDES),
        pods(beat) * BEAT,
    ]
}

#[test]
fn all_pods_together_leave_connections_free() {
    let readme = fs::read_to_string(deploy().join("README.md")).unwrap();
    for (environment, budget) in BUDGETS {
        for platform in ["OpenShift", "Kubernetes"] {
            let [web, worker, beat] = wanted(set(&format!("{platform} {environment}")));
            let all = web + worker + beat + RESERVE;
            assert!(all <= *budget, "{platform} {environment} takes {all} of {budget}");
            let line = format!(
                "| {environment} | {web} | {worker} | {beat} | {RESERVE} | {all} | {budget} |"
            );
            assert!(readme.contains(&line), "deploy/README.md does not say {line}");
        }
    }
}

#[test]
fn pods_are_replaced_one_by_one() {
    for (environment, _) in BUDGETS {
        let set = set(&format!("OpenShift {environment}"));
        for deployment in set.of("Deployment") {
            let rolling = &deployment["spec"]["strategy"]["rollingUpdate"];
            assert_eq!(
                [&rolling["maxSurge"], &rolling["maxUnavailable"]],
                [&Value::from(1), &Value::from(0)]
            );
        }
    }
}

#[test]
fn scalers_stay_within_what_they_may() {
    for (environment, _) in BUDGETS {
        for platform in ["OpenShift", "Kubernetes"] {
            let set = set(&format!("{platform} {environment}"));
            let worker = &set.object("ScaledObject", "glitchtip-worker")["spec"];
            let number = |value: &Value| value.as_u64().unwrap();
            let (least, most) =
                (number(&worker["minReplicaCount"]), number(&worker["maxReplicaCount"]));
            let fallback = number(&worker["fallback"]["replicas"]);
            assert!(2 <= least && least <= fallback && fallback <= most);
            let web = &set.object("HorizontalPodAutoscaler", "glitchtip-web")["spec"];
            assert!(2 <= number(&web["minReplicas"]));
            assert!(number(&web["minReplicas"]) < number(&web["maxReplicas"]));
        }
    }
}
