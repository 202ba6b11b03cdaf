//! What is in the image.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::archive::Image;
use crate::workspace;

/// What everything may take, in bytes.
const MAX_BYTES: u64 = 30_000_000;

/// Everything below a folder.
fn everything(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            }
            found.push(entry.path());
        }
    }
    found
}

#[test]
fn the_image_is_one_program_root_certificates_and_a_list_of_parts() {
    let image = Image::built(workspace());
    let mut files = Vec::new();
    let mut bytes = 0;
    for path in everything(image.files.path()) {
        let metadata = fs::symlink_metadata(&path).unwrap();
        assert_eq!(metadata.mode() & 0o6000, 0, "{} gives rights away", path.display());
        let kind = metadata.file_type();
        assert!(!kind.is_block_device() && !kind.is_char_device(), "{}", path.display());
        if metadata.is_file() {
            bytes += metadata.len();
            files.push(path.strip_prefix(image.files.path()).unwrap().to_owned());
        } else if metadata.is_symlink() {
            assert_eq!(fs::read_link(&path).unwrap(), Path::new("/usr/local/bin/mishap"));
        }
    }
    files.sort();
    let expected = [
        "etc/ssl/certs/ca-certificates.crt",
        "usr/local/bin/mishap",
        "usr/share/mishap/sbom.cdx.json",
    ];
    assert_eq!(files, expected.map(PathBuf::from), "no shell, nothing else");
    let packed = fs::metadata(&image.path).unwrap().len();
    println!("{bytes} bytes of files, {packed} packed");
    assert!(bytes <= MAX_BYTES, "{bytes} bytes of files, {packed} packed");
}

#[test]
fn the_image_is_run_by_a_number_and_says_what_it_is() {
    let config = Image::built(workspace()).config;
    assert_eq!(config["User"], "1001:0");
    assert_eq!(config["Cmd"], json!(["./bin/start.sh"]));
    assert_eq!(config["WorkingDir"], "/code");
    assert_eq!(config["Env"], json!(["PATH=/usr/local/bin", "MIMALLOC_PURGE_DELAY=0"]));
    let labels = &config["Labels"];
    let git = Command::new("git").args(["rev-parse", "HEAD"]).current_dir(workspace()).output();
    let revision = String::from_utf8(git.unwrap().stdout).unwrap();
    assert_eq!(labels["org.opencontainers.image.revision"], revision.trim());
    assert_eq!(labels["org.opencontainers.image.version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(labels["org.opencontainers.image.licenses"], "MIT");
}

#[test]
fn the_list_of_parts_is_that_of_the_lock_file() {
    let image = Image::built(workspace());
    let list = fs::read(image.file("usr/share/mishap/sbom.cdx.json")).unwrap();
    let list: Value = serde_json::from_slice(&list).unwrap();
    assert_eq!(list["bomFormat"], "CycloneDX");
    let parts = list["components"].as_array().unwrap();
    let lock = fs::read_to_string(workspace().join("Cargo.lock")).unwrap();
    for name in ["actix-web", "tokio-postgres", "redis", "rustls", "mishap-web"] {
        let part = parts.iter().find(|part| part["name"] == name).expect(name);
        let version = part["version"].as_str().unwrap();
        let locked = format!("name = \"{name}\"\nversion = \"{version}\"");
        assert!(lock.contains(&locked), "{locked}");
    }
}

#[test]
fn the_same_source_gives_the_same_image_elsewhere() {
    let folder = tempfile::tempdir_in(workspace().join("target")).unwrap();
    let elsewhere = folder.path().join("a longer path");
    let cloned = Command::new("git")
        .args(["clone", "--quiet"])
        .args([workspace(), &elsewhere])
        .status()
        .unwrap();
    assert!(cloned.success());
    // What builds it need not be built again.
    let tools = Path::new("target/image/tools");
    fs::create_dir_all(elsewhere.join("target/image")).unwrap();
    symlink(workspace().join(tools), elsewhere.join(tools)).unwrap();
    let built = Command::new("deploy/build-image.sh").current_dir(&elsewhere).status().unwrap();
    assert!(built.success());
    let (here, there) = (Image::built(workspace()), Image::built(&elsewhere));
    assert_eq!(here.digest, there.digest);
}
