//! What leads to pods leads somewhere.

use serde_json::Value;

use super::super::manifests::{Set, container_port, items, kind, name, pod_template, selects};
use super::{Breach, Check, Rule};

const WEB: &str = "glitchtip-web";

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "dangling-service",
        check: Check::Object(|object, set| {
            kind(object) != "Service" || pods(&object["spec"]["selector"], set).next().is_some()
        }),
        breach: Breach("Service", WEB, "add", "/spec/selector/app.kubernetes.io~1version", "\"1\""),
    },
    Rule {
        name: "invalid-target-ports",
        check: Check::Object(service_ports_are_those_of_containers),
        breach: Breach("Service", WEB, "replace", "/spec/ports/0/targetPort", "\"https\""),
    },
    Rule {
        name: "dangling-servicemonitor",
        check: Check::Object(monitored_ports_are_those_of_services),
        breach: Breach("ServiceMonitor", WEB, "replace", "/spec/endpoints/0/port", "\"metrics\""),
    },
    Rule {
        name: "dangling-networkpolicy",
        check: Check::Object(|object, set| {
            let selector = &object["spec"]["podSelector"]["matchLabels"];
            kind(object) != "NetworkPolicy" || pods(selector, set).next().is_some()
        }),
        breach: Breach(
            "NetworkPolicy",
            WEB,
            "replace",
            "/spec/podSelector/matchLabels/app.kubernetes.io~1component",
            "\"api\"",
        ),
    },
    Rule {
        name: "networkpolicy-port",
        check: Check::Object(allowed_ports_are_those_of_containers),
        breach: Breach("NetworkPolicy", WEB, "replace", "/spec/ingress/1/ports/0/port", "9091"),
    },
    Rule {
        // A port that no policy lets anybody reach might as well not be there.
        name: "networkpolicy-unreachable-port",
        check: Check::Beside(every_port_is_let_in),
        breach: Breach("NetworkPolicy", WEB, "remove", "/spec/ingress/1", "null"),
    },
    Rule {
        // The addresses of the cloud's own service for its machines, which hand out their rights.
        name: "networkpolicy-metadata-service",
        check: Check::Object(|object, _| {
            let rules = items(&object["spec"]["egress"]).iter();
            kind(object) != "NetworkPolicy" || rules.flat_map(|rule| items(&rule["to"])).all(spares)
        }),
        breach: Breach(
            "NetworkPolicy",
            "glitchtip-worker",
            "add",
            "/spec/egress/0/to",
            "[{\"ipBlock\": {\"cidr\": \"0.0.0.0/0\", \"except\": [\"10.0.0.0/8\"]}}]",
        ),
    },
    Rule {
        name: "dangling-pdb",
        check: Check::Object(|object, set| {
            let selector = &object["spec"]["selector"]["matchLabels"];
            kind(object) != "PodDisruptionBudget" || pods(selector, set).next().is_some()
        }),
        breach: Breach("PodDisruptionBudget", WEB, "add", "/spec/selector/matchLabels/a", "\"b\""),
    },
    Rule {
        name: "dangling-scaler",
        check: Check::Object(|object, set| {
            let target = &object["spec"]["scaleTargetRef"]["name"];
            target.is_null() || set.of("Deployment").any(|known| name(known) == target)
        }),
        breach: Breach(
            "ScaledObject",
            "glitchtip-worker",
            "replace",
            "/spec/scaleTargetRef/name",
            "\"worker\"",
        ),
    },
    Rule {
        name: "dangling-ingress",
        check: Check::Object(|object, set| {
            let rules = items(&object["spec"]["rules"]).iter();
            let paths = rules.flat_map(|rule| items(&rule["http"]["paths"]));
            kind(object) != "Ingress"
                || paths.map(|path| &path["backend"]["service"]).all(|asked| {
                    let mut services =
                        set.of("Service").filter(|known| name(known) == asked["name"]);
                    services.any(|service| {
                        items(&service["spec"]["ports"])
                            .iter()
                            .any(|port| port["name"] == asked["port"]["name"])
                    })
                })
        }),
        breach: Breach(
            "Ingress",
            WEB,
            "replace",
            "/spec/rules/0/http/paths/0/backend/service/port/name",
            "\"http\"",
        ),
    },
];

/// What pods are made of that a selector means.
fn pods<'a>(selector: &'a Value, set: &'a Set) -> impl Iterator<Item = &'a Value> {
    let templates = set.objects.iter().filter_map(pod_template);
    templates.filter(|pod| selects(selector, &pod["metadata"]["labels"]))
}

fn service_ports_are_those_of_containers(object: &Value, set: &Set) -> bool {
    let mut ports = items(&object["spec"]["ports"]).iter();
    kind(object) != "Service"
        || ports.all(|port| {
            let target = port.get("targetPort").unwrap_or(&port["port"]);
            let mut pods = pods(&object["spec"]["selector"], set);
            pods.all(|pod| container_port(&pod["spec"], target).is_some())
        })
}

fn monitored_ports_are_those_of_services(object: &Value, set: &Set) -> bool {
    let selector = &object["spec"]["selector"]["matchLabels"];
    let services: Vec<_> =
        set.of("Service").filter(|known| selects(selector, &known["metadata"]["labels"])).collect();
    let mut endpoints = items(&object["spec"]["endpoints"]).iter();
    kind(object) != "ServiceMonitor"
        || services.len() == 1
            && endpoints.all(|endpoint| {
                let mut ports = items(&services[0]["spec"]["ports"]).iter();
                ports.any(|port| port["name"] == endpoint["port"])
            })
}

fn allowed_ports_are_those_of_containers(object: &Value, set: &Set) -> bool {
    let selector = &object["spec"]["podSelector"]["matchLabels"];
    let rules = items(&object["spec"]["ingress"]).iter();
    let mut ports = rules.flat_map(|rule| items(&rule["ports"]));
    kind(object) != "NetworkPolicy"
        || ports.all(|port| {
            pods(selector, set).any(|pod| container_port(&pod["spec"], &port["port"]).is_some())
        })
}

fn every_port_is_let_in(pod: &Value, set: &Set) -> bool {
    let policies = set.of("NetworkPolicy").filter(|policy| {
        selects(&policy["spec"]["podSelector"]["matchLabels"], &pod["metadata"]["labels"])
    });
    let rules = policies.flat_map(|policy| items(&policy["spec"]["ingress"]));
    let allowed: Vec<_> = rules.flat_map(|rule| items(&rule["ports"])).collect();
    let mut ports = items(&pod["spec"]["containers"]).iter().flat_map(|one| items(&one["ports"]));
    ports.all(|port| allowed.iter().any(|allowed| allowed["port"] == port["containerPort"]))
}

/// Whether an address block leaves out those of the link.
fn spares(to: &Value) -> bool {
    let block = &to["ipBlock"];
    let has = |network: &str| items(&block["except"]).iter().any(|except| except == network);
    match block["cidr"].as_str() {
        Some("0.0.0.0/0") => has("169.254.0.0/16"),
        Some("::/0") => has("fe80::/10") && has("fc00::/7"),
        _ => true,
    }
}
