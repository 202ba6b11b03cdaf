//! The compose file takes the place of the one that was used with GlitchTip.

use std::collections::BTreeSet;

use mishap_boot::settings::{Environment, Settings, catalogue};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::manifests::{deploy, items};
use super::{schemas, yaml};

/// The services of the other file.
const SERVICES: &[&str] = &["postgres", "redis", "glitchtip", "worker", "migrate"];

/// The environment there.
const ENVIRONMENT: &[(&str, &str)] = &[
    ("DATABASE_URL", "postgres://postgres:postgres@postgres:5432/postgres"),
    ("SECRET_KEY", "whatever"),
    ("DEBUG", "true"),
    ("EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend"),
    ("PORT", "8000"),
    ("GLITCHTIP_DOMAIN", "http://localhost:8000"),
    ("CELERY_WORKER_CONCURRENCY", "1"),
];

fn file() -> Value {
    let mut documents = yaml::read(&deploy().join("compose.yaml"));
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}

/// The services that run our image.
fn ours(file: &Value) -> Vec<(String, Value)> {
    let services = file["services"].as_object().unwrap().clone();
    services.into_iter().filter(|(_, service)| service["build"].is_object()).collect()
}

/// What a variable is set to, as text.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[test]
fn it_is_what_the_compose_specification_allows() {
    let file = file();
    assert_eq!(schemas::problems(std::slice::from_ref(&file)), [""; 0]);
    let mut wrong = file;
    wrong["services"]["worker"]["healthcheck"]["command"] = json!("x");
    assert!(!schemas::problems(&[wrong]).is_empty());
}

#[test]
fn services_environment_port_and_network_are_the_same() {
    let file = file();
    let services = file["services"].as_object().unwrap();
    for service in SERVICES {
        assert!(services.contains_key(*service), "{service} is missing");
    }
    for (service, says) in ours(&file) {
        let environment = says["environment"].as_object().unwrap();
        let environment: Vec<_> =
            environment.iter().map(|(name, value)| (&**name, text(value))).collect();
        let mut wanted: Vec<_> =
            ENVIRONMENT.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        wanted.sort();
        assert_eq!(environment, wanted, "{service}");
    }
    assert_eq!(services["glitchtip"]["ports"], json!(["8000:8000"]));
    let networks = file["networks"].as_object().unwrap();
    assert_eq!(networks["qontract-development"]["external"], true);
    assert!(
        services.values().all(|service| service["networks"] == json!(["qontract-development"]))
    );
}

#[test]
fn programs_have_nothing_to_say_against_the_environment() {
    let file = file();
    for (service, says) in ours(&file) {
        let mut environment = Environment::default();
        for (name, value) in says["environment"].as_object().unwrap() {
            assert!(catalogue::find(name).is_some(), "{name} is no setting");
            environment.set(name, &text(value));
        }
        let settings = Settings::read(&mut environment);
        assert_eq!(environment.check().unwrap(), [""; 0], "{service}");
        // Where nobody says where Redis is, it is the service beside.
        let redis = settings.redis.unwrap().url;
        assert_eq!(redis.expose_secret(), "redis://redis:6379/0");
        assert_eq!(settings.worker.concurrency, 1);
        assert_eq!(settings.web.listen.port(), 8000);
    }
}

#[test]
fn every_program_runs_and_is_asked_how_it_is() {
    let file = file();
    let mut commands = BTreeSet::new();
    for (service, says) in ours(&file) {
        let words = |list: &Value| -> Vec<String> { items(list).iter().map(text).collect() };
        let command = words(&says["command"]).join(" ");
        if let Some(program) =
            command.strip_prefix("mishap-").filter(|program| !program.contains(' '))
        {
            // There is no shell in the image, which CMD-SHELL would need.
            assert_eq!(
                words(&says["healthcheck"]["test"]),
                ["CMD", "mishap", "probe", program],
                "{service}"
            );
            assert_eq!(says["restart"], "unless-stopped");
        }
        let waits = says["depends_on"].as_object().unwrap();
        assert!(waits.values().all(|one| one["condition"] == "service_healthy"));
        assert!(waits.keys().all(|one| file["services"][one]["healthcheck"]["test"].is_array()));
        commands.insert(command);
    }
    let wanted = ["mishap-beat", "mishap-beat migrate", "mishap-web", "mishap-worker"];
    assert_eq!(commands, BTreeSet::from(wanted.map(str::to_owned)));
}
