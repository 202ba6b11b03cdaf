//! A small disk of a test's own, which can be full.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What takes the room that is left.
const BALLAST: &str = "ballast";

/// A disk, mounted on a folder as long as the value lives.
pub struct Volume {
    folder: PathBuf,
}

impl Volume {
    /// Mounts a disk of so many bytes on a folder. That takes root, or a test cannot be made.
    pub fn at(folder: &Path, bytes: u64) -> Self {
        fs::create_dir_all(folder).unwrap();
        let options = format!("size={bytes},mode=0755");
        run(Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(folder));
        Self { folder: folder.to_owned() }
    }

    /// Takes all the room that is left.
    pub fn fill(&self) {
        let mut ballast = File::create(self.folder.join(BALLAST)).unwrap();
        loop {
            match ballast.write(&[0; 4096]) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => return,
                Err(error) => panic!("{} cannot be filled: {error}", self.folder.display()),
            }
        }
    }

    /// Gives the room back.
    pub fn make_room(&self) {
        fs::remove_file(self.folder.join(BALLAST)).unwrap();
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // Also if somebody still has a file open there.
        run(Command::new("umount").arg("--lazy").arg(&self.folder));
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}, which takes root: {said}");
}
