//! A private Redis.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::account::Account;
use crate::error::Error;
use crate::home::Home;
use crate::ports;
use crate::server::{Arguments, Recipe, Server};
use crate::tools::Tools;

#[cfg(test)]
mod tests;

/// How long a Redis that is asked whether it is ready may take to answer.
const ANSWER: Duration = Duration::from_secs(1);

/// How a private Redis behaves.
#[derive(Debug, Clone, Default)]
pub struct RedisOptions {
    /// More settings, as in `redis.conf`: the name and the value, which may be several words.
    pub extra: Vec<(String, String)>,
}

/// A Redis of one's own. It keeps what it has in memory only, unless its settings say otherwise.
/// Dropping it kills it.
#[derive(Debug)]
pub struct Redis {
    server: Server,
}

impl Redis {
    /// Starts a Redis in the folder `redis` of `dir`. Stops a server there whose owner was killed.
    pub fn start(tools: &Tools, dir: &Path, options: &RedisOptions) -> Result<Self, Error> {
        Self::start_on(&mut ports::free, tools, dir, options)
    }

    fn start_on(
        ports: &mut dyn FnMut() -> Result<u16, Error>,
        tools: &Tools,
        dir: &Path,
        options: &RedisOptions,
    ) -> Result<Self, Error> {
        let account = Account::of_servers()?;
        let home = Home::open(dir, "redis", account)?;
        let recipe = Recipe {
            name: "Redis",
            program: tools.redis(account)?,
            arguments: arguments(&home.subfolder("data")?, options),
            is_ready: Box::new(is_ready),
            stale: None,
            stop: Signal::SIGTERM,
            abort: None,
        };
        Ok(Self { server: Server::start(recipe, home, ports)? })
    }

    /// The URL of the first database.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port())
    }

    /// The port on 127.0.0.1, the same as long as the value lives.
    pub fn port(&self) -> u16 {
        self.server.port
    }

    /// The number of the process; none if the server was stopped or killed.
    pub fn pid(&self) -> Option<u32> {
        self.server.pid()
    }

    /// Stops the server if it runs, and starts it on the same port, by default empty.
    pub fn restart(&mut self) -> Result<(), Error> {
        self.server.restart()
    }

    /// Stops the server in order, ending its connections.
    pub fn stop(&mut self) -> Result<(), Error> {
        self.server.stop()
    }

    /// Kills the server, as a crash would.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Stops the server where it is: the system takes connections for it, and it answers nothing.
    pub fn pause(&self) {
        self.server.pause();
    }

    /// Lets a paused server go on.
    pub fn resume(&self) {
        self.server.resume();
    }
}

fn arguments(data: &Path, options: &RedisOptions) -> Arguments {
    let mut settings: Vec<OsString> =
        ["--bind", "127.0.0.1", "--daemonize", "no"].map(Into::into).into();
    settings.extend(["--save", "", "--appendonly", "no", "--dir"].map(Into::into));
    settings.push(data.into());
    for (name, value) in &options.extra {
        settings.push(format!("--{name}").into());
        // No words would be no value at all.
        match value.trim() {
            "" => settings.push(OsString::new()),
            words => settings.extend(words.split_whitespace().map(OsString::from)),
        }
    }
    Box::new(move |port| {
        let port = [OsString::from("--port"), port.to_string().into()];
        port.into_iter().chain(settings.iter().cloned()).collect()
    })
}

/// Whether the process with this number answers on this port. It tells its number, for another
/// Redis may have taken the port in between.
fn is_ready(port: u16, pid: u32) -> bool {
    let own = format!("process_id:{pid}");
    let says_so = |said: String| said.starts_with("+PONG") && said.lines().any(|line| line == own);
    ask(port, "PING\r\nINFO server\r\nQUIT\r\n").is_ok_and(says_so)
}

/// Says something and returns the answer up to the connection's end.
fn ask(port: u16, commands: &str) -> std::io::Result<String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, ANSWER)?;
    stream.set_read_timeout(Some(ANSWER))?;
    stream.write_all(commands.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
