use secrecy::ExposeSecret as _;

use super::*;

/// The problems of an environment.
fn problems<const N: usize>(variables: [(&str, &str); N]) -> Vec<String> {
    let mut env = Environment::of(variables);
    Settings::read(&mut env);
    match env.check() {
        Ok(()) => Vec::new(),
        Err(problems) => problems.to_string().lines().skip(1).map(str::to_owned).collect(),
    }
}

fn settings<const N: usize>(variables: [(&str, &str); N]) -> Settings {
    let mut env = Environment::of(variables);
    let settings = Settings::read(&mut env);
    env.check().unwrap();
    settings
}

#[test]
fn every_default_can_be_read() {
    let settings = settings([]);
    assert_eq!(settings.web.listen.to_string(), "0.0.0.0:8000");
    assert_eq!(settings.web.metrics.port(), 9090);
    assert_eq!(settings.retention_days, 30);
    assert!(!settings.ingest.freeze);
    assert!(settings.redis.is_some());
}

#[test]
fn the_first_name_that_is_set_counts() {
    let both = [("GLITCHTIP_RETENTION_DAYS", "7"), ("GLITCHTIP_MAX_EVENT_LIFE_DAYS", "90")];
    assert_eq!(settings(both).retention_days, 7);
    assert_eq!(settings([("GLITCHTIP_MAX_EVENT_LIFE_DAYS", "90")]).retention_days, 90);
    assert_eq!(settings([("GRANIAN_METRICS_PORT", "1")]).web.metrics.port(), 1);
}

#[test]
fn all_problems_are_told_at_once_and_name_their_variable() {
    assert_eq!(
        problems([
            ("PORT", "http"),
            ("GLITCHTIP_DOMAIN", "example.com"),
            ("TRUSTED_PROXIES", "10.0.0.0/8, nonsense"),
            ("LOG_LEVEL", "info"),
        ]),
        [
            "  PORT must be a whole number in its range, not \"http\"",
            "  GLITCHTIP_DOMAIN must be an http:// or https:// URL",
            "  TRUSTED_PROXIES must be networks such as 10.0.0.0/8, not \"nonsense\"",
        ]
    );
}

#[test]
fn truth_is_spelled_as_in_python() {
    for (text, truth) in
        [("True", true), ("1", true), (" yes ", true), ("False", false), ("", false)]
    {
        assert_eq!(settings([("MAINTENANCE_EVENT_FREEZE", text)]).ingest.freeze, truth, "{text}");
    }
}

#[test]
fn a_database_may_be_given_in_parts_with_any_password() {
    let settings = settings([
        ("DATABASE_URL", "postgres://ignored/"),
        ("DATABASE_HOST", "db.example.com"),
        ("DATABASE_USER", "u"),
        ("DATABASE_PASSWORD", "$p@ss/w:rd"),
        ("DATABASE_NAME", "n"),
    ]);
    let url = Url::parse(settings.database.url.expose_secret()).unwrap();
    assert_eq!(url.as_str(), "postgres://u:$p%40ss%2Fw%3Ard@db.example.com:5432/n");
}

#[test]
fn an_empty_redis_url_means_no_redis() {
    assert!(settings([("REDIS_URL", "")]).redis.is_none());
    assert!(settings([("VALKEY_URL", ""), ("REDIS_URL", "redis://x")]).redis.is_none());
    let parts = settings([("REDIS_HOST", "r"), ("REDIS_PASSWORD", "p"), ("REDIS_DATABASE", "3")]);
    assert_eq!(parts.redis.unwrap().url.expose_secret(), "redis://:p@r:6379/3");
}

#[test]
fn values_may_come_from_files_and_other_variables() {
    let file = std::env::temp_dir().join("mishap-settings-test");
    std::fs::write(&file, "postgres://from-file/\n").unwrap();
    let path = file.to_str().unwrap();
    let from_file = settings([("DATABASE_URL_FILE", path), ("DATABASE_URL", "postgres://x/")]);
    assert_eq!(from_file.database.url.expose_secret(), "postgres://from-file/");
    std::fs::remove_file(&file).unwrap();
    assert_eq!(settings([("PORT", "$OTHER"), ("OTHER", "81")]).web.listen.port(), 81);
    let missing = problems([("DATABASE_URL_FILE", "/nowhere")]);
    assert!(missing[0].contains("DATABASE_URL_FILE names \"/nowhere\""), "{missing:?}");
}

#[test]
fn each_name_is_declared_once_and_each_setting_explained() {
    let mut names: Vec<_> = catalogue::ALL.iter().flat_map(|setting| setting.names).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
    for setting in catalogue::ALL {
        assert!(setting.meaning.ends_with('.'), "{:?}", setting.names);
    }
}
