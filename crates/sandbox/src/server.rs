//! What PostgreSQL and Redis have in common: one process on one port, started, stopped and hurt.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::daemon::{self, Daemon};
use crate::error::Error;
use crate::home::Home;
use crate::process::{nap, wait};

/// How long a server may take to answer; it may have a crash to recover from.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long starting is tried again while something is in the way that may go.
const PERSISTENCE: Duration = Duration::from_secs(10);

/// What a server says when something is in the way: another's port, or processes of its own that
/// have not yet noticed that their parent crashed.
const OBSTACLES: [&str; 2] = ["ddress already in use", "is still in use"];

/// A server's arguments for a port.
pub(crate) type Arguments = Box<dyn Fn(u16) -> Vec<OsString> + Send + Sync>;

/// How a server is started and stopped.
pub(crate) struct Recipe {
    /// What people call the server.
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Arguments,
    /// Whether the process with this number answers on this port.
    pub(crate) is_ready: Box<dyn Fn(u16, u32) -> bool + Send + Sync>,
    /// A file that a crashed server leaves and that could keep the next one from starting. The
    /// folder's lock and the record tell more surely that no server lives.
    pub(crate) stale: Option<PathBuf>,
    /// The signal to stop in order.
    pub(crate) stop: Signal,
    /// The signal to stop at once; none to just kill it.
    pub(crate) abort: Option<Signal>,
}

/// A server that runs, or has run and can be restarted.
pub(crate) struct Server {
    recipe: Recipe,
    pub(crate) home: Home,
    pub(crate) port: u16,
    daemon: Option<Daemon>,
}

impl Server {
    /// Starts a server, on one of these ports, after one that was left behind in its folder.
    pub(crate) fn start(
        recipe: Recipe,
        home: Home,
        ports: &mut dyn FnMut() -> Result<u16, Error>,
    ) -> Result<Self, Error> {
        daemon::stop_leftover(&home.record(), recipe.stop, recipe.name)?;
        let (daemon, port) = launch(&recipe, &home, ports)?;
        Ok(Self { recipe, home, port, daemon: Some(daemon) })
    }

    /// Stops the server if it runs, and starts it on the same port.
    pub(crate) fn restart(&mut self) -> Result<(), Error> {
        self.stop()?;
        let port = self.port;
        let (daemon, _) = launch(&self.recipe, &self.home, &mut || Ok(port))?;
        self.daemon = Some(daemon);
        Ok(())
    }

    /// Stops the server in order.
    pub(crate) fn stop(&mut self) -> Result<(), Error> {
        let stopped = self.daemon.take().is_none_or(|daemon| daemon.stop(self.recipe.stop));
        if stopped { Ok(()) } else { Err(Error::Stubborn { server: self.recipe.name }) }
    }

    /// Kills the server and its children.
    pub(crate) fn kill(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.crash();
        }
    }

    /// Stops the server's processes where they are.
    pub(crate) fn pause(&self) {
        if let Some(daemon) = &self.daemon {
            daemon.process.pause();
        }
    }

    /// Lets the server's processes go on.
    pub(crate) fn resume(&self) {
        if let Some(daemon) = &self.daemon {
            daemon.process.resume();
        }
    }

    /// The number of the server's process.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.daemon.as_ref().map(|daemon| daemon.process.pid)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let (Some(daemon), Some(signal)) = (self.daemon.take(), self.recipe.abort) {
            daemon.stop(signal);
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { recipe, home, port, daemon } = self;
        f.debug_struct(recipe.name)
            .field("home", home)
            .field("port", port)
            .field("daemon", daemon)
            .finish()
    }
}

fn launch(
    recipe: &Recipe,
    home: &Home,
    ports: &mut dyn FnMut() -> Result<u16, Error>,
) -> Result<(Daemon, u16), Error> {
    let first_try = Instant::now();
    loop {
        if let Some(stale) = &recipe.stale {
            fs::remove_file(stale).ok(); // mostly there is none
        }
        let port = ports()?;
        let log_length = home.log_length();
        let mut command = home.logged(&recipe.program)?;
        command.args((recipe.arguments)(port));
        let mut daemon = Daemon::spawn(command, &home.record())?;

        let pid = daemon.process.pid;
        let mut is_ready = false;
        wait(PATIENCE, || {
            is_ready = (recipe.is_ready)(port, pid);
            is_ready || daemon.has_ended()
        });
        if is_ready {
            return Ok((daemon, port));
        }
        drop(daemon);
        let log = home.log_since(log_length);
        let may_go = OBSTACLES.iter().any(|obstacle| log.contains(obstacle));
        if !may_go || first_try.elapsed() > PERSISTENCE {
            return Err(Error::NotStarted {
                server: recipe.name,
                folder: home.folder.clone(),
                log,
            });
        }
        nap(Duration::from_millis(50));
    }
}
