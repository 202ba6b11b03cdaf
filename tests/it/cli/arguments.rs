use mishap_testkit::{TestApp, TestDatabase, Typed};

use super::{mishap, mishap_of};

#[tokio::test(flavor = "multi_thread")]
async fn wrong_words_end_with_2_and_a_message_that_names_them() {
    // There is no database: nothing is looked up before the words are understood.
    let mishap = Typed::new("mishap", &[]);
    let dsn = "http://00000000000000000000000000000000@localhost/1";
    for (words, says) in [
        (&[][..], "Usage"),
        (&["frobnicate"], "frobnicate"),
        (&["status", "--verbose"], "--verbose"),
        (&["send"], "<DSN>"),
        (&["send", "not-a-dsn"], "a DSN is an http or https URL"),
        (&["send", "http://localhost/1"], "public key"),
        (&["send", "http://00000000000000000000000000000000@localhost/x"], "number"),
        (&["bootstrap", "--email", "a@example.com"], "--org"),
        (&["user"], "create"),
        (&["user", "create"], "<EMAIL>"),
        (&["token", "create"], "--user"),
        (&["project", "create", "org"], "<NAME>"),
        (&["dsn", "org"], "<PROJECT>"),
        (&["issues", "--limit", "many"], "many"),
        (&["smoke", "--timeout", "soon"], "soon"),
        (&["smoke", "--dsn", "x"], "DSN"),
        (&["load", dsn, "--coding", "br"], "gzip"),
        (&["dead", "retry"], "--all"),
        (&["dead", "retry", "1", "--all"], "--all"),
        (&["dead", "drop", "one"], "one"),
        (&["quota", "set", "planet", "5"], "organization"),
        (&["quota", "set", "instance", "-5"], "-5"),
        (&["top", "--hours", "0"], "1..=9504"),
        (&["database", "cancel", "all"], "all"),
        (&["job", "run"], "<NAME>"),
        (&["probe", "cron"], "worker"),
        (&["probe", "web", "--name", "x"], "--metrics"),
        (&["key", "disable", "xyz"], "hexadecimal"),
        (&["org", "delete", "o"], "--yes"),
        (&["serve", "now"], "now"),
        (&["config", "everything"], "everything"),
    ] {
        let said = mishap.run(words).expect(2);
        assert!(said.err.contains(says), "{words:?}: {}", said.err);
        assert_eq!(said.out, "", "{words:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_says_one_json_value_when_asked() {
    let app = TestApp::start().await;
    let mishap = mishap_of(&app);
    let dsn = app.dsn().to_string();
    let bootstrap = ["bootstrap", "--email", "b@example.com", "--org", "B", "--project", "B"];
    for words in [
        &["migrate"][..],
        &["ensure-api-users"],
        &bootstrap,
        &["user", "create", "c@example.com"],
        &["user", "list"],
        &["user", "show", "c@example.com"],
        &["user", "reset-link", "c@example.com"],
        &["user", "staff", "c@example.com", "on"],
        &["user", "sign-out", "c@example.com"],
        &["token", "create", "--user", "c@example.com"],
        &["token", "list", "--user", "c@example.com"],
        &["audit", "list"],
        &["org", "create", "C"],
        &["project", "create", "c", "C"],
        &["dsn", "c", "c"],
        &["send", &dsn],
        &["issues", "shop-org"],
        &["queue"],
        &["dead", "list"],
        &["dead", "retry", "--all"],
        &["dead", "drop", "--all"],
        &["quota", "list"],
        &["quota", "set", "instance", "1000000"],
        &["quota", "remove", "instance"],
        &["status"],
        &["database"],
        &["redis"],
        &["storage"],
        &["top"],
        &["job", "list"],
        &["job", "run", "make_partitions"],
        &["job", "retry"],
        &["reconcile"],
        &["key", "list", "c", "c"],
        &["project", "delete", "c", "c", "--yes"],
        &["org", "delete", "c", "--yes"],
        &["user", "delete", "c@example.com", "--yes"],
        &["config"],
        &["config", "--check"],
    ] {
        let said = mishap.run(&[words, &["--json"]].concat()).expect(0);
        let value = said.json();
        assert!(value.is_object() || value.is_array(), "{words:?}: {value}");
        assert_eq!(said.err, "", "{words:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_explains_itself() {
    let mishap = Typed::new("mishap", &[]);
    let help = mishap.run(&["--help"]).expect(0).out;
    for command in [
        "serve",
        "dev",
        "migrate",
        "ensure-api-users",
        "bootstrap",
        "user",
        "token",
        "org",
        "project",
        "dsn",
        "issues",
        "send",
        "load",
        "smoke",
        "queue",
        "dead",
        "quota",
        "audit",
        "key",
        "status",
        "probe",
        "database",
        "redis",
        "storage",
        "top",
        "job",
        "reconcile",
        "config",
    ] {
        assert!(help.lines().any(|line| line.trim_start().starts_with(command)), "{command}");
        mishap.run(&[command, "--help"]).expect(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_named_without_its_password() {
    let url = "postgres://u:hidden@127.0.0.1:1/x";
    let mishap = Typed::new("mishap", &[("DATABASE_URL", url), ("REDIS_URL", "")]);
    let said = mishap.run(&["queue"]).expect(1);
    assert!(said.err.contains("PostgreSQL cannot be reached"), "{}", said.err);
    assert!(!said.err.contains("hidden"), "{}", said.err);
    assert!(said.err.contains("at 127.0.0.1:1 (DATABASE_URL)"), "{}", said.err);
    assert_eq!(said.err.matches("Connection refused").count(), 1, "{}", said.err);
    let parts = [("DATABASE_HOST", "127.0.0.1"), ("DATABASE_PORT", "1"), ("REDIS_URL", "")];
    let said = Typed::new("mishap", &parts).run(&["queue"]).expect(1);
    assert!(said.err.contains("at 127.0.0.1:1 (DATABASE_HOST)"), "{}", said.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_cannot_be_used_are_all_named() {
    let environment = [
        ("PORT", "eighty"),
        ("GLITCHTIP_URL", "nowhere"),
        ("DATABASE_POOL_MAX_SIZE", "some"),
        ("DATABASE_PASSWORD", "hidden"),
    ];
    for words in [&["status"][..], &["serve", "--check-config"]] {
        let said = Typed::new("mishap", &environment).run(words).expect(1);
        for name in ["PORT", "GLITCHTIP_URL", "DATABASE_POOL_MAX_SIZE"] {
            assert!(said.err.contains(name), "{words:?} {name}: {}", said.err);
        }
        assert!(!said.err.contains("hidden"), "{}", said.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_good_settings_starts_nothing() {
    let database = TestDatabase::empty().await;
    mishap(&database).run(&["serve", "--check-config"]).expect(0);
    let tables = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace";
    assert_eq!(database.number(tables).await, 0);
}
