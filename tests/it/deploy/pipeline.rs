//! The pipeline does what it says, in the order that it says, and leaves production to a person.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::manifests::{deploy, items, name, root, set};
use super::yaml;

/// The words `$(…)` in a text.
fn references(text: &str) -> impl Iterator<Item = &str> {
    text.split("$(").skip(1).filter_map(|rest| rest.split(')').next())
}

/// The names of the items of a list.
fn names(list: &Value) -> BTreeSet<&str> {
    items(list).iter().map(|item| item["name"].as_str().unwrap()).collect()
}

/// The names of parameters that have no default.
fn required(list: &Value) -> BTreeSet<&str> {
    let items = items(list).iter().filter(|item| item["default"].is_null());
    items.map(|item| item["name"].as_str().unwrap()).collect()
}

#[test]
fn pipelines_give_their_tasks_what_they_want() {
    let set = set("pipeline");
    for pipeline in set.of("Pipeline") {
        let spec = &pipeline["spec"];
        for step in items(&spec["tasks"]) {
            let task = &set.object("Task", step["taskRef"]["name"].as_str().unwrap())["spec"];
            let at = format!("{} {}", name(pipeline), step["name"]);
            assert_eq!(names(&step["params"]), names(&task["params"]), "{at}");
            assert_eq!(names(&step["workspaces"]), names(&task["workspaces"]), "{at}");
            let text = step.to_string();
            for reference in references(&text) {
                let parameter = reference.strip_prefix("params.").unwrap();
                assert!(names(&spec["params"]).contains(parameter), "{at} has no {reference}");
            }
            for workspace in items(&step["workspaces"]) {
                let workspace = workspace["workspace"].as_str().unwrap();
                assert!(names(&spec["workspaces"]).contains(workspace), "{at} has no {workspace}");
            }
        }
    }
}

#[test]
fn tasks_refer_to_what_they_have_and_scripts_get_it_as_variables() {
    for task in set("pipeline").of("Task") {
        let spec = &task["spec"];
        for step in items(&spec["steps"]) {
            let script = step["script"].as_str().unwrap();
            assert!(!script.contains("$(params."), "{} runs what a parameter says", name(task));
            let mut rest = step.clone();
            rest["script"] = Value::Null;
            for reference in references(&rest.to_string()) {
                let mut words = reference.split('.');
                let list = &spec[words.next().unwrap()];
                assert!(names(list).contains(words.next().unwrap()), "{}: {reference}", name(task));
            }
            let is_used = |name: &&str| {
                ["HOME", "STORAGE_DRIVER"].contains(name) || script.contains(&format!("${name}"))
            };
            let unused: Vec<_> =
                names(&step["env"]).into_iter().filter(|name| !is_used(name)).collect();
            assert!(unused.is_empty(), "{} sets {unused:?} for nobody", name(task));
        }
    }
}

#[test]
fn scripts_are_understood_by_a_shell_and_name_files_that_there_are() {
    for task in set("pipeline").of("Task") {
        for step in items(&task["spec"]["steps"]) {
            let script = step["script"].as_str().unwrap();
            let mut shell = Command::new("bash")
                .arg("-n")
                .stdin(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            shell.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
            let output = shell.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            assert!(script.contains("\nset -eu"), "{} goes on after a failure", name(task));
            let files = script.split_whitespace().map(|word| word.trim_matches('"'));
            for file in files.filter(|word| word.starts_with("openshift/")) {
                for environment in ["staging", "production"] {
                    let file = file.replace("$ENVIRONMENT", environment);
                    assert!(root().join(&file).exists(), "{} wants {file}", name(task));
                }
            }
        }
    }
}

/// The tasks of a pipeline, in the order in which they must run.
fn order(pipeline: &str) -> Vec<&'static str> {
    let mut left: Vec<&Value> =
        items(&set("pipeline").object("Pipeline", pipeline)["spec"]["tasks"]).iter().collect();
    let mut done: Vec<&str> = Vec::new();
    while !left.is_empty() {
        let is_next = |task: &&Value| {
            items(&task["runAfter"]).iter().all(|before| done.iter().any(|one| before == one))
        };
        let next: Vec<_> = left.iter().copied().filter(is_next).collect();
        let [next] = next.as_slice() else { panic!("after {done:?} come {}", next.len()) };
        done.push(next["name"].as_str().unwrap());
        left.retain(|task| task != next);
    }
    done
}

#[test]
fn a_merge_is_built_staged_and_tried_out_and_production_waits_for_a_person() {
    assert_eq!(order("mishap-release"), ["fetch", "build", "stage", "acceptance"]);
    assert_eq!(order("mishap-promote"), ["verdict", "fetch", "production"]);
    let set = set("pipeline");
    let release = set.object("Pipeline", "mishap-release").to_string();
    assert!(release.contains("staging") && !release.contains("production"));
    let started = set.of("TriggerTemplate").map(|template| &template["spec"]["resourcetemplates"]);
    let started: Vec<_> =
        started.flat_map(items).map(|run| &run["spec"]["pipelineRef"]["name"]).collect();
    assert_eq!(started, ["mishap-release"]);
}

#[test]
fn runs_have_what_their_pipelines_want() {
    let set = set("pipeline");
    let mut runs = yaml::read(&deploy().join("pipeline/promotion.yaml"));
    let templates =
        set.of("TriggerTemplate").flat_map(|one| items(&one["spec"]["resourcetemplates"]));
    runs.extend(templates.cloned());
    assert_eq!(runs.len(), 2);
    for run in &runs {
        let spec = &run["spec"];
        let pipeline = set.object("Pipeline", spec["pipelineRef"]["name"].as_str().unwrap());
        let wanted = &pipeline["spec"];
        let given = names(&spec["params"]);
        assert!(given.is_superset(&required(&wanted["params"])), "{given:?}");
        assert!(given.is_subset(&names(&wanted["params"])), "{given:?}");
        assert_eq!(names(&spec["workspaces"]), names(&wanted["workspaces"]));
        let account = spec["taskRunTemplate"]["serviceAccountName"].as_str().unwrap();
        set.object("ServiceAccount", account);
    }
}

#[test]
fn a_merge_hands_its_commit_to_the_run() {
    let set = set("pipeline");
    let trigger = &set.object("EventListener", "mishap-merge")["spec"]["triggers"][0];
    let bound = set.object("TriggerBinding", trigger["bindings"][0]["ref"].as_str().unwrap());
    let template = set.object("TriggerTemplate", trigger["template"]["ref"].as_str().unwrap());
    assert_eq!(names(&bound["spec"]["params"]), names(&template["spec"]["params"]));
    let text = template["spec"]["resourcetemplates"].to_string();
    for reference in references(&text) {
        let parameter = reference.strip_prefix("tt.params.").unwrap();
        assert!(names(&template["spec"]["params"]).contains(parameter), "{reference}");
    }
}
