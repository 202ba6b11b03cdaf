//! The rules: what is an objective, when somebody is called, and what they are told.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::measured::bounds_of_buckets;
use super::monitoring::{dashboards, folder, rules, series, workspace, yaml};
use super::queries::Query;

/// Alerts that are always there.
const ALWAYS: &[&str] = &["GlitchtipWatchdog"];

/// What alerts are routed by, from the worst on.
const SEVERITIES: &[&str] = &["critical", "high", "medium", "info", "none"];

/// Runs promtool beside the rules as it reads them, without what Kubernetes puts around them.
fn promtool(arguments: &[&str]) {
    let beside = TempDir::new().unwrap();
    let groups = json!({ "groups": yaml("rules.yaml")["spec"]["groups"] });
    fs::write(beside.path().join("rules.json"), groups.to_string()).unwrap();
    fs::copy(folder().join("rules_test.yaml"), beside.path().join("rules_test.yaml")).unwrap();
    let output = Command::new("promtool").args(arguments).current_dir(beside.path()).output();
    let output = output.unwrap_or_else(|error| {
        panic!("promtool cannot be started ({error}); install it (Debian: prometheus)")
    });
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
}

#[test]
fn rules_are_what_prometheus_reads_without_complaint() {
    let object = yaml("rules.yaml");
    assert_eq!(object["apiVersion"], "monitoring.coreos.com/v1");
    assert_eq!(object["kind"], "PrometheusRule");
    assert_eq!(object["metadata"]["name"], "glitchtip");
    promtool(&["check", "rules", "--lint=all", "--lint-fatal", "rules.json"]);
}

#[test]
fn alerts_fire_when_they_should_and_keep_still_when_they_should() {
    promtool(&["test", "rules", "rules_test.yaml"]);
}

#[test]
fn every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() {
    let tests = yaml("rules_test.yaml");
    let tests = tests["tests"].as_array().unwrap();
    let cases: Vec<&Value> =
        tests.iter().filter_map(|test| test["alert_rule_test"].as_array()).flatten().collect();
    for rule in rules() {
        let Some(alert) = rule.alert() else {
            continue;
        };
        let is_tried = |fires: bool| {
            let mut own = cases.iter().filter(|case| case["alertname"] == alert);
            own.any(|case| case["exp_alerts"].as_array().unwrap().is_empty() != fires)
        };
        assert!(is_tried(true), "{alert} never fires");
        assert!(is_tried(false) || ALWAYS.contains(&alert), "{alert} never keeps still");
    }
}

#[test]
fn groups_are_tried_in_the_order_in_which_they_need_each_other() {
    let (rules, tests) = (yaml("rules.yaml"), yaml("rules_test.yaml"));
    let groups = rules["spec"]["groups"].as_array().unwrap().iter();
    let groups: Vec<&Value> = groups.map(|group| &group["name"]).collect();
    let tried: Vec<&Value> = tests["group_eval_order"].as_array().unwrap().iter().collect();
    assert_eq!(tried, groups, "promtool takes those that are not listed before the first");
}

#[test]
fn every_alert_says_how_bad_it_is_and_what_it_is_about() {
    let uids: BTreeSet<String> = dashboards()
        .iter()
        .map(|dashboard| format!("/d/{}", dashboard.model["uid"].as_str().unwrap()))
        .collect();
    for rule in rules() {
        let Some(alert) = rule.alert() else {
            continue;
        };
        assert!(SEVERITIES.contains(&rule.label("severity")), "{alert}");
        assert_eq!(rule.label("service"), "glitchtip", "{alert}");
        assert!(rule.annotation("message").ends_with('.'), "{alert}");
        assert!(uids.contains(rule.annotation("dashboard")), "{alert}");
    }
}

#[test]
fn every_alert_names_a_procedure_that_is_there() {
    let mut missing = BTreeSet::new();
    for rule in rules() {
        let Some(alert) = rule.alert() else {
            continue;
        };
        let runbook = rule.annotation("runbook");
        assert!(runbook.starts_with("deploy/sops/") && runbook.ends_with(".md"), "{alert}");
        if !workspace().join(runbook).is_file() {
            missing.insert(runbook.to_owned());
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn the_list_in_the_readme_is_the_list_of_alerts() {
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    let told = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [alert, severity, procedure, ..] = cells.as_slice() else {
            return None;
        };
        let alert = alert.strip_prefix('`')?.strip_suffix('`')?;
        let (_, procedure) = procedure.split_once("](../sops/")?;
        let procedure = procedure.strip_suffix(")")?;
        Some(format!("{alert} {severity} deploy/sops/{procedure}"))
    };
    let told: Vec<String> = readme.lines().filter_map(told).collect();
    let rules = rules();
    let alerts: Vec<String> = rules
        .iter()
        .filter_map(|rule| {
            let (severity, runbook) = (rule.label("severity"), rule.annotation("runbook"));
            rule.alert().map(|alert| format!("{alert} {severity} {runbook}"))
        })
        .collect();
    assert_eq!(told, alerts);
}

#[test]
fn every_objective_has_a_target_and_is_told_of_in_the_readme() {
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    let rules = rules();
    let with = |record: &str| -> BTreeSet<&str> {
        let of_record = rules.iter().filter(|rule| rule.record() == Some(record));
        of_record.map(|rule| rule.label("slo")).collect()
    };
    let objectives = with("slo:glitchtip_target:ratio");
    assert!(objectives.len() >= 5, "{objectives:?}");
    assert_eq!(with("slo:glitchtip_requests:rate5m"), objectives);
    assert_eq!(with("slo:glitchtip_bad_requests:rate5m"), objectives);
    for rule in rules.iter().filter(|rule| rule.record() == Some("slo:glitchtip_target:ratio")) {
        let target = rule.expr().trim_start_matches("vector(").trim_end_matches(')');
        let percent = target.parse::<f64>().unwrap() * 100.0;
        let row = format!("| `{}` | {percent:.1} % |", rule.label("slo"));
        assert!(readme.contains(&row.replace(".0 %", " %")), "{row}");
    }
}

#[test]
fn rules_name_only_what_is_measured() {
    let series = series();
    let mut lost = Vec::new();
    for rule in rules() {
        let name = rule.alert().or(rule.record()).unwrap();
        let unknown = Query::read(rule.expr()).unknown(&series);
        lost.extend(unknown.iter().map(|unknown| format!("{name}: {unknown}")));
    }
    assert!(lost.is_empty(), "{lost:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bounds_of_objectives_are_bounds_of_buckets() {
    let bounds = bounds_of_buckets().await;
    let rules: Vec<Query> = rules().iter().map(|rule| Query::read(rule.expr())).collect();
    let dashboards = dashboards();
    let shown = dashboards.iter().flat_map(|dashboard| dashboard.queries());
    let shown: Vec<Query> = shown.map(|(_, query)| Query::read(query)).collect();
    for query in rules.iter().chain(&shown) {
        let unknown = query.unknown_bounds(&bounds);
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}
