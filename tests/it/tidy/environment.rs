//! Every environment variable that is read is documented, and no other.

use std::fs;

use mishap_boot::settings::catalogue::{State, all};
use mishap_boot::settings::reference;

use super::cargo::workspace;
use super::sources::rust_in;

/// Variables that are read while the programs are built, or that are not settings.
const OTHERS: &[&str] =
    &["CARGO", "CARGO_MANIFEST_DIR", "CARGO_PKG_VERSION", "CARGO_TARGET_TMPDIR", "MISHAP_REVISION"];

#[test]
fn the_reference_page_lists_every_variable_and_no_other() {
    let page = fs::read_to_string(workspace().join("deploy/settings.md")).unwrap();
    let command = "mishap config reference > deploy/settings.md";
    assert!(page == reference(), "deploy/settings.md is out of date: {command}");
}

#[test]
fn every_variable_that_is_said_to_be_read_is_read() {
    let sources = rust_in(&workspace().join("crates/boot/src")).into_iter();
    let (catalogue, others): (Vec<_>, Vec<_>) =
        sources.partition(|source| source.path.contains("/catalogue/"));
    let lines = catalogue.iter().flat_map(|source| source.text.lines());
    let declared = lines.filter_map(|line| {
        let (constant, rest) = line.trim().split_once(" = [\"")?;
        let is_constant = |letter: char| letter.is_ascii_uppercase() || letter == '_';
        constant.chars().all(is_constant).then_some((constant, rest.split('"').next()?))
    });
    let declared: Vec<_> = declared.collect();
    assert_eq!(declared.len(), all().filter(|setting| setting.state == State::Read).count());
    for (constant, name) in declared {
        let path = format!("catalogue::{constant}");
        let mut uses = others.iter().flat_map(|source| source.text.split(&path).skip(1));
        let is_read = uses.any(|rest| rest.starts_with([')', ',', ']']));
        let is_default = all().any(|setting| setting.default.strip_prefix('$') == Some(name));
        assert!(is_read || is_default, "{constant} is declared and never read");
    }
}

#[test]
fn no_variable_is_read_beside_the_catalogue() {
    for source in rust_in(&workspace().join("crates")) {
        for read in source.text.split("env!(\"").skip(1) {
            let name = read.split('"').next().unwrap();
            assert!(OTHERS.contains(&name), "{} reads {name}", source.path);
        }
        // What clap would read for an argument.
        let reads = ["env = \"", "#[arg(env", ", env)]"];
        assert!(!reads.iter().any(|text| source.text.contains(text)), "{}", source.path);
    }
}
