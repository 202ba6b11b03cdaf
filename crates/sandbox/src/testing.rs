//! What the tests of this crate share.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use crate::process::{Process, wait};
use crate::tools::Tools;

/// How long the tests wait for what must come.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// The machine's tools, with what is missing in the workspace's cache.
#[expect(clippy::disallowed_methods, reason = "tests have no caller to hand them the PATH")]
pub(crate) fn tools() -> Tools {
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.local/tools");
    Tools { path: std::env::var_os("PATH").unwrap_or_default(), cache }
}

/// A folder for servers that everybody can reach, gone after the test.
pub(crate) fn sandbox() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    folder
}

/// A server's main process and the processes it started.
pub(crate) fn processes(pid: Option<u32>) -> Vec<Process> {
    let server = Process::of(pid.unwrap()).unwrap();
    let mut processes = server.children();
    processes.push(server);
    processes
}

/// Checks that none of the processes lives.
#[track_caller]
pub(crate) fn assert_gone(processes: &[Process]) {
    let alive: Vec<_> = processes.iter().filter(|process| process.is_alive()).collect();
    assert!(alive.is_empty(), "{alive:?}");
}

/// Checks that a condition comes true.
#[track_caller]
pub(crate) fn assert_soon(condition: impl FnMut() -> bool) {
    assert!(wait(SOON, condition), "it did not come true");
}
