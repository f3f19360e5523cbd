//! RabbitMQ for real: a private node for each test, started by `scripts/rabbitmq`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failure of a test is a panic")]

mod contract;
mod faults;
mod limits;
mod node;
mod permissions;
mod readers;
mod topology;
mod wake_ups;
mod world;
