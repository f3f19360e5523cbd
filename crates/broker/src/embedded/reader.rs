//! The consumer's side: reads in order on a connection of its own.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::TryStreamExt;
use sqlx::{Row, SqliteConnection};
use tokio::sync::watch;

use crate::consume::{ConsumeError, Consumer, Position, Received};
use crate::wire;

use super::queue::Shared;
use super::writer::Progress;

/// Bytes in one answer of [`Consumer::next`]; a larger message comes alone.
const MAX_BYTES: usize = 8 << 20;

/// The one consumer of an embedded queue.
pub struct QueueConsumer {
    shared: Arc<Shared>,
    progress: watch::Receiver<Progress>,
    connection: Option<SqliteConnection>,
    /// The last position that was handed out.
    read_up_to: i64,
}

impl QueueConsumer {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let progress = shared.progress.clone();
        Self { shared, progress, connection: None, read_up_to: 0 }
    }

    async fn read(&mut self, max: usize) -> Result<Vec<Received>, sqlx::Error> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            None => self.connection.insert(self.shared.connector.connect().await?),
        };
        let mut rows = sqlx::query(
            "SELECT position, message FROM delivery WHERE position > ? ORDER BY position LIMIT ?",
        )
        .bind(self.read_up_to)
        .bind(i64::try_from(max.max(1)).unwrap_or(i64::MAX))
        .fetch(connection);
        let (mut received, mut bytes) = (Vec::new(), 0);
        while bytes < MAX_BYTES
            && let Some(row) = rows.try_next().await?
        {
            let message: Vec<u8> = row.try_get(1)?;
            bytes += message.len();
            let delivery = wire::decode(Bytes::from(message));
            received.push(Received { position: Position(row.try_get(0)?), delivery });
        }
        Ok(received)
    }
}

#[async_trait]
impl Consumer for QueueConsumer {
    async fn next(&mut self, max: usize) -> Result<Vec<Received>, ConsumeError> {
        loop {
            let from = self.read_up_to;
            let progress = self.progress.wait_for(|progress| progress.last > from).await;
            let committed = progress.map_err(|_| ConsumeError::Closed)?.last;
            match self.read(max).await {
                Ok(received) => {
                    if let Some(last) = received.last() {
                        self.read_up_to = last.position.0;
                        return Ok(received);
                    }
                    // All of it was acked before: by a consumer that this one follows.
                    self.read_up_to = committed;
                }
                Err(error) => {
                    self.connection = None;
                    return Err(ConsumeError::Unavailable(error.to_string()));
                }
            }
        }
    }

    async fn ack(&mut self, up_to: Position) -> Result<(), ConsumeError> {
        self.shared.ack(up_to.0).await
    }
}

impl Drop for QueueConsumer {
    fn drop(&mut self) {
        self.shared.consumer_exists.store(false, Ordering::Release);
    }
}
