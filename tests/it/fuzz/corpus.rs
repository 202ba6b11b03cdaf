//! Inputs that are kept: made by hand to be interesting, or found by the fuzzer.

use std::fs;
use std::path::{Path, PathBuf};

use mishap_tests::fuzz::Target;

/// One input.
pub(super) struct Input {
    /// Its file's name.
    pub(super) name: String,
    /// What the target is called with.
    pub(super) bytes: Vec<u8>,
}

/// Every input of a target, in the order of their names.
pub(super) fn corpus(target: Target) -> Vec<Input> {
    let folder = here("fixtures/fuzz").join(target.name);
    let inputs = files(&folder).into_iter().map(|path| Input {
        name: path.file_name().unwrap().to_str().unwrap().to_owned(),
        bytes: fs::read(path).unwrap(),
    });
    inputs.collect()
}

/// What the files and folders of a folder of the tests are called, without their endings.
pub(super) fn names_in(folder: &str) -> Vec<String> {
    let name = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    files(&here(folder)).into_iter().map(name).collect()
}

fn here(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}
