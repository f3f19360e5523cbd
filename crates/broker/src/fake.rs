//! A queue in memory for tests: the same promises, and faults on order.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use schemas::Delivery;
use tokio::sync::watch;

use crate::consume::{ConsumeError, Consumer, Position, Received};
use crate::publish::{PublishError, Publisher};

/// A queue that lives as long as its handles. Clones share it.
#[derive(Debug, Clone)]
pub struct MemoryQueue {
    state: Arc<Mutex<State>>,
    /// The last position; a change wakes the consumer.
    last: Arc<watch::Sender<i64>>,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<(Position, Delivery)>,
    published: Vec<Delivery>,
    fault: Option<Fault>,
}

/// What goes wrong on order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Publishing is refused so.
    Refuse(PublishError),
    /// Publishing never answers, and stores nothing.
    Hang,
}

impl Default for MemoryQueue {
    fn default() -> Self {
        Self { state: Arc::default(), last: Arc::new(watch::Sender::new(0)) }
    }
}

impl MemoryQueue {
    /// From now on publishing goes wrong so; `None` ends it.
    pub fn set_fault(&self, fault: Option<Fault>) {
        self.lock().fault = fault;
    }

    /// Everything that was ever published, in order.
    #[must_use]
    pub fn published(&self) -> Vec<Delivery> {
        self.lock().published.clone()
    }

    /// How many deliveries are not acked.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.lock().waiting.len()
    }

    /// A consumer that starts at the oldest delivery that is not acked, as after a restart.
    #[must_use]
    pub fn consumer(&self) -> MemoryConsumer {
        MemoryConsumer { queue: self.clone(), read_up_to: Position(0), last: self.last.subscribe() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Publisher for MemoryQueue {
    async fn publish(&self, delivery: Delivery) -> Result<(), PublishError> {
        let fault = self.lock().fault.clone();
        match fault {
            Some(Fault::Refuse(error)) => return Err(error),
            Some(Fault::Hang) => std::future::pending().await,
            None => {}
        }
        self.last.send_modify(|last| {
            *last += 1;
            let mut state = self.lock();
            state.published.push(delivery.clone());
            state.waiting.push_back((Position(*last), delivery));
        });
        Ok(())
    }
}

/// The reading side of a [`MemoryQueue`].
#[derive(Debug)]
pub struct MemoryConsumer {
    queue: MemoryQueue,
    read_up_to: Position,
    last: watch::Receiver<i64>,
}

#[async_trait]
impl Consumer for MemoryConsumer {
    async fn next(&mut self, max: usize) -> Result<Vec<Received>, ConsumeError> {
        let from = self.read_up_to;
        self.last.wait_for(|last| Position(*last) > from).await.map_err(|_| ConsumeError::Closed)?;
        let received: Vec<_> = self
            .queue
            .lock()
            .waiting
            .iter()
            .filter(|(position, _)| *position > from)
            .take(max.max(1))
            .map(|(position, delivery)| Received { position: *position, delivery: Ok(delivery.clone()) })
            .collect();
        self.read_up_to = received.last().map_or(from, |last| last.position);
        Ok(received)
    }

    async fn ack(&mut self, up_to: Position) -> Result<(), ConsumeError> {
        self.queue.lock().waiting.retain(|(position, _)| *position > up_to);
        Ok(())
    }
}
