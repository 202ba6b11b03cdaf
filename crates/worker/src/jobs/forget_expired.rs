//! Forgets what only mattered for a while.

use mishap_storage::{inbox, quotas};

use super::JobContext;

pub(super) async fn run(context: &JobContext) -> anyhow::Result<()> {
    let mut conn = context.pool.get().await?;
    quotas::purge(&mut conn).await?;
    inbox::forget_drained(&mut conn).await?;
    Ok(())
}
