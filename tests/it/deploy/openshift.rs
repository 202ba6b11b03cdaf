//! An operator of AppSRE's GlitchTip keeps parameters, names, labels, ports and secrets.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::manifests::{
    Set, containers, installation, items, kind, map, name, parameters, pod_template, set, template,
};
use super::template::refers;

/// The parameters that AppSRE's template has, or had.
const PARAMETERS: &str = "
    IMAGE ACCEPTANCE_IMAGE IMAGE_TAG NAMESPACE GT_APP_PORT GLITCHTIP_DOMAIN DEFAULT_FROM_EMAIL SECRET_KEY
    SESSION_TIMEOUT_SECONDS SMTP_SETTINGS_SECRET ENABLE_ORGANIZATION_CREATION ENABLE_USER_REGISTRATION
    ENABLE_OBSERVABILITY_API GLITCHTIP_MAX_EVENT_LIFE_DAYS DATA_UPLOAD_MAX_NUMBER_FIELDS RDS_SECRET_NAME
    REDIS_SECRET_NAME TASK_DEBOUNCE_DELAY_SECONDS MAINTENANCE_EVENT_FREEZE MAX_ISSUES_PER_ALERT
    GLITCHTIP_ENABLE_LOGS GLITCHTIP_ENABLE_UPTIME GLITCHTIP_ENABLE_MCP GLITCHTIP_ENABLE_DUCKDB
    S3_SECRET_NAME NOTIFICATION_CLEANER_SCHEDULE NOTIFICATION_CLEANER_MEMORY_REQUESTS
    NOTIFICATION_CLEANER_MEMORY_LIMITS NOTIFICATION_CLEANER_CPU_REQUESTS
    API_USER_1_EMAIL API_USER_1_PASSWORD API_USER_1_TOKEN
    API_USER_2_EMAIL API_USER_2_PASSWORD API_USER_2_TOKEN
    API_USER_3_EMAIL API_USER_3_PASSWORD API_USER_3_TOKEN
    API_USER_4_EMAIL API_USER_4_PASSWORD API_USER_4_TOKEN
    GT_WEB_REPLICAS GT_WEB_MEMORY_REQUESTS GT_WEB_MEMORY_LIMITS GT_WEB_CPU_REQUESTS GT_WEB_CPU_LIMITS
    GT_MIGRATION_MEMORY_REQUESTS GT_MIGRATION_MEMORY_LIMITS GT_MIGRATION_CPU_REQUESTS
    GT_WORKER_THRESHOLD GT_WORKER_REPLICAS GT_WORKER_MIN_REPLICAS GT_WORKER_MAX_REPLICAS
    GT_WORKER_MEMORY_REQUESTS GT_WORKER_MEMORY_LIMITS GT_WORKER_CPU_REQUESTS GT_WORKER_CPU_LIMITS
    BEAT_MEMORY_REQUESTS BEAT_MEMORY_LIMITS BEAT_CPU_REQUESTS BEAT_CPU_LIMITS
    UWSGI_LISTEN UWSGI_HTTP_KEEPALIVE UWSGI_ARGS UWSGI_HARAKIRI UWSGI_PROCESSES
    KEYCLOAK_URL KEYCLOAK_REALM";

/// Those of its acceptance suite.
const ACCEPTANCE: &str = "
    IMAGE IMAGE_TAG SERVICE_ACCOUNT MEMORY_REQUESTS MEMORY_LIMIT CPU_REQUESTS CPU_LIMIT GLITCHTIP_URL
    GLITCHTIP_API_USER_EMAIL GLITCHTIP_API_USER_TOKEN";

/// What a description begins with if nothing refers to the parameter.
const IGNORED: &str = "Has no effect: ";

#[test]
fn every_parameter_of_appsre_s_templates_is_taken() {
    for (file, wanted) in [("template", PARAMETERS), ("acceptance", ACCEPTANCE)] {
        let template = template(file);
        let names: BTreeSet<_> = template.parameters.iter().map(|one| one.name.as_str()).collect();
        let missing: Vec<_> =
            wanted.split_whitespace().filter(|name| !names.contains(name)).collect();
        assert!(missing.is_empty(), "{file} does not take {missing:?}");
        assert_eq!(names.len(), template.parameters.len(), "a parameter is there twice");
    }
}

#[test]
fn a_parameter_means_something_or_says_that_it_does_not() {
    for file in ["template", "acceptance", "migrate", "route"] {
        let template = template(file);
        let values = template.parameters.iter().map(|one| (one.name.clone(), "1".to_owned()));
        let rendered = template.render(&values.collect()).unwrap();
        assert_eq!(rendered.undefined, BTreeSet::new(), "{file} refers to what is no parameter");
        for one in &template.parameters {
            assert!(!one.description.is_empty(), "{} has no description", one.name);
            let is_ignored = one.description.starts_with(IGNORED);
            // These two are handed on, to a program that knows that they mean nothing.
            let is_handed_on =
                ["TASK_DEBOUNCE_DELAY_SECONDS", "GLITCHTIP_ENABLE_DUCKDB"].contains(&&*one.name);
            assert_eq!(
                rendered.unused.contains(&one.name),
                is_ignored && !is_handed_on,
                "{}",
                one.name
            );
            assert!(!(one.is_required && is_ignored), "{} need not be required", one.name);
        }
    }
}

#[test]
fn nothing_is_left_to_fill_in_but_what_only_an_operator_knows() {
    let template = template("template");
    let empty = template.parameters.iter().filter(|one| one.is_required && one.default.is_none());
    let names: BTreeSet<_> = empty.map(|one| one.name.as_str()).collect();
    let wanted = ["DEFAULT_FROM_EMAIL", "GLITCHTIP_DOMAIN", "NAMESPACE", "SECRET_KEY"];
    assert_eq!(names, BTreeSet::from(wanted));
    let tag = template.parameters.iter().find(|one| one.name == "IMAGE_TAG").unwrap();
    assert_eq!(tag.default.as_deref(), Some(mishap_boot::build_info::VERSION));
}

#[test]
fn what_appsre_sets_explicitly_is_taken() {
    let mut values = parameters("production");
    values.extend(map(&[
        ("SECRET_KEY", "s"),
        ("GT_WEB_MEMORY_REQUESTS", "500Mi"),
        ("GT_WORKER_MAX_REPLICAS", "15"),
        ("UWSGI_LISTEN", "128"),
    ]));
    let rendered = template("template").render(&values).unwrap();
    let deployment = rendered
        .objects
        .iter()
        .find(|object| kind(object) == "Deployment" && name(object) == "glitchtip-web");
    let web = &pod_template(deployment.unwrap()).unwrap()["spec"]["containers"][0];
    assert_eq!(web["resources"]["requests"]["memory"], "500Mi");
    let scaled = rendered.objects.iter().find(|object| kind(object) == "ScaledObject").unwrap();
    assert_eq!(scaled["spec"]["maxReplicaCount"], 15);
}

#[test]
fn programs_ask_and_policies_allow_the_port_of_postgresql_that_is_said() {
    let said = map(&[
        ("DATABASE_PORT", "6432"),
        ("IMAGE_TAG", "1"),
        ("SECRET_KEY", "s"),
        ("NAMESPACE", "n"),
        ("GLITCHTIP_DOMAIN", "https://errors.example.com"),
        ("DEFAULT_FROM_EMAIL", "errors@example.com"),
    ]);
    for file in ["template", "migrate"] {
        let template = template(file);
        let is_taken = |name: &String| template.parameters.iter().any(|one| one.name == *name);
        let values = said.clone().into_iter().filter(|(name, _)| is_taken(name)).collect();
        let objects = template.render(&values).unwrap().objects;
        let text = Value::from(objects.clone()).to_string();
        assert!(!text.contains("5432"), "{file} has a port of its own");
        let allowing = objects.iter().filter(|it| kind(it) == "NetworkPolicy");
        let allowing = allowing.filter(|it| it.to_string().contains("\"port\":6432")).count();
        assert_eq!(allowing, if file == "template" { 3 } else { 1 });
        let pods = objects.iter().filter_map(pod_template);
        for container in pods.flat_map(|pod| containers(&pod["spec"])) {
            let variables = items(&container["env"]);
            let port = variables.iter().find(|variable| variable["name"] == "DATABASE_PORT");
            let is_told = port.is_some() || container["envFrom"][0]["configMapRef"].is_object();
            assert!(is_told, "{file}: {} does not know the port", container["name"]);
        }
    }
}

#[test]
fn staging_and_production_differ_in_values_of_parameters_only() {
    let written = template("template").objects;
    let staging = installation("staging").objects;
    let production = installation("production").objects;
    let mut differences = Vec::new();
    for ((written, staging), production) in written.iter().zip(&staging).zip(&production) {
        let at = format!("{} {}", kind(written), name(written));
        compare(&at, written, [staging, production], &mut differences);
    }
    assert!(differences.iter().any(|path| path.ends_with("GLITCHTIP_DOMAIN")), "{differences:?}");
    let keys = |environment| parameters(environment).into_keys().collect::<Vec<_>>();
    assert_eq!(keys("staging"), keys("production"));
}

/// Walks by what is written; where two renderings differ, a parameter must be referred to.
fn compare(at: &str, written: &Value, rendered: [&Value; 2], differences: &mut Vec<String>) {
    let [one, other] = rendered;
    match written {
        Value::Object(entries) => {
            for (key, written) in entries {
                compare(&format!("{at}/{key}"), written, [&one[key], &other[key]], differences);
            }
        }
        Value::Array(list) => {
            for (place, written) in list.iter().enumerate() {
                compare(
                    &format!("{at}/{place}"),
                    written,
                    [&one[place], &other[place]],
                    differences,
                );
            }
        }
        _ if one != other => {
            assert!(written.as_str().is_some_and(refers), "{at} is {one} and {other}");
            differences.push(at.to_owned());
        }
        _ => {}
    }
}

/// The deployments, their labels, and what they select pods by, which can never be changed.
#[test]
fn what_is_there_already_is_changed_and_not_made_anew() {
    let set = set("OpenShift production");
    let labels = |component: &str| {
        json!({
            "app.kubernetes.io/component": component,
            "app.kubernetes.io/name": "glitchtip",
        })
    };
    for component in ["web", "worker", "beat"] {
        let deployment = set.object("Deployment", &format!("glitchtip-{component}"));
        let mut selected = labels(component);
        if component == "beat" {
            selected["app.kubernetes.io/instance"] = json!("glitchtip");
        }
        assert_eq!(deployment["spec"]["selector"]["matchLabels"], selected);
        let mut own = labels(component);
        own["template"] = json!("glitchtip");
        assert_eq!(deployment["metadata"]["labels"], own);
        set.object("ServiceAccount", &format!("glitchtip-{component}"));
    }
    let ports = |service: &str| -> Vec<_> {
        let ports = items(&set.object("Service", service)["spec"]["ports"]).iter();
        ports.map(|port| (port["name"].clone(), port["port"].clone())).collect()
    };
    let port = |name: &str, number: u16| (json!(name), json!(number));
    assert_eq!(ports("glitchtip-web"), [port("8000", 8000), port("9090", 9090)]);
    assert_eq!(ports("glitchtip-worker"), [port("metrics", 9091)]);
    set.object("ScaledObject", "glitchtip-worker");
    for (of_kind, called) in [("ConfigMap", "glitchtip-configmap"), ("Secret", "glitchtip-secret")]
    {
        let recycled = &set.object(of_kind, called)["metadata"]["annotations"]["qontract.recycle"];
        assert_eq!(recycled, "true", "pods are not made anew when {called} changes");
    }
    let settings = set.object("ConfigMap", "glitchtip-configmap").to_string();
    assert!(!settings.contains("SECRET_KEY"), "a ConfigMap is no place for a secret");
}

#[test]
fn the_job_of_the_acceptance_suite_is_called_after_the_tag() {
    let set = set("OpenShift acceptance");
    let job = set.object("Job", "glitchtip-acceptance-0.1.0");
    assert_eq!(job["spec"]["backoffLimit"], 0);
    assert_eq!(job["spec"]["template"]["spec"]["restartPolicy"], "Never");
    let token = set.object("Secret", "glitchtip-acceptance");
    assert_eq!(token["stringData"]["GLITCHTIP_API_USER_TOKEN"], "t0k3n");
}

#[test]
fn a_migration_by_itself_is_that_of_the_pods() {
    let job = set("OpenShift migration").object("Job", "glitchtip-migrate-0.1.0");
    let first = |object: &Value, list: &str| pod_template(object).unwrap()["spec"][list][0].clone();
    let alone = first(job, "containers");
    let beat = set("OpenShift production").object("Deployment", "glitchtip-beat");
    let before = first(beat, "initContainers");
    assert_eq!(alone["command"], before["command"]);
    let names = |container: &Value| -> Vec<_> {
        items(&container["env"]).iter().map(|variable| variable["name"].clone()).collect()
    };
    assert_eq!(names(&alone), names(&before));
    for resource in ["/requests/memory", "/requests/cpu", "/limits/memory"] {
        assert_eq!(alone["resources"].pointer(resource), before["resources"].pointer(resource));
    }
}

#[test]
fn the_route_leads_to_the_service_of_web_by_https() {
    let route = &set("OpenShift route").object("Route", "glitchtip-web")["spec"];
    let service = set("OpenShift production").object("Service", name_of(&route["to"]));
    let mut ports = items(&service["spec"]["ports"]).iter();
    assert!(ports.any(|port| port["name"] == route["port"]["targetPort"]));
    assert_eq!(route["tls"]["insecureEdgeTerminationPolicy"], "Redirect");
    let host = parameters("production")["GLITCHTIP_DOMAIN"].clone();
    assert_eq!(host.strip_prefix("https://"), route["host"].as_str());
}

fn name_of(reference: &Value) -> &str {
    reference["name"].as_str().unwrap()
}

/// What is applied to OpenShift and to other clusters is described twice, and must not drift apart.
#[test]
fn pods_on_openshift_are_those_on_other_clusters() {
    for environment in ["staging", "production"] {
        let [openshift, kubernetes] =
            ["OpenShift", "Kubernetes"].map(|platform| set(&format!("{platform} {environment}")));
        for component in ["web", "worker", "beat"] {
            let called = format!("glitchtip-{component}");
            let [ours, theirs] =
                [openshift, kubernetes].map(|set| without_places(set, "Deployment", &called));
            assert_eq!(ours, theirs, "{environment} {component}");
            for of_kind in ["Service", "ServiceAccount", "PodDisruptionBudget", "ServiceMonitor"] {
                let [ours, theirs] =
                    [openshift, kubernetes].map(|set| without_places(set, of_kind, &called));
                assert_eq!(ours, theirs, "{environment} {of_kind} {component}");
            }
        }
        let scaler = |set| without_places(set, "HorizontalPodAutoscaler", "glitchtip-web");
        assert_eq!(scaler(openshift), scaler(kubernetes));
        let settings = |set: &Set| -> BTreeMap<String, Value> {
            let data = set.object("ConfigMap", "glitchtip-configmap")["data"].as_object().unwrap();
            // What has no effect is taken from whoever has it already, and not given to others.
            let is_real =
                |name: &str| !["TASK_DEBOUNCE_DELAY", "GLITCHTIP_ENABLE_DUCKDB"].contains(&name);
            data.clone().into_iter().filter(|(name, _)| is_real(name)).collect()
        };
        assert_eq!(settings(openshift), settings(kubernetes));
    }
}

/// An object without what says where it is, and which image it has.
fn without_places(set: &Set, of_kind: &str, called: &str) -> Value {
    let mut object = set.object(of_kind, called).clone();
    let metadata = object["metadata"].as_object_mut().unwrap();
    metadata.remove("namespace");
    metadata["labels"].as_object_mut().unwrap().remove("template");
    if let Some(pod) = super::manifests::pod_spec_mut(&mut object) {
        for list in ["initContainers", "containers"] {
            for container in pod.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                container["image"] = Value::Null;
            }
        }
    }
    object
}
