//! What holds of each container.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::manifests::items;
use super::{Breach, Check, Rule, variables};

/// Words in the names of variables whose values nobody should read in a manifest.
const SECRETS: &[&str] = &["SECRET", "PASSWORD", "TOKEN", "KEY", "PRIVATE"];

const WEB: &str = "glitchtip-web";

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "privilege-escalation-container",
        check: Check::Container(|container| {
            security(container, "allowPrivilegeEscalation") == false
        }),
        breach: Breach(
            "Deployment",
            WEB,
            "remove",
            "/spec/template/spec/containers/0/securityContext/allowPrivilegeEscalation",
            "null",
        ),
    },
    Rule {
        name: "privileged-container",
        check: Check::Container(|container| !is_true(security(container, "privileged"))),
        breach: Breach(
            "Deployment",
            WEB,
            "add",
            "/spec/template/spec/initContainers/0/securityContext/privileged",
            "true",
        ),
    },
    Rule {
        name: "no-read-only-root-fs",
        check: Check::Container(|container| is_true(security(container, "readOnlyRootFilesystem"))),
        breach: Breach(
            "Deployment",
            "glitchtip-worker",
            "replace",
            "/spec/template/spec/containers/0/securityContext/readOnlyRootFilesystem",
            "false",
        ),
    },
    Rule {
        name: "drop-net-raw-capability",
        check: Check::Container(drops_all_capabilities),
        breach: Breach(
            "Deployment",
            WEB,
            "add",
            "/spec/template/spec/containers/0/securityContext/capabilities/add",
            "[\"NET_RAW\"]",
        ),
    },
    Rule {
        name: "restricted-proc-mount",
        check: Check::Container(|container| security(container, "procMount").is_null()),
        breach: Breach(
            "Deployment",
            WEB,
            "add",
            "/spec/template/spec/containers/0/securityContext/procMount",
            "\"Unmasked\"",
        ),
    },
    Rule {
        name: "host-port",
        check: Check::Container(|container| {
            items(&container["ports"]).iter().all(|port| port["hostPort"].is_null())
        }),
        breach: Breach(
            "Deployment",
            WEB,
            "add",
            "/spec/template/spec/containers/0/ports/0/hostPort",
            "8000",
        ),
    },
    Rule {
        name: "ssh-port",
        check: Check::Container(|container| {
            items(&container["ports"]).iter().all(|port| port["containerPort"] != 22)
        }),
        breach: Breach(
            "Deployment",
            WEB,
            "replace",
            "/spec/template/spec/containers/0/ports/0/containerPort",
            "22",
        ),
    },
    Rule {
        name: "latest-tag",
        check: Check::Container(|container| {
            has_version(container["image"].as_str().unwrap_or_default())
        }),
        breach: Breach(
            "Deployment",
            WEB,
            "replace",
            "/spec/template/spec/containers/0/image",
            "\"registry:5000/mishap:latest\"",
        ),
    },
    Rule {
        name: "duplicate-env-var",
        check: Check::Container(|container| {
            let mut seen = BTreeSet::new();
            variables(container).all(|name| seen.insert(name))
        }),
        breach: Breach(
            "Deployment",
            WEB,
            "add",
            "/spec/template/spec/containers/0/env/-",
            "{\"name\": \"SERVER_ROLE\", \"value\": \"web\"}",
        ),
    },
    Rule {
        name: "env-var-secret",
        check: Check::Container(|container| items(&container["env"]).iter().all(hides_secrets)),
        breach: Breach(
            "Deployment",
            WEB,
            "add",
            "/spec/template/spec/containers/0/env/-",
            "{\"name\": \"REDIS_PASSWORD\", \"value\": \"secret\"}",
        ),
    },
    Rule {
        name: "unset-memory-requirements",
        check: Check::Container(|container| {
            is_asked(container, "memory") && is_limited(container, "memory")
        }),
        breach: Breach(
            "Deployment",
            "glitchtip-beat",
            "remove",
            "/spec/template/spec/containers/0/resources/limits/memory",
            "null",
        ),
    },
    Rule {
        // A limit makes programs wait although nobody else wants the CPU; whoever sets none says so.
        name: "unset-cpu-requirements",
        check: Check::Container(|container| {
            is_asked(container, "cpu") && is_limited(container, "cpu")
        }),
        breach: Breach(
            "Job",
            "glitchtip-acceptance-0.1.0",
            "remove",
            "/spec/template/spec/containers/0/resources/limits/cpu",
            "null",
        ),
    },
    Rule {
        name: "unset-cpu-requests",
        check: Check::Container(|container| is_asked(container, "cpu")),
        breach: Breach(
            "Deployment",
            WEB,
            "remove",
            "/spec/template/spec/initContainers/1/resources/requests/cpu",
            "null",
        ),
    },
    Rule {
        name: "container-ephemeral-storage-request-and-limit",
        check: Check::Container(|container| {
            is_asked(container, "ephemeral-storage") && is_limited(container, "ephemeral-storage")
        }),
        breach: Breach(
            "Deployment",
            WEB,
            "remove",
            "/spec/template/spec/containers/0/resources/limits/ephemeral-storage",
            "null",
        ),
    },
    Rule {
        name: "probe-port",
        check: Check::Container(probes_ask_ports_that_are_there),
        breach: Breach(
            "Deployment",
            WEB,
            "replace",
            "/spec/template/spec/containers/0/livenessProbe/httpGet/port",
            "9999",
        ),
    },
    Rule {
        name: "pod-probes-identical",
        check: Check::Container(|container| {
            let [live, ready] = [&container["livenessProbe"], &container["readinessProbe"]];
            live.is_null() || action(live) != action(ready)
        }),
        breach: Breach(
            "Deployment",
            WEB,
            "replace",
            "/spec/template/spec/containers/0/livenessProbe/httpGet/path",
            "\"/readyz\"",
        ),
    },
];

fn security<'a>(container: &'a Value, field: &str) -> &'a Value {
    &container["securityContext"][field]
}

fn is_true(value: &Value) -> bool {
    *value == true
}

fn drops_all_capabilities(container: &Value) -> bool {
    let capabilities = security(container, "capabilities");
    items(&capabilities["drop"]).iter().any(|dropped| dropped == "ALL")
        && items(&capabilities["add"]).iter().all(|added| added == "NET_BIND_SERVICE")
}

/// Whether an image has a tag that is a version, or a digest.
fn has_version(image: &str) -> bool {
    let last = image.rsplit('/').next().unwrap_or_default();
    last.contains('@')
        || last.split_once(':').is_some_and(|(_, tag)| !tag.is_empty() && tag != "latest")
}

fn hides_secrets(variable: &Value) -> bool {
    let name = variable["name"].as_str().unwrap_or_default();
    let is_plain = variable["value"].as_str().is_some_and(|value| !value.is_empty());
    !(is_plain && SECRETS.iter().any(|word| name.contains(word)))
}

fn is_asked(container: &Value, resource: &str) -> bool {
    container["resources"]["requests"][resource].is_string()
}

fn is_limited(container: &Value, resource: &str) -> bool {
    container["resources"]["limits"][resource].is_string()
}

/// What a probe does, without how often.
fn action(probe: &Value) -> [&Value; 3] {
    [&probe["httpGet"], &probe["tcpSocket"], &probe["exec"]]
}

fn probes_ask_ports_that_are_there(container: &Value) -> bool {
    ["startupProbe", "readinessProbe", "livenessProbe"].iter().all(|probe| {
        let asked = ["httpGet", "tcpSocket"].iter().map(|how| &container[*probe][*how]["port"]);
        asked.filter(|port| !port.is_null()).all(|port| {
            let mut ports = items(&container["ports"]).iter();
            ports.any(|known| known["name"] == *port || known["containerPort"] == *port)
        })
    })
}

#[test]
fn a_version_is_a_tag_or_a_digest() {
    for (image, has) in [
        ("mishap:0.1.0", true),
        ("registry:5000/mishap:dev", true),
        ("mishap@sha256:1234", true),
        ("registry:5000/mishap", false),
        ("mishap", false),
        ("mishap:latest", false),
        ("mishap:", false),
    ] {
        assert_eq!(has_version(image), has, "{image}");
    }
}
