//! Runs a script of a client.

use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

/// How long a script may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs a script to its end; panics unless everything that it sent was answered with 200.
///
/// The scripts print `status 200` for each answer.
pub(super) async fn run(command: Command) {
    let (stdout, stderr) = to_its_end(command).await;
    assert!(!stdout.is_empty(), "nothing was sent\n{stderr}");
    for line in stdout.lines() {
        assert_eq!(line, "status 200", "{stdout}{stderr}");
    }
}

/// Runs a script to its end, and says what it printed; panics unless it was content.
pub(super) async fn printed(command: Command) -> String {
    to_its_end(command).await.0
}

async fn to_its_end(mut command: Command) -> (String, String) {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let output = timeout(PATIENCE, child.wait_with_output()).await;
    let Output { status, stdout, stderr } = output.expect("the script ends").unwrap();
    let stdout = String::from_utf8(stdout).unwrap();
    let stderr = String::from_utf8_lossy(&stderr).into_owned();
    assert!(status.success(), "{status}\n{stdout}{stderr}");
    (stdout, stderr)
}
