//! Forgets what only mattered for a while.

use metrics::counter;
use mishap_storage::accounts::sessions;
use mishap_storage::{attempts, inbox, quotas, wizards};

use super::JobContext;

pub(super) async fn run(context: &JobContext) -> anyhow::Result<()> {
    let mut conn = context.pool.get().await?;
    quotas::purge(&mut conn).await?;
    inbox::forget_drained(&mut conn).await?;
    let now = mishap_storage::now(&mut conn).await?;
    note_forgotten("sessions", sessions::forget(&mut conn, now).await?);
    note_forgotten("attempts", attempts::forget_ended(&mut conn, now).await?);
    note_forgotten("wizards", wizards::forget(&mut conn, now).await?);
    Ok(())
}

fn note_forgotten(table: &'static str, rows: usize) {
    counter!("glitchtip_purge_rows_total", "table" => table).increment(rows as u64);
}
