//! What cargo knows of the workspace and of everything it is made of.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

/// A package.
pub(super) struct Package {
    /// Its name.
    pub(super) name: String,
    /// What sources call its library.
    pub(super) library: Option<String>,
    /// Its version.
    pub(super) version: String,
    /// Its licence, as an SPDX expression.
    pub(super) licence: Option<String>,
    /// Its folder.
    pub(super) folder: PathBuf,
    /// Whether it is one of ours.
    pub(super) is_member: bool,
    /// What it declares to depend on.
    pub(super) dependencies: Vec<Dependency>,
}

/// A declared dependency.
pub(super) struct Dependency {
    /// The package's name.
    pub(super) name: String,
    /// Whether only tests need it.
    pub(super) is_for_tests: bool,
}

/// The folder of the workspace.
pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Every package that can be part of a build, for any platform.
pub(super) fn packages() -> &'static [Package] {
    static PACKAGES: OnceLock<Vec<Package>> = OnceLock::new();
    PACKAGES.get_or_init(|| {
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version", "1", "--locked"])
            .current_dir(workspace())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
        let members = metadata["workspace_members"].as_array().unwrap();
        let packages = metadata["packages"].as_array().unwrap();
        packages.iter().map(|package| read(package, members.contains(&package["id"]))).collect()
    })
}

/// Our own packages.
pub(super) fn members() -> impl Iterator<Item = &'static Package> {
    packages().iter().filter(|package| package.is_member)
}

fn read(package: &Value, is_member: bool) -> Package {
    let text = |name: &str| package[name].as_str().map(str::to_owned);
    let dependencies =
        package["dependencies"].as_array().unwrap().iter().map(|dependency| Dependency {
            name: dependency["name"].as_str().unwrap().to_owned(),
            is_for_tests: dependency["kind"] == "dev",
        });
    Package {
        name: text("name").unwrap(),
        library: package["targets"].as_array().unwrap().iter().find_map(library),
        version: text("version").unwrap(),
        licence: text("license"),
        folder: Path::new(&text("manifest_path").unwrap()).parent().unwrap().to_owned(),
        is_member,
        dependencies: dependencies.collect(),
    }
}

/// A target's name, if other packages can use it.
fn library(target: &Value) -> Option<String> {
    let kinds = target["kind"].as_array()?;
    let is_library = |kind: &Value| ["lib", "rlib", "proc-macro"].iter().any(|name| kind == name);
    kinds.iter().any(is_library).then(|| target["name"].as_str().map(str::to_owned))?
}
