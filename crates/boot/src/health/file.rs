//! A file that is touched while the main runtime turns, for probes that look at files.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Once};

use super::HEARTBEAT;
use crate::tasks::Tasks;

/// What is in the file; probes ask only how old it is.
const CONTENT: &str = "alive\n";

/// Touches a file until the tasks are to stop. What cannot be written is said once.
pub(super) fn keep_touching(file: &Path, tasks: &Tasks) {
    let (file, complaint) = (Arc::<Path>::from(file), Arc::new(Once::new()));
    tasks.every("health file", HEARTBEAT, move || {
        let (file, complaint) = (Arc::clone(&file), Arc::clone(&complaint));
        async move {
            if let Err(error) = touch(&file).await {
                complaint.call_once(|| {
                    tracing::warn!(file = %file.display(), "VTASKS_HEALTH_CHECK_FILE cannot be written: {error}");
                });
            }
        }
    });
}

async fn touch(file: &Arc<Path>) -> io::Result<()> {
    let file = Arc::clone(file);
    tokio::task::spawn_blocking(move || fs::write(file, CONTENT)).await?
}
