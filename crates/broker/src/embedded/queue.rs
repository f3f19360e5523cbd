//! The queue as its users hold it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use schemas::Delivery;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::consume::ConsumeError;
use crate::publish::{PublishError, Publisher};
use crate::wire;

use super::batch::{Command, Row};
use super::checkpoint;
use super::depth::{self, Depth};
use super::disk::Disk;
use super::reader::QueueConsumer;
use super::schema::{self, Connector, OpenError};
use super::writer::{Progress, Writer};

/// Messages on their way to the writer: some times the largest batch, so that it never starves.
const WAITING_ROWS: usize = 1024;
/// Their size; beyond it publishers wait. Bounds memory when large bodies come at once.
const WAITING_KIB: u32 = 64 * 1024;

/// How much the queue takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueLimits {
    /// Bytes of all messages together, as stored (bodies compressed). The file is a little larger.
    pub max_bytes: u64,
    /// Bytes of one message, as stored.
    pub max_message: usize,
    /// Bytes of the disk that are left free for acks and for the rest of the machine; 0 for none.
    pub keep_free: u64,
}

impl Default for QueueLimits {
    /// 4 GiB in all; 32 MiB a message, above the largest body that ingress takes; 256 MiB left free.
    fn default() -> Self {
        Self { max_bytes: 4 << 30, max_message: 32 << 20, keep_free: 256 << 20 }
    }
}

/// An open queue. Dropping it with all its handles closes it; [`Queue::close`] also waits.
pub struct Queue {
    shared: Arc<Shared>,
    writer: JoinHandle<()>,
    checkpointer: JoinHandle<()>,
}

/// What the handles have in common.
pub(super) struct Shared {
    commands: mpsc::Sender<Command>,
    waiting: Arc<Semaphore>,
    limits: QueueLimits,
    pub(super) connector: Connector,
    pub(super) progress: watch::Receiver<Progress>,
    pub(super) consumer_exists: AtomicBool,
}

impl Queue {
    /// Opens the queue at `path`, and makes it if there is none; its folder must exist.
    ///
    /// # Errors
    /// When another process has it open, or the file cannot be used.
    pub async fn open(path: &Path, limits: QueueLimits) -> Result<Self, OpenError> {
        let (lock, connector, mut connection) = schema::open(path).await?;
        let in_database = |source| OpenError::Database { path: path.to_owned(), source };
        let (depth, last) = depth::load(&mut connection).await.map_err(in_database)?;
        let (commands, received) = mpsc::channel(WAITING_ROWS);
        let (progress_tx, progress) = watch::channel(Progress { depth, last });
        let (log, grown) = checkpoint::log();
        let disk = Disk::new(path.to_owned(), limits.keep_free);
        let writer = Writer {
            connector: connector.clone(),
            connection: Some(connection),
            max_bytes: limits.max_bytes,
            disk,
            progress: progress_tx,
            log,
            _lock: lock,
        };
        let shared = Arc::new(Shared {
            commands,
            waiting: Arc::new(Semaphore::new(WAITING_KIB as usize)),
            limits,
            connector: connector.clone(),
            progress,
            consumer_exists: AtomicBool::new(false),
        });
        Ok(Self {
            shared,
            writer: tokio::spawn(writer.run(received)),
            checkpointer: tokio::spawn(checkpoint::run(connector, grown)),
        })
    }

    /// A handle for publishing; any number may exist.
    #[must_use]
    pub fn publisher(&self) -> Arc<dyn Publisher> {
        Arc::new(QueuePublisher { shared: Arc::clone(&self.shared) })
    }

    /// The consumer, starting at the oldest delivery that is not acked. One at a time: another one
    /// can be had once this is dropped.
    ///
    /// # Errors
    /// When there is one already.
    pub fn consumer(&self) -> Result<QueueConsumer, ConsumeError> {
        if self.shared.consumer_exists.swap(true, Ordering::AcqRel) {
            return Err(ConsumeError::Unavailable("it has a consumer already".to_owned()));
        }
        Ok(QueueConsumer::new(Arc::clone(&self.shared)))
    }

    /// What waits now.
    #[must_use]
    pub fn depth(&self) -> Depth {
        self.shared.progress.borrow().depth
    }

    /// Commits what was published so far, refuses what comes later, and closes the file.
    pub async fn close(self) {
        // An error means that the writer is gone already.
        let _ = self.shared.commands.send(Command::Close).await;
        for task in [self.writer, self.checkpointer] {
            if let Err(error) = task.await {
                tracing::error!(error = &error as &dyn std::error::Error, "a task of the queue failed");
            }
        }
    }
}

struct QueuePublisher {
    shared: Arc<Shared>,
}

fn closed<E>(_: E) -> PublishError {
    PublishError::Unavailable("it is closed".to_owned())
}

#[async_trait]
impl Publisher for QueuePublisher {
    async fn publish(&self, delivery: Delivery) -> Result<(), PublishError> {
        let received_at = delivery.received_at.timestamp_micros();
        let message = wire::encode(delivery).map_err(|error| PublishError::Unavailable(error.to_string()))?;
        let (size, limit) = (message.len(), self.shared.limits.max_message);
        if size > limit {
            return Err(PublishError::TooLarge { size, limit });
        }
        let kib = u32::try_from(size.div_ceil(1024)).unwrap_or(WAITING_KIB).min(WAITING_KIB);
        let room = Arc::clone(&self.shared.waiting).acquire_many_owned(kib).await.map_err(closed)?;
        let (answer, answered) = oneshot::channel();
        let row = Row { received_at, message, answer, _room: room };
        self.shared.commands.send(Command::Publish(row)).await.map_err(closed)?;
        answered.await.map_err(closed)?
    }
}

impl Shared {
    /// Has the writer forget everything up to `position`.
    pub(super) async fn ack(&self, position: i64) -> Result<(), ConsumeError> {
        let (answer, answered) = oneshot::channel();
        let command = Command::Ack { up_to: position, answer };
        self.commands.send(command).await.map_err(|_| ConsumeError::Closed)?;
        answered.await.map_err(|_| ConsumeError::Closed)?
    }
}
