//! Moving commits from the log into the file, apart from the writer.
//!
//! A passive checkpoint blocks nobody, but under steady load it never reaches the log's end, and
//! only then does the log start over. So when it has grown long all the same, the writer restarts
//! it between two batches; little is left to move by then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sqlx::SqliteConnection;
use tokio::sync::Notify;

use super::schema::{Connector, PAGE_BYTES};

/// A checkpoint is due after this many bytes of messages.
const EVERY_BYTES: u64 = 8 << 20;
/// A log this long is restarted.
const LONG_BYTES: u64 = 128 << 20;

struct Shared {
    due: Notify,
    unmoved: AtomicU64,
    long: AtomicBool,
    ended: AtomicBool,
}

/// The writer's side.
pub(super) struct Log(Arc<Shared>);

/// The checkpointer's side.
pub(super) struct Grown(Arc<Shared>);

pub(super) fn log() -> (Log, Grown) {
    let shared = Arc::new(Shared {
        due: Notify::new(),
        unmoved: AtomicU64::new(0),
        long: AtomicBool::new(false),
        ended: AtomicBool::new(false),
    });
    (Log(Arc::clone(&shared)), Grown(shared))
}

impl Log {
    /// A commit of so many bytes of messages was added.
    pub(super) fn grew(&self, bytes: usize) {
        // Every commit rewrites some pages, however small its messages.
        let bytes = bytes as u64 + 2 * u64::from(PAGE_BYTES);
        if self.0.unmoved.fetch_add(bytes, Ordering::Relaxed) + bytes >= EVERY_BYTES {
            self.0.due.notify_one();
        }
    }

    /// About how many bytes the file will grow by when the log is moved into it.
    pub(super) fn unmoved(&self) -> u64 {
        self.0.unmoved.load(Ordering::Relaxed)
    }

    /// All of the log was moved, by the writer itself.
    pub(super) fn moved(&self) {
        self.0.unmoved.store(0, Ordering::Relaxed);
    }

    /// A commit failed, perhaps for want of space, which a checkpoint may free.
    pub(super) fn is_stuck(&self) {
        self.0.due.notify_one();
    }

    /// Whether the log is due for a restart; asking settles it.
    pub(super) fn is_long(&self) -> bool {
        self.0.long.swap(false, Ordering::Relaxed)
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.0.ended.store(true, Ordering::Relaxed);
        self.0.due.notify_one();
    }
}

/// Checkpoints whenever one is due, until the writer ends.
pub(super) async fn run(connector: Connector, grown: Grown) {
    let mut connection = None;
    loop {
        grown.0.due.notified().await;
        if grown.0.ended.load(Ordering::Relaxed) {
            return;
        }
        let unmoved = grown.0.unmoved.swap(0, Ordering::Relaxed);
        match passive(&connector, &mut connection).await {
            Ok(log_bytes) => grown.0.long.store(log_bytes > LONG_BYTES, Ordering::Relaxed),
            Err(error) => {
                connection = None;
                grown.0.unmoved.fetch_add(unmoved, Ordering::Relaxed);
                tracing::warn!(error = &error as &dyn std::error::Error, "the queue's checkpoint failed");
            }
        }
    }
}

/// Moves what no reader holds back; the log's length in bytes.
async fn passive(
    connector: &Connector,
    connection: &mut Option<SqliteConnection>,
) -> Result<u64, sqlx::Error> {
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(connector.connect().await?),
    };
    let (_busy, log_pages, _moved): (i64, i64, i64) =
        sqlx::query_as("PRAGMA wal_checkpoint(PASSIVE)").fetch_one(connection).await?;
    Ok(log_pages.max(0).unsigned_abs() * u64::from(PAGE_BYTES))
}

/// Moves the rest of the log, so that the next commit starts it over.
pub(super) async fn restart(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::query("PRAGMA wal_checkpoint(RESTART)").execute(connection).await?;
    Ok(())
}
