//! A place below `/tmp` for a folder that the servers' user cannot reach.
//!
//! The folder gets the link `elsewhere` to its place, and the place the file `wanted` with the path
//! of its folder. A place whose folder has no such link any more belongs to nobody, and is taken
//! away when the next place is looked for. So deleting a folder deletes its data as well, only
//! later.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use crate::account::Account;
use crate::error::Error;
use crate::home::RECORD;
use crate::process::Process;
use crate::trees;

const SHELTER: &str = "/tmp/mishap-sandbox";
const LINK: &str = "elsewhere";
const WANTED: &str = "wanted";

/// The folder itself if the user can reach it, else its place elsewhere. The folder must exist, and
/// be given without symbolic links.
pub(crate) fn reachable(folder: &Path, account: Account) -> Result<PathBuf, Error> {
    if account.reaches(folder) {
        return Ok(folder.to_owned());
    }
    place_in(Path::new(SHELTER), folder)
}

fn place_in(shelter: &Path, folder: &Path) -> Result<PathBuf, Error> {
    open_shelter(shelter)?;
    let lock = shelter.join("lock");
    let lock_file = File::create(&lock).map_err(Error::on("create", &lock))?;
    lock_file.lock().map_err(Error::on("lock", &lock))?;
    sweep(shelter);

    let place = shelter.join(format!("{:016x}", fingerprint(folder.as_os_str())));
    let link = folder.join(LINK);
    if !leads_to(folder, &place) {
        fs::remove_file(&link).ok(); // of another place, or of none
        symlink(&place, &link).map_err(Error::on("create", &link))?;
    }
    fs::create_dir_all(&place).map_err(Error::on("create", &place))?;
    fs::set_permissions(&place, Permissions::from_mode(0o755))
        .map_err(Error::on("open", &place))?;
    let wanted = place.join(WANTED);
    fs::write(&wanted, folder.as_os_str().as_bytes()).map_err(Error::on("write", &wanted))?;
    Ok(place)
}

/// Creates the parent of all places if need be. Others may write to `/tmp`, so one that is not the
/// caller's own is not trusted.
fn open_shelter(shelter: &Path) -> Result<(), Error> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).create(shelter).map_err(Error::on("create", shelter))?;
    let metadata = fs::symlink_metadata(shelter).map_err(Error::on("look at", shelter))?;
    if !metadata.is_dir() || metadata.uid() != geteuid().as_raw() || metadata.mode() & 0o022 != 0 {
        return Err(Error::on("use", shelter)(io::Error::other("others can write to it")));
    }
    // Whatever the umask was.
    fs::set_permissions(shelter, Permissions::from_mode(0o755)).map_err(Error::on("open", shelter))
}

/// Takes away the places that no folder leads to. What cannot be taken away stays.
fn sweep(shelter: &Path) {
    for entry in fs::read_dir(shelter).into_iter().flatten().flatten() {
        let place = entry.path();
        let Ok(wanted) = fs::read(place.join(WANTED)) else { continue };
        if leads_to(Path::new(OsStr::from_bytes(&wanted)), &place) {
            continue;
        }
        let record = fs::read_to_string(place.join(RECORD)).unwrap_or_default();
        if Process::recorded(&record).is_none_or(Process::crash) {
            trees::remove(&place).ok();
        }
    }
}

fn leads_to(folder: &Path, place: &Path) -> bool {
    fs::read_link(folder.join(LINK)).is_ok_and(|target| target == place)
}

/// A short name for a long one, the same in every build (64-bit FNV-1a).
pub(crate) fn fingerprint(name: &OsStr) -> u64 {
    let fold = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    name.as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, fold)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A shelter, and a folder that wants a place in it.
    fn shelter_and_folder() -> (tempfile::TempDir, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("folder");
        fs::create_dir(&folder).unwrap();
        (root, folder)
    }

    #[test]
    fn a_folder_keeps_its_place_until_it_is_deleted() {
        let (root, folder) = shelter_and_folder();
        let shelter = root.path().join("shelter");
        let place = place_in(&shelter, &folder).unwrap();
        assert_eq!(fs::read_link(folder.join("elsewhere")).unwrap(), place);
        fs::write(place.join("data"), "kept").unwrap();
        assert_eq!(place_in(&shelter, &folder).unwrap(), place);
        assert!(place.join("data").exists());

        fs::remove_dir_all(&folder).unwrap();
        fs::create_dir(&folder).unwrap();
        assert_eq!(place_in(&shelter, &folder).unwrap(), place);
        assert!(!place.join("data").exists(), "the data of the deleted folder are gone");
    }

    #[test]
    fn the_place_of_a_deleted_folder_is_taken_away_with_the_process_in_it() {
        let (root, folder) = shelter_and_folder();
        let (shelter, other) = (root.path().join("shelter"), root.path().join("other"));
        let place = place_in(&shelter, &folder).unwrap();
        let mut sleep = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let process = Process::of(sleep.id()).unwrap();
        fs::write(place.join(RECORD), process.record()).unwrap();
        fs::create_dir(&other).unwrap();
        let place_of_other = place_in(&shelter, &other).unwrap();
        assert!(place.exists() && process.is_alive(), "its folder is still there");

        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(place_in(&shelter, &other).unwrap(), place_of_other);
        assert!(!place.exists() && !process.is_alive());
        sleep.wait().unwrap();
    }

    #[test]
    fn a_shelter_that_others_can_write_to_is_not_used() {
        let (root, folder) = shelter_and_folder();
        fs::set_permissions(root.path(), Permissions::from_mode(0o777)).unwrap();
        let error = place_in(root.path(), &folder).unwrap_err();
        assert!(matches!(error, Error::Path { action: "use", .. }), "{error}");
        let link = folder.join("shelter");
        symlink("/", &link).unwrap();
        assert!(place_in(&link, &folder).is_err(), "a link may lead anywhere");
    }

    #[test]
    fn fingerprints_are_those_of_fnv() {
        assert_eq!(fingerprint(OsStr::new("")), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fingerprint(OsStr::new("foobar")), 0x8594_4171_f739_67e8);
    }
}
