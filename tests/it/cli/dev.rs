use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use mishap_testkit::{TestDatabase, Typed, built_program, free_port, proc, shared, tools};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::task::block_in_place;

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A `mishap dev` that has said where it is.
struct Dev {
    child: Child,
    out: BufReader<ChildStdout>,
    greeting: String,
    path: String,
    folder: PathBuf,
}

impl Dev {
    /// Starts it in a folder, on free ports if `own` does not say otherwise.
    fn start(folder: &Path, own: &[(&str, &str)]) -> Self {
        let path = path_with_servers();
        let ports = [free_port().to_string(), free_port().to_string()];
        let mut command = Command::new(built_program("mishap"));
        command.arg("dev").current_dir(folder).env_clear().env("PATH", &path);
        command.env("PORT", &ports[0]).env("MISHAP_WEB_METRICS_PORT", &ports[1]);
        for (name, value) in own {
            if value.is_empty() && *name != "REDIS_URL" {
                command.env_remove(name);
            } else {
                command.env(name, value);
            }
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut greeting = String::new();
        while !greeting.contains("Ctrl-C stops everything") {
            assert!(out.read_line(&mut greeting).unwrap() > 0, "it ended: {greeting}");
        }
        Self { child, out, greeting, path, folder: folder.to_owned() }
    }

    /// What stands behind a word at the beginning of a line.
    fn said(&self, word: &str) -> &str {
        let line = self.greeting.lines().find_map(|line| line.trim().strip_prefix(word));
        line.unwrap_or_else(|| panic!("no {word} in {}", self.greeting)).trim()
    }

    /// Copies the first line with these words out of the greeting, and runs it as a shell would.
    fn paste(&self, words: &str) -> String {
        let line = self.greeting.lines().find(|line| line.contains(words)).unwrap();
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(line).current_dir(&self.folder).env_clear().env("PATH", &self.path);
        let output = shell.output().unwrap();
        let (out, err) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{line}: {out} {err}");
        out.into_owned()
    }

    fn servers(&self) -> Vec<u32> {
        proc::children(self.child.id())
    }

    /// Ctrl-C; everything must be gone afterwards.
    fn interrupt(mut self) {
        let servers = self.servers();
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), Signal::SIGINT).unwrap();
        eventually("it ends", || self.child.try_wait().unwrap().is_some());
        let status = self.child.wait().unwrap();
        let mut rest = String::new();
        while self.out.read_line(&mut rest).unwrap() > 0 {}
        assert!(status.success(), "{status}");
        assert!(rest.contains("Stopped."), "{rest}");
        for pid in servers {
            assert!(!Path::new(&format!("/proc/{pid}")).exists(), "{pid} is left");
        }
        assert!(!self.folder.join(".local/mishap.env").exists());
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // After a failed test: in order, for its servers' sake.
        if self.child.try_wait().unwrap().is_none() {
            kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), Signal::SIGINT).unwrap();
            self.child.wait().unwrap();
        }
    }
}

/// Waits where there is no runtime to wait with.
#[expect(clippy::disallowed_methods, reason = "a test that waits has nothing else to do")]
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// `PATH` with the servers that tests had to fetch, so that none is fetched again.
fn path_with_servers() -> String {
    shared();
    let tools = tools();
    let mut path = tools.path.into_string().unwrap();
    let mut folders = vec![tools.cache];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let is_server =
                ["postgres", "redis-server"].contains(&entry.file_name().to_str().unwrap());
            let found = entry.path();
            if is_server && found.is_file() {
                path = format!("{path}:{}", found.parent().unwrap().display());
            } else if entry.file_type().unwrap().is_dir() {
                folders.push(found);
            }
        }
    }
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_starts_everything_in_an_empty_folder_and_leaves_nothing_running() {
    let folder = tempfile::tempdir().unwrap();
    block_in_place(|| {
        let dev = Dev::start(folder.path(), &[]);
        assert_eq!(dev.servers().len(), 2, "a PostgreSQL and a Redis");
        assert!(
            dev.greeting.contains("Mishap is running at http://localhost:"),
            "{}",
            dev.greeting
        );
        assert!(dev.said("Login").contains("admin@example.com, password "));
        assert!(dev.paste(" send http").contains("Sent the event"));
        let is_listed = || dev.paste("issues").contains("TestError: A test error from mishap send");
        eventually("the event is listed", is_listed);
        let (dsn, token) = (dev.said("DSN").to_owned(), dev.said("Token").to_owned());
        dev.interrupt();

        // The second time everything is still there.
        let dev = Dev::start(folder.path(), &[]);
        let key = |dsn: &str| dsn.split('@').next().unwrap().to_owned();
        assert_eq!((key(dev.said("DSN")), dev.said("Token")), (key(&dsn), token.as_str()));
        assert!(dev.paste("issues").contains("TestError: A test error from mishap send"));
        dev.interrupt();
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_is_accepted_as_any_installation_is() {
    let folder = tempfile::tempdir().unwrap();
    block_in_place(|| {
        let dev = Dev::start(folder.path(), &[]);
        let (_, url) = dev.said("Mishap is running").split_once("at ").unwrap();
        let asked = ["acceptance", "--url", url, "--token", dev.said("Token")];
        let said = Typed::new("mishap", &[]).run(&asked).expect(0).out;
        assert!(said.contains("is accepted"), "{said}");
        dev.interrupt();
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_the_environment_names_replace_the_private_ones() {
    let folder = tempfile::tempdir().unwrap();
    let database = TestDatabase::empty().await;
    block_in_place(|| {
        let own = [
            ("DATABASE_URL", database.url.as_str()),
            ("REDIS_URL", shared().redis_url.as_str()),
            ("MISHAP_REDIS_PREFIX", "dev-test:"),
        ];
        let dev = Dev::start(folder.path(), &own);
        assert_eq!(dev.servers(), Vec::<u32>::new());
        dev.paste(" send http");
        dev.interrupt();
    });
    assert_eq!(database.number("SELECT count(*) FROM organizations").await, 1);
    for server in ["postgres", "redis"] {
        assert!(!folder.path().join(".local").join(server).exists(), "{server}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_takes_other_ports_if_the_usual_ones_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    let database = TestDatabase::empty().await;
    // If this fails, somebody else has them, which is as good.
    let _taken = [8000, 9090].map(|port| TcpListener::bind(("127.0.0.1", port)));
    block_in_place(|| {
        let own = [
            ("DATABASE_URL", database.url.as_str()),
            ("REDIS_URL", ""),
            ("PORT", ""),
            ("MISHAP_WEB_METRICS_PORT", ""),
        ];
        let dev = Dev::start(folder.path(), &own);
        assert!(!dev.said("Mishap is running at").ends_with(":8000"));
        dev.paste(" send http");
        dev.interrupt();
    });
}
