use secrecy::ExposeSecret as _;

use super::*;

/// The problems of an environment.
pub(super) fn problems<const N: usize>(variables: [(&str, &str); N]) -> Vec<String> {
    let mut env = Environment::of(variables);
    Settings::read(&mut env);
    match env.check() {
        Ok(_) => Vec::new(),
        Err(problems) => problems.to_string().lines().skip(1).map(str::to_owned).collect(),
    }
}

/// What an environment says that can be used.
#[track_caller]
pub(super) fn settings<const N: usize>(variables: [(&str, &str); N]) -> Settings {
    let mut env = Environment::of(variables);
    let settings = Settings::read(&mut env);
    env.check().unwrap();
    settings
}

/// What is said of an environment that can be used.
#[track_caller]
pub(super) fn warnings<const N: usize>(variables: [(&str, &str); N]) -> Vec<String> {
    let mut env = Environment::of(variables);
    Settings::read(&mut env);
    env.check().unwrap()
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
            "  GLITCHTIP_DOMAIN must be a URL that begins with http:// or https://, not \
             \"example.com\"",
            "  PORT must be a port, or an IP address and a port such as 0.0.0.0:8000, not \"http\"",
            "  TRUSTED_PROXIES must be networks such as 10.0.0.0/8, or * for all, not \
             \"10.0.0.0/8, nonsense\"",
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
    assert!(
        missing[0].contains("DATABASE_URL_FILE (the file \"/nowhere\") cannot be read"),
        "{missing:?}"
    );
}

#[test]
fn a_reference_may_lead_to_a_file_and_a_password_is_none() {
    let file = std::env::temp_dir().join("mishap-settings-reference");
    std::fs::write(&file, "82\n").unwrap();
    let path = file.to_str().unwrap();
    assert_eq!(settings([("PORT", "$OTHER"), ("OTHER_FILE", path)]).web.listen.port(), 82);
    std::fs::remove_file(&file).unwrap();
    let url = settings([("DATABASE_URL", "$PG"), ("PG", "postgres://elsewhere/")]).database.url;
    assert_eq!(url.expose_secret(), "postgres://elsewhere/");
    let key = settings([("SECRET_KEY", "$PG"), ("PG", "x")]).security.secret_key.unwrap();
    assert_eq!(key.expose_secret(), "$PG");
}

#[test]
fn a_value_from_a_file_that_cannot_be_understood_is_named_with_its_file() {
    let file = std::env::temp_dir().join("mishap-settings-malformed");
    std::fs::write(&file, "many").unwrap();
    let path = file.to_str().unwrap();
    let problems = problems([("MISHAP_WEB_THREADS_FILE", path)]);
    std::fs::remove_file(&file).unwrap();
    assert_eq!(
        problems,
        [format!(
            "  MISHAP_WEB_THREADS_FILE (the file {path:?}) must be a whole number of 1 to 1024, not \
             \"many\""
        )]
    );
}

#[test]
fn a_secret_that_cannot_be_understood_is_not_repeated() {
    for name in ["DATABASE_URL", "REDIS_URL", "EMAIL_URL"] {
        let problems = problems([(name, "hidden://hidden")]);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains(name) && !problems[0].contains("hidden"), "{problems:?}");
    }
}

#[test]
fn what_is_empty_where_that_says_nothing_counts_as_not_set() {
    let empty =
        settings([("PORT", ""), ("EMAIL_PORT", ""), ("LOG_LEVEL", ""), ("SERVER_ROLE", "")]);
    assert_eq!(empty.web.listen.port(), 8000);
    let next = [("GLITCHTIP_RETENTION_DAYS", " "), ("GLITCHTIP_MAX_EVENT_LIFE_DAYS", "7")];
    assert_eq!(settings(next).retention_days, 7);
    for name in ["GLITCHTIP_URL", "DATABASE_URL"] {
        assert_eq!(problems([(name, "")]).len(), 1, "{name}");
    }
}

#[test]
fn what_nobody_reads_is_not_looked_at() {
    // Beside a URL the parts do not count; what is ignored may say anything.
    assert_eq!(
        problems([("DATABASE_PORT", "x"), ("REDIS_PORT", "x"), ("EMAIL_PORT", "25")]),
        [""; 0]
    );
    assert_eq!(problems([("UWSGI_WORKERS", "x"), ("GLITCHTIP_EVENT_HOT_DAYS", "x")]), [""; 0]);
    let later = problems([("MAX_ISSUES_PER_ALERT", "x"), ("GLITCHTIP_MAX_FILE_LIFE_DAYS", "0")]);
    assert_eq!(later.len(), 2, "{later:?}");
}

#[test]
fn services_of_kubernetes_are_no_settings() {
    let service = "tcp://172.30.1.2:6379";
    let settings = settings([
        ("REDIS_HOST", "r"),
        ("REDIS_PORT", service),
        ("MISHAP_WEB_METRICS_PORT", service),
        ("GRANIAN_METRICS_PORT", "9190"),
    ]);
    assert_eq!(settings.redis.unwrap().url.expose_secret(), "redis://r:6379/0");
    assert_eq!(settings.web.metrics.port(), 9190);
}

#[test]
fn listeners_are_bound_where_the_nearest_setting_says() {
    let listen = |variables: [(&str, &str); 3]| settings(variables).web.listen.to_string();
    let none = ("UNRELATED", "");
    for (variables, expected) in [
        ([("PORT", "0.0.0.0:8080"), none, none], "0.0.0.0:8080"),
        ([("PORT", "[::1]:80"), ("GRANIAN_HOST", "10.0.0.1"), none], "[::1]:80"),
        ([("PORT", "81"), ("GRANIAN_HOST", "10.0.0.1"), none], "10.0.0.1:81"),
        ([("PORT", ":82"), ("MISHAP_LISTEN", "::"), none], "[::]:82"),
        ([("GRANIAN_PORT", "83"), ("PORT", ""), ("UVICORN_HOST", "127.0.0.1")], "127.0.0.1:83"),
    ] {
        assert_eq!(listen(variables), expected);
    }
    let metrics = settings([("GRANIAN_METRICS_ADDRESS", "127.0.0.1"), ("MISHAP_LISTEN", "::")]);
    assert_eq!(metrics.web.metrics.to_string(), "127.0.0.1:9090");
    assert_eq!(metrics.worker.metrics.to_string(), "[::]:9091");
}

#[test]
fn a_path_comes_before_everything_if_the_address_has_none() {
    let url = |variables: [(&str, &str); 2]| settings(variables).public_url.to_string();
    let at = |url| ("GLITCHTIP_URL", url);
    assert_eq!(url([at("https://e.com"), ("BASE_PATH", "/a/b/")]), "https://e.com/a/b");
    assert_eq!(url([at("https://e.com"), ("FORCE_SCRIPT_NAME", "a")]), "https://e.com/a");
    assert_eq!(url([at("https://e.com/x/"), ("BASE_PATH", "a")]), "https://e.com/x");
    assert_eq!(url([at("https://e.com"), ("BASE_PATH", "")]), "https://e.com/");
}

#[test]
fn events_are_kept_as_long_as_everything_or_as_is_said_of_them() {
    let all = ("GLITCHTIP_RETENTION_DAYS", "60");
    assert_eq!(settings([all]).retention_days, 60);
    assert_eq!(settings([all, ("GLITCHTIP_EVENT_RETENTION_DAYS", "9")]).retention_days, 9);
    assert_eq!(settings([]).audit_days, 365);
    assert_eq!(settings([("MISHAP_AUDIT_DAYS", "2")]).audit_days, 2);
}

#[test]
fn all_proxies_may_be_trusted() {
    let trusted = settings([("TRUSTED_PROXIES", "*")]).web.trusted_proxies;
    for address in ["192.0.2.1", "2001:db8::1"] {
        let address: IpAddr = address.parse().unwrap();
        assert!(trusted.iter().any(|network| network.contains(&address)), "{address}");
    }
    assert_eq!(settings([("TRUSTED_PROXIES", "10.0.0.1")]).web.trusted_proxies.len(), 1);
    assert!(settings([]).web.trusted_proxies.is_empty());
}

#[test]
fn levels_are_spelled_as_in_rust_or_python() {
    for (text, level) in [
        ("WARNING", "warn"),
        ("Info", "info"),
        ("CRITICAL", "error"),
        ("warn,mishap_web=DEBUG", "warn,mishap_web=debug"),
    ] {
        let logging = LogSettings::read(&mut Environment::of([("LOG_LEVEL", text)]));
        assert_eq!(logging.level, level);
    }
    let mut env = Environment::of([("LOG_LEVEL", "loud"), ("LOG_FORMAT", "xml")]);
    LogSettings::read(&mut env);
    let problems = env.check().unwrap_err().to_string();
    assert!(problems.contains("LOG_LEVEL") && problems.contains("LOG_FORMAT"), "{problems}");
}

#[test]
fn what_clients_are_told_has_glitchtip_s_defaults() {
    let told = settings([("SENTRY_DSN", "https://key@e.com/1")]).instance;
    assert_eq!(told.sentry_frontend_dsn.as_deref(), Some("https://key@e.com/1"));
    assert_eq!((told.sentry_traces_sample_rate, told.time_zone.as_str()), (0.01, "UTC"));
    assert_eq!((told.name, told.environment, told.is_paid), (None, None, false));
    assert_eq!(told.version, crate::build_info::VERSION);
    let features = Features {
        admin: true,
        openapi: true,
        metrics: false,
        logs: true,
        uptime: true,
        mcp: false,
    };
    assert_eq!(told.features, features);
    assert!(!settings([("ENABLE_TEST_API", "1")]).instance.test_api);
    assert!(settings([("ENABLE_TEST_API", "1"), ("DEBUG", "1")]).instance.test_api);
}

#[test]
fn the_environment_of_appsre_s_deployment_can_be_read_by_every_program() {
    let mut env = Environment::of([
        ("GLITCHTIP_DOMAIN", "https://glitchtip.example.com"),
        ("PORT", "8000"),
        ("ENABLE_OBSERVABILITY_API", "True"),
        ("ENABLE_OPEN_USER_REGISTRATION", "False"),
        ("ENABLE_USER_REGISTRATION", "True"),
        ("DEFAULT_FROM_EMAIL", "no-reply@example.com"),
        ("I_PAID_FOR_GLITCHTIP", "True"),
        ("GLITCHTIP_RETENTION_DAYS", "30"),
        ("SESSION_COOKIE_AGE", "21600"),
        ("TASK_DEBOUNCE_DELAY", "300"),
        ("MAINTENANCE_EVENT_FREEZE", "False"),
        ("MAX_ISSUES_PER_ALERT", "1000"),
        ("DATA_UPLOAD_MAX_NUMBER_FIELDS", "5000"),
        ("VTASKS_METRICS_PORT", "9091"),
        ("GLITCHTIP_ENABLE_LOGS", "False"),
        ("GLITCHTIP_ENABLE_UPTIME", "False"),
        ("GLITCHTIP_ENABLE_MCP", "False"),
        ("GLITCHTIP_ENABLE_DUCKDB", "False"),
        ("GRANIAN_LOG_ACCESS_ENABLED", "1"),
        ("GRANIAN_METRICS_ENABLED", "1"),
        ("GRANIAN_METRICS_ADDRESS", "0.0.0.0"),
        ("GRANIAN_METRICS_PORT", "9090"),
        ("SERVER_ROLE", "worker"),
        ("REDIS_URL", "rediss://:p@redis.example.com:6379/0"),
        ("DATABASE_HOST", "db.example.com"),
        ("DATABASE_PASSWORD", "p"),
        ("DATABASE_NAME", "glitchtip"),
        ("DATABASE_USER", "glitchtip"),
        ("EMAIL_HOST", "smtp.example.com"),
        ("EMAIL_HOST_USER", "u"),
        ("EMAIL_HOST_PASSWORD", "p"),
        ("EMAIL_PORT", "587"),
        ("EMAIL_USE_TLS", "true"),
        ("SECRET_KEY", "s"),
        ("AWS_S3_ENDPOINT_URL", "s3.example.com"),
        ("GLITCHTIP_WEB_SERVICE_HOST", "172.30.1.2"),
        ("GLITCHTIP_WEB_SERVICE_PORT_8000", "8000"),
        ("GLITCHTIP_WEB_PORT", "tcp://172.30.1.2:8000"),
        ("GLITCHTIP_WEB_PORT_8000_TCP_ADDR", "172.30.1.2"),
    ]);
    let settings = Settings::read(&mut env);
    assert_eq!(env.check().unwrap(), [""; 0]);
    assert_eq!(settings.server_role, Some(ServerRole::Worker));
    assert_eq!(settings.security.session.age_seconds, 21_600);
    assert!(settings.security.session.secure);
    assert!(!settings.accounts.organization_creation);
    assert_eq!(settings.worker.metrics.port(), 9091);
}
