//! What holds of each pod.

use serde_json::Value;

use super::super::manifests::{Set, containers, items, name};
use super::{Breach, Check, Rule};

const WEB: &str = "glitchtip-web";

/// Kinds of volumes that the restricted profile allows.
const VOLUMES: &[&str] = &[
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "run-as-non-root",
        check: Check::Pod(|pod| {
            pod["securityContext"]["runAsNonRoot"] == true && nobody_is_root(pod)
        }),
        breach: Breach(
            "Deployment",
            WEB,
            "add",
            "/spec/template/spec/containers/0/securityContext/runAsNonRoot",
            "false",
        ),
    },
    Rule {
        name: "restricted-seccomp",
        check: Check::Pod(|pod| {
            pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
                && containers(pod).all(|one| one["securityContext"]["seccompProfile"].is_null())
        }),
        breach: Breach(
            "Deployment",
            WEB,
            "replace",
            "/spec/template/spec/securityContext/seccompProfile/type",
            "\"Unconfined\"",
        ),
    },
    Rule {
        // OpenShift chooses the user and the group of a pod's files; who asks for others is refused.
        name: "restricted-v2-user",
        check: Check::Beside(|pod, set| {
            !set.is_for_openshift || nobody_chooses_users(&pod["spec"])
        }),
        breach: Breach(
            "Deployment",
            WEB,
            "add",
            "/spec/template/spec/securityContext/runAsUser",
            "1001",
        ),
    },
    Rule {
        name: "host-namespaces",
        check: Check::Pod(|pod| {
            ["hostNetwork", "hostPID", "hostIPC"].iter().all(|shared| pod[*shared].is_null())
        }),
        breach: Breach("Deployment", WEB, "add", "/spec/template/spec/hostNetwork", "true"),
    },
    Rule {
        // That takes the socket of Docker and other files of the host in, too.
        name: "sensitive-host-mounts",
        check: Check::Pod(|pod| {
            let mut volumes = items(&pod["volumes"]).iter().filter_map(Value::as_object);
            volumes.all(|volume| {
                volume.keys().all(|key| key == "name" || VOLUMES.contains(&key.as_str()))
            })
        }),
        breach: Breach(
            "Deployment",
            WEB,
            "add",
            "/spec/template/spec/volumes",
            "[{\"name\": \"s\", \"hostPath\": {\"path\": \"/var/run/docker.sock\"}}]",
        ),
    },
    Rule {
        name: "unsafe-sysctls",
        check: Check::Pod(|pod| pod["securityContext"]["sysctls"].is_null()),
        breach: Breach(
            "Deployment",
            WEB,
            "add",
            "/spec/template/spec/securityContext/sysctls",
            "[{\"name\": \"kernel.msgmax\", \"value\": \"1\"}]",
        ),
    },
    Rule {
        name: "deprecated-service-account-field",
        check: Check::Pod(|pod| pod["serviceAccount"].is_null()),
        breach: Breach(
            "Deployment",
            WEB,
            "add",
            "/spec/template/spec/serviceAccount",
            "\"glitchtip-web\"",
        ),
    },
    Rule {
        name: "non-existent-service-account",
        check: Check::Beside(|pod, set| {
            set.of("ServiceAccount")
                .any(|account| name(account) == pod["spec"]["serviceAccountName"])
        }),
        breach: Breach(
            "Deployment",
            WEB,
            "replace",
            "/spec/template/spec/serviceAccountName",
            "\"default\"",
        ),
    },
    Rule {
        name: "service-account-token",
        check: Check::Pod(|pod| pod["automountServiceAccountToken"] == false),
        breach: Breach(
            "Deployment",
            WEB,
            "remove",
            "/spec/template/spec/automountServiceAccountToken",
            "null",
        ),
    },
    Rule {
        name: "service-links",
        check: Check::Pod(|pod| pod["enableServiceLinks"] == false),
        breach: Breach(
            "Deployment",
            WEB,
            "remove",
            "/spec/template/spec/enableServiceLinks",
            "null",
        ),
    },
    Rule {
        name: "pod-networkpolicy",
        check: Check::Beside(|pod, set| {
            has_policy(pod, set, "Ingress") && has_policy(pod, set, "Egress")
        }),
        breach: Breach(
            "Deployment",
            WEB,
            "replace",
            "/spec/template/metadata/labels",
            "{\"app\": \"other\"}",
        ),
    },
];

/// Whether no container takes back that it is not root, and none is.
fn nobody_is_root(pod: &Value) -> bool {
    let contexts = containers(pod).map(|container| &container["securityContext"]);
    contexts
        .chain([&pod["securityContext"]])
        .all(|context| context["runAsNonRoot"] != false && context["runAsUser"] != 0)
}

fn nobody_chooses_users(pod: &Value) -> bool {
    let contexts = containers(pod).map(|container| &container["securityContext"]);
    contexts.chain([&pod["securityContext"]]).all(|context| {
        ["runAsUser", "runAsGroup", "fsGroup", "supplementalGroups", "seLinuxOptions"]
            .iter()
            .all(|chosen| context[*chosen].is_null())
    })
}

fn has_policy(pod: &Value, set: &Set, direction: &str) -> bool {
    set.of("NetworkPolicy").any(|policy| {
        let selector = &policy["spec"]["podSelector"]["matchLabels"];
        super::super::manifests::selects(selector, &pod["metadata"]["labels"])
            && items(&policy["spec"]["policyTypes"]).iter().any(|one| one == direction)
    })
}
