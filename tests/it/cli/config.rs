use std::fs;

use mishap_testkit::{Program, TestDatabase, Typed, built_program, free_port};
use serde_json::Value;
use tokio::task::block_in_place;

/// What `mishap config --json` says of a setting.
fn shown(environment: &[(&str, &str)], name: &str) -> Value {
    let said = Typed::new("mishap", environment).run(&["config", "--json"]).expect(0).json();
    let mut settings = said.as_array().unwrap().iter();
    settings.find(|setting| setting["name"] == name).cloned().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_set_is_shown_with_where_it_comes_from_and_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    fs::write(&file, "hidden-in-a-file\n").unwrap();
    let path = file.to_str().unwrap();
    let environment = [
        ("GLITCHTIP_DOMAIN", "https://errors.example.com"),
        ("SECRET_KEY_FILE", path),
        ("DATABASE_URL", "postgres://u:hidden@nowhere/x"),
        ("APPSRE_API_USER_3_PASSWORD", "hidden"),
        ("MAX_ISSUES_PER_ALERT", "1000"),
        ("UWSGI_WORKERS", "4"),
    ];
    for (name, value, source, state) in [
        ("GLITCHTIP_DOMAIN", "https://errors.example.com", "environment", "read"),
        ("SECRET_KEY", "set", &format!("file {path}"), "read"),
        ("DATABASE_URL", "set", "environment", "read"),
        ("APPSRE_API_USER_3_PASSWORD", "set", "environment", "read"),
        ("PORT", "8000", "default", "read"),
        ("MAX_ISSUES_PER_ALERT", "1000", "environment", "later"),
        ("UWSGI_WORKERS", "4", "environment", "ignored"),
    ] {
        let shown = shown(&environment, name);
        assert_eq!(shown["value"], value, "{shown}");
        assert_eq!(shown["source"], source, "{shown}");
        assert_eq!(shown["state"], state, "{shown}");
        assert!(shown["meaning"].is_string() && shown["group"].is_string(), "{shown}");
    }
    let said = Typed::new("mishap", &environment).run(&["config"]).expect(0).out;
    for line in ["E-mail", "Limits and retention", "GLITCHTIP_DOMAIN", "waits for alerts"] {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert!(!said.contains("hidden"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_names_everything_that_is_wrong() {
    let check = ["config", "--check"];
    let wrong = [
        ("PORT", "eighty"),
        ("ALERT_NOTIFICATION_INTERVAL", "often"),
        ("LOG_LEVEL", "loud"),
        ("APPSRE_API_USER_1_EMAIL", "nobody"),
        ("DATABASE_URL_FILE", "/nowhere"),
        ("REDIS_URL", "hidden"),
    ];
    let said = Typed::new("mishap", &wrong).run(&check).expect(1);
    for (name, _) in wrong {
        assert!(said.err.contains(name), "{name}: {}", said.err);
    }
    assert!(!said.err.contains("hidden"), "{}", said.err);
    assert_eq!(said.out, "");

    let said = Typed::new("mishap", &wrong).run(&["config", "--check", "--json"]).expect(1);
    assert_eq!(said.json()["problems"].as_array().unwrap().len(), wrong.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_good_settings_tells_what_looks_wrong() {
    let good = [("GLITCHTIP_DOMIAN", "https://errors.example.com"), ("SECRET_KEY", "change_me")];
    let said = Typed::new("mishap", &good).run(&["config", "--check"]).expect(0);
    assert!(said.out.contains("can be used"), "{}", said.out);
    let warning = "GLITCHTIP_DOMIAN is no setting; GLITCHTIP_DOMAIN is one";
    assert!(said.out.contains(warning) && said.out.contains("change_me"), "{}", said.out);
    let said = Typed::new("mishap", &good).run(&["config", "--check", "--json"]).expect(0).json();
    assert_eq!(said["warnings"].as_array().unwrap().len(), 2, "{said}");
    // Each program can check, too.
    for name in ["mishap-web", "mishap-worker", "mishap-beat"] {
        let said = Typed::new(name, &good).run(&["--check-config"]).expect(0);
        assert!(said.err.contains(warning), "{name}: {}", said.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_program_warns_when_it_starts_and_starts() {
    let database = TestDatabase::new().await;
    let folder = tempfile::tempdir().unwrap();
    for name in ["mishap-web", "mishap-worker", "mishap-beat"] {
        let log = folder.path().join(name);
        let port = free_port().to_string();
        // What reaches one program reaches all, under GlitchTip's names.
        let environment = [
            ("DATABASE_URL", database.url.as_str()),
            ("REDIS_URL", ""),
            ("PORT", port.as_str()),
            ("SERVER_ROLE", "worker"),
            ("GRANIAN_METRICS_PORT", "9090"),
            ("VTASKS_METRICS_PORT", "9090"),
            ("GLITCHTIP_ENABLE_DUCKDB", "False"),
            ("MISHAP_FLUX_CAPACITOR", "on"),
            ("GLITCHTIP_RETENTION_DAY", "9"),
            ("LOG_LEVEL", "WARNING"),
            ("LOG_FORMAT", "json"),
        ];
        block_in_place(|| {
            let mut program = Program::prepare(&built_program(name), &environment);
            program = program.logging_to(log.clone());
            program.spawn();
            program.wait_until_ready();
            let (_, is_well) = program.stop();
            assert!(is_well, "{name}");
        });
        let log = fs::read_to_string(&log).unwrap();
        let said = |text: &str| log.lines().any(|line| line.contains(text));
        assert!(said("MISHAP_FLUX_CAPACITOR is no setting"), "{name}: {log}");
        assert!(
            said("GLITCHTIP_RETENTION_DAY is no setting; GLITCHTIP_RETENTION_DAYS is one"),
            "{name}: {log}"
        );
        assert!(!said("GLITCHTIP_ENABLE_DUCKDB"), "{name}: {log}");
        assert_eq!(said("SERVER_ROLE wants Worker"), name != "mishap-worker", "{name}: {log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_is_a_page_of_all_settings() {
    let page = Typed::new("mishap", &[]).run(&["config", "reference"]).expect(0).out;
    assert!(page.starts_with("# Settings\n"), "{page}");
    for text in
        ["## HTTP security", "| `GLITCHTIP_URL`, `APP_URL`,", "`MISHAP_ATTACH_INVITED_USERS`"]
    {
        assert!(page.contains(text), "{text}");
    }
    for words in [&["config", "reference", "--check"][..], &["config", "--check", "reference"]] {
        Typed::new("mishap", &[]).run(words).expect(2);
    }
}
