//! Letting go of what is old, a little at a time.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use store::{Kept, StoreError};
use tokio_util::sync::CancellationToken;

use crate::Dispatcher;
use crate::consume::KEYS_KEPT_DAYS;

/// How often it is looked for.
const EVERY: Duration = Duration::from_secs(3600);
/// Deliveries, logs and keys of one round, and the pause after it: others write meanwhile.
const BATCH: u64 = 200;
const PAUSE: Duration = Duration::from_millis(100);

/// How long things are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Deliveries with their events and decisions.
    pub deliveries: Duration,
    /// Logs of runs, from the run's end.
    pub logs: Duration,
}

impl Dispatcher {
    /// Lets go of what is older than that, until `stop`.
    pub async fn retain(&self, retention: Retention, stop: CancellationToken) {
        let forever = async {
            loop {
                if let Err(error) = self.drop_left_over_results().await {
                    tracing::warn!(error = store::chain(&error), "left over result bundles stay for now");
                }
                let wait = match self.let_go(retention).await {
                    Ok(0) => EVERY,
                    Ok(_) => PAUSE,
                    Err(error) => {
                        let error = &error as &dyn std::error::Error;
                        tracing::error!(error, "what is old stays for now; it will be tried again");
                        EVERY
                    }
                };
                tokio::time::sleep(wait).await;
            }
        };
        stop.run_until_cancelled(forever).await;
    }

    /// Lets go of one batch; how much it was.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn let_go(&self, retention: Retention) -> Result<u64, StoreError> {
        let now = self.clock.now();
        let kept = Kept {
            deliveries: before(now, retention.deliveries),
            logs: before(now, retention.logs),
            keys: now - TimeDelta::days(KEYS_KEPT_DAYS),
        };
        self.store.let_go(kept, BATCH).await
    }
}

/// A moment so long ago; the beginning of time where there is none.
fn before(now: DateTime<Utc>, ago: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(ago).ok().and_then(|ago| now.checked_sub_signed(ago)).unwrap_or(DateTime::UNIX_EPOCH)
}
