//! Durable deliveries from ingress to the dispatcher, and wake-ups from the dispatcher to workers.
//!
//! A [`Publisher`] answers only when a delivery would survive a crash; a [`Consumer`] hands each
//! one out in order, again after a restart until it is acked. [`embedded`] does so in one file for
//! one machine, [`amqp`] on RabbitMQ for many; [`fake`] does so in memory, for tests. A message on
//! the wire or in a row is an envelope of [`wire`].

pub mod amqp;
pub mod consume;
pub mod embedded;
pub mod fake;
pub mod publish;
pub mod wake;
pub mod wire;

pub use consume::{ConsumeError, Consumer, Position, Received};
pub use embedded::{Depth, OpenError, Queue, QueueLimits};
pub use publish::{PublishError, Publisher};
pub use wake::{WakeUps, Waker};
pub use wire::Damaged;
