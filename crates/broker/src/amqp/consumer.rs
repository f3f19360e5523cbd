//! The consumer of deliveries.

use async_trait::async_trait;
use lapin::message::Delivery as Arrived;
use tokio::sync::watch;

use crate::consume::{ConsumeError, Consumer, Position, Received};

use super::error::AmqpError;
use super::health::{Health, State, set};
use super::held::Tags;
use super::message::{Read, read};
use super::publisher::RECONNECT;
use super::settings::AmqpSettings;
use super::subscription::{Source, Subscription};

/// Messages that RabbitMQ sends ahead of their acks: two of the dispatcher's batches, so that one
/// arrives while the other is stored. They are in memory; most have some kilobytes.
const PREFETCH: u16 = 512;
/// Bytes in one answer of [`Consumer::next`]; a larger message comes alone.
const MAX_BYTES: usize = 8 << 20;

/// Reads deliveries from RabbitMQ. Of several, one is active; another takes over when that one goes.
/// It makes the queue if there is none, also one that was deleted meanwhile.
pub struct AmqpConsumer {
    settings: AmqpSettings,
    health: watch::Sender<Health>,
    current: Option<Current>,
    /// The last position that was handed out. Delivery tags count anew on every channel, positions go on.
    last: i64,
    failures: u32,
}

/// What belongs to one connection.
struct Current {
    subscription: Subscription,
    tags: Tags,
    /// The position of this channel's delivery tag 0.
    base: i64,
    /// It has worked.
    proven: bool,
}

impl AmqpConsumer {
    /// A consumer that connects when it is first asked. The second value is how it is.
    #[must_use]
    pub fn new(settings: AmqpSettings) -> (Self, watch::Receiver<Health>) {
        let (health, watched) = Health::channel();
        (Self { settings, health, current: None, last: 0, failures: 0 }, watched)
    }

    /// Leaves, so that another consumer takes over at once; what is not acked goes to that one.
    pub async fn close(mut self) {
        if let Some(current) = self.current.take() {
            current.subscription.close().await;
        }
    }

    async fn connect(&mut self) -> Result<Current, ConsumeError> {
        if self.failures > 0 {
            tokio::time::sleep(RECONNECT.delay(self.failures - 1, u16::MAX)).await;
        }
        match Subscription::open(&self.settings, Source::Deliveries, PREFETCH).await {
            Ok(subscription) => {
                set(&self.health, State::Ready);
                Ok(Current { subscription, tags: Tags::default(), base: self.last, proven: false })
            }
            Err(error) => Err(self.fail(&error)),
        }
    }

    fn fail(&mut self, error: &AmqpError) -> ConsumeError {
        self.failures = self.failures.saturating_add(1);
        set(&self.health, State::Down(error.in_full()));
        // They belong to the connection, and will come again.
        self.note_held(0);
        ConsumeError::Unavailable(error.to_string())
    }

    fn note_held(&self, count: usize) {
        self.health.send_if_modified(|health| std::mem::replace(&mut health.held, count) != count);
    }
}

impl Current {
    /// Notes a message; nothing when it is of a newer version, and held.
    fn take(&mut self, arrived: Arrived) -> Option<(Received, usize)> {
        let Arrived { delivery_tag: tag, properties, data, .. } = arrived;
        let size = data.len();
        match read(&properties, data) {
            Read::Message(delivery) => {
                self.tags.hand_out(tag);
                let offset = i64::try_from(tag).unwrap_or(i64::MAX);
                let position = Position(self.base.saturating_add(offset));
                Some((Received { position, delivery }, size))
            }
            Read::Newer(version) => {
                tracing::error!(
                    version,
                    "a delivery was written by a newer version; it waits in the queue until this part is upgraded"
                );
                self.tags.hold(tag);
                None
            }
        }
    }
}

#[async_trait]
impl Consumer for AmqpConsumer {
    async fn next(&mut self, max: usize) -> Result<Vec<Received>, ConsumeError> {
        loop {
            if self.current.is_none() {
                self.current = Some(self.connect().await?);
            }
            let Some(current) = &mut self.current else { continue };
            let arrived = match current.subscription.next(current.tags.unacked()).await {
                Ok(arrived) => arrived,
                Err(error) => {
                    let proven = current.proven;
                    self.current = None;
                    if proven {
                        self.failures = 0;
                    }
                    return Err(self.fail(&error));
                }
            };
            current.proven = true;
            self.failures = 0;
            let (mut batch, mut bytes) = (Vec::new(), 0);
            let mut next = Some(arrived);
            while let Some(arrived) = next {
                if let Some((received, size)) = current.take(arrived) {
                    self.last = received.position.0;
                    batch.push(received);
                    bytes += size;
                }
                let full = batch.len() >= max.max(1) || bytes >= MAX_BYTES;
                next = if full { None } else { current.subscription.ready() };
            }
            let held = current.tags.held();
            self.note_held(held);
            if !batch.is_empty() {
                return Ok(batch);
            }
        }
    }

    async fn ack(&mut self, up_to: Position) -> Result<(), ConsumeError> {
        let Some(current) = &mut self.current else { return Ok(()) };
        // Of an earlier connection: RabbitMQ has taken them back, and they come again.
        let Ok(tag) = u64::try_from(up_to.0.saturating_sub(current.base)) else { return Ok(()) };
        for ack in current.tags.ack(tag) {
            if let Err(error) = current.subscription.ack(ack.tag, ack.multiple).await {
                self.current = None;
                return Err(self.fail(&error));
            }
        }
        Ok(())
    }
}
