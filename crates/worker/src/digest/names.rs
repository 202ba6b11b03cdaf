//! Releases and environments that are known already, so that each event need not write them again.

use std::time::Duration;

use mishap_storage::names::{self, SeenName};
use mishap_storage::{Conn, Result};
use quick_cache::sync::Cache;
use tokio::time::Instant;

use super::open::Opened;

/// Names that are remembered.
const MAX_NAMES: usize = 10_000;

/// How long a name is believed to be there; an administrator may have deleted it.
const FRESH: Duration = Duration::from_secs(60);

/// Names that were written not long ago.
pub(super) struct KnownNames {
    releases: Cache<SeenName, Instant>,
    environments: Cache<SeenName, Instant>,
}

/// Names of a batch that are not known; to be remembered when the batch is committed.
#[derive(Debug, Default)]
pub(super) struct NewNames {
    releases: Vec<SeenName>,
    environments: Vec<SeenName>,
}

impl KnownNames {
    pub(super) fn new() -> Self {
        Self { releases: Cache::new(MAX_NAMES), environments: Cache::new(MAX_NAMES) }
    }

    /// Writes the names of a batch that are not known.
    pub(super) async fn see(&self, conn: &mut Conn, opened: &Opened) -> Result<NewNames> {
        let new = NewNames {
            releases: unknown(&self.releases, &opened.releases),
            environments: unknown(&self.environments, &opened.environments),
        };
        names::see_releases(conn, &new.releases).await?;
        names::see_environments(conn, &new.environments).await?;
        Ok(new)
    }

    /// Remembers what was committed.
    pub(super) fn remember(&self, new: NewNames) {
        let now = Instant::now();
        for (cache, names) in
            [(&self.releases, new.releases), (&self.environments, new.environments)]
        {
            for name in names {
                cache.insert(name, now);
            }
        }
    }
}

fn unknown(cache: &Cache<SeenName, Instant>, names: &[SeenName]) -> Vec<SeenName> {
    let is_known = |name: &SeenName| cache.get(name).is_some_and(|since| since.elapsed() < FRESH);
    let mut unknown: Vec<_> = names.iter().filter(|name| !is_known(name)).cloned().collect();
    unknown.sort_unstable();
    unknown.dedup();
    unknown
}
