//! What a part needs to know to use RabbitMQ.

use std::time::Duration;

use schemas::amqp::Address;
use secrecy::SecretString;

/// How to connect, and what is allowed.
#[derive(Debug, Clone)]
pub struct AmqpSettings {
    /// Where, and as whom.
    pub address: Address,
    /// The user's password.
    pub password: SecretString,
    /// Certificates (PEM) that are trusted besides the machine's own, for `amqps`.
    pub ca: Option<String>,
    /// What RabbitMQ lists the connection as, such as `pullwright ingress`.
    pub name: String,
    /// How much the queue of deliveries takes.
    pub limits: AmqpLimits,
    /// How long a publish may wait for its confirm. Senders give up after a second (Sentry) to ten
    /// (GitHub, GitLab).
    pub deadline: Duration,
}

impl AmqpSettings {
    /// Settings with the default limits, and five seconds for a publish.
    #[must_use]
    pub fn new(address: Address, password: SecretString, name: impl Into<String>) -> Self {
        Self {
            address,
            password,
            ca: None,
            name: name.into(),
            limits: AmqpLimits::default(),
            deadline: Duration::from_secs(5),
        }
    }
}

/// How much the queue of deliveries takes. The first two become arguments of the queue when it is
/// made; a queue that exists keeps its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AmqpLimits {
    /// Messages that wait.
    pub max_messages: u32,
    /// Bytes of their bodies, as stored.
    pub max_bytes: u64,
    /// Bytes of one message, as stored.
    pub max_message: usize,
}

impl Default for AmqpLimits {
    /// A million messages; 4 GiB as the embedded queue; 16 MiB a message, which is the broker's own
    /// default limit since 4.0 and well above what 25 MB of JSON, the largest that GitHub sends,
    /// compress to.
    fn default() -> Self {
        Self { max_messages: 1_000_000, max_bytes: 4 << 30, max_message: 16 << 20 }
    }
}

/// Who makes exchanges and queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topology {
    /// This part does; its user may configure. The dispatcher.
    Declare,
    /// Another part did; this one only looks whether they are there. Ingress and workers.
    Expect,
}
