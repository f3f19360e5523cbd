//! The way in: ingress publishes, and answers its sender by the result.

use async_trait::async_trait;
use schemas::Delivery;

/// Where deliveries go. Shared by all requests.
#[async_trait]
pub trait Publisher: Send + Sync + 'static {
    /// Stores `delivery`; returns only when it would survive a crash of the process and the machine.
    ///
    /// # Errors
    /// When it is not stored, or whether it is cannot be told. A caller that gives up waiting may
    /// find it stored all the same: the sender's next try is then a duplicate, never a loss.
    async fn publish(&self, delivery: Delivery) -> Result<(), PublishError>;
}

/// Why a delivery was not stored. The sender is to try again, except when it is too large.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The queue is at its limit, or its disk is full; the dispatcher has to catch up first.
    #[error("the queue is full; see whether the dispatcher runs and the disk has space")]
    Full,
    /// No queue of this configuration will ever take it.
    #[error("the message has {size} bytes, the queue takes at most {limit}")]
    TooLarge {
        /// The message's size in bytes, as stored.
        size: usize,
        /// The largest that is taken.
        limit: usize,
    },
    /// The queue does not work now, or is shutting down.
    #[error("the queue is not available: {0}")]
    Unavailable(String),
}
