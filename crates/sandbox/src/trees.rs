//! Whole folders: copied, opened to all, and taken away.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use crate::account::Account;
use crate::error::Error;

/// Copies a folder of plain files and folders, with their permissions, for `owner`. Shares the
/// blocks where the file system can.
pub(crate) fn copy(from: &Path, to: &Path, owner: Option<Account>) -> Result<(), Error> {
    let mode = fs::metadata(from).map_err(Error::on("read", from))?.mode() & 0o777;
    DirBuilder::new().mode(mode).create(to).map_err(Error::on("create", to))?;
    for entry in fs::read_dir(from).map_err(Error::on("read", from))? {
        let entry = entry.map_err(Error::on("read", from))?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().map_err(Error::on("read", &from))?.is_dir() {
            copy(&from, &to, owner)?;
        } else {
            fs::copy(&from, &to).map_err(Error::on("copy", &from))?;
            owner.map_or(Ok(()), |owner| owner.give(&to))?;
        }
    }
    owner.map_or(Ok(()), |owner| owner.give(to))
}

/// Lets everybody read the files and list the folders, whatever the umask was; in folders named
/// `bin`, lets everybody run the files.
pub(crate) fn open(folder: &Path) -> Result<(), Error> {
    let set = |path: &Path, mode| {
        fs::set_permissions(path, Permissions::from_mode(mode)).map_err(Error::on("open", path))
    };
    set(folder, 0o755)?;
    let file_mode = if folder.ends_with("bin") { 0o755 } else { 0o644 };
    for entry in fs::read_dir(folder).map_err(Error::on("read", folder))? {
        let path = entry.map_err(Error::on("read", folder))?.path();
        if path.is_dir() { open(&path)? } else { set(&path, file_mode)? }
    }
    Ok(())
}

/// Takes a folder away, if it is there.
pub(crate) fn remove(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.map_err(Error::on("remove", folder)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn a_copy_has_the_same_files_and_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join("base/1")).unwrap();
        fs::write(from.join("base/1/file"), "content").unwrap();
        fs::set_permissions(from.join("base"), Permissions::from_mode(0o700)).unwrap();
        fs::set_permissions(from.join("base/1/file"), Permissions::from_mode(0o600)).unwrap();
        copy(&from, &to, None).unwrap();
        assert_eq!(fs::read_to_string(to.join("base/1/file")).unwrap(), "content");
        assert_eq!(mode(&to.join("base")), 0o700);
        assert_eq!(mode(&to.join("base/1/file")), 0o600);
        remove(&to).unwrap();
        assert!(!to.exists());
        remove(&to).unwrap();
    }

    #[test]
    fn programs_can_be_run_by_everybody_after_opening() {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("package/bin");
        fs::create_dir_all(&bin).unwrap();
        for path in [bin.join("server"), folder.path().join("package/library")] {
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        }
        fs::set_permissions(&bin, Permissions::from_mode(0o700)).unwrap();
        open(folder.path()).unwrap();
        assert_eq!(mode(&bin), 0o755);
        assert_eq!(mode(&bin.join("server")), 0o755);
        assert_eq!(mode(&folder.path().join("package/library")), 0o644);
    }
}
