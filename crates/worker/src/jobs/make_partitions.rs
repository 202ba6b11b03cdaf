//! Makes the partitions of the days ahead, so that nobody has to wait for one at midnight.

use mishap_storage::partitions;

use super::JobContext;

/// Days ahead.
const DAYS: u64 = 3;

pub(super) async fn run(context: &JobContext) -> anyhow::Result<()> {
    let mut conn = context.pool.get().await?;
    let now = mishap_storage::now(&mut conn).await?;
    let made = partitions::ensure_ahead(&mut conn, now, DAYS).await?;
    if !made.is_empty() {
        tracing::info!(partitions = made.len(), "made partitions of the days ahead");
    }
    Ok(())
}
