//! How files are called and how long they are.

use super::cargo::workspace;
use super::sources::{Source, inside, paths, rust};

/// Lines beyond which a file should be several.
const MAX_LINES: usize = 800;

/// Longer files, and why they stay whole.
const LONG: &[(&str, &str)] = &[];

/// Words that name no thing: whatever is put under them has no place of its own.
const EMPTY_WORDS: &[&str] = &[
    "util",
    "utils",
    "utility",
    "utilities",
    "helper",
    "helpers",
    "common",
    "commons",
    "manager",
    "managers",
    "misc",
    "stuff",
    "base",
];

#[test]
fn no_file_is_too_long() {
    let is_listed = |path: &str| LONG.iter().any(|(long, _)| *long == path);
    for Source { path, text } in rust() {
        let lines = text.lines().count();
        if is_listed(&path) {
            assert!(lines > MAX_LINES, "{path} is short by now: take it off the list");
        } else {
            assert!(lines <= MAX_LINES, "{path} has {lines} lines");
        }
    }
}

#[test]
fn every_file_and_folder_is_called_after_a_thing() {
    for folder in ["crates", "tests", "migrations"] {
        for path in paths(&workspace().join(folder)) {
            let path = inside(&path);
            let words = path.split(['/', '_', '-', '.']);
            let empty: Vec<_> = words.filter(|word| EMPTY_WORDS.contains(word)).collect();
            assert!(empty.is_empty(), "{path} is called after no thing: {empty:?}");
        }
    }
}

#[test]
fn no_module_is_called_after_no_thing() {
    for Source { path, text } in rust() {
        for line in text.lines() {
            let line =
                line.trim_start().trim_start_matches("pub(crate) ").trim_start_matches("pub ");
            let Some(name) = line.strip_prefix("mod ") else {
                continue;
            };
            let name = name.trim_end_matches([';', '{', ' ']);
            assert!(!name.split('_').any(|word| EMPTY_WORDS.contains(&word)), "{path}: {name}");
        }
    }
}

#[test]
fn no_module_hides_in_a_file_called_mod() {
    for Source { path, .. } in rust() {
        assert!(!path.ends_with("/mod.rs"), "{path}: a module `a` is in `a.rs`");
    }
}

#[test]
fn every_file_of_the_product_says_what_it_is() {
    for Source { path, text } in rust() {
        // Tests stand beside what they test; a flow is named by its tests.
        let is_of_product = path.starts_with("crates/") && !path.ends_with("/tests.rs");
        assert!(!is_of_product || text.starts_with("//! "), "{path} does not begin with its sense");
    }
}
