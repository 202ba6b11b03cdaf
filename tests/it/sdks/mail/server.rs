//! A mail server of a test's own, in another process.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use mishap_testkit::make_certificates;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::sdks::install::{mail_server, scripts};

/// How long a mail may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A mail server; it ends with the value.
pub(super) struct MailServer {
    /// Where it listens on this machine.
    pub(super) port: u16,
    lines: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl MailServer {
    /// A server that takes mails from everybody, as they come.
    pub(super) async fn open() -> Self {
        Self::start(&[]).await
    }

    /// A server for `localhost` that wants STARTTLS, and to know by whom it is spoken with. Into the
    /// folder it puts `authority.pem`, by which its certificate can be checked.
    pub(super) async fn guarded(folder: &Path) -> Self {
        make_certificates(folder);
        let [certificate, key] =
            ["server.pem", "key.pem"].map(|name| folder.join(name).to_str().unwrap().to_owned());
        Self::start(&[&certificate, &key]).await
    }

    async fn start(arguments: &[&str]) -> Self {
        let packages = tokio::task::spawn_blocking(mail_server).await.unwrap();
        let mut process = Command::new("python3")
            .arg("-S")
            .arg(scripts("mail").join("server.py"))
            .args(arguments)
            .env("PYTHONPATH", packages)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut server = Self { port: 0, lines, _process: process };
        let port = server.next().await["port"].as_u64().unwrap();
        server.port = port.try_into().unwrap();
        server
    }

    /// What happened next: a mail that was taken, or an address that was refused.
    pub(super) async fn next(&mut self) -> Value {
        let line = timeout(PATIENCE, self.lines.next_line()).await.expect("a mail comes");
        serde_json::from_str(&line.unwrap().expect("the server runs")).unwrap()
    }
}
