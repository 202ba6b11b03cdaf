//! When keys were last used: noted in memory as requests come, and written down once a minute.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use mishap_boot::shutdown::CancellationToken;
use mishap_core::causes::Causes;
use mishap_core::id::KeyId;
use mishap_storage::projects::keys;
use mishap_storage::{Conn, Pool};

/// How often it is written down.
const PERIOD: Duration = Duration::from_secs(60);

/// How long writing may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// When keys were last used. Only keys that exist are noted, so there are never many.
pub(super) struct LastUse {
    pool: Pool,
    noted: Mutex<HashMap<KeyId, DateTime<Utc>>>,
}

impl LastUse {
    pub(super) fn new(pool: Pool) -> Self {
        Self { pool, noted: Mutex::default() }
    }

    /// Notes that a key is used.
    pub(super) fn note(&self, key: KeyId, at: DateTime<Utc>) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let last = noted.entry(key).or_insert(at);
        *last = at.max(*last);
    }

    /// Writes down what is noted, until `stop` is cancelled, and once more then.
    pub(super) async fn keep_writing(self: Arc<Self>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(PERIOD) => {}
            }
            self.write().await;
        }
    }

    /// Writes down what is noted; what cannot be written is noted for the next time.
    async fn write(&self) {
        let noted = std::mem::take(&mut *self.noted.lock().unwrap_or_else(PoisonError::into_inner));
        if noted.is_empty() {
            return;
        }
        let used: Vec<_> = noted.into_iter().collect();
        let written =
            self.pool.within(PATIENCE, async |conn: &mut Conn| keys::note_used(conn, &used).await);
        if let Err(error) = written.await {
            tracing::warn!(error = %Causes(&error), "when keys were used cannot be written down");
            for (key, at) in used {
                self.note(key, at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use mishap_storage::DatabaseConfig;
    use tokio::runtime::Handle;

    use super::*;

    #[tokio::test]
    async fn what_cannot_be_written_is_kept_unless_something_newer_is_known() {
        mishap_process::install_encryption();
        let nowhere = DatabaseConfig {
            url: "postgres://nobody@127.0.0.1:1/nothing".to_owned().into(),
            ssl_mode: None,
            ssl_root_cert: None,
            application_name: "test".to_owned(),
            max_connections: 1,
            wait: Duration::from_secs(1),
            statement_timeout: Duration::from_secs(1),
            keep_idle: Duration::from_secs(1),
        };
        let last_use = LastUse::new(Pool::new(&nowhere, &Handle::current()).unwrap());
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        last_use.note(KeyId(1), at(7));
        last_use.note(KeyId(1), at(5));
        last_use.write().await;
        last_use.note(KeyId(2), at(8));
        let noted = last_use.noted.lock().unwrap().clone();
        assert_eq!(noted, HashMap::from([(KeyId(1), at(7)), (KeyId(2), at(8))]));
    }
}
