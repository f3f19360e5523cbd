//! The only task that writes to the file.

use std::fmt::Write as _;

use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use tokio::sync::{mpsc, watch};

use crate::consume::ConsumeError;
use crate::publish::PublishError;

use super::batch::{Batch, Batches, Command, Row};
use super::checkpoint::{Log, restart};
use super::depth::{self, Depth};
use super::disk::Disk;
use super::schema::{Connector, Lock};

/// SQLite's primary code for a full disk (sqlite.org/rescode.html).
const SQLITE_FULL: i32 = 13;

/// What is committed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    pub depth: Depth,
    /// The highest position that was ever given out.
    pub last: i64,
}

pub(super) struct Writer {
    pub connector: Connector,
    /// `None` after a failure: the next batch starts from a fresh connection and what the file says.
    pub connection: Option<SqliteConnection>,
    pub max_bytes: u64,
    pub disk: Disk,
    pub progress: watch::Sender<Progress>,
    pub log: Log,
    pub _lock: Lock,
}

impl Writer {
    pub(super) async fn run(mut self, commands: mpsc::Receiver<Command>) {
        let mut batches = Batches::new(commands);
        while let Some(mut batch) = batches.next().await {
            self.refuse_what_has_no_room(&mut batch).await;
            let result = self.commit(&mut batch).await;
            if let Err(error) = &result {
                tracing::error!(error = error as &dyn std::error::Error, "the queue could not be written");
                self.connection = None;
                self.log.is_stuck();
            }
            let ended = batch.last;
            answer(batch, &result);
            if ended {
                break;
            }
            self.restart_log_when_long().await;
        }
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(error = &error as &dyn std::error::Error, "the queue was not closed cleanly");
        }
    }

    /// Answers rows for which there is no room; acks in the same batch make room for the next one.
    async fn refuse_what_has_no_room(&mut self, batch: &mut Batch) {
        let depth = self.progress.borrow().depth;
        let mut room = self.max_bytes.saturating_sub(depth.bytes);
        if !batch.rows.is_empty() {
            match self.disk.make_room(self.connection.as_mut(), depth.rows, &self.log).await {
                Ok(true) => {}
                Ok(false) => room = 0,
                // Storing the rows will fail or not; that is what they are answered by.
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "the queue was not shrunk");
                }
            }
        }
        for row in std::mem::take(&mut batch.rows) {
            let size = row.message.len();
            if size as u64 <= room {
                room -= size as u64;
                batch.rows.push(row);
            } else {
                batch.bytes -= size;
                let _ = row.answer.send(Err(PublishError::Full));
            }
        }
    }

    /// Stores the batch; its messages are moved out of it.
    async fn commit(&mut self, batch: &mut Batch) -> Result<(), sqlx::Error> {
        let mut progress = *self.progress.borrow();
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let mut connection = self.connector.connect().await?;
                let (depth, last) = depth::load(&mut connection).await?;
                progress = Progress { depth, last: progress.last.max(last) };
                connection
            }
        };
        match (batch.ack, batch.rows.as_mut_slice()) {
            (None, []) => {}
            // One statement is a transaction by itself, in one round trip to SQLite's thread.
            (None, rows) => insert(&mut connection, rows, &mut progress).await?,
            (Some(up_to), rows) => {
                let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
                forget(&mut transaction, up_to, &mut progress.depth).await?;
                insert(&mut transaction, rows, &mut progress).await?;
                transaction.commit().await?;
            }
        }
        self.connection = Some(connection);
        self.progress.send_replace(progress);
        self.disk.committed(batch);
        self.log.grew(batch.bytes);
        Ok(())
    }

    async fn restart_log_when_long(&mut self) {
        if self.log.is_long()
            && let Some(connection) = &mut self.connection
        {
            match restart(connection).await {
                Ok(()) => self.log.moved(),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "the queue's log was not restarted");
                }
            }
        }
    }
}

/// Stores `rows` with the next positions; their messages are moved out of them.
async fn insert(
    connection: &mut SqliteConnection,
    rows: &mut [Row],
    progress: &mut Progress,
) -> Result<(), sqlx::Error> {
    let Some(first) = rows.first().map(|row| row.received_at) else { return Ok(()) };
    let mut sql = String::from("INSERT INTO delivery (position, received_at, message) VALUES (?, ?, ?)");
    for _ in 1..rows.len() {
        let _ = sql.write_str(", (?, ?, ?)");
    }
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for row in rows {
        progress.last += 1;
        progress.depth.rows += 1;
        progress.depth.bytes += row.message.len() as u64;
        query = query.bind(progress.last).bind(row.received_at).bind(std::mem::take(&mut row.message));
    }
    progress.depth.oldest = progress.depth.oldest.or_else(|| chrono::DateTime::from_timestamp_micros(first));
    query.execute(connection).await?;
    Ok(())
}

/// Deletes everything up to `up_to`.
async fn forget(connection: &mut SqliteConnection, up_to: i64, depth: &mut Depth) -> Result<(), sqlx::Error> {
    let (rows, bytes): (i64, i64) = sqlx::query_as(
        "SELECT COUNT(*), COALESCE(SUM(LENGTH(message)), 0) FROM delivery WHERE position <= ?",
    )
    .bind(up_to)
    .fetch_one(&mut *connection)
    .await?;
    sqlx::query("DELETE FROM delivery WHERE position <= ?").bind(up_to).execute(&mut *connection).await?;
    depth.rows = depth.rows.saturating_sub(rows.unsigned_abs());
    depth.bytes = depth.bytes.saturating_sub(bytes.unsigned_abs());
    depth.oldest = depth::oldest(connection).await?;
    Ok(())
}

fn answer(batch: Batch, result: &Result<(), sqlx::Error>) {
    for row in batch.rows {
        let answer = match result {
            Ok(()) => Ok(()),
            Err(error) if disk_is_full(error) => Err(PublishError::Full),
            Err(error) => Err(PublishError::Unavailable(error.to_string())),
        };
        // Nobody waits any more: the sender was told to try again, and will be a duplicate.
        let _ = row.answer.send(answer);
    }
    for acker in batch.ackers {
        let answer = result.as_ref().map_err(|error| ConsumeError::Unavailable(error.to_string()));
        let _ = acker.send(answer.copied());
    }
}

fn disk_is_full(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.and_then(|code| code.parse::<i32>().ok()).is_some_and(|code| code & 0xff == SQLITE_FULL)
}
