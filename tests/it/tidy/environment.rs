//! Every environment variable that is read is documented, and no other.

use std::fmt::Write as _;
use std::fs;

use mishap_boot::settings::catalogue::ALL;

use super::cargo::workspace;
use super::sources::rust_in;

/// Where README.md's table begins.
const BEGIN: &str = "<!-- environment:begin -->\n";

/// Where it ends.
const END: &str = "<!-- environment:end -->";

/// Variables that are read while the programs are built, or that are not settings.
const OTHERS: &[&str] =
    &["CARGO", "CARGO_MANIFEST_DIR", "CARGO_PKG_VERSION", "CARGO_TARGET_TMPDIR", "MISHAP_REVISION"];

/// The table as it should be.
fn table() -> String {
    let mut table = "| variable | default | meaning |\n|---|---|---|\n".to_owned();
    for setting in ALL {
        let names: Vec<_> = setting.names.iter().map(|name| format!("`{name}`")).collect();
        let default = match setting.default {
            "" => String::new(),
            default => format!("`{default}`"),
        };
        writeln!(table, "| {} | {default} | {} |", names.join(", "), setting.meaning).unwrap();
    }
    table
}

#[test]
fn the_readme_lists_every_variable_and_no_other() {
    let readme = fs::read_to_string(workspace().join("README.md")).unwrap();
    let (_, section) = readme.split_once(BEGIN).expect(BEGIN);
    let (section, _) = section.split_once(END).expect(END);
    let expected = table();
    assert!(section == expected, "between the marks README.md should say:\n{expected}");
}

#[test]
fn every_variable_of_the_catalogue_is_read() {
    let folder = workspace().join("crates/boot/src");
    let catalogue = fs::read_to_string(folder.join("settings/catalogue.rs")).unwrap();
    let settings = fs::read_to_string(folder.join("settings.rs")).unwrap();
    let declared = catalogue.lines().filter_map(|line| {
        let (name, _) = line.trim().split_once(" = [\"")?;
        name.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_').then_some(name)
    });
    let declared: Vec<_> = declared.collect();
    assert_eq!(declared.len(), ALL.len());
    for name in declared {
        assert!(
            settings.contains(&format!("catalogue::{name})"))
                || settings.contains(&format!("catalogue::{name},")),
            "{name} is declared and never read"
        );
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
