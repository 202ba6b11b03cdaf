//! Containerfiles keep the rules that hadolint knows.

use std::path::Path;
use std::process::Command;

use super::manifests::deploy;
use super::schemas::packages;

/// What hadolint says of a file, a line for each rule that it breaks.
fn complaints(path: &Path) -> String {
    let output = Command::new(packages().join("bin/hadolint"))
        .args(["--no-color", "--failure-threshold=style"])
        .arg(path)
        .output()
        .unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.success(), output.stdout.is_empty());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn containerfiles_keep_the_rules() {
    for name in ["Containerfile", "Containerfile.scratch"] {
        assert_eq!(complaints(&deploy().join(name)), "", "{name}");
    }
}

#[test]
fn a_rule_that_is_broken_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Containerfile");
    std::fs::write(&path, "FROM debian:latest\nUSER root\n").unwrap();
    let said = complaints(&path);
    for rule in ["DL3007", "DL3002"] {
        assert!(said.contains(rule), "{said}");
    }
}
