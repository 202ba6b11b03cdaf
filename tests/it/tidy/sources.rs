//! The files that are written by hand.

use std::fs;
use std::path::{Path, PathBuf};

use super::cargo::workspace;

/// A file.
pub(crate) struct Source {
    /// Its path inside the workspace.
    pub(crate) path: String,
    /// What it says.
    pub(crate) text: String,
}

/// Every Rust file of the workspace, and of the fuzzer beside it.
pub(crate) fn rust() -> Vec<Source> {
    let sources = ["crates", "tests"].iter().flat_map(|folder| rust_in(&workspace().join(folder)));
    let sources: Vec<_> = sources.collect();
    assert!(sources.len() > 100, "the sources are not where they were");
    sources
}

/// Every Rust file below a folder.
pub(super) fn rust_in(folder: &Path) -> Vec<Source> {
    let rust =
        paths(folder).into_iter().filter(|path| path.extension().is_some_and(|end| end == "rs"));
    rust.map(|path| Source { path: inside(&path), text: fs::read_to_string(&path).unwrap() })
        .collect()
}

/// A path inside the workspace.
pub(super) fn inside(path: &Path) -> String {
    path.strip_prefix(workspace()).unwrap().to_str().unwrap().to_owned()
}

/// Every file below a folder, in order, except what programs put there.
pub(super) fn paths(folder: &Path) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if !path.is_dir() {
            paths.push(path);
        } else if !path.ends_with("target") {
            paths.extend(self::paths(&path));
        }
    }
    paths
}
