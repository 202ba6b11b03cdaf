//! Installs the SDKs, and the other programs that are tested with, once for all tests and all runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The folder of a script.
pub(super) fn scripts(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("it/sdks").join(folder)
}

/// Where Python finds the SDK.
pub(super) fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| python_packages("python", &scripts("python")))
}

/// Where Python finds Schemathesis.
pub(super) fn schemathesis() -> &'static Path {
    static SCHEMATHESIS: OnceLock<PathBuf> = OnceLock::new();
    SCHEMATHESIS.get_or_init(|| python_packages("schemathesis", &scripts("schemathesis")))
}

/// Where Python finds the reconciler.
pub(super) fn reconciler() -> &'static Path {
    static RECONCILER: OnceLock<PathBuf> = OnceLock::new();
    RECONCILER.get_or_init(|| python_packages("reconciler", &scripts("reconciler")))
}

/// Where Python finds the mail server.
pub(super) fn mail_server() -> &'static Path {
    static MAIL_SERVER: OnceLock<PathBuf> = OnceLock::new();
    MAIL_SERVER.get_or_init(|| python_packages("mail", &scripts("mail")))
}

/// Where Python finds the identity provider.
pub(crate) fn oidc_provider() -> &'static Path {
    static PROVIDER: OnceLock<PathBuf> = OnceLock::new();
    PROVIDER.get_or_init(|| python_packages("oidc_provider", &scripts("oidc_provider")))
}

/// Where Python finds what a folder pins.
pub(crate) fn python_packages(name: &str, folder: &Path) -> PathBuf {
    let installed = install(name, folder, &["requirements.txt"], |folder| {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(["--no-deps", "--require-hashes", "--root-user-action=ignore"])
            // The reconciler names one version of Python, and what is imported of it runs on later ones.
            .arg("--ignore-requires-python")
            .arg("--target")
            .arg(folder.join("packages"))
            .arg("--requirement")
            .arg(folder.join("requirements.txt"));
        run(pip, "install Python 3 with pip (Debian: python3-pip), and let it reach PyPI");
    });
    installed.join("packages")
}

/// Where Node.js finds the SDK.
pub(super) fn node() -> &'static Path {
    static NODE: OnceLock<PathBuf> = OnceLock::new();
    NODE.get_or_init(|| node_packages("node", &scripts("node")))
}

/// Where sentry-cli is.
pub(super) fn sentry_cli() -> &'static Path {
    static SENTRY_CLI: OnceLock<PathBuf> = OnceLock::new();
    SENTRY_CLI
        .get_or_init(|| node_packages("sentry_cli", &scripts("sentry_cli")).join(".bin/sentry-cli"))
}

/// Where Node.js finds what a folder pins.
pub(crate) fn node_packages(name: &str, folder: &Path) -> PathBuf {
    let installed = install(name, folder, &["package.json", "package-lock.json"], |folder| {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--loglevel=error", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(folder);
        run(npm, "install Node.js 20 or later with npm, and let it reach the npm registry");
    });
    installed.join("node_modules")
}

/// Installs what the files of a folder pin, unless that was done before.
fn install(name: &str, from: &Path, pins: &[&str], with: impl FnOnce(&Path)) -> PathBuf {
    let sdks = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("sdks");
    let installed = sdks.join(name);
    let is_current = pins.iter().all(|pin| {
        let wanted = fs::read(from.join(pin)).unwrap();
        fs::read(installed.join(pin)).is_ok_and(|there| there == wanted)
    });
    if is_current {
        return installed;
    }
    // Made beside and moved into place: what is broken off leaves nothing behind that looks whole.
    let new = sdks.join(format!("{name}.{}", std::process::id()));
    let _nothing_there = fs::remove_dir_all(&new);
    fs::create_dir_all(&new).unwrap();
    for pin in pins {
        fs::copy(from.join(pin), new.join(pin)).unwrap();
    }
    with(&new);
    let _nothing_there = fs::remove_dir_all(&installed);
    fs::rename(&new, &installed).unwrap();
    installed
}

fn run(mut command: Command, advice: &str) {
    let program = command.get_program().to_str().unwrap().to_owned();
    match command.stdin(Stdio::null()).output() {
        Ok(output) => assert!(
            output.status.success(),
            "{program} failed; {advice}:\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        ),
        Err(error) => panic!("{program} cannot be started ({error}); {advice}"),
    }
}
