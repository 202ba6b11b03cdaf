//! The folder of one server: locked by its owner, and reachable by the server.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::account::Account;
use crate::elsewhere;
use crate::error::Error;

/// The file with the server's process, for whoever finds it left behind.
pub(crate) const RECORD: &str = "server.pid";
const LOG: &str = "server.log";

/// How much of the log an error tells.
const TOLD_LINES: usize = 20;
const TOLD_BYTES: u64 = 16 * 1024;

/// A server's folder, owned by this process as long as the value lives.
#[derive(Debug)]
pub(crate) struct Home {
    pub(crate) folder: PathBuf,
    pub(crate) account: Account,
    lock: File,
}

impl Home {
    /// Takes possession of the server's folder in `sandbox`.
    pub(crate) fn open(sandbox: &Path, server: &str, account: Account) -> Result<Self, Error> {
        let folder = sandbox.join(server);
        fs::create_dir_all(&folder).map_err(Error::on("create", &folder))?;
        account.admit(sandbox)?;
        account.admit(&folder)?;
        let folder = folder.canonicalize().map_err(Error::on("find", &folder))?;

        let path = folder.join("lock");
        let lock = File::create(&path).map_err(Error::on("create", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(Error::InUse { folder }),
            Err(fs::TryLockError::Error(error)) => return Err(Error::on("lock", &path)(error)),
        }
        let folder = elsewhere::reachable(&folder, account)?;
        let home = Self { folder, account, lock };
        fs::write(home.log(), "").map_err(Error::on("write", &home.log()))?;
        Ok(home)
    }

    /// The file that the server's process is recorded in.
    pub(crate) fn record(&self) -> PathBuf {
        self.folder.join(RECORD)
    }

    /// A folder of the server's own, for its data. Created if need be.
    pub(crate) fn subfolder(&self, name: &str) -> Result<PathBuf, Error> {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder).map_err(Error::on("create", &folder))?;
        self.account.give(&folder)?;
        Ok(folder)
    }

    /// A command of the server's user that appends what it says to the log.
    pub(crate) fn logged(&self, program: &Path) -> Result<Command, Error> {
        let open = || OpenOptions::new().append(true).create(true).open(self.log());
        let (output, errors) = (open(), open());
        let mut command = self.account.command(program, &self.folder);
        command.stdout(output.map_err(Error::on("open", &self.log()))?);
        command.stderr(errors.map_err(Error::on("open", &self.log()))?);
        Ok(command)
    }

    /// How long the log is now.
    pub(crate) fn log_length(&self) -> u64 {
        fs::metadata(self.log()).map_or(0, |log| log.len())
    }

    /// The last lines of what was logged since the log was `length` long.
    pub(crate) fn log_since(&self, length: u64) -> String {
        let start = length.max(self.log_length().saturating_sub(TOLD_BYTES));
        let mut bytes = Vec::new();
        // A log that cannot be read tells nothing; the caller has an error to tell already.
        if let Ok(mut file) = File::open(self.log())
            && file.seek(SeekFrom::Start(start)).is_ok()
        {
            file.read_to_end(&mut bytes).ok();
        }
        last_lines(&String::from_utf8_lossy(&bytes))
    }

    fn log(&self) -> PathBuf {
        self.folder.join(LOG)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // Closing the file is not enough while another thread is between fork and exec.
        self.lock.unlock().ok();
    }
}

/// The last lines of what a program said.
pub(crate) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let skipped = lines.len().saturating_sub(TOLD_LINES);
    lines.into_iter().skip(skipped).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::sandbox;

    #[test]
    fn a_folder_has_one_owner_at_a_time() {
        let (sandbox, account) = (sandbox(), Account::of_servers().unwrap());
        let home = Home::open(sandbox.path(), "server", account).unwrap();
        let second = Home::open(sandbox.path(), "server", account);
        assert!(matches!(second, Err(Error::InUse { .. })), "{second:?}");
        drop(home);
        Home::open(sandbox.path(), "server", account).unwrap();
    }

    #[test]
    fn an_error_tells_the_end_of_what_was_logged_since() {
        let (sandbox, account) = (sandbox(), Account::of_servers().unwrap());
        let home = Home::open(sandbox.path(), "server", account).unwrap();
        fs::write(home.log(), "before\n").unwrap();
        let before = home.log_length();
        let lines: Vec<String> = (1..=30).map(|n| format!("line {n}")).collect();
        fs::write(home.log(), format!("before\n{}\n", lines.join("\n"))).unwrap();
        assert_eq!(home.log_since(before), lines[10..].join("\n"));
        assert_eq!(home.log_since(home.log_length()), "");
    }
}
