//! A server's data: made once, then copied.
//!
//! `initdb` takes some 0.5 s, a copy of its result a tenth. So the first data are copied to the
//! cache, and later ones from there.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Error;
use crate::home::{Home, last_lines};
use crate::tools::{PostgresPrograms, Tools};
use crate::{elsewhere, trees, wheels};

use super::NAME;

/// The server's data, made the first time.
pub(super) fn prepare(
    tools: &Tools,
    programs: &PostgresPrograms,
    home: &Home,
) -> Result<PathBuf, Error> {
    let data = home.folder.join("data");
    if data.is_dir() {
        check_version(&data, programs)?;
        return Ok(data);
    }
    // The name `data` is for complete data only.
    let partial = home.folder.join("data.partial");
    trees::remove(&partial)?;
    let template = template(tools, programs)?;
    if !template.is_dir() {
        let _lock = wheels::lock(&wheels::open_cache(tools)?)?;
        if !template.is_dir() {
            make_template(programs, home, &partial, &template)?;
        }
    }
    if !partial.is_dir() {
        trees::copy(&template, &partial, Some(home.account))?;
    }
    fs::rename(&partial, &data).map_err(Error::on("move", &partial))?;
    Ok(data)
}

/// Data copied from a server that runs, for a standby that follows it.
pub(super) fn copy_of(
    programs: &PostgresPrograms,
    home: &Home,
    primary: u16,
) -> Result<PathBuf, Error> {
    let data = home.subfolder("data")?;
    // Data that others could read are refused.
    let own = Permissions::from_mode(0o700);
    fs::set_permissions(&data, own).map_err(Error::on("close", &data))?;
    let program = programs.bin.join("pg_basebackup");
    let mut command = home.account.command(&program, &home.folder);
    command.args(["--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast"]);
    command.args(["--no-sync", "--host=127.0.0.1", "--username", NAME]);
    command.arg(format!("--port={primary}")).arg("--pgdata").arg(&data);
    run(&mut command, &program)?;
    Ok(data)
}

fn check_version(data: &Path, programs: &PostgresPrograms) -> Result<(), Error> {
    let path = data.join("PG_VERSION");
    let version = fs::read_to_string(&path).map_err(Error::on("read", &path))?;
    let theirs = version.trim().to_owned();
    let ours: String = programs.version.chars().take_while(char::is_ascii_digit).collect();
    if theirs == ours {
        return Ok(());
    }
    Err(Error::OtherVersion { folder: data.to_owned(), theirs, ours })
}

/// Where fresh data of these programs are kept.
fn template(tools: &Tools, programs: &PostgresPrograms) -> Result<PathBuf, Error> {
    let build = elsewhere::fingerprint(programs.bin.as_os_str());
    let name = format!("postgres-data-{}-{build:016x}", programs.version);
    Ok(wheels::open_cache(tools)?.join(name))
}

/// Makes fresh data, and copies them to the template.
fn make_template(
    programs: &PostgresPrograms,
    home: &Home,
    data: &Path,
    template: &Path,
) -> Result<(), Error> {
    let initdb = |locale: &str| {
        // The folder is the user's, but its parent is not: so it is created here.
        trees::remove(data)?;
        home.subfolder("data.partial")?;
        let program = programs.bin.join("initdb");
        let mut command = home.account.command(&program, &home.folder);
        command.arg("-D").arg(data).args(["--auth=trust", "--no-sync", "--encoding=UTF8", "-U"]);
        command.arg(NAME).arg(format!("--locale={locale}"));
        run(&mut command, &program)
    };
    initdb("C.UTF-8").or_else(|_| initdb("C"))?;

    // In single-user mode a statement ends with its line.
    let statement = home.folder.join("create.sql");
    fs::write(&statement, format!("CREATE DATABASE {NAME}\n"))
        .map_err(Error::on("write", &statement))?;
    let program = programs.bin.join("postgres");
    let mut command = home.account.command(&program, &home.folder);
    command.stdin(File::open(&statement).map_err(Error::on("read", &statement))?);
    command.args(["--single", "-c", "exit_on_error=on", "-c", "fsync=off", "-D"]).arg(data);
    run(command.arg("postgres"), &program)?;
    fs::remove_file(&statement).map_err(Error::on("remove", &statement))?;

    let partial = template.with_file_name("postgres-data.partial");
    trees::remove(&partial)?;
    trees::copy(data, &partial, None)?;
    fs::rename(&partial, template).map_err(Error::on("move", &partial))
}

fn run(command: &mut Command, program: &Path) -> Result<(), Error> {
    let output = command.output().map_err(Error::on("run", program))?;
    if output.status.success() {
        return Ok(());
    }
    let said = last_lines(&String::from_utf8_lossy(&output.stderr));
    Err(Error::Failed { program: program.to_owned(), said })
}
