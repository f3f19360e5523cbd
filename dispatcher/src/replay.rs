//! Deciding a stored delivery anew, because a person asked for it.
//!
//! A replay goes the way of every delivery: it is published to the queue that ingress stores in, so
//! that it survives a crash and waits its turn, and is parsed by what is in force then.

use std::time::Duration;

use broker::PublishError;
use schemas::delivery::Replay;
use schemas::{Delivery, DeliveryId, WebhookName};
use store::StoreError;

use crate::Dispatcher;
use crate::firing::WEBHOOK;

/// How long the queue may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a delivery is not decided anew.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It is not stored.
    #[error("there is no delivery {0}")]
    Unknown(DeliveryId),
    /// Bodies are kept for a shorter time than what was decided about them.
    #[error("the body of delivery {0} is no longer stored; let its sender deliver it again")]
    BodyGone(DeliveryId),
    /// It was made here, and has nothing that could be read anew.
    #[error("delivery {0} was made by a schedule and cannot be replayed")]
    Scheduled(DeliveryId),
    /// Nothing says how to read it.
    #[error(
        "no webhook `{0}` is configured, so that nothing says how to read the delivery; add it to `webhooks`"
    )]
    NoWebhook(WebhookName),
    /// The queue did not take it.
    #[error("the replay could not be stored; try again")]
    NotStored(#[source] PublishError),
    /// The queue did not answer; it may be decided all the same.
    #[error("the queue did not answer in time; look at the list before you try again")]
    Unclear,
    /// The database did not answer.
    #[error("the database does not answer")]
    Store(#[from] StoreError),
}

/// A replay on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replayed {
    /// Its own id.
    pub delivery: DeliveryId,
    /// What it is.
    pub replay: Replay,
}

impl Dispatcher {
    /// Has `id` decided anew, as a delivery of its own. With `observe` nothing is started or written.
    ///
    /// A replay of a replay is one of the first original.
    ///
    /// # Errors
    /// When it cannot be read any more, or is not stored in the queue.
    pub async fn replay(&self, id: DeliveryId, observe: bool) -> Result<Replayed, ReplayError> {
        let stored = self.store.delivery(id).await?.ok_or(ReplayError::Unknown(id))?.delivery;
        if stored.webhook.as_str() == WEBHOOK {
            return Err(ReplayError::Scheduled(id));
        }
        if !self.settings.webhooks.contains_key(&stored.webhook) {
            return Err(ReplayError::NoWebhook(stored.webhook));
        }
        // Compressed, even an empty body has a length.
        if stored.body.as_stored().is_empty() {
            return Err(ReplayError::BodyGone(id));
        }
        let original = stored.replay_of.map_or(id, |replay| replay.original);
        let replay = Replay { original, observe };
        let delivery = Delivery {
            id: DeliveryId::fresh(&*self.clock),
            received_at: self.clock.now(),
            trace: telemetry::trace::current(),
            replay_of: Some(replay),
            ..stored
        };
        let replayed = Replayed { delivery: delivery.id, replay };
        let published = tokio::time::timeout(PATIENCE, self.deliveries.publish(delivery)).await;
        published.map_err(|_| ReplayError::Unclear)?.map_err(ReplayError::NotStored)?;
        tracing::info!(delivery = %replayed.delivery, %original, observe, "a delivery is replayed");
        Ok(replayed)
    }
}
