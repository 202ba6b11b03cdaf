//! What the compiler and clippy refuse stays refused.

use std::collections::BTreeSet;
use std::fs;

use super::cargo::{members, workspace};
use super::sources::{Source, rust_in};

/// Lints of the workspace that must not be taken back.
const LINTS: &[&str] = &[
    "unsafe_code = \"forbid\"",
    "missing_docs = \"warn\"",
    "unreachable_pub = \"warn\"",
    "all = { level = \"deny\", priority = -1 }",
    "allow_attributes = \"deny\"",
    "allow_attributes_without_reason = \"deny\"",
    "unwrap_used = \"deny\"",
    "expect_used = \"deny\"",
    "string_slice = \"deny\"",
    "map_err_ignore = \"deny\"",
    "cast_possible_truncation = \"deny\"",
];

/// Calls that clippy must refuse: what they give is handed in.
const DISALLOWED: &[&str] = &[
    "chrono::Utc::now",
    "chrono::Local::now",
    "std::time::SystemTime::now",
    "getrandom::fill",
    "uuid::Uuid::new_v4",
    "std::env::var",
    "std::env::var_os",
    "std::env::vars",
    "std::env::vars_os",
    "reqwest::Client::new",
    "tokio::spawn",
    "std::thread::sleep",
];

/// The files of the product that make such a call all the same.
const PERMITTED: &[&str] = &[
    "crates/boot/src/settings/environment.rs", // the one place that asks for variables
    "crates/boot/src/shutdown.rs",             // the signal handler outlives everything
    "crates/boot/src/tasks.rs",                // the one place that spawns
    "crates/cli/src/load/connection.rs",       // ends with its connection
    "crates/core/src/clock.rs",                // the one place that asks the machine for the time
    "crates/core/src/random.rs",               // the one place that asks it for randomness
    "crates/sandbox/src/process.rs",           // waits for processes without a runtime
    "crates/sandbox/src/testing.rs",           // a test's PATH
    "crates/storage/src/pool.rs",              // ends with its connection
    "crates/web/src/serve.rs",                 // awaited by whoever holds the server
];

fn read(path: &str) -> String {
    fs::read_to_string(workspace().join(path)).unwrap()
}

#[test]
fn the_workspace_s_lints_stay_and_hold_for_every_member() {
    let manifest = read("Cargo.toml");
    for lint in LINTS {
        assert!(manifest.lines().any(|line| line.starts_with(lint)), "{lint}");
    }
    for package in members() {
        let manifest = fs::read_to_string(package.folder.join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true\n"), "{}", package.name);
    }
}

#[test]
fn clippy_refuses_what_must_be_handed_in() {
    let settings = read(".clippy.toml");
    for call in DISALLOWED {
        assert!(settings.contains(&format!("{{ path = \"{call}\", reason = \"")), "{call}");
    }
}

#[test]
fn only_the_listed_files_make_calls_that_clippy_refuses() {
    let expects = |source: &Source| source.text.contains("clippy::disallowed_methods");
    let found: BTreeSet<String> = rust_in(&workspace().join("crates"))
        .into_iter()
        .filter(|source| !source.path.starts_with("crates/testkit/") && expects(source))
        .map(|source| source.path)
        .collect();
    assert_eq!(found, PERMITTED.iter().map(|path| (*path).to_owned()).collect());
}
