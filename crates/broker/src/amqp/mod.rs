//! The queue of many machines, on RabbitMQ: 3.10 (quorum queues with message TTL) or newer.
//!
//! The same promises as the embedded queue. Deliveries lie in one quorum queue that one consumer
//! reads at a time; wake-ups lie in a quorum queue per pool. Every part has a connection of its
//! own, because the broker blocks publishing connections as a whole, and makes a new one when it
//! is lost: what was not confirmed is refused, what was not acked comes again.

mod check;
mod connect;
mod consumer;
mod error;
mod greeting;
mod health;
mod held;
mod lane;
mod message;
mod publisher;
mod settings;
mod settled;
mod subscription;
mod topology;
mod wake_ups;

pub use check::{Finding, Task, check};
pub use consumer::AmqpConsumer;
pub use error::AmqpError;
pub use health::{Health, State};
pub use publisher::AmqpPublisher;
pub use settings::{AmqpLimits, AmqpSettings, Topology};
pub use topology::{DELIVERIES, JOBS};
pub use wake_ups::{WakeReceiver, WakeSender};
