//! The queue of deliveries that the configuration names: a file of this machine, or RabbitMQ.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use anyhow::Context;
use broker::amqp::WakeSender;
use broker::amqp::{AmqpConsumer, AmqpLimits, AmqpPublisher, AmqpSettings, Health, Topology};
use broker::embedded::{Queue, QueueLimits};
use broker::wake::WakeUps;
use broker::{ConsumeError, Consumer, Publisher};
use config::{Amqp, Broker, ControlPlane, Role, Secrets, Settings};
use schemas::Pool;
use secrecy::SecretString;
use tokio::sync::watch;

use super::ready::Check;

/// Where deliveries wait between ingress and dispatcher.
pub enum DeliveryQueue {
    /// `queue.db` in the data folder.
    Embedded(Queue),
    /// RabbitMQ.
    Amqp(Box<OnRabbitMq>),
}

/// The connections of one process to RabbitMQ.
pub struct OnRabbitMq {
    settings: AmqpSettings,
    publisher: Arc<AmqpPublisher>,
    /// How the consumer is, once there is one.
    reading: OnceLock<watch::Receiver<Health>>,
}

impl DeliveryQueue {
    /// Opens the queue as `role` uses it. RabbitMQ need not be there yet.
    ///
    /// # Errors
    /// When the file cannot be opened, or a certificate not read.
    pub async fn open(settings: &Settings, secrets: &Secrets, role: Role) -> anyhow::Result<Self> {
        match &settings.broker {
            Broker::Embedded { max_bytes } => {
                let limits = QueueLimits { max_bytes: *max_bytes, ..QueueLimits::default() };
                let queue = Queue::open(&settings.data_dir.join("queue.db"), limits).await;
                Ok(Self::Embedded(queue.context("the embedded queue cannot be opened")?))
            }
            Broker::Amqp(amqp) => {
                let settings = rabbitmq(amqp, secrets, role)?;
                // Ingress may write to the exchange and make nothing.
                let topology = if role == Role::Ingress { Topology::Expect } else { Topology::Declare };
                let publisher = Arc::new(AmqpPublisher::start(settings.clone(), topology));
                Ok(Self::Amqp(Box::new(OnRabbitMq { settings, publisher, reading: OnceLock::new() })))
            }
        }
    }

    /// A handle for publishing.
    pub fn publisher(&self) -> Arc<dyn Publisher> {
        match self {
            Self::Embedded(queue) => queue.publisher(),
            Self::Amqp(amqp) => Arc::<AmqpPublisher>::clone(&amqp.publisher),
        }
    }

    /// The one consumer of this process.
    ///
    /// # Errors
    /// When there is one already.
    pub fn consumer(&self) -> Result<Box<dyn Consumer>, ConsumeError> {
        match self {
            Self::Embedded(queue) => Ok(Box::new(queue.consumer()?)),
            Self::Amqp(amqp) => {
                let (consumer, health) = AmqpConsumer::new(amqp.settings.clone());
                let second = |_| ConsumeError::Unavailable("it has a consumer already".to_owned());
                amqp.reading.set(health).map_err(second)?;
                Ok(Box::new(consumer))
            }
        }
    }

    /// Passes wake-ups on to workers that listen on RabbitMQ, where deliveries wait there.
    pub fn pass_on(&self, wake_ups: &WakeUps) -> Option<WakeSender> {
        match self {
            Self::Embedded(_) => None,
            Self::Amqp(amqp) => {
                // So that its queue is there before the first worker.
                wake_ups.wake(Pool::default().as_str());
                Some(WakeSender::start(amqp.settings.clone(), wake_ups.clone()))
            }
        }
    }

    /// Deliveries that wait; `None` on RabbitMQ, which counts them itself.
    pub fn depth(&self) -> Option<u64> {
        match self {
            Self::Embedded(queue) => Some(queue.depth().rows),
            Self::Amqp(_) => None,
        }
    }

    /// For `/readyz`.
    pub fn check(&self) -> Check {
        const NAME: &str = "queue";
        match self {
            Self::Embedded(queue) => {
                let depth = queue.depth();
                Check::ok(NAME, format!("{} deliveries wait ({} bytes)", depth.rows, depth.bytes))
            }
            Self::Amqp(amqp) => {
                let publishing = amqp.publisher.health();
                let parts = std::iter::once(&publishing).chain(amqp.reading.get());
                let troubled = parts.map(|part| part.borrow().clone()).find(|health| !health.is_ready());
                troubled.map_or_else(
                    || Check::ok(NAME, format!("connected to RabbitMQ at {}", amqp.settings.address)),
                    |health| Check::fail(NAME, health.to_string()),
                )
            }
        }
    }

    /// Waits for what is under way, and closes it.
    pub async fn close(self) {
        match self {
            Self::Embedded(queue) => queue.close().await,
            Self::Amqp(amqp) => {
                if let Ok(publisher) = Arc::try_unwrap(amqp.publisher) {
                    publisher.close().await;
                }
            }
        }
    }
}

/// How `role` uses RabbitMQ.
///
/// # Errors
/// When the file of certificates cannot be read.
pub fn rabbitmq(amqp: &Amqp, secrets: &Secrets, role: Role) -> anyhow::Result<AmqpSettings> {
    let name = match role {
        Role::Up => "pullwright".to_owned(),
        role => format!("pullwright {role}"),
    };
    let password = secrets.broker.clone().unwrap_or_else(guest);
    let mut settings = AmqpSettings::new(amqp.address.clone(), password, name);
    settings.ca = certificates(amqp.ca_file.as_deref())?;
    settings.limits =
        AmqpLimits { max_messages: amqp.max_messages, max_bytes: amqp.max_bytes, ..AmqpLimits::default() };
    Ok(settings)
}

/// How a worker listens for work; `None` where it only asks.
///
/// # Errors
/// When the file of certificates cannot be read.
pub fn wake_ups(control_plane: &ControlPlane, secrets: &Secrets) -> anyhow::Result<Option<AmqpSettings>> {
    let Some(wake_ups) = &control_plane.wake_ups else { return Ok(None) };
    let password = secrets.wake_ups.clone().unwrap_or_else(guest);
    let mut settings = AmqpSettings::new(wake_ups.address.clone(), password, "pullwright worker".to_owned());
    let shown = control_plane.ca_file.as_deref().filter(|_| wake_ups.address.tls);
    settings.ca = certificates(shown)?;
    Ok(Some(settings))
}

/// Without a user in its address RabbitMQ's own first one is meant, whose password is its name.
fn guest() -> SecretString {
    "guest".into()
}

fn certificates(file: Option<&Path>) -> anyhow::Result<Option<String>> {
    let read = file.map(|path| {
        let read = std::fs::read_to_string(path);
        read.with_context(|| format!("the certificates of the broker, {}, cannot be read", path.display()))
    });
    read.transpose()
}
