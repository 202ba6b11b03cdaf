//! The real programs, as processes of their own.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::command::Typed;
use crate::servers::workspace;

/// How long a program may take to become ready.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that runs; it is killed when the value is dropped.
pub struct Program {
    name: String,
    path: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    log: Option<PathBuf>,
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

/// A port that nobody listens on, and that no outgoing connection is given either: a program that
/// was killed finds it free again.
pub fn free_port() -> u16 {
    mishap_sandbox::free_port().unwrap()
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
        let (path, arguments) = (path.to_owned(), Vec::new());
        Self { name, path, arguments, environment, log: None, probes, child: None }
    }

    /// Gives the program arguments.
    #[must_use]
    pub fn with_arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        self
    }

    /// Lets the program write its log to a file, behind what is there.
    #[must_use]
    pub fn logging_to(mut self, log: PathBuf) -> Self {
        self.log = Some(log);
        self
    }

    /// A command that is typed where the program runs: with its environment, as `oc exec` does.
    pub fn beside(&self, command: &str) -> Typed {
        let environment: Vec<(&str, &str)> =
            self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Typed::new(command, &environment)
    }

    /// Starts the process; it may not be ready yet.
    pub fn spawn(&mut self) {
        let log = match &self.log {
            Some(path) => {
                Stdio::from(File::options().create(true).append(true).open(path).unwrap())
            }
            None => Stdio::inherit(),
        };
        let child = Command::new(&self.path)
            .args(&self.arguments)
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

    /// What the program says of why it wants no work.
    pub fn why_not_ready(&self) -> String {
        let answer = get(self.probes, "/readyz").unwrap_or_default();
        answer
            .split_once("\r\n\r\n")
            .map_or_else(String::new, |(_, body)| body.trim_end().to_owned())
    }

    /// Whether the program's probes say that it lives.
    pub fn is_alive(&self) -> bool {
        get(self.probes, "/livez").is_some_and(|answer| answer.starts_with("HTTP/1.1 200"))
    }

    /// What `/metrics` says.
    pub fn metrics(&self) -> String {
        let answer = get(self.probes, "/metrics").unwrap_or_default();
        answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
    }

    /// A value that the program measures, the sum of all its labels; nothing if it never did.
    pub fn measured(&self, name: &str) -> Option<f64> {
        let metrics = self.metrics();
        let values = metrics.lines().filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            let is_found = series.split('{').next() == Some(name);
            is_found.then(|| value.parse::<f64>().unwrap())
        });
        values.reduce(|sum, value| sum + value)
    }

    /// Whether the process has not ended by itself.
    pub fn runs(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| child.try_wait().unwrap().is_none())
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
        let ended_well = self.wait_until_ended();
        (began.elapsed(), ended_well)
    }

    /// Waits until the process ends by itself, and returns whether it ended well.
    pub fn wait_until_ended(&mut self) -> bool {
        let began = Instant::now();
        let mut child = self.child.take().expect("it runs");
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status.success();
            }
            assert!(began.elapsed() < PATIENCE, "{} does not end", self.name);
            nap();
        }
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

/// A bare HTTP request to a port of this machine; nothing if nobody answers.
pub fn get(port: u16, path: &str) -> Option<String> {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}
