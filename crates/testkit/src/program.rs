//! The real programs, as processes of their own.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::servers::workspace;

/// How long a program may take to become ready.
const PATIENCE: Duration = Duration::from_secs(30);

/// A program that runs; it is killed when the value is dropped.
pub struct Program {
    name: String,
    path: PathBuf,
    environment: Vec<(String, String)>,
    /// The port of its probes.
    pub probes: u16,
    child: Option<Child>,
}

/// A program of the workspace that was built as the test was.
pub fn built_program(name: &str) -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let folder = this.ancestors().find(|folder| folder.join(name).is_file());
    let path = match folder {
        Some(folder) => folder.join(name),
        None => workspace().join("target").join("debug").join(name),
    };
    assert!(path.is_file(), "{name} is not built: run `cargo build` first");
    path
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Program {
    /// Starts a program, `mishap-web` for instance, and waits until it is ready.
    pub fn start(name: &str, environment: &[(&str, &str)]) -> Self {
        let mut program = Self::prepare(&built_program(name), environment);
        program.spawn();
        program.wait_until_ready();
        program
    }

    /// A program that is not started yet.
    pub fn prepare(path: &Path, environment: &[(&str, &str)]) -> Self {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let mut environment: Vec<(String, String)> = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let probes = free_port();
        for role in ["WEB", "WORKER", "BEAT"] {
            environment.push((format!("MISHAP_{role}_METRICS_PORT"), probes.to_string()));
        }
        environment.push(("MISHAP_LISTEN".to_owned(), "127.0.0.1".to_owned()));
        Self { name, path: path.to_owned(), environment, probes, child: None }
    }

    /// Starts the process; it may not be ready yet.
    pub fn spawn(&mut self) {
        let log = Stdio::inherit();
        let child = Command::new(&self.path)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    /// Waits until the program says that it wants work.
    pub fn wait_until_ready(&mut self) {
        let began = Instant::now();
        while !self.is_ready() {
            let ended = self.child.as_mut().and_then(|child| child.try_wait().unwrap());
            assert!(ended.is_none(), "{} ended: {ended:?}", self.name);
            assert!(began.elapsed() < PATIENCE, "{} is not ready", self.name);
            nap();
        }
    }

    /// Whether the program says that it wants work.
    pub fn is_ready(&self) -> bool {
        get(self.probes, "/readyz").is_some_and(|answer| answer.starts_with("HTTP/1.1 200"))
    }

    /// What `/metrics` says.
    pub fn metrics(&self) -> String {
        get(self.probes, "/metrics").unwrap_or_default()
    }

    /// The number of the process.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).unwrap());
        kill(pid, signal).unwrap();
    }

    /// Kills the process as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Tells the process to end, and returns how long that took and whether it ended well.
    pub fn stop(&mut self) -> (Duration, bool) {
        let began = Instant::now();
        self.signal(Signal::SIGTERM);
        let mut child = self.child.take().expect("it runs");
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            assert!(began.elapsed() < PATIENCE, "{} does not stop", self.name);
            nap();
        };
        (began.elapsed(), status.success())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test that waits for a process has nothing else to do"
)]
fn nap() {
    std::thread::sleep(Duration::from_millis(5));
}

/// A bare HTTP request; nothing if nobody answers.
fn get(port: u16, path: &str) -> Option<String> {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}
