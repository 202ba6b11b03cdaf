//! Containers as a cluster's strictest rules want them.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use mishap_testkit::get;

/// How long a container may take to be ready on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What OpenShift's `restricted-v2` allows: any user, the group 0, a root that nobody can write to,
/// no capability.
const RESTRICTED: &[&str] = &[
    "--runtime=runc",
    "--network=host",
    "--user=1000660000:0",
    "--read-only",
    "--read-only-tmpfs=false",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--ulimit=nofile=1024:1024",
    "--ulimit=nproc=1000:1000",
    "--memory=256m",
];

/// A running container; it is removed with the value.
pub(crate) struct Container {
    name: String,
}

impl Container {
    /// Starts a container of the image.
    pub(crate) fn start(
        image: &str,
        command: &[&str],
        environment: &[(String, String)],
        certificates: &Path,
    ) -> Self {
        let name = format!("mishap-test-{}-{}", std::process::id(), command.concat());
        let mut run = podman(environment, certificates);
        run.args(["--detach", "--name", &name, image]).args(command);
        expect(&run.output().unwrap());
        Self { name }
    }

    /// Waits until its probe says that it wants work.
    pub(crate) fn wait_until_ready(&self, probes: u16) {
        let began = Instant::now();
        let ready = || get(probes, "/readyz").is_some_and(|it| it.starts_with("HTTP/1.1 200"));
        while !ready() {
            assert!(began.elapsed() < PATIENCE, "{} is not ready: {}", self.name, self.logs());
            std::thread::yield_now();
        }
    }

    /// Tells it to end; says with which code it did.
    pub(crate) fn stop(&self) -> i32 {
        expect(&Command::new("podman").args(["stop", "--time=30", &self.name]).output().unwrap());
        let code = ["inspect", "--format={{.State.ExitCode}}", &self.name];
        let output = Command::new("podman").args(code).output().unwrap();
        expect(&output).trim().parse().unwrap()
    }

    fn logs(&self) -> String {
        let output = Command::new("podman").args(["logs", &self.name]).output().unwrap();
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{}: {}", self.name, self.logs());
        }
        let remove = ["rm", "--force", "--time=0", &self.name];
        Command::new("podman").args(remove).output().unwrap();
    }
}

/// Runs a command of the image to its end; gives what it printed.
pub(crate) fn run(
    image: &str,
    command: &[&str],
    environment: &[(String, String)],
    certificates: &Path,
) -> Output {
    let mut run = podman(environment, certificates);
    run.args(["--rm", image]).args(command).output().unwrap()
}

/// Makes podman know the image; gives what it calls it.
pub(crate) fn load(archive: &Path) -> String {
    let output = Command::new("podman").args(["load", "--quiet", "--input"]).arg(archive).output();
    let said = expect(&output.unwrap());
    said.trim().rsplit("Loaded image: ").next().unwrap().to_owned()
}

/// What a command printed, if it ended well.
pub(crate) fn expect(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    let said = String::from_utf8_lossy(out).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(err));
    said
}

fn podman(environment: &[(String, String)], certificates: &Path) -> Command {
    let mut podman = Command::new("podman");
    podman.arg("run").args(RESTRICTED);
    podman.arg(format!("--volume={}:/certificates:ro", certificates.display()));
    for (name, value) in environment {
        podman.arg(format!("--env={name}={value}"));
    }
    podman
}
