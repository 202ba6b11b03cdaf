//! Stands in for `kubectl kustomize`, as far as our kustomizations go; what else they might say is
//! refused. Where kubectl is installed, it must make the same.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value};

use super::manifests::{deploy, kind, name, pod_spec_mut};
use super::{patch, yaml};

/// Kinds that belong to no namespace.
const CLUSTER_WIDE: &[&str] = &["Namespace"];

/// What a folder with a kustomization makes.
pub(super) fn render(folder: &Path) -> Result<Vec<Value>, String> {
    let mut documents = yaml::read(&folder.join("kustomization.yaml"));
    let Some(Value::Object(mut says)) = documents.pop().filter(|_| documents.is_empty()) else {
        return Err(format!("{folder:?} has not one kustomization"));
    };
    let mut take = |field: &str| says.remove(field).unwrap_or_default();
    let is_one =
        take("apiVersion") == "kustomize.config.k8s.io/v1beta1" && take("kind") == "Kustomization";
    if !is_one {
        return Err(format!("{folder:?} has a kustomization of another kind"));
    }
    let mut objects = Vec::new();
    for resource in list(&take("resources"))? {
        let resource = resource.as_str().ok_or("a resource is a path")?;
        let path = folder.join(resource);
        if path.is_dir() {
            objects.extend(render(&path)?);
        } else if resource.contains("..") {
            return Err(format!("{resource} is a file outside of {folder:?}"));
        } else {
            objects.extend(yaml::read(&path));
        }
    }
    for patch in list(&take("patches"))? {
        patched(&mut objects, &patch)?;
    }
    for image in list(&take("images"))? {
        renamed(&mut objects, &image)?;
    }
    if let Value::String(namespace) = take("namespace") {
        objects.iter_mut().for_each(|object| put_into(object, &namespace));
    }
    if let Some(field) = says.keys().next() {
        return Err(format!("{field} of {folder:?} is not understood"));
    }
    let keys: Vec<_> = objects.iter().map(key).collect();
    match keys.iter().enumerate().find(|(place, key)| keys[..*place].contains(key)) {
        Some((_, key)) => Err(format!("{key} is there twice")),
        None => Ok(objects),
    }
}

fn list(value: &Value) -> Result<Vec<Value>, String> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => Ok(items.clone()),
        other => Err(format!("{other} is no list")),
    }
}

/// The fields of an object, which must be these.
fn fields<'a>(value: &'a Value, known: &[&str]) -> Result<&'a Map<String, Value>, String> {
    let fields = value.as_object().ok_or_else(|| format!("{value} has no fields"))?;
    match fields.keys().find(|field| !known.contains(&field.as_str())) {
        Some(field) => Err(format!("{field} is not understood")),
        None => Ok(fields),
    }
}

fn patched(objects: &mut [Value], patch: &Value) -> Result<(), String> {
    fields(patch, &["target", "patch"])?;
    let target = &patch["target"];
    fields(target, &["kind", "name"])?;
    let text = patch["patch"].as_str().ok_or("a patch is a text")?;
    let operations = yaml::documents(text)?.pop().ok_or("a patch says something")?;
    let is_meant = |object: &&mut Value| {
        object["kind"] == target["kind"] && object["metadata"]["name"] == target["name"]
    };
    let object = objects.iter_mut().find(is_meant);
    patch::apply(object.ok_or_else(|| format!("there is no {target}"))?, &operations)
}

fn renamed(objects: &mut [Value], image: &Value) -> Result<(), String> {
    fields(image, &["name", "newName", "newTag"])?;
    let text = |field: &str| image[field].as_str();
    let old = text("name").ok_or("an image has a name")?;
    let name = text("newName").unwrap_or(old);
    for spec in objects.iter_mut().filter_map(pod_spec_mut) {
        for containers in ["initContainers", "containers"] {
            let containers = spec.get_mut(containers).and_then(Value::as_array_mut);
            for container in containers.into_iter().flatten().filter(|one| one["image"] == old) {
                let tag = text("newTag").map(|tag| format!(":{tag}")).unwrap_or_default();
                container["image"] = Value::String(format!("{name}{tag}"));
            }
        }
    }
    Ok(())
}

fn put_into(object: &mut Value, namespace: &str) {
    if kind(object) == "Namespace" {
        object["metadata"]["name"] = Value::from(namespace);
    } else if !CLUSTER_WIDE.contains(&kind(object)) {
        object["metadata"]["namespace"] = Value::from(namespace);
    }
}

fn key(object: &Value) -> String {
    format!("{} {}", kind(object), name(object))
}

/// The kustomizations that somebody would apply.
const APPLIED: &[&str] = &[
    "kubernetes/overlays/dev",
    "kubernetes/overlays/staging",
    "kubernetes/overlays/production",
    "pipeline",
];

#[test]
fn kubectl_makes_the_same_of_every_kustomization() {
    for folder in APPLIED {
        let folder = deploy().join(folder);
        let ours = render(&folder).unwrap();
        let output = Command::new("kubectl").arg("kustomize").arg(&folder).output();
        // What cannot be started cannot be compared with.
        let Ok(output) = output else { return };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let theirs = yaml::documents(&String::from_utf8(output.stdout).unwrap()).unwrap();
        let sorted = |objects: Vec<Value>| -> BTreeMap<String, Value> {
            objects.into_iter().map(|object| (key(&object), object)).collect()
        };
        assert_eq!(sorted(ours), sorted(theirs), "{folder:?}");
    }
}

/// Files beside a kustomization that no cluster is told: what rules are tried with, and what a person
/// creates by hand.
const BESIDE: &[&str] = &["kustomization.yaml", "rules_test.yaml", "promotion.yaml"];

#[test]
fn every_manifest_is_part_of_what_is_applied() {
    for folder in ["monitoring", "pipeline", "kubernetes/base", "kubernetes/autoscaling"] {
        let folder = deploy().join(folder);
        let mut documents = yaml::read(&folder.join("kustomization.yaml"));
        let listed = list(&documents.remove(0)["resources"]).unwrap();
        for entry in fs::read_dir(&folder).unwrap() {
            let file = entry.unwrap().file_name().into_string().unwrap();
            let is_manifest = file.ends_with(".yaml") && !BESIDE.contains(&file.as_str());
            assert!(!is_manifest || listed.contains(&file.clone().into()), "{folder:?}: {file}");
        }
    }
}

mod tests {
    use super::*;

    /// A folder with a kustomization that says this of a ConfigMap and a Deployment.
    fn rendered(says: &str) -> Result<Vec<Value>, String> {
        let folder = tempfile::tempdir().unwrap();
        let kustomization =
            format!("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n{says}\n");
        fs::write(folder.path().join("kustomization.yaml"), kustomization).unwrap();
        let objects = "kind: ConfigMap\nmetadata: {name: c}\ndata: {k: v}\n---\nkind: Deployment\n\
                       metadata: {name: d}\nspec: {template: {spec: {containers: [{image: i}]}}}\n";
        fs::write(folder.path().join("objects.yaml"), objects).unwrap();
        render(folder.path())
    }

    #[test]
    fn a_field_that_is_not_understood_is_refused() {
        assert!(rendered("resources: [objects.yaml]\ncommonLabels: {a: b}").is_err());
        assert!(rendered("resources: [objects.yaml]\nimages: [{name: i, digest: x}]").is_err());
        let strategic = "resources: [objects.yaml]\npatches: [{path: p.yaml}]";
        assert!(rendered(strategic).is_err());
        let labelled =
            "resources: [objects.yaml]\npatches: [{target: {labelSelector: a}, patch: '[]'}]";
        assert!(rendered(labelled).is_err());
    }

    #[test]
    fn files_outside_of_the_folder_and_objects_that_are_there_twice_are_refused() {
        assert!(rendered("resources: [../objects.yaml]").is_err());
        assert!(rendered("resources: [objects.yaml, objects.yaml]").is_err());
    }

    #[test]
    fn patches_images_and_the_namespace_are_applied() {
        let patch = "patches:\n- target: {kind: ConfigMap, name: c}\n  patch: |-\n    - op: replace\n\
                     \x20     path: /data/k\n      value: w\n";
        let images = "images: [{name: i, newName: r/i, newTag: '1'}]";
        let says = format!("resources: [objects.yaml]\nnamespace: space\n{patch}{images}");
        let objects = rendered(&says).unwrap();
        assert_eq!(objects[0]["data"]["k"], "w");
        assert_eq!(objects[1]["spec"]["template"]["spec"]["containers"][0]["image"], "r/i:1");
        assert!(objects.iter().all(|object| object["metadata"]["namespace"] == "space"));
        let lost = "patches: [{target: {kind: Secret, name: c}, patch: '[]'}]";
        assert!(rendered(&format!("resources: [objects.yaml]\n{lost}")).is_err());
    }
}
