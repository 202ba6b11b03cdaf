//! Whether what is declared is needed.

use super::cargo::{Package, members, packages};
use super::sources::rust_in;

/// Dependencies that no source names, and why they are declared.
const UNNAMED: &[(&str, &str, &str)] = &[];

/// What sources call a package.
fn library(dependency: &str) -> String {
    let package = packages().iter().find(|package| package.name == dependency);
    let library = package.and_then(|package| package.library.as_deref());
    library.unwrap_or(dependency).replace('-', "_")
}

/// Whether the text has the word, not only as a part of a longer one.
fn names(text: &str, word: &str) -> bool {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    let parts: Vec<&str> = text.split(word).collect();
    parts.windows(2).any(|sides| !sides[0].ends_with(is_part) && !sides[1].starts_with(is_part))
}

fn unused(package: &Package) -> Vec<String> {
    let sources = rust_in(&package.folder);
    let is_named = |name: &str| {
        sources.iter().any(|source| names(&code(&source.text), &library(name)))
            || UNNAMED.iter().any(|(of, unnamed, _)| *of == package.name && *unnamed == name)
    };
    let unused = package.dependencies.iter().filter(|dependency| !is_named(&dependency.name));
    unused.map(|dependency| format!("{} in {}", dependency.name, package.name)).collect()
}

/// The text without its comments.
fn code(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_name_is_found_only_as_a_whole_word() {
    assert!(names("use a_b::c;", "a_b"));
    assert!(!names("use xa_b::c;", "a_b"));
    assert!(!names("use a_bc::c;", "a_b"));
}

#[test]
fn every_declared_dependency_is_used() {
    let unused: Vec<_> = members().flat_map(unused).collect();
    assert!(unused.is_empty(), "nothing names {unused:#?}");
}

#[test]
fn nothing_that_the_workspace_declares_is_left_over() {
    let manifest = std::fs::read_to_string(super::cargo::workspace().join("Cargo.toml")).unwrap();
    let (_, table) = manifest.split_once("[workspace.dependencies]").unwrap();
    let (table, _) = table.split_once("\n[").unwrap();
    let is_used = |name: &str| {
        let mut all = members().flat_map(|package| &package.dependencies);
        all.any(|dependency| dependency.name == name)
            || members().any(|package| package.name == name)
    };
    let declared = table.lines().filter_map(|line| line.split_once(" = "));
    let unused: Vec<_> = declared.map(|(name, _)| name).filter(|name| !is_used(name)).collect();
    assert!(unused.is_empty(), "no member wants {unused:?}");
}
