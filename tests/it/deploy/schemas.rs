//! Every object is one that Kubernetes takes, in each version that we say it runs on, and has no field
//! that would be dropped in silence.
//!
//! Kinds that are not Kubernetes' own have schemas here, which know only what we use.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};

use super::manifests::{deploy, root, set, sets};
use super::{patch, yaml};
use crate::sdks::install::python_packages;

/// The versions of Kubernetes.
const VERSIONS: &[&str] = &["1.27", "1.30", "1.33"];

/// Kinds that are not Kubernetes' own, and the files of their schemas.
const SCHEMAS: &[(&str, &str)] = &[
    ("route.openshift.io/v1 Route", "route"),
    ("keda.sh/v1alpha1 ScaledObject", "scaledobject"),
    ("monitoring.coreos.com/v1 ServiceMonitor", "servicemonitor"),
    ("monitoring.coreos.com/v1 PrometheusRule", "prometheusrule"),
    ("tekton.dev/v1 Task", "task"),
    ("tekton.dev/v1 Pipeline", "pipeline"),
    ("tekton.dev/v1 PipelineRun", "pipelinerun"),
    ("triggers.tekton.dev/v1beta1 EventListener", "eventlistener"),
    ("triggers.tekton.dev/v1beta1 TriggerBinding", "triggerbinding"),
    ("triggers.tekton.dev/v1beta1 TriggerTemplate", "triggertemplate"),
];

fn folder() -> PathBuf {
    root().join("tests/it/deploy/validator")
}

/// Where the packages are that validate.
pub(super) fn packages() -> &'static Path {
    static VALIDATOR: OnceLock<PathBuf> = OnceLock::new();
    VALIDATOR.get_or_init(|| python_packages("validator", &folder()))
}

/// What is wrong with objects, all together.
pub(super) fn problems(objects: &[Value]) -> Vec<String> {
    problems_of_each(objects).concat()
}

/// What is wrong with each object.
fn problems_of_each(objects: &[Value]) -> Vec<Vec<String>> {
    let schemas = SCHEMAS
        .iter()
        .map(|(kind, file)| (*kind, folder().join("schemas").join(format!("{file}.json"))));
    let asked = json!({
        "versions": VERSIONS,
        "schemas": schemas.collect::<BTreeMap<_, _>>(),
        "objects": objects,
    });
    let mut validator = Command::new("python3")
        .arg("-S")
        .arg(folder().join("validate.py"))
        .env("PYTHONPATH", packages())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    validator.stdin.take().unwrap().write_all(asked.to_string().as_bytes()).unwrap();
    let output = validator.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn every_object_that_is_rendered_is_valid_in_every_version() {
    let objects: Vec<Value> = sets().iter().flat_map(|set| set.objects.clone()).collect();
    assert_eq!(problems(&objects), Vec::<String>::new());
}

#[test]
fn the_run_by_which_a_person_promotes_is_valid() {
    assert_eq!(problems(&yaml::read(&deploy().join("pipeline/promotion.yaml"))), [""; 0]);
}

/// A field, a type and a value that are wrong, by the kind of the object in which they are.
const WRONG: &[(&str, &str, &str, &str)] = &[
    (
        "OpenShift production",
        "Deployment",
        "glitchtip-web",
        "/spec/template/spec/containers/0/port",
    ),
    ("OpenShift production", "Deployment", "glitchtip-web", "/spec/progressDeadlineSeconds"),
    ("OpenShift production", "Service", "glitchtip-web", "/spec/ports/0/port"),
    ("OpenShift production", "PodDisruptionBudget", "glitchtip-web", "/spec/maxAvailable"),
    ("OpenShift production", "HorizontalPodAutoscaler", "glitchtip-web", "/spec/replicas"),
    ("OpenShift production", "NetworkPolicy", "glitchtip-web", "/spec/ingress/0/port"),
    ("OpenShift production", "ScaledObject", "glitchtip-worker", "/spec/minReplicas"),
    (
        "OpenShift production",
        "ScaledObject",
        "glitchtip-worker",
        "/spec/triggers/0/metadata/threshold",
    ),
    ("OpenShift production", "ServiceMonitor", "glitchtip-web", "/spec/endpoints/0/targetport"),
    ("OpenShift route", "Route", "glitchtip-web", "/spec/tls/redirect"),
    ("OpenShift acceptance", "Job", "glitchtip-acceptance-0.1.0", "/spec/ttl"),
    ("pipeline", "Task", "mishap-build", "/spec/steps/0/commands"),
    ("pipeline", "Pipeline", "mishap-release", "/spec/tasks/0/after"),
    ("pipeline", "TriggerTemplate", "mishap-release", "/spec/resourcetemplates/0/spec/pipeline"),
    ("pipeline", "TriggerBinding", "mishap-merge", "/spec/parameters"),
    ("pipeline", "EventListener", "mishap-merge", "/spec/triggers/0/filter"),
];

#[test]
fn what_is_wrong_is_found_in_every_kind() {
    let wrong = WRONG.iter().map(|(name, kind, called, path)| {
        let mut object = set(name).object(kind, called).clone();
        let operation = json!([{ "op": "add", "path": path, "value": { "a": 1 } }]);
        patch::apply(&mut object, &operation).unwrap();
        object
    });
    let found = problems_of_each(&wrong.collect::<Vec<_>>());
    assert_eq!(found.len(), WRONG.len());
    for ((_, kind, called, path), problems) in WRONG.iter().zip(found) {
        assert!(!problems.is_empty(), "{path} of {kind} {called} was not found");
    }
}

#[test]
fn a_kind_without_a_schema_is_wrong() {
    let unknown = json!({ "apiVersion": "example.com/v1", "kind": "Gadget", "metadata": {} });
    let list = json!({ "apiVersion": "v1", "kind": "List", "metadata": {}, "items": [] });
    assert_eq!(problems(&[unknown, list]).len(), 2 * VERSIONS.len());
}

#[test]
fn rules_for_prometheus_are_known_by_their_schema() {
    let rule = |rule: Value| {
        let groups = json!({ "groups": [{ "name": "g", "rules": [rule] }] });
        json!({
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": { "name": "r" },
            "spec": groups,
        })
    };
    let good =
        json!({ "alert": "A", "expr": "up == 0", "for": "5m", "labels": { "severity": "high" } });
    assert_eq!(problems(&[rule(good)]), [""; 0]);
    for bad in [
        json!({ "alert": "A", "expr": "up", "severity": "high" }),
        json!({ "alert": "A", "record": "a:b", "expr": "up" }),
        json!({ "alert": "A", "expr": "up", "for": 5 }),
        json!({ "expr": "up" }),
    ] {
        assert_eq!(problems(&[rule(bad.clone())]).len(), 1, "{bad}");
    }
}
