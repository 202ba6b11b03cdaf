//! What holds of single objects, and of those that belong together.

use serde_json::Value;

use super::super::manifests::{Set, items, kind, name, pod_template, selects};
use super::{Breach, Check, Rule};

const WEB: &str = "glitchtip-web";

/// Groups of Kubernetes' own kinds.
const GROUPS: &[&str] =
    &["apps", "batch", "policy", "autoscaling", "networking.k8s.io", "extensions"];

/// Versions of these groups that are in use.
const VERSIONS: &[&str] =
    &["apps/v1", "batch/v1", "policy/v1", "autoscaling/v2", "networking.k8s.io/v1"];

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "no-extensions-v1beta",
        check: Check::Object(|object, _| {
            let version = object["apiVersion"].as_str().unwrap_or_default();
            let group = version.split('/').next().unwrap_or_default();
            !GROUPS.contains(&group) || VERSIONS.contains(&version)
        }),
        breach: Breach("Deployment", WEB, "replace", "/apiVersion", "\"extensions/v1beta1\""),
    },
    Rule {
        name: "mismatching-selector",
        check: Check::Object(|object, _| match (kind(object), pod_template(object)) {
            ("Job", _) | (_, None) => true,
            (_, Some(pod)) => {
                selects(&object["spec"]["selector"]["matchLabels"], &pod["metadata"]["labels"])
            }
        }),
        breach: Breach(
            "Deployment",
            WEB,
            "replace",
            "/spec/template/metadata/labels/app.kubernetes.io~1component",
            "\"api\"",
        ),
    },
    Rule {
        name: "no-anti-affinity",
        check: Check::Object(|object, _| kind(object) != "Deployment" || avoids_itself(object)),
        breach: Breach("Deployment", WEB, "remove", "/spec/template/spec/affinity", "null"),
    },
    Rule {
        name: "deployment-topology-spread",
        check: Check::Object(|object, set| {
            let spread = items(&object["spec"]["template"]["spec"]["topologySpreadConstraints"]);
            let keys: Vec<_> = spread.iter().map(|one| &one["topologyKey"]).collect();
            let is_spread = keys == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"];
            kind(object) != "Deployment" || is_alone(object, set) || is_spread
        }),
        breach: Breach(
            "Deployment",
            WEB,
            "remove",
            "/spec/template/spec/topologySpreadConstraints/0",
            "null",
        ),
    },
    Rule {
        name: "deployment-probes",
        check: Check::Object(|object, _| {
            let mut containers = items(&object["spec"]["template"]["spec"]["containers"]).iter();
            kind(object) != "Deployment"
                || containers.all(|one| {
                    one["livenessProbe"].is_object() && one["readinessProbe"].is_object()
                })
        }),
        breach: Breach(
            "Deployment",
            "glitchtip-beat",
            "remove",
            "/spec/template/spec/containers/0/readinessProbe",
            "null",
        ),
    },
    Rule {
        name: "deployment-has-poddisruptionbudget",
        check: Check::Object(|object, set| {
            kind(object) != "Deployment"
                || set.of("PodDisruptionBudget").any(|budget| {
                    let selector = &budget["spec"]["selector"]["matchLabels"];
                    selects(selector, &object["spec"]["template"]["metadata"]["labels"])
                })
        }),
        breach: Breach("PodDisruptionBudget", WEB, "add", "/spec/selector/matchLabels/a", "\"b\""),
    },
    Rule {
        // With one pod, a least number that must run keeps its machine from ever being emptied.
        name: "pdb-min-available",
        check: Check::Object(|object, _| {
            !is_budget(object) || object["spec"]["minAvailable"].is_null()
        }),
        breach: Breach("PodDisruptionBudget", WEB, "add", "/spec/minAvailable", "1"),
    },
    Rule {
        name: "pdb-max-unavailable",
        check: Check::Object(|object, _| {
            !is_budget(object) || object["spec"]["maxUnavailable"].as_u64() >= Some(1)
        }),
        breach: Breach("PodDisruptionBudget", WEB, "replace", "/spec/maxUnavailable", "0"),
    },
    Rule {
        name: "pdb-unhealthy-pod-eviction-policy",
        check: Check::Object(|object, _| {
            !is_budget(object) || object["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
        }),
        breach: Breach(
            "PodDisruptionBudget",
            WEB,
            "remove",
            "/spec/unhealthyPodEvictionPolicy",
            "null",
        ),
    },
    Rule {
        // Otherwise each deployment takes back what the autoscaler did.
        name: "deployment-replicas",
        check: Check::Object(|object, set| {
            let is_owned = kind(object) == "Deployment" && scaler(object, set).is_some();
            !is_owned || object["spec"]["replicas"].is_null()
        }),
        breach: Breach("Deployment", WEB, "add", "/spec/replicas", "3"),
    },
    Rule {
        name: "minimum-three-replicas",
        check: Check::Object(|object, set| {
            let is_counted = kind(object) == "Deployment" && scaler(object, set).is_none();
            !is_counted || object["spec"]["replicas"].as_u64() >= Some(3) || !set.is_for_openshift
        }),
        breach: Breach(
            "Deployment",
            "glitchtip-beat",
            "remove",
            "/metadata/annotations/ignore-check.kube-linter.io~1minimum-three-replicas",
            "null",
        ),
    },
    Rule {
        name: "service-account-automount",
        check: Check::Object(|object, set| {
            // The pipeline's asks the cluster for everything that it does.
            kind(object) != "ServiceAccount"
                || object["automountServiceAccountToken"] == false
                || set.name == "pipeline"
        }),
        breach: Breach("ServiceAccount", WEB, "remove", "/automountServiceAccountToken", "null"),
    },
    Rule {
        name: "job-ttl-seconds-after-finished",
        check: Check::Object(|object, _| {
            kind(object) != "Job" || object["spec"]["ttlSecondsAfterFinished"].is_u64()
        }),
        breach: Breach(
            "Job",
            "glitchtip-acceptance-0.1.0",
            "remove",
            "/spec/ttlSecondsAfterFinished",
            "null",
        ),
    },
    Rule {
        name: "job-deadline",
        check: Check::Object(|object, _| {
            kind(object) != "Job" || object["spec"]["activeDeadlineSeconds"].is_u64()
        }),
        breach: Breach(
            "Job",
            "glitchtip-acceptance-0.1.0",
            "remove",
            "/spec/activeDeadlineSeconds",
            "null",
        ),
    },
    Rule {
        name: "default-namespace",
        check: Check::Object(|object, _| object["metadata"]["namespace"] != "default"),
        breach: Breach("Deployment", WEB, "add", "/metadata/namespace", "\"default\""),
    },
];

fn is_budget(object: &Value) -> bool {
    kind(object) == "PodDisruptionBudget"
}

/// What decides how many pods a deployment has, if anything does.
fn scaler<'a>(deployment: &Value, set: &'a Set) -> Option<&'a Value> {
    let mut scalers = set.of("HorizontalPodAutoscaler").chain(set.of("ScaledObject"));
    scalers.find(|scaler| scaler["spec"]["scaleTargetRef"]["name"] == name(deployment))
}

/// Whether a deployment has one pod for good.
fn is_alone(deployment: &Value, set: &Set) -> bool {
    let one_at_a_time = deployment["spec"]["strategy"]["type"] == "Recreate";
    one_at_a_time && deployment["spec"]["replicas"] == 1 && scaler(deployment, set).is_none()
}

/// Whether a deployment's pods would rather not be where another of them is.
fn avoids_itself(deployment: &Value) -> bool {
    let pod = &deployment["spec"]["template"];
    let avoids = &pod["spec"]["affinity"]["podAntiAffinity"];
    let preferred = &avoids["preferredDuringSchedulingIgnoredDuringExecution"];
    items(preferred).iter().any(|term| {
        let selector = &term["podAffinityTerm"]["labelSelector"]["matchLabels"];
        term["podAffinityTerm"]["topologyKey"] == "kubernetes.io/hostname"
            && selects(selector, &pod["metadata"]["labels"])
    })
}
