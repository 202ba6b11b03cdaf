//! A private PostgreSQL.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;

use crate::account::Account;
use crate::error::Error;
use crate::home::Home;
use crate::ports;
use crate::server::{Arguments, Recipe, Server};
use crate::tools::{PostgresPrograms, Tools};

mod cluster;
#[cfg(test)]
mod tests;

/// The superuser, and the database that is there from the beginning.
const NAME: &str = "mishap";

/// The longest path of a Unix socket (`sun_path` in unix(7), with its final zero).
const MAX_SOCKET_PATH: usize = 107;

/// How a private PostgreSQL behaves.
#[derive(Debug, Clone, Default)]
pub struct PostgresOptions {
    /// Whether what is committed survives a crash: without it, `fsync`, `full_page_writes` and
    /// `synchronous_commit` are off, and [`Postgres::kill`] may lose the last second.
    pub durable: bool,
    /// More settings, as in `postgresql.conf`: the name and the value.
    pub extra: Vec<(String, String)>,
}

/// A PostgreSQL of one's own. Dropping it stops it at once, as a crash of the server would.
#[derive(Debug)]
pub struct Postgres {
    server: Server,
    bin: PathBuf,
}

impl Postgres {
    /// Starts a PostgreSQL whose data are in the folder `postgres` of `dir`, with an empty database
    /// the first time. Stops a server there whose owner was killed.
    pub fn start(tools: &Tools, dir: &Path, options: &PostgresOptions) -> Result<Self, Error> {
        Self::start_on(&mut ports::free, tools, dir, options)
    }

    /// Starts a copy of another PostgreSQL that follows it until it is promoted, in the folder
    /// `postgres` of `dir`, which must be new.
    pub fn start_standby(
        tools: &Tools,
        dir: &Path,
        options: &PostgresOptions,
        primary: &Self,
    ) -> Result<Self, Error> {
        let account = Account::of_servers()?;
        let home = Home::open(dir, "postgres", account)?;
        let programs = tools.postgres(account)?;
        let data = cluster::copy_of(&programs, &home, primary.port())?;
        Self::start_in(&data, programs, home, &mut ports::free, options)
    }

    fn start_on(
        ports: &mut dyn FnMut() -> Result<u16, Error>,
        tools: &Tools,
        dir: &Path,
        options: &PostgresOptions,
    ) -> Result<Self, Error> {
        let account = Account::of_servers()?;
        let home = Home::open(dir, "postgres", account)?;
        let programs = tools.postgres(account)?;
        let data = cluster::prepare(tools, &programs, &home)?;
        Self::start_in(&data, programs, home, ports, options)
    }

    fn start_in(
        data: &Path,
        programs: PostgresPrograms,
        home: Home,
        ports: &mut dyn FnMut() -> Result<u16, Error>,
        options: &PostgresOptions,
    ) -> Result<Self, Error> {
        let status = data.join("postmaster.pid");
        let recipe = Recipe {
            name: "PostgreSQL",
            program: programs.bin.join("postgres"),
            arguments: arguments(data, &home.subfolder("socket")?, options),
            is_ready: Box::new({
                let status = status.clone();
                move |_, pid| fs::read_to_string(&status).is_ok_and(|it| says_ready(&it, pid))
            }),
            stale: Some(status),
            stop: Signal::SIGINT,
            abort: Some(Signal::SIGQUIT),
        };
        Ok(Self { server: Server::start(recipe, home, ports)?, bin: programs.bin })
    }

    /// The URL of the database `mishap`.
    pub fn url(&self) -> String {
        format!("postgres://{NAME}@127.0.0.1:{}/{NAME}", self.port())
    }

    /// The port on 127.0.0.1, the same as long as the value lives.
    pub fn port(&self) -> u16 {
        self.server.port
    }

    /// The number of the main process; none if the server was stopped or killed.
    pub fn pid(&self) -> Option<u32> {
        self.server.pid()
    }

    /// The folder of PostgreSQL's programs: `psql` and `pg_dump` are here, if anywhere.
    pub fn bin(&self) -> &Path {
        &self.bin
    }

    /// The folder of everything that is the server's: its data, and its log.
    pub fn folder(&self) -> &Path {
        &self.server.home.folder
    }

    /// Stops the server if it runs, and starts it on the same port with the same data.
    pub fn restart(&mut self) -> Result<(), Error> {
        self.server.restart()
    }

    /// Stops the server in order, ending its connections.
    pub fn stop(&mut self) -> Result<(), Error> {
        self.server.stop()
    }

    /// Kills all processes of the server, as a crash would. [`Postgres::restart`] recovers the data.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Stops all processes of the server where they are: it takes connections and answers nothing.
    pub fn pause(&self) {
        self.server.pause();
    }

    /// Lets a paused server go on.
    pub fn resume(&self) {
        self.server.resume();
    }
}

fn arguments(data: &Path, socket: &Path, options: &PostgresOptions) -> Arguments {
    let socket_length = socket.as_os_str().as_bytes().len() + "/.s.PGSQL.65535".len();
    let mut sockets = OsString::from("unix_socket_directories=");
    if socket_length <= MAX_SOCKET_PATH {
        sockets.push(socket);
    }
    let on = if options.durable { "on" } else { "off" };
    let mut settings = vec![OsString::from("listen_addresses=127.0.0.1"), sockets];
    for name in ["fsync", "full_page_writes", "synchronous_commit"] {
        settings.push(format!("{name}={on}").into());
    }
    settings.extend(options.extra.iter().map(|(name, value)| format!("{name}={value}").into()));

    let data = data.as_os_str().to_owned();
    Box::new(move |port| {
        let mut arguments = vec![OsString::from("-D"), data.clone()];
        for setting in settings.iter().cloned().chain([format!("port={port}").into()]) {
            arguments.extend([OsString::from("-c"), setting]);
        }
        arguments
    })
}

/// Whether `postmaster.pid` says that this process accepts connections (PostgreSQL's
/// `utils/pidfile.h`: the process in the first line, the state in the eighth).
fn says_ready(status: &str, pid: u32) -> bool {
    let mut lines = status.lines();
    lines.next() == Some(pid.to_string().as_str())
        && lines.nth(6).is_some_and(|state| state.trim() == "ready")
}
