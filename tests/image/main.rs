//! The image: what is in it, that it is the same whenever it is built, and that it runs where nothing
//! is allowed.
//!
//! Needs `target/image/mishap.tar`, which `deploy/build-image.sh` makes, and podman with runc.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]
#![expect(clippy::print_stdout, reason = "what a test prints is shown when it fails")]

mod archive;
mod container;
mod contents;
mod running;

use std::path::Path;

/// The folder of the workspace.
fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
