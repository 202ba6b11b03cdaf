//! Removes workers that died from the readers of hints.

use super::JobContext;
use mishap_core::causes::Causes;

pub(super) async fn run(context: &JobContext) -> anyhow::Result<()> {
    let Some(redis) = &context.redis else {
        return Ok(());
    };
    match redis.clean_hints().await {
        Ok(removed) => {
            if removed > 0 {
                tracing::info!(removed, "removed readers of hints that are gone");
            }
        }
        // What Redis forgot need not be cleaned, and it may be back by the next time.
        Err(error) => {
            tracing::debug!(error = %Causes(&error), "the readers of hints cannot be cleaned up");
        }
    }
    Ok(())
}
