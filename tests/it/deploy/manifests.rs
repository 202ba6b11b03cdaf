//! What is shipped for clusters, rendered as operators would render it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value;

use super::template::{Rendered, Template, values};
use super::{kustomize, yaml};

/// Objects that are applied together.
pub(super) struct Set {
    /// What it is called in messages.
    pub(super) name: &'static str,
    /// Whether it is for OpenShift, whose users of containers nobody may choose.
    pub(super) is_for_openshift: bool,
    /// The objects.
    pub(super) objects: Vec<Value>,
}

impl Set {
    /// The object of a kind and a name.
    pub(super) fn object(&self, of_kind: &str, called: &str) -> &Value {
        let is_meant = |object: &&Value| kind(object) == of_kind && name(object) == called;
        let found = self.objects.iter().find(is_meant);
        found.unwrap_or_else(|| panic!("{} has no {of_kind} {called}", self.name))
    }

    /// The objects of a kind.
    pub(super) fn of<'a>(&'a self, of_kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.objects.iter().filter(move |object| kind(object) == of_kind)
    }

    /// Whether it is an installation, and not a part of one.
    pub(super) fn is_installation(&self) -> bool {
        self.objects
            .iter()
            .any(|object| name(object) == "glitchtip-web" && kind(object) == "Deployment")
    }
}

/// Every set.
pub(super) fn sets() -> &'static [Set] {
    static SETS: OnceLock<Vec<Set>> = OnceLock::new();
    SETS.get_or_init(|| {
        let kubernetes = |name, folder: &str| Set {
            name,
            is_for_openshift: false,
            objects: kustomize::render(&deploy().join(folder)).unwrap(),
        };
        let openshift = |name, rendered: Rendered| Set {
            name,
            is_for_openshift: true,
            objects: rendered.objects,
        };
        let route = [("GLITCHTIP_HOST", "errors.example.com")];
        let acceptance = [
            ("IMAGE_TAG", "0.1.0"),
            ("GLITCHTIP_URL", "https://errors.example.com"),
            ("GLITCHTIP_API_USER_EMAIL", "robot@example.com"),
            ("GLITCHTIP_API_USER_TOKEN", "t0k3n"),
        ];
        vec![
            openshift("OpenShift staging", installation("staging")),
            openshift("OpenShift production", installation("production")),
            openshift("OpenShift route", template("route").render(&map(&route)).unwrap()),
            openshift(
                "OpenShift acceptance",
                template("acceptance").render(&map(&acceptance)).unwrap(),
            ),
            openshift(
                "OpenShift migration",
                template("migrate").render(&map(&[("IMAGE_TAG", "0.1.0")])).unwrap(),
            ),
            kubernetes("Kubernetes dev", "kubernetes/overlays/dev"),
            kubernetes("Kubernetes staging", "kubernetes/overlays/staging"),
            kubernetes("Kubernetes production", "kubernetes/overlays/production"),
            kubernetes("pipeline", "pipeline"),
        ]
    })
}

/// The set of a name.
pub(super) fn set(name: &str) -> &'static Set {
    sets().iter().find(|set| set.name == name).unwrap_or_else(|| panic!("no set {name}"))
}

/// The sets that are whole installations.
pub(super) fn installations() -> impl Iterator<Item = &'static Set> {
    sets().iter().filter(|set| set.is_installation())
}

/// The installation on OpenShift that a file of parameters describes, with secrets as they would come
/// from elsewhere.
pub(super) fn installation(environment: &str) -> Rendered {
    let mut values = parameters(environment);
    let secrets = [
        ("SECRET_KEY", "only-for-tests"),
        ("API_USER_1_EMAIL", "robot@example.com"),
        ("API_USER_1_PASSWORD", "n"),
        ("API_USER_1_TOKEN", "t0k3n"),
    ];
    values.extend(map(&secrets));
    template("template").render(&values).unwrap()
}

/// The values in a file of parameters.
pub(super) fn parameters(environment: &str) -> BTreeMap<String, String> {
    let file = root().join(format!("openshift/{environment}.params"));
    values(&fs::read_to_string(file).unwrap()).unwrap()
}

/// A template for OpenShift.
pub(super) fn template(name: &str) -> Template {
    let documents = yaml::read(&root().join(format!("openshift/{name}.yaml")));
    let [document] = documents.as_slice() else { panic!("{name} is not one document") };
    Template::of(document).unwrap()
}

/// Values by name.
pub(super) fn map(values: &[(&str, &str)]) -> BTreeMap<String, String> {
    values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The folder of the repository.
pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The folder `deploy/`.
pub(super) fn deploy() -> PathBuf {
    root().join("deploy")
}

/// An object's kind.
pub(super) fn kind(object: &Value) -> &str {
    object["kind"].as_str().unwrap_or_default()
}

/// An object's name.
pub(super) fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

/// What an object makes pods of: their labels are in its `metadata`, the rest in its `spec`.
pub(super) fn pod_template(object: &Value) -> Option<&Value> {
    let template = match kind(object) {
        "Deployment" | "Job" | "StatefulSet" | "DaemonSet" => &object["spec"]["template"],
        "CronJob" => &object["spec"]["jobTemplate"]["spec"]["template"],
        _ => return None,
    };
    template.is_object().then_some(template)
}

/// What is said of an object's pods.
pub(super) fn pod_spec_mut(object: &mut Value) -> Option<&mut Value> {
    let path = match kind(object) {
        "Deployment" | "Job" | "StatefulSet" | "DaemonSet" => "/spec/template/spec",
        "CronJob" => "/spec/jobTemplate/spec/template/spec",
        _ => return None,
    };
    object.pointer_mut(path)
}

/// The containers of a pod, those that run first too.
pub(super) fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    ["initContainers", "containers"].into_iter().flat_map(|list| items(&pod[list]))
}

/// The items of a list that may not be there.
pub(super) fn items(list: &Value) -> &[Value] {
    list.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Whether labels have everything that a selector wants.
pub(super) fn selects(wanted: &Value, labels: &Value) -> bool {
    let Some(wanted) = wanted.as_object() else { return false };
    wanted.iter().all(|(name, value)| labels.get(name) == Some(value))
}

/// The port of a pod's containers that a number or a name means.
pub(super) fn container_port(pod: &Value, meant: &Value) -> Option<u64> {
    let mut ports = containers(pod).flat_map(|container| items(&container["ports"]));
    let port = ports.find(|port| port["containerPort"] == *meant || port["name"] == *meant)?;
    port["containerPort"].as_u64()
}
