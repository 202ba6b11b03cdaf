//! What manifests set is understood by the programs, and nothing else is set.

use std::collections::BTreeSet;

use mishap_boot::settings::{Environment, Settings, catalogue};
use serde_json::Value;

use super::manifests::{Set, containers, installations, items, name, pod_template, sets};

/// The secrets that an installation has before anything is applied, with their keys, and a value of
/// each: those that GlitchTip's have, and the one that is in the template on OpenShift.
const SECRETS: &[(&str, &str, &str)] = &[
    ("glitchtip-secret", "SECRET_KEY", "only-for-tests"),
    ("glitchtip-rds", "db.host", "glitchtip.rds.example.com"),
    ("glitchtip-rds", "db.name", "glitchtip"),
    ("glitchtip-rds", "db.user", "glitchtip"),
    ("glitchtip-rds", "db.password", "p@ss/word"),
    ("redis-url", "redis.url", "rediss://:token@redis.example.com:6379/0"),
    ("smtp", "server", "smtp.example.com"),
    ("smtp", "port", "587"),
    ("smtp", "username", "glitchtip"),
    ("smtp", "password", "p@ss"),
    ("smtp", "require_tls", "True"),
    ("glitchtip-s3", "aws_access_key_id", "id"),
    ("glitchtip-s3", "aws_secret_access_key", "secret"),
    ("glitchtip-s3", "bucket", "glitchtip"),
    ("glitchtip-s3", "endpoint", "s3.us-east-1.amazonaws.com"),
];

/// What `mishap acceptance` is told besides settings: whom to be on the installation that it tries out.
const ACCEPTANCE: &[&str] = &["GLITCHTIP_API_USER_EMAIL", "GLITCHTIP_API_USER_TOKEN"];

/// What a variable of a container is set to literally.
pub(super) fn literal<'a>(container: &'a Value, variable: &str) -> Option<&'a str> {
    let variable = items(&container["env"]).iter().find(|one| one["name"] == variable)?;
    variable["value"].as_str()
}

/// The variables of a container and their values, as a cluster would set them; those that an optional
/// secret lacks are not set.
fn variables(container: &Value, set: &Set) -> Vec<(String, String)> {
    let mut variables = Vec::new();
    for source in items(&container["envFrom"]) {
        let settings = set.object("ConfigMap", source["configMapRef"]["name"].as_str().unwrap());
        let data = settings["data"].as_object().unwrap().iter();
        variables
            .extend(data.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())));
    }
    for variable in items(&container["env"]) {
        let name = variable["name"].as_str().unwrap().to_owned();
        let from = &variable["valueFrom"];
        let value = match (&from["secretKeyRef"], &from["configMapKeyRef"]) {
            (Value::Null, Value::Null) => Some(variable["value"].as_str().unwrap().to_owned()),
            (Value::Null, reference) => {
                let settings = set.object("ConfigMap", reference["name"].as_str().unwrap());
                Some(
                    settings["data"][reference["key"].as_str().unwrap()]
                        .as_str()
                        .unwrap()
                        .to_owned(),
                )
            }
            (reference, _) => {
                let value = secret(reference, set);
                let is_optional = reference["optional"] == true;
                assert!(value.is_some() || is_optional, "{}: nobody has {reference}", set.name);
                value
            }
        };
        variables.extend(value.map(|value| (name, value)));
    }
    variables
}

/// What a reference to a secret leads to: in what is applied, or in what is there already.
fn secret(reference: &Value, set: &Set) -> Option<String> {
    let (secret, key) = (reference["name"].as_str()?, reference["key"].as_str()?);
    if let Some(applied) = set.of("Secret").find(|object| name(object) == secret) {
        return applied["stringData"][key].as_str().map(str::to_owned);
    }
    let there = SECRETS.iter().find(|(name, known, _)| *name == secret && *known == key);
    there.map(|(_, _, value)| (*value).to_owned())
}

/// The containers of ours, and the sets that they are in.
fn ours() -> impl Iterator<Item = (&'static Set, &'static Value)> {
    sets().iter().flat_map(|set| {
        let pods = set.objects.iter().filter_map(pod_template);
        let containers = pods.flat_map(|pod| containers(&pod["spec"]));
        let is_ours = |container: &&Value| container["image"].as_str().unwrap().contains("mishap");
        containers.filter(is_ours).map(move |container| (set, container))
    })
}

/// Whether a program knows a variable, by its name or by that of a family.
fn is_known(variable: &str) -> bool {
    let mut names = catalogue::all().flat_map(|setting| setting.names);
    names.any(|name| match name.split_once('{').zip(name.split_once('}')) {
        Some(((start, _), (_, end))) => {
            let part = variable.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
            part.is_some_and(|part| !part.is_empty())
        }
        None => *name == variable,
    })
}

#[test]
fn every_variable_in_a_manifest_is_a_setting() {
    let mut seen = 0;
    for (set, container) in ours() {
        let is_acceptance = container["name"] == "glitchtip-acceptance";
        for (variable, _) in variables(container, set) {
            let is_known = is_known(&variable) || is_acceptance && ACCEPTANCE.contains(&&*variable);
            assert!(is_known, "{variable} in {} is no setting", set.name);
            seen += 1;
        }
    }
    assert!(seen > 300, "only {seen} variables were looked at");
    assert!(!is_known("GLITCHTIP_RETENTION_DAY"));
}

#[test]
fn programs_have_nothing_to_say_against_their_settings() {
    for (set, container) in ours().filter(|(set, _)| set.is_installation()) {
        let mut environment = Environment::default();
        for (variable, value) in variables(container, set) {
            environment.set(&variable, &value);
        }
        Settings::read(&mut environment);
        let warnings =
            environment.check().unwrap_or_else(|problems| panic!("{}: {problems}", set.name));
        assert_eq!(warnings, [""; 0], "{}: {}", set.name, container["name"]);
    }
}

#[test]
fn programs_get_what_the_secrets_say() {
    for set in installations().filter(|set| set.is_for_openshift) {
        let web = pod_template(set.object("Deployment", "glitchtip-web")).unwrap();
        let web = &web["spec"]["containers"][0];
        let mut environment = Environment::default();
        for (variable, value) in variables(web, set) {
            environment.set(&variable, &value);
        }
        let settings = Settings::read(&mut environment);
        let rest = catalogue::all().filter(|setting| environment.is_set(setting));
        let set_here: BTreeSet<_> = rest.map(catalogue::Setting::name).collect();
        for wanted in ["SECRET_KEY", "EMAIL_HOST", "AWS_S3_ENDPOINT_URL", "VALKEY_URL"] {
            assert!(set_here.contains(wanted), "{wanted}");
        }
        let secrecy = format!("{:?}", settings.database);
        assert!(!secrecy.contains("p@ss"), "{secrecy}");
        assert_eq!(settings.retention_days, 30);
        assert!(settings.accounts.user_registration && settings.accounts.attach_invited_users);
        assert!(settings.redis.is_some());
    }
}
