//! Stopping in two phases: the first signal asks, the second or the grace period's end forces.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Beyond the grace period, time to hand runs back and write the last records.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// What every part is told.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    /// Take nothing new; finish or hand back what is there.
    pub soft: CancellationToken,
    /// End now.
    pub hard: CancellationToken,
}

impl Stop {
    /// Waits until it is told to stop and all tasks in `tracker` ended, or they have to end now.
    pub async fn finished(&self, tracker: &TaskTracker) {
        self.soft.cancelled().await;
        tracker.close();
        tokio::select! {
            () = tracker.wait() => {}
            () = self.hard.cancelled() => {}
        }
    }

    /// Listens for SIGINT and SIGTERM from here on.
    ///
    /// # Errors
    /// When the process may not handle signals.
    pub fn on_signals(grace: Duration) -> std::io::Result<Self> {
        let stop = Self::default();
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let told = stop.clone();
        tokio::spawn(async move {
            let mut next = async || {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            };
            next().await;
            tracing::info!(grace_s = grace.as_secs(), "stopping; once more to force it");
            told.soft.cancel();
            tokio::select! {
                () = next() => tracing::warn!("forced to stop"),
                () = tokio::time::sleep(grace + LAST_WORDS) => tracing::warn!("the grace period is over"),
            }
            told.hard.cancel();
        });
        Ok(stop)
    }
}
