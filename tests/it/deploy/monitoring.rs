//! The files of `deploy/monitoring`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::measured::Series;
use super::queries::Query;

/// The folder.
pub(super) fn folder() -> PathBuf {
    workspace().join("deploy/monitoring")
}

/// The folder of everything.
pub(super) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// What a file of YAML says.
pub(super) fn yaml(name: &str) -> Value {
    let mut documents = super::yaml::read(&folder().join(name));
    assert_eq!(documents.len(), 1, "{name}");
    documents.remove(0)
}

/// A rule, of whatever group.
pub(super) struct Rule(Value);

impl Rule {
    /// The name of an alert.
    pub(super) fn alert(&self) -> Option<&str> {
        self.0["alert"].as_str()
    }

    /// The name of the series that the rule records.
    pub(super) fn record(&self) -> Option<&str> {
        self.0["record"].as_str()
    }

    /// What is asked.
    pub(super) fn expr(&self) -> &str {
        self.0["expr"].as_str().unwrap()
    }

    /// A label that is given, or nothing.
    pub(super) fn label(&self, name: &str) -> &str {
        self.0["labels"][name].as_str().unwrap_or_default()
    }

    /// An annotation, or nothing.
    pub(super) fn annotation(&self, name: &str) -> &str {
        self.0["annotations"][name].as_str().unwrap_or_default()
    }
}

/// Every rule.
pub(super) fn rules() -> Vec<Rule> {
    let groups = yaml("rules.yaml")["spec"]["groups"].as_array().unwrap().clone();
    let rules = groups.iter().flat_map(|group| group["rules"].as_array().unwrap().clone());
    rules.map(Rule).collect()
}

/// What rules and dashboards may ask for: what is scraped, and what rules make of it.
pub(super) fn series() -> Series {
    let mut series = Series::scraped();
    let rules = rules();
    for rule in rules.iter().filter(|rule| rule.record().is_some()) {
        let given = rule.0["labels"].as_object().into_iter().flatten();
        let given: Vec<String> = given.map(|(label, _)| label.clone()).collect();
        let inherited = Query::read(rule.expr()).labels_of_all(&series);
        series.add(rule.record().unwrap(), inherited.into_iter().chain(given));
    }
    series
}

/// A dashboard.
pub(super) struct Dashboard {
    /// The file's name, without its ending.
    pub(super) name: String,
    /// What Grafana imports.
    pub(super) model: Value,
}

impl Dashboard {
    /// Its panels, without the headings between them.
    pub(super) fn panels(&self) -> impl Iterator<Item = &Value> {
        let panels = self.model["panels"].as_array().unwrap().iter();
        panels.filter(|panel| panel["type"] != "row")
    }

    /// Its queries, each with the title of the panel.
    pub(super) fn queries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.panels().flat_map(|panel| {
            let title = panel["title"].as_str().unwrap();
            let targets = panel["targets"].as_array().unwrap().iter();
            targets.map(move |target| (title, target["expr"].as_str().unwrap()))
        })
    }

    /// Its variables, by their names.
    pub(super) fn variable(&self, name: &str) -> &Value {
        let mut variables = self.model["templating"]["list"].as_array().unwrap().iter();
        let found = variables.find(|variable| variable["name"] == name);
        found.unwrap_or_else(|| panic!("{} has no variable {name}", self.name))
    }
}

/// Every dashboard.
pub(super) fn dashboards() -> Vec<Dashboard> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder().join("dashboards"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let read = |path: &PathBuf| Dashboard {
        name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
        model: serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap(),
    };
    paths.iter().map(read).collect()
}
