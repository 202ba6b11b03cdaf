//! Tasks in the background that are awaited at the end.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The background tasks of a program.
#[derive(Debug, Clone)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Tasks {
    /// Tasks that are to stop when `stop` is cancelled.
    pub fn new(stop: CancellationToken) -> Self {
        Self { tracker: TaskTracker::new(), stop }
    }

    /// Cancelled when the tasks are to stop.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Runs a task to its end. If it panics, the program is told to stop: it is better started anew
    /// than left without a part of it.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        #[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
        let running = tokio::spawn(task);
        self.tracker.spawn(async move {
            if let Err(error) = running.await
                && error.is_panic()
            {
                tracing::error!(task = name, "a background task panicked");
                stop.cancel();
            }
        });
    }

    /// Runs `work` every `period` until the tasks are to stop. The first time is at once.
    pub fn every<W>(
        &self,
        name: &'static str,
        period: Duration,
        mut work: impl FnMut() -> W + Send + 'static,
    ) where
        W: Future<Output = ()> + Send,
    {
        let stop = self.stop.clone();
        self.spawn(name, async move {
            let mut ticks = tokio::time::interval(period);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    _ = ticks.tick() => work().await,
                }
            }
        });
    }

    /// Waits until every task has ended, at most this long; says whether they all have.
    pub async fn finish(&self, within: Duration) -> bool {
        self.tracker.close();
        tokio::time::timeout(within, self.tracker.wait()).await.is_ok()
    }
}
