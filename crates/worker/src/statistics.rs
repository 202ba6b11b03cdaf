//! Folds what batches counted into the statistics, again and again.
//!
//! The fold may take a tenth of the time: under load each one adds up more batches, and what they
//! share is written once.

use std::time::Duration;

use metrics::{counter, histogram};
use mishap_boot::shutdown::CancellationToken;
use mishap_core::causes::Causes;
use mishap_storage::{Pool, Result, tallies};
use tokio::time::Instant;

/// How often is folded when there is little to fold.
const PERIOD: Duration = Duration::from_secs(1);

/// A fold is followed by a pause this many times as long.
const PAUSE_FACTOR: u32 = 9;

/// Folds until it is told to stop.
pub(crate) async fn keep_folding(pool: Pool, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let began = Instant::now();
        let pause = match fold(&pool).await {
            Ok(()) => (began.elapsed() * PAUSE_FACTOR).max(PERIOD),
            Err(error) => {
                tracing::warn!(error = %Causes(&error), "the statistics were not brought up to date");
                // What it took was waiting, and no work that others must be spared.
                PERIOD
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn fold(pool: &Pool) -> Result<()> {
    let mut conn = pool.get().await?;
    let began = Instant::now();
    let folded = tallies::fold(&mut conn).await?;
    if folded.tallies > 0 {
        histogram!("glitchtip_statistics_fold_seconds").record(began.elapsed());
        counter!("glitchtip_statistics_folded_total").increment(folded.tallies as u64);
    }
    Ok(())
}
