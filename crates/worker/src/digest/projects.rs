//! What projects want, and the dictionaries their events are compressed with, kept for a few
//! seconds.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mishap_core::id::{DictionaryId, ProjectId};
use mishap_core::policy::DigestPolicy;
use mishap_storage::bodies::{self, Dictionary};
use mishap_storage::inbox::InboxRow;
use mishap_storage::projects::policies;
use mishap_storage::{Conn, Result};
use quick_cache::sync::Cache;
use tokio::time::Instant;

/// How long what a project wants is believed.
const FRESH: Duration = Duration::from_secs(5);

/// Projects that are remembered.
const MAX_PROJECTS: usize = 10_000;

/// Dictionaries that are kept ready; each takes about a megabyte.
const MAX_DICTIONARIES: usize = 16;

/// A project as the digest sees it.
#[derive(Debug, Clone)]
pub(super) struct Project {
    pub(super) policy: DigestPolicy,
    pub(super) dictionary: Option<Arc<Dictionary>>,
}

/// The projects of a batch; those that were deleted are missing.
#[derive(Debug, Default)]
pub(super) struct Projects(HashMap<ProjectId, Project>);

impl Projects {
    pub(super) fn get(&self, project: ProjectId) -> Option<&Project> {
        self.0.get(&project)
    }
}

/// Remembers what projects want.
pub(super) struct ProjectCache {
    policies: Mutex<HashMap<ProjectId, (Instant, Option<DigestPolicy>)>>,
    dictionaries: Cache<DictionaryId, Arc<Dictionary>>,
}

impl ProjectCache {
    pub(super) fn new() -> Self {
        Self { policies: Mutex::default(), dictionaries: Cache::new(MAX_DICTIONARIES) }
    }

    /// The projects of a batch.
    pub(super) async fn of(&self, conn: &mut Conn, rows: &[InboxRow]) -> Result<Projects> {
        let wanted: BTreeSet<ProjectId> = rows.iter().map(|row| row.envelope.project).collect();
        let stale = self.stale(&wanted);
        if !stale.is_empty() {
            let found = policies::of_projects(conn, &stale).await?;
            self.remember(&stale, &found);
        }
        let mut projects = Projects::default();
        for policy in self.known(&wanted) {
            let dictionary = match policy.dictionary {
                Some(id) => self.dictionary(conn, id).await?,
                None => None,
            };
            projects.0.insert(policy.project, Project { policy, dictionary });
        }
        Ok(projects)
    }

    fn policies(
        &self,
    ) -> std::sync::MutexGuard<'_, HashMap<ProjectId, (Instant, Option<DigestPolicy>)>> {
        self.policies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stale(&self, wanted: &BTreeSet<ProjectId>) -> Vec<ProjectId> {
        let policies = self.policies();
        let is_fresh = |project: &ProjectId| {
            policies.get(project).is_some_and(|(since, _)| since.elapsed() < FRESH)
        };
        wanted.iter().copied().filter(|project| !is_fresh(project)).collect()
    }

    fn remember(&self, asked: &[ProjectId], found: &HashMap<ProjectId, DigestPolicy>) {
        let mut policies = self.policies();
        if policies.len() + asked.len() > MAX_PROJECTS {
            policies.clear();
        }
        let now = Instant::now();
        policies.extend(asked.iter().map(|project| (*project, (now, found.get(project).copied()))));
    }

    fn known(&self, wanted: &BTreeSet<ProjectId>) -> Vec<DigestPolicy> {
        let policies = self.policies();
        wanted.iter().filter_map(|project| policies.get(project)?.1).collect()
    }

    async fn dictionary(
        &self,
        conn: &mut Conn,
        id: DictionaryId,
    ) -> Result<Option<Arc<Dictionary>>> {
        if let Some(dictionary) = self.dictionaries.get(&id) {
            return Ok(Some(dictionary));
        }
        let Some(dictionary) = bodies::dictionary(conn, id).await? else {
            return Ok(None);
        };
        let dictionary = Arc::new(dictionary);
        self.dictionaries.insert(id, Arc::clone(&dictionary));
        Ok(Some(dictionary))
    }
}
