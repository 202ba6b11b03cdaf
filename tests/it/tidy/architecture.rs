//! The map is true.

use std::fs;
use std::path::Path;

use super::cargo::{members, workspace};
use super::sources::paths;

/// What the folders at the top of the repository are called in a path.
const FOLDERS: &[&str] = &["crates/", "tests/", "migrations/", "docs/", "deploy/", ".ci/"];

/// How files are called that are written by hand.
const ENDINGS: &[&str] = &[".rs", ".sql", ".toml", ".md", ".py", ".js", ".lock"];

/// Whether a word in backticks means a file or a folder of this repository.
fn is_path(word: &str) -> bool {
    FOLDERS.iter().any(|folder| word.starts_with(folder))
        || ENDINGS.iter().any(|ending| word.ends_with(ending))
}

/// Whether a path leads somewhere; a bare name may be that of a file anywhere.
fn exists(path: &str) -> bool {
    if path.contains('/') {
        return workspace().join(path.trim_end_matches('/')).exists();
    }
    let is_named = |file: &Path| file.file_name().is_some_and(|name| name == path);
    workspace().join(path).exists()
        || ["crates", "tests", "migrations"]
            .iter()
            .any(|folder| paths(&workspace().join(folder)).iter().any(|file| is_named(file)))
}

/// The words in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_path_that_the_architecture_names_exists() {
    let text = fs::read_to_string(workspace().join("ARCHITECTURE.md")).unwrap();
    let wrong: Vec<_> = quoted(&text).filter(|word| is_path(word) && !exists(word)).collect();
    assert!(wrong.is_empty(), "ARCHITECTURE.md names {wrong:?}");
}

#[test]
fn the_architecture_names_every_crate() {
    let text = fs::read_to_string(workspace().join("ARCHITECTURE.md")).unwrap();
    let words: Vec<_> = quoted(&text).collect();
    for package in members() {
        let folder = package.folder.strip_prefix(workspace()).unwrap().to_str().unwrap();
        let short = folder.rsplit('/').next().unwrap();
        let is_named = words.iter().any(|word| {
            let word = word.trim_end_matches('/');
            word == folder || word == short || word == package.name
        });
        assert!(is_named, "ARCHITECTURE.md does not name {folder}");
    }
}
