//! An image as it is kept: an OCI archive.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::read::GzDecoder;
use serde_json::Value;
use tempfile::TempDir;

/// An unpacked image.
pub(crate) struct Image {
    /// The archive.
    pub(crate) path: PathBuf,
    /// What the image is called by its content.
    pub(crate) digest: String,
    /// How it is run (`config` of the OCI image specification).
    pub(crate) config: Value,
    /// The folder with its files, as root sees them.
    pub(crate) files: TempDir,
}

impl Image {
    /// Unpacks the image that was built.
    pub(crate) fn built(workspace: &Path) -> Self {
        let path = workspace.join("target/image/mishap.tar");
        assert!(path.is_file(), "there is no {}: run deploy/build-image.sh", path.display());
        let layout = tempfile::tempdir().unwrap();
        unpack(&path, layout.path());
        let index = json(&layout.path().join("index.json"));
        let digest = index["manifests"][0]["digest"].as_str().unwrap().to_owned();
        let manifest = json(&blob(layout.path(), &digest));
        let config = json(&blob(layout.path(), manifest["config"]["digest"].as_str().unwrap()));
        let files = tempfile::tempdir().unwrap();
        for layer in manifest["layers"].as_array().unwrap() {
            let packed = fs::File::open(blob(layout.path(), layer["digest"].as_str().unwrap()));
            let mut plain = Vec::new();
            GzDecoder::new(packed.unwrap()).read_to_end(&mut plain).unwrap();
            let tar = layout.path().join("layer.tar");
            fs::write(&tar, plain).unwrap();
            unpack(&tar, files.path());
        }
        Self { path, digest, config: config["config"].clone(), files }
    }

    /// A file of the image.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.files.path().join(path)
    }
}

fn unpack(archive: &Path, folder: &Path) {
    let status = Command::new("tar").arg("-xpf").arg(archive).arg("-C").arg(folder).status();
    assert!(status.unwrap().success(), "{} cannot be unpacked", archive.display());
}

fn blob(layout: &Path, digest: &str) -> PathBuf {
    layout.join("blobs").join(digest.replace(':', "/"))
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}
