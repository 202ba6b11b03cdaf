//! A server's process: watched while it runs, and gone when its owner is.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::error::Error;
use crate::process::{Process, wait};

/// How long a server may take to stop in order.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server's process that this process started.
#[derive(Debug)]
pub(crate) struct Daemon {
    child: Child,
    pub(crate) process: Process,
}

impl Daemon {
    /// Starts the process and records it in a file, for [`stop_leftover`].
    pub(crate) fn spawn(mut command: Command, record: &Path) -> Result<Self, Error> {
        let program = Path::new(command.get_program()).to_owned();
        let child = command.spawn().map_err(Error::on("run", &program))?;
        let unseen = || Error::on("watch", &program)(io::Error::other("it is not in /proc"));
        let process = Process::of(child.id()).ok_or_else(unseen)?;
        let daemon = Self { child, process };
        fs::write(record, process.record()).map_err(Error::on("write", record))?;
        Ok(daemon)
    }

    /// Whether the process has ended, by itself or because it was told to.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }

    /// Tells the process to end, paused or not. Returns whether it had not to be killed.
    pub(crate) fn stop(mut self, signal: Signal) -> bool {
        self.process.resume();
        self.process.signal(signal);
        wait(PATIENCE, || self.has_ended())
    }

    /// Kills the process and its children.
    pub(crate) fn crash(&mut self) {
        self.process.crash();
        self.child.wait().ok();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if !self.has_ended() {
            self.crash();
        }
    }
}

/// Ends the recorded process, if it was left behind by an owner that was killed.
pub(crate) fn stop_leftover(
    record: &Path,
    signal: Signal,
    server: &'static str,
) -> Result<(), Error> {
    let text = fs::read_to_string(record).unwrap_or_default();
    let Some(process) = Process::recorded(&text) else { return Ok(()) };
    if !process.is_alive() {
        return Ok(());
    }
    process.resume();
    process.signal(signal);
    if wait(PATIENCE, || !process.is_alive()) || process.crash() {
        Ok(())
    } else {
        Err(Error::Stubborn { server })
    }
}
