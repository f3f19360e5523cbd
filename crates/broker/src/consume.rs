//! The way out: the dispatcher takes deliveries in order, and acks what its database holds.

use async_trait::async_trait;
use schemas::Delivery;

use crate::wire::Damaged;

/// Where in the queue a message stands; grows with every message of one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub i64);

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// What to ack it by.
    pub position: Position,
    /// What was published, or its bytes when they cannot be read; those are to be kept as well.
    pub delivery: Result<Delivery, Damaged>,
}

/// Where deliveries come from; one consumer at a time, so that their order holds.
#[async_trait]
pub trait Consumer: Send + 'static {
    /// The next messages, oldest first, at least one and at most `max`; waits for the first.
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    /// When the queue cannot be read now, or is closed.
    async fn next(&mut self, max: usize) -> Result<Vec<Received>, ConsumeError>;

    /// Forgets everything up to and including `up_to`. What is not acked comes again after a restart.
    ///
    /// # Errors
    /// When that cannot be stored now; acking again, or more, later is harmless.
    async fn ack(&mut self, up_to: Position) -> Result<(), ConsumeError>;
}

#[async_trait]
impl Consumer for Box<dyn Consumer> {
    async fn next(&mut self, max: usize) -> Result<Vec<Received>, ConsumeError> {
        (**self).next(max).await
    }

    async fn ack(&mut self, up_to: Position) -> Result<(), ConsumeError> {
        (**self).ack(up_to).await
    }
}

/// Why nothing could be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConsumeError {
    /// The queue is closed; there will be no more.
    #[error("the queue is closed")]
    Closed,
    /// The queue does not work now; trying again may help.
    #[error("the queue is not available: {0}")]
    Unavailable(String),
}
