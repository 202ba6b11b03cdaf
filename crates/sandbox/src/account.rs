//! The user that servers run as.

use std::fs::{self, Metadata, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::unistd::{User, geteuid};

use crate::error::Error;

/// Who runs the servers: the caller, or `nobody` if the caller is root.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account {
    /// The user and the group, if they are not the caller's.
    other: Option<(u32, u32)>,
}

impl Account {
    /// The account for servers of this process.
    pub(crate) fn of_servers() -> Result<Self, Error> {
        if !geteuid().is_root() {
            return Ok(Self { other: None });
        }
        let nobody = User::from_name("nobody").ok().flatten().ok_or(Error::NoUser)?;
        Ok(Self { other: Some((nobody.uid.as_raw(), nobody.gid.as_raw())) })
    }

    /// A command of this user. It sees nothing of the caller's environment, and has its own
    /// process group, so that Ctrl-C ends the caller, and the caller then ends its servers.
    pub(crate) fn command(self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder).env_clear().env("LC_ALL", "C").env("TZ", "UTC");
        command.stdin(Stdio::null()).process_group(0);
        if let Some((user, group)) = self.other {
            command.uid(user).gid(group);
        }
        command
    }

    /// Makes this user the owner of a file or folder of the caller.
    pub(crate) fn give(self, path: &Path) -> Result<(), Error> {
        let Some((user, group)) = self.other else { return Ok(()) };
        chown(path, Some(user), Some(group)).map_err(Error::on("change the owner of", path))
    }

    /// Lets this user pass through a folder of the caller.
    pub(crate) fn admit(self, folder: &Path) -> Result<(), Error> {
        let Some((user, group)) = self.other else { return Ok(()) };
        let metadata = fs::metadata(folder).map_err(Error::on("look at", folder))?;
        if may_pass(&metadata, user, group) {
            return Ok(());
        }
        let permissions = Permissions::from_mode(metadata.mode() & 0o7777 | 0o111);
        fs::set_permissions(folder, permissions).map_err(Error::on("open", folder))
    }

    /// Whether this user gets to a folder, given without symbolic links. Looks at the permission
    /// bits only, not at access lists.
    pub(crate) fn reaches(self, folder: &Path) -> bool {
        let Some((user, group)) = self.other else { return true };
        let passes = |step: &Path| fs::metadata(step).is_ok_and(|it| may_pass(&it, user, group));
        folder.ancestors().all(passes)
    }
}

fn may_pass(folder: &Metadata, user: u32, group: u32) -> bool {
    let bit = match folder {
        own if own.uid() == user => 0o100,
        shared if shared.gid() == group => 0o010,
        _ => 0o001,
    };
    folder.mode() & bit != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said_by(program: &str, argument: &str) -> String {
        let account = Account::of_servers().unwrap();
        let mut command = account.command(Path::new(program), Path::new("/"));
        String::from_utf8(command.arg(argument).output().unwrap().stdout).unwrap()
    }

    #[test]
    fn a_command_sees_nothing_of_the_callers_environment() {
        assert_eq!(said_by("/usr/bin/env", "--"), "LC_ALL=C\nTZ=UTC\n");
    }

    #[test]
    fn a_command_is_not_of_the_callers_process_group() {
        // proc_pid_stat(5): the process is field 1, its group field 5.
        let stat = said_by("/bin/cat", "/proc/self/stat");
        let fields: Vec<&str> = stat.split(' ').collect();
        assert_eq!(fields[0], fields[4], "{stat}");
    }

    #[test]
    fn a_command_of_root_is_run_by_nobody() {
        let user = said_by("/usr/bin/id", "-u").trim().parse::<u32>().unwrap();
        assert_ne!(user, 0);
        assert!(geteuid().is_root() || user == geteuid().as_raw());
    }

    #[test]
    fn a_folder_behind_a_closed_one_is_out_of_reach_until_the_user_is_admitted() {
        let closed = tempfile::tempdir().unwrap();
        fs::set_permissions(closed.path(), Permissions::from_mode(0o700)).unwrap();
        let inner = closed.path().canonicalize().unwrap().join("inner");
        fs::create_dir(&inner).unwrap();
        let account = Account { other: Some((65_534, 65_534)) };
        assert!(!account.reaches(&inner));
        account.admit(closed.path()).unwrap();
        assert!(account.reaches(&inner));
        let mode = fs::metadata(closed.path()).unwrap().mode() & 0o777;
        assert_eq!(mode, 0o711, "the folder can be passed, not listed");
    }
}
