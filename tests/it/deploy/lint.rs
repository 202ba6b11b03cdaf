//! Rules that objects keep to: Kubernetes' restricted profile, what kube-linter looks for by default,
//! and of kube-score's checks those that make sense here.
//!
//! kube-score wants images to be pulled always, which versions as tags make needless, and users with high
//! numbers, which OpenShift's restricted profile forbids to choose: these two are left out.
//!
//! Each rule stands beside a change that breaks it, so none can be blind.

mod containers;
mod network;
mod objects;
mod pods;

use serde_json::{Value, json};

use super::manifests::{Set, items, kind, name, pod_template, set, sets};
use super::{manifests, patch};

/// A rule.
struct Rule {
    /// What kube-linter calls it, or kube-score.
    name: &'static str,
    /// Finds what breaks it.
    check: Check,
    /// What breaks it.
    breach: Breach,
}

/// On what a rule looks.
enum Check {
    /// On each container; true if it keeps to the rule.
    Container(fn(&Value) -> bool),
    /// On what is said of each pod.
    Pod(fn(&Value) -> bool),
    /// On what each pod is made of, and everything else.
    Beside(fn(&Value, &Set) -> bool),
    /// On each object, and everything else.
    Object(fn(&Value, &Set) -> bool),
}

/// A change that breaks a rule: kind and name of an object, an operation, a path, and a value as JSON.
struct Breach(&'static str, &'static str, &'static str, &'static str, &'static str);

impl Rule {
    fn findings(&self, set: &Set) -> Vec<String> {
        let keeps = |object: &&Value| {
            let pod = pod_template(object);
            match self.check {
                Check::Container(check) => {
                    pod.is_none_or(|pod| manifests::containers(&pod["spec"]).all(check))
                }
                Check::Pod(check) => pod.is_none_or(|pod| check(&pod["spec"])),
                Check::Beside(check) => pod.is_none_or(|pod| check(pod, set)),
                Check::Object(check) => check(object, set),
            }
        };
        let breaking = set.objects.iter().filter(|object| !keeps(object));
        let told = breaking.filter(|object| !is_excused(object, self.name));
        told.map(|object| format!("{}: {} {}", self.name, kind(object), name(object))).collect()
    }
}

/// Whether an object says, in kube-linter's words, why it breaks a rule.
fn is_excused(object: &Value, rule: &str) -> bool {
    let annotation = format!("ignore-check.kube-linter.io/{rule}");
    object["metadata"]["annotations"][&annotation].as_str().is_some_and(|why| !why.is_empty())
}

fn rules() -> impl Iterator<Item = &'static Rule> {
    [containers::RULES, pods::RULES, network::RULES, objects::RULES].into_iter().flatten()
}

#[test]
fn every_object_keeps_to_every_rule() {
    let findings = |set| rules().flat_map(move |rule| rule.findings(set));
    for set in sets() {
        let findings: Vec<_> = findings(set).collect();
        assert!(findings.is_empty(), "{}: {findings:#?}", set.name);
    }
}

#[test]
fn every_rule_finds_what_breaks_it() {
    for rule in rules() {
        let Breach(of_kind, called, op, path, value) = rule.breach;
        let whole = match of_kind {
            "Job" => "OpenShift acceptance",
            "Ingress" => "Kubernetes production",
            _ => "OpenShift production",
        };
        let mut objects = set(whole).objects.clone();
        let broken =
            objects.iter_mut().find(|object| kind(object) == of_kind && name(object) == called);
        let value: Value = serde_json::from_str(value).unwrap();
        let operation = json!([{ "op": op, "path": path, "value": value }]);
        patch::apply(broken.unwrap(), &operation).unwrap();
        let broken = Set { name: whole, is_for_openshift: set(whole).is_for_openshift, objects };
        assert!(!rule.findings(&broken).is_empty(), "{} is blind to {path}", rule.name);
    }
}

#[test]
fn an_excuse_counts_for_its_rule_and_only_with_a_reason() {
    let excused = |why: &str| {
        let annotations = json!({ "ignore-check.kube-linter.io/latest-tag": why });
        json!({ "metadata": { "annotations": annotations } })
    };
    assert!(is_excused(&excused("why"), "latest-tag"));
    assert!(!is_excused(&excused("why"), "duplicate-env-var"));
    assert!(!is_excused(&excused(""), "latest-tag"));
}

/// The environment variables of a container.
fn variables(container: &Value) -> impl Iterator<Item = &str> {
    items(&container["env"]).iter().filter_map(|variable| variable["name"].as_str())
}
