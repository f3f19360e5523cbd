//! One consumer on one queue over one connection, watched: it ends when the connection does, when
//! RabbitMQ cancels it, and when RabbitMQ does not know it although nothing seems wrong here.

use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use lapin::Channel;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::{DeliveryTag, FieldTable, ShortString};
use tokio::time::{Interval, MissedTickBehavior, timeout};

use super::connect::{ANSWER, CONNECT, Link, connect};
use super::error::AmqpError;
use super::settings::AmqpSettings;
use super::topology;

/// How often RabbitMQ is asked whether it knows the consumer.
const PROBE: Duration = Duration::from_secs(10);
/// Probes in a row that find messages which do not come, before the consumer is made anew. A
/// consumer that stands by for the active one does so as well, and only loses its place in line.
const SILENT_PROBES: u32 = 3;

/// What is read.
pub(super) enum Source<'a> {
    /// The queue of deliveries, which is made if it is not there.
    Deliveries,
    /// The queue of a pool's wake-ups, which another part makes.
    Jobs(&'a str),
}

/// A running consumer.
pub(super) struct Subscription {
    settings: AmqpSettings,
    connection: Link,
    channel: Channel,
    /// A refusal closes its channel; asking must not close the consumer's.
    probes: Channel,
    queue: ShortString,
    consumer: lapin::Consumer,
    probe_due: Interval,
    /// Something came since the last probe.
    heard: bool,
    silent_probes: u32,
    prefetch: u16,
}

impl Subscription {
    pub(super) async fn open(
        settings: &AmqpSettings,
        source: Source<'_>,
        prefetch: u16,
    ) -> Result<Self, AmqpError> {
        let connection = connect(settings).await?;
        let open = Self::on(connection, settings, source, prefetch);
        let silent = |_| AmqpError::Silent { host: settings.address.to_string() };
        timeout(CONNECT, open).await.map_err(silent)?
    }

    async fn on(
        connection: Link,
        settings: &AmqpSettings,
        source: Source<'_>,
        prefetch: u16,
    ) -> Result<Self, AmqpError> {
        let queue = match source {
            Source::Deliveries => {
                topology::declare_deliveries(&connection, settings).await?;
                topology::DELIVERIES.into()
            }
            Source::Jobs(pool) => {
                let queue = topology::job_queue(pool)?;
                topology::expect(&connection, settings, None, &queue).await?;
                queue
            }
        };
        let consume = async {
            let (channel, probes) = (connection.create_channel().await?, connection.create_channel().await?);
            channel.basic_qos(prefetch, BasicQosOptions::default()).await?;
            let (options, none) = (BasicConsumeOptions::default(), FieldTable::default());
            // Without a tag of ours the broker makes one that no other consumer has.
            let consumer = channel.basic_consume(queue.clone(), "".into(), options, none).await?;
            Ok((channel, probes, consumer))
        };
        let consumed: Result<_, lapin::Error> = consume.await;
        let (channel, probes, consumer) = consumed.map_err(|error| AmqpError::of(&error, settings))?;
        let mut probe_due = tokio::time::interval(PROBE);
        probe_due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        probe_due.reset();
        let settings = settings.clone();
        let (heard, silent_probes) = (false, 0);
        Ok(Self {
            settings,
            connection,
            channel,
            probes,
            queue,
            consumer,
            probe_due,
            heard,
            silent_probes,
            prefetch,
        })
    }

    /// The next message; `unacked` are under way. Dropping the future loses nothing.
    pub(super) async fn next(&mut self, unacked: u64) -> Result<Delivery, AmqpError> {
        loop {
            tokio::select! {
                message = self.consumer.next() => {
                    self.heard = true;
                    return match message {
                        Some(Ok(message)) => Ok(message),
                        Some(Err(error)) => Err(AmqpError::of(&error, &self.settings)),
                        None => Err(AmqpError::Lost("RabbitMQ cancelled the consumer".to_owned())),
                    };
                }
                _ = self.probe_due.tick() => self.probe(unacked).await?,
            }
        }
    }

    /// A message that has arrived already.
    pub(super) fn ready(&mut self) -> Option<Delivery> {
        // What ends the stream is found by the next wait as well: the library's stream stays ended,
        // and its connection or channel is closed.
        self.consumer.next().now_or_never().flatten().and_then(Result::ok)
    }

    /// Asks RabbitMQ what it knows of the queue, and believes that more than this side.
    async fn probe(&mut self, unacked: u64) -> Result<(), AmqpError> {
        let asked = self.probes.queue_declare(self.queue.clone(), topology::passive(), FieldTable::default());
        let silent = |_| AmqpError::Silent { host: self.settings.address.to_string() };
        let queue = timeout(ANSWER, asked).await.map_err(silent)?;
        let queue = queue.map_err(|error| AmqpError::of(&error, &self.settings))?;
        if queue.consumer_count() == 0 {
            return Err(AmqpError::Lost("RabbitMQ does not know the consumer any more".to_owned()));
        }
        let starved = queue.message_count() > 0 && !self.heard && unacked < self.prefetch.into();
        self.silent_probes = if starved { self.silent_probes + 1 } else { 0 };
        self.heard = false;
        if self.silent_probes == SILENT_PROBES {
            return Err(AmqpError::Lost("messages wait, but none comes".to_owned()));
        }
        Ok(())
    }

    /// Acks one message, or all up to it.
    pub(super) async fn ack(&self, tag: DeliveryTag, multiple: bool) -> Result<(), AmqpError> {
        let ack = self.channel.basic_ack(tag, BasicAckOptions { multiple });
        let silent = |_| AmqpError::Silent { host: self.settings.address.to_string() };
        let acked = timeout(ANSWER, ack).await.map_err(silent)?;
        acked.map_err(|error| AmqpError::of(&error, &self.settings))
    }

    /// Ends it in good order, so that another consumer gets the rest at once.
    pub(super) async fn close(self) {
        let _ = timeout(ANSWER, self.connection.close(200, "".into())).await;
    }
}
