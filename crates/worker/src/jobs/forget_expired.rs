//! Forgets what only mattered for a while.

use chrono::TimeDelta;
use mishap_storage::accounts::sessions;
use mishap_storage::{attempts, inbox, quotas, wizards};

use super::JobContext;

/// No attempts are counted for longer than this.
const LONGEST_WINDOW: TimeDelta = TimeDelta::days(1);

pub(super) async fn run(context: &JobContext) -> anyhow::Result<()> {
    let mut conn = context.pool.get().await?;
    quotas::purge(&mut conn).await?;
    inbox::forget_drained(&mut conn).await?;
    let now = mishap_storage::now(&mut conn).await?;
    sessions::forget(&mut conn, now).await?;
    wizards::forget(&mut conn, now).await?;
    attempts::forget_before(&mut conn, now - LONGEST_WINDOW).await?;
    Ok(())
}
