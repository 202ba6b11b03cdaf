//! The dashboards: whether Grafana can import them, and whether there is anything to be seen.

use std::collections::BTreeSet;

use serde_json::Value;

use super::monitoring::{Dashboard, dashboards, series};
use super::queries::Query;

/// Columns of Grafana's grid.
const COLUMNS: u64 = 24;

/// The format that Grafana 10 writes; later ones read it.
const SCHEMA: u64 = 38;

/// Panels beyond which nobody finds anything.
const MAX_PANELS: usize = 18;

#[test]
fn there_are_four_and_grafana_can_import_them() {
    let dashboards = dashboards();
    let names: Vec<&str> = dashboards.iter().map(|dashboard| dashboard.name.as_str()).collect();
    assert_eq!(names, ["ingest", "overview", "projects", "slo"]);
    for dashboard in &dashboards {
        let Dashboard { name, model } = dashboard;
        assert_eq!(model["uid"], format!("glitchtip-{name}"));
        assert_eq!(model["id"], Value::Null, "{name}: a number is another installation's");
        assert_eq!(model["schemaVersion"], SCHEMA, "{name}");
        assert_eq!(model["tags"][0], "glitchtip", "{name}");
        assert!(model["title"].as_str().unwrap().starts_with("GlitchTip / "), "{name}");
        assert!(!model["description"].as_str().unwrap().is_empty(), "{name}");
        assert_eq!(dashboard.variable("datasource")["type"], "datasource", "{name}");
        assert_eq!(dashboard.variable("datasource")["query"], "prometheus", "{name}");
    }
}

#[test]
fn every_panel_says_what_it_shows_and_in_which_unit() {
    for dashboard in &dashboards() {
        let name = &dashboard.name;
        assert!(dashboard.panels().count() <= MAX_PANELS, "{name} has too many panels");
        let mut titles = BTreeSet::new();
        for panel in dashboard.panels() {
            let title = panel["title"].as_str().unwrap();
            assert!(titles.insert(title), "{name}: two panels are called {title}");
            let text = panel["description"].as_str().unwrap();
            assert!(text.ends_with('.'), "{name}: {title} has no description");
            let unit = &panel["fieldConfig"]["defaults"]["unit"];
            assert!(unit.is_string(), "{name}: {title} has no unit");
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{name}: {title}");
            let targets = panel["targets"].as_array().unwrap();
            let references: BTreeSet<&str> =
                targets.iter().map(|target| target["refId"].as_str().unwrap()).collect();
            assert!(!targets.is_empty() && references.len() == targets.len(), "{name}: {title}");
            for target in targets {
                assert_eq!(target["datasource"]["uid"], "${datasource}", "{name}: {title}");
                assert!(target["legendFormat"].is_string(), "{name}: {title}");
            }
        }
    }
}

#[test]
fn panels_have_a_place_of_their_own() {
    for Dashboard { name, model } in &dashboards() {
        let mut taken = BTreeSet::new();
        let mut numbers = BTreeSet::new();
        for panel in model["panels"].as_array().unwrap() {
            let title = &panel["title"];
            assert!(numbers.insert(panel["id"].as_u64().unwrap()), "{name}: {title}");
            let side = |side: &str| panel["gridPos"][side].as_u64().unwrap();
            assert!(side("x") + side("w") <= COLUMNS, "{name}: {title} is too wide");
            for x in side("x")..side("x") + side("w") {
                for y in side("y")..side("y") + side("h") {
                    assert!(taken.insert((x, y)), "{name}: {title} covers another panel");
                }
            }
        }
    }
}

#[test]
fn queries_name_only_what_is_measured() {
    let series = series();
    let mut lost = Vec::new();
    for dashboard in &dashboards() {
        for (title, query) in dashboard.queries() {
            let unknown = Query::read(query).unknown(&series);
            let name = &dashboard.name;
            lost.extend(unknown.iter().map(|unknown| format!("{name}: {title}: {unknown}")));
        }
    }
    assert!(lost.is_empty(), "{lost:#?}");
}

#[test]
fn queries_are_about_the_namespace_that_was_picked() {
    // A target is the same everywhere, and what Amazon runs is in no namespace.
    let is_nowhere = |name: &str| {
        name == "slo:glitchtip_target:ratio" || name.contains(":limit") || name.starts_with("aws_")
    };
    for dashboard in &dashboards() {
        for (title, text) in dashboard.queries() {
            for (name, matchers) in Query::read(text).selectors {
                let is_picked = matchers.iter().any(|matcher| {
                    matcher.name.ends_with("namespace") && matcher.value == "$namespace"
                });
                assert!(is_picked || is_nowhere(&name), "{}: {title}: {name}", dashboard.name);
            }
        }
    }
}

#[test]
fn pickers_ask_for_labels_that_there_are() {
    let series = series();
    for dashboard in &dashboards() {
        let picked = dashboard.variable("namespace")["definition"].as_str().unwrap();
        assert_eq!(
            picked, "label_values(django_http_requests_total_by_method_total, namespace)",
            "{}: GlitchTip's dashboards pick it so",
            dashboard.name
        );
        for variable in dashboard.model["templating"]["list"].as_array().unwrap() {
            let Some(values) = variable["definition"].as_str() else {
                continue;
            };
            let asked = values.strip_prefix("label_values(").unwrap().strip_suffix(')').unwrap();
            let (query, label) = asked.rsplit_once(", ").unwrap();
            assert_eq!(variable["query"]["query"], values, "{}", dashboard.name);
            let query = Query::read(query);
            assert_eq!(query.unknown(&series), [""; 0], "{}: {values}", dashboard.name);
            assert!(query.labels_of_all(&series).contains(label), "{}: {label}", dashboard.name);
        }
    }
}

#[test]
fn the_overview_shows_what_operators_of_glitchtip_look_at() {
    let dashboards = dashboards();
    let overview = dashboards.iter().find(|dashboard| dashboard.name == "overview").unwrap();
    let queries: Vec<&str> = overview.queries().map(|(_, query)| query).collect();
    for metric in [
        "glitchtip_organizations",
        "glitchtip_projects",
        "glitchtip_events",
        "django_http_responses_total_by_status_total",
    ] {
        assert!(queries.iter().any(|query| query.contains(metric)), "{metric}");
    }
    for used in ["container_cpu_usage_seconds_total", "container_memory_working_set_bytes"] {
        for role in ["beat", "web", "worker"] {
            let pods = format!("pod=~\"glitchtip-{role}-.*\"");
            let is_asked = |query: &&str| query.contains(used) && query.contains(&pods);
            assert!(queries.iter().any(is_asked), "{used} of {role}");
        }
    }
    let latency = "django_http_requests_latency_including_middlewares_seconds_bucket";
    let mut heatmaps = overview.panels().filter(|panel| panel["type"] == "heatmap");
    assert!(heatmaps.any(|panel| panel["targets"].to_string().contains(latency)), "{latency}");
}
