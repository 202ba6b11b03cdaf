//! Stands in for `oc process --local`: renders an OpenShift Template.
//!
//! What that program leaves as it is without a word, a reference to a parameter that is not declared or a
//! parameter that nothing refers to, is told besides.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// A parameter of a template.
pub(super) struct Parameter {
    /// Its name.
    pub(super) name: String,
    /// What it is for.
    pub(super) description: String,
    /// What counts if nobody says anything.
    pub(super) default: Option<String>,
    /// Whether it must not be empty.
    pub(super) is_required: bool,
}

/// A template as it is written.
pub(super) struct Template {
    /// What it makes, with references to parameters.
    pub(super) objects: Vec<Value>,
    /// Its parameters.
    pub(super) parameters: Vec<Parameter>,
    labels: Map<String, Value>,
}

/// What a template makes.
#[derive(Debug, PartialEq)]
pub(super) struct Rendered {
    /// The objects.
    pub(super) objects: Vec<Value>,
    /// References to parameters that are not declared; they are left as they are.
    pub(super) undefined: BTreeSet<String>,
    /// Parameters that nothing refers to.
    pub(super) unused: BTreeSet<String>,
}

impl Template {
    /// Reads a template; it must not make anything up, as passwords that are new at each deployment.
    pub(super) fn of(document: &Value) -> Result<Self, String> {
        if document["kind"] != "Template" {
            return Err("this is no Template".to_owned());
        }
        let parameters = document["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(Self {
            objects: document["objects"].as_array().ok_or("there are no objects")?.clone(),
            parameters: parameters.iter().map(parameter).collect::<Result<_, _>>()?,
            labels: document["labels"].as_object().cloned().unwrap_or_default(),
        })
    }

    /// Renders with these values, and the defaults of others.
    pub(super) fn render(&self, values: &BTreeMap<String, String>) -> Result<Rendered, String> {
        let is_declared = |name: &str| self.parameters.iter().any(|known| known.name == name);
        if let Some(name) = values.keys().find(|name| !is_declared(name)) {
            return Err(format!("{name} is no parameter"));
        }
        let mut known = BTreeMap::new();
        for Parameter { name, default, is_required, .. } in &self.parameters {
            let value = values.get(name).or(default.as_ref()).cloned().unwrap_or_default();
            if *is_required && value.is_empty() {
                return Err(format!("{name} is required"));
            }
            known.insert(name.clone(), value);
        }
        let mut substitution =
            Substitution { known, used: BTreeSet::new(), undefined: BTreeSet::new() };
        let mut labels = Value::Object(self.labels.clone());
        substitution.value(&mut labels);
        let mut objects = self.objects.clone();
        for object in &mut objects {
            // A namespace that is written down is that of another installation; one that is a parameter
            // is wanted.
            let is_fixed = |namespace: &Value| !namespace.as_str().is_some_and(refers);
            if object.pointer("/metadata/namespace").is_some_and(is_fixed) {
                object["metadata"].as_object_mut().unwrap().remove("namespace");
            }
            substitution.value(object);
            for (name, value) in labels.as_object().unwrap() {
                object["metadata"]["labels"][name] = value.clone();
            }
        }
        let Substitution { known, used, undefined } = substitution;
        let unused = known.into_keys().filter(|name| !used.contains(name)).collect();
        Ok(Rendered { objects, undefined, unused })
    }
}

/// Whether a text has a reference to a parameter.
pub(super) fn refers(text: &str) -> bool {
    text.contains("${")
}

/// The values in a file for `--param-file`. Quotes, references and comments behind a value, about which
/// readers differ, are refused.
pub(super) fn values(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut values = BTreeMap::new();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    for line in lines {
        let (name, value) = line.split_once('=').ok_or_else(|| format!("{line} has no ="))?;
        if !is_name(name) || value.contains(['"', '\'', '$', '#', '\\']) || value.trim() != value {
            return Err(format!("{line} is not understood by everybody"));
        }
        if values.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(format!("{name} is there twice"));
        }
    }
    Ok(values)
}

fn parameter(parameter: &Value) -> Result<Parameter, String> {
    let text = |field: &str| parameter[field].as_str().map(str::to_owned);
    let name = text("name").ok_or("a parameter without a name")?;
    if parameter.get("generate").is_some() {
        return Err(format!("{name} would be another at each deployment"));
    }
    if parameter.get("value").is_some_and(|value| !value.is_string()) {
        return Err(format!("the value of {name} is no text"));
    }
    Ok(Parameter {
        description: text("description").unwrap_or_default(),
        default: text("value"),
        is_required: parameter["required"] == true,
        name,
    })
}

struct Substitution {
    known: BTreeMap<String, String>,
    used: BTreeSet<String>,
    undefined: BTreeSet<String>,
}

impl Substitution {
    fn value(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => *value = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(entries) => {
                let old = std::mem::take(entries);
                for (key, mut value) in old {
                    self.value(&mut value);
                    entries.insert(self.parts(&key), value);
                }
            }
            _ => {}
        }
    }

    /// `${{NAME}}` by itself is the JSON that the value is, or else the text.
    fn text(&mut self, text: &str) -> Value {
        let name = text.strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}"));
        match name.filter(|name| is_name(name)) {
            Some(name) => match self.look_up(name) {
                Some(value) => serde_json::from_str(&value).unwrap_or(Value::String(value)),
                None => Value::from(text),
            },
            None => Value::String(self.parts(text)),
        }
    }

    /// Each `${NAME}` is the value as text.
    fn parts(&mut self, text: &str) -> String {
        let mut made = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            made.push_str(before);
            match after.split_once('}').filter(|(name, _)| is_name(name)) {
                Some((name, behind)) => {
                    match self.look_up(name) {
                        Some(value) => made.push_str(&value),
                        None => made.extend(["${", name, "}"]),
                    }
                    rest = behind;
                }
                None => {
                    // `x-${{NAME}}` stays as it is, and nobody can have meant that.
                    self.undefined.insert(text.to_owned());
                    made.push_str("${");
                    rest = after;
                }
            }
        }
        made + rest
    }

    fn look_up(&mut self, name: &str) -> Option<String> {
        let value = self.known.get(name).cloned();
        if value.is_some() {
            self.used.insert(name.to_owned());
        } else {
            self.undefined.insert(name.to_owned());
        }
        value
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

mod tests {
    use serde_json::json;

    use super::*;

    /// A template with one object, and its parameters A (empty), N (3), R (required, without a value)
    /// and J (an object).
    fn rendered(object: &Value, values: &[(&str, &str)]) -> Result<Rendered, String> {
        let template = Template::of(&json!({
            "kind": "Template",
            "labels": { "template": "t" },
            "objects": [object],
            "parameters": [
                { "name": "A" },
                { "name": "N", "value": "3" },
                { "name": "R", "value": "", "required": true },
                { "name": "J", "value": "{\"x\": [true]}" },
            ],
        }))?;
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        template.render(&values.collect())
    }

    /// The data of the object that a template makes of this data.
    fn data(data: &Value) -> Value {
        let made = rendered(&json!({ "metadata": {}, "data": data }), &[("R", "r")]).unwrap();
        made.objects[0]["data"].clone()
    }

    #[test]
    fn references_in_a_text_are_replaced_and_it_stays_a_text() {
        assert_eq!(data(&json!({ "k": "${N}" })), json!({ "k": "3" }));
        assert_eq!(data(&json!({ "k": "${N}-${R}:${N}" })), json!({ "k": "3-r:3" }));
        assert_eq!(
            data(&json!({ "k": ["${R}", { "l": "${R}" }] })),
            json!({ "k": ["r", { "l": "r" }] })
        );
    }

    #[test]
    fn references_in_keys_are_replaced_too() {
        assert_eq!(data(&json!({ "a-${R}": 1 })), json!({ "a-r": 1 }));
    }

    #[test]
    fn a_reference_in_two_braces_is_the_json_that_the_value_is() {
        assert_eq!(data(&json!({ "k": "${{N}}" })), json!({ "k": 3 }));
        assert_eq!(data(&json!({ "k": "${{J}}" })), json!({ "k": { "x": [true] } }));
        assert_eq!(data(&json!({ "k": "${{R}}" })), json!({ "k": "r" }));
    }

    #[test]
    fn a_reference_in_two_braces_within_a_text_stays_and_is_told() {
        let object = json!({ "metadata": {}, "k": "pre-${{N}}" });
        let made = rendered(&object, &[("R", "r")]).unwrap();
        assert_eq!(made.objects[0]["k"], "pre-${{N}}");
        assert_eq!(made.undefined, BTreeSet::from(["pre-${{N}}".to_owned()]));
    }

    #[test]
    fn a_reference_to_nothing_stays_and_is_told() {
        let object = json!({ "metadata": {}, "k": "${NOPE} ${N}", "l": "${{NEVER}}" });
        let made = rendered(&object, &[("R", "r")]).unwrap();
        assert_eq!(made.objects[0]["k"], "${NOPE} 3");
        assert_eq!(made.objects[0]["l"], "${{NEVER}}");
        assert_eq!(made.undefined, BTreeSet::from(["NOPE".to_owned(), "NEVER".to_owned()]));
    }

    #[test]
    fn parameters_that_nothing_refers_to_are_told() {
        let made = rendered(&json!({ "metadata": {}, "k": "${N}${R}" }), &[("R", "r")]).unwrap();
        assert_eq!(made.unused, BTreeSet::from(["A".to_owned(), "J".to_owned()]));
    }

    #[test]
    fn a_parameter_without_a_value_is_empty_unless_it_is_required() {
        assert_eq!(data(&json!({ "k": "<${A}>" })), json!({ "k": "<>" }));
        let object = json!({ "metadata": {} });
        assert_eq!(rendered(&object, &[]), Err("R is required".to_owned()));
        assert_eq!(rendered(&object, &[("R", "")]), Err("R is required".to_owned()));
    }

    #[test]
    fn a_value_for_what_is_no_parameter_is_refused() {
        let wrong = rendered(&json!({ "metadata": {} }), &[("R", "r"), ("ZZ", "1")]);
        assert_eq!(wrong, Err("ZZ is no parameter".to_owned()));
    }

    #[test]
    fn a_namespace_that_is_written_down_is_taken_off_and_a_parameter_is_not() {
        let namespace = |text: &str| {
            let object = json!({ "metadata": { "namespace": text } });
            rendered(&object, &[("R", "r")]).unwrap().objects[0]["metadata"]["namespace"].clone()
        };
        assert_eq!(namespace("fixed"), Value::Null);
        assert_eq!(namespace("${R}"), "r");
    }

    #[test]
    fn the_template_s_labels_are_put_on_objects_and_not_on_pods() {
        let object = json!({
            "metadata": { "labels": { "own": "1" } },
            "spec": { "template": { "metadata": { "labels": { "pod": "1" } } } },
        });
        let made = rendered(&object, &[("R", "r")]).unwrap().objects.remove(0);
        assert_eq!(made["metadata"]["labels"], json!({ "own": "1", "template": "t" }));
        assert_eq!(made["spec"]["template"]["metadata"]["labels"], json!({ "pod": "1" }));
    }

    #[test]
    fn what_would_be_new_at_each_deployment_is_refused() {
        let parameter =
            json!({ "name": "SECRET_KEY", "generate": "expression", "from": "[a-z]{40}" });
        let document = json!({ "kind": "Template", "objects": [], "parameters": [parameter] });
        assert!(Template::of(&document).is_err());
    }

    #[test]
    fn a_value_that_looks_like_a_boolean_stays_a_text_in_json() {
        let made = rendered(&json!({ "metadata": {}, "k": "${R}" }), &[("R", "y")]).unwrap();
        assert_eq!(made.objects[0]["k"].to_string(), "\"y\"");
    }

    #[test]
    fn files_of_values_are_lines_that_everybody_understands() {
        let values = values("# a comment\n\nA=1\nB=x=y\n").unwrap();
        assert_eq!(
            values.into_iter().map(|(a, b)| a + "," + &b).collect::<Vec<_>>(),
            ["A,1", "B,x=y"]
        );
        for text in ["A", "A=\"1\"", "A='1'", "A=$B", "A=1 # one", "A= 1", "export A=1", "A=1\nA=2"]
        {
            assert!(super::values(text).is_err(), "{text}");
        }
    }
}
