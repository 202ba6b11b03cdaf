//! Takes away what belongs to deleted projects and organizations: some rows at a time, so that nobody
//! waits for it, and the rest when it runs again.

use std::time::Duration;

use metrics::counter;
use mishap_core::id::ProjectId;
use mishap_storage::dead_letters::{self, DroppedLetter, Selection};
use mishap_storage::partitions::{self, Partition};
use mishap_storage::purge::{self, Kept, Step};
use mishap_storage::{Conn, Result};

use super::JobContext;

/// How long ago something must have been deleted. What web and workers know of projects is seconds
/// old, so that nobody writes anything for it any more.
const AGO: Duration = Duration::from_secs(10 * 60);

/// Steps of one run; each takes a fraction of a second.
const STEPS: u32 = 2000;

/// Dead letters dropped at once: each may be megabytes.
const DEAD_LETTERS: i64 = 20;

/// Something to be emptied.
enum Chore {
    Partition(Kept, Partition, ProjectId),
    Rows(&'static Step, i64),
    DeadLetters(ProjectId),
}

pub(super) async fn run(context: &JobContext) -> anyhow::Result<()> {
    let mut conn = context.pool.get().await?;
    let mut steps = STEPS;
    while let Some(project) = purge::next_project(&mut conn, AGO).await? {
        for chore in chores_of_project(&mut conn, project).await? {
            if !work_off(&mut conn, &chore, &mut steps).await? {
                return Ok(());
            }
        }
        purge::finish_project(&mut conn, project).await?;
        tracing::info!(project.id = project.0, "purged a deleted project");
    }
    while let Some(organization) = purge::next_organization(&mut conn, AGO).await? {
        for step in purge::OF_ORGANIZATION {
            if !work_off(&mut conn, &Chore::Rows(step, organization.0), &mut steps).await? {
                return Ok(());
            }
        }
        purge::finish_organization(&mut conn, organization).await?;
        tracing::info!(organization.id = organization.0, "purged a deleted organization");
    }
    Ok(())
}

async fn chores_of_project(conn: &mut Conn, project: ProjectId) -> Result<Vec<Chore>> {
    let mut chores = Vec::new();
    for kept in Kept::ALL {
        let partitions = partitions::list(conn, kept.table()).await?;
        chores.extend(partitions.into_iter().map(|it| Chore::Partition(kept, it, project)));
    }
    chores.extend(purge::OF_PROJECT.iter().map(|step| Chore::Rows(step, project.0)));
    chores.push(Chore::DeadLetters(project));
    Ok(chores)
}

/// Does a chore to its end; says whether there were steps enough.
async fn work_off(conn: &mut Conn, chore: &Chore, steps: &mut u32) -> Result<bool> {
    while *steps > 0 {
        *steps -= 1;
        let (table, taken) = match chore {
            Chore::Partition(kept, partition, project) => {
                let taken = purge::take_from_partition(conn, *kept, partition, &[*project]).await?;
                (kept.table().table, taken)
            }
            Chore::Rows(step, id) => (step.table, purge::take(conn, step, *id).await?),
            Chore::DeadLetters(project) => {
                let letters = dead_letters::ids_of_project(conn, *project, DEAD_LETTERS).await?;
                let dropped = Selection::Only(letters);
                ("dead_letters", dead_letters::drop(conn, &dropped, DroppedLetter::count).await?)
            }
        };
        counter!("glitchtip_purge_rows_total", "table" => table).increment(taken as u64);
        if taken == 0 {
            return Ok(true);
        }
    }
    Ok(false)
}
