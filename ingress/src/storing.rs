//! Storing what was taken, in a queue that may be full, gone, or hang.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use broker::Publisher;
use schemas::Delivery;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::refusal::Refusal;

/// The way to the queue.
///
/// A queue that hangs costs its first callers the whole time limit. After that one caller at a time
/// finds out whether it works again, and all others are refused at once.
pub(crate) struct Storing {
    publisher: Arc<dyn Publisher>,
    limit: Duration,
    hangs: AtomicBool,
    trial: Semaphore,
}

impl Storing {
    /// Stores through `publisher`, which may take as long as `limit`.
    pub(crate) fn new(publisher: Arc<dyn Publisher>, limit: Duration) -> Self {
        Self { publisher, limit, hangs: AtomicBool::new(false), trial: Semaphore::new(1) }
    }

    /// Returns when `delivery` is durable.
    ///
    /// # Errors
    /// When it is not, or not in time; it may be stored all the same in the latter case.
    pub(crate) async fn store(&self, delivery: Delivery) -> Result<(), Refusal> {
        let _trial = if self.hangs.load(Ordering::Relaxed) {
            Some(self.trial.try_acquire().map_err(|_| Refusal::QueueHangs)?)
        } else {
            None
        };
        let stored = timeout(self.limit, self.publisher.publish(delivery)).await;
        self.hangs.store(stored.is_err(), Ordering::Relaxed);
        match stored {
            Ok(result) => result.map_err(Refusal::NotStored),
            Err(_) => Err(Refusal::QueueHangs),
        }
    }
}
