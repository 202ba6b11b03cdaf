//! Runs a script that sends.

use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

/// How long a script may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs a script to its end; panics unless everything that it sent was answered with 200.
///
/// The scripts print `status 200` for each answer.
pub(super) async fn run(mut command: Command) {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let output = timeout(PATIENCE, child.wait_with_output()).await;
    let Output { status, stdout, stderr } = output.expect("the script ends").unwrap();
    let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{status}\n{stdout}{stderr}");
    assert!(!stdout.is_empty(), "nothing was sent\n{stderr}");
    for line in stdout.lines() {
        assert_eq!(line, "status 200", "{stdout}{stderr}");
    }
}
