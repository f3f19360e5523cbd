//! Space on the queue's disk. Some is kept free: on a disk that is full to the last byte not even an
//! ack could be stored, and the queue could never empty itself.

use std::path::PathBuf;

use nix::sys::statvfs::{Statvfs, statvfs};
use sqlx::SqliteConnection;

use super::batch::Batch;
use super::checkpoint::Log;

/// The disk that the queue is on.
pub(super) struct Disk {
    path: PathBuf,
    /// Bytes below which nothing more is published; 0 turns this off.
    keep_free: u64,
    /// The file holds nothing but what is in it; shrinking it again would gain nothing.
    shrunk: bool,
}

impl Disk {
    pub(super) fn new(path: PathBuf, keep_free: u64) -> Self {
        Self { path, keep_free, shrunk: false }
    }

    /// Whether enough is free once the log is moved into the file. A disk that cannot be asked is left to SQLite.
    fn has_room(&self, unmoved: u64) -> bool {
        let needed = self.keep_free.saturating_add(unmoved);
        let free = |disk: Statvfs| disk.blocks_available().saturating_mul(disk.fragment_size());
        self.keep_free == 0 || statvfs(&self.path).map_or(true, |disk| free(disk) >= needed)
    }

    /// Whether rows may be stored; an empty queue gives its file's free pages back first.
    pub(super) async fn make_room(
        &mut self,
        connection: Option<&mut SqliteConnection>,
        rows_waiting: u64,
        log: &Log,
    ) -> Result<bool, sqlx::Error> {
        if self.has_room(log.unmoved()) {
            return Ok(true);
        }
        if rows_waiting > 0 || self.shrunk {
            return Ok(false);
        }
        let Some(connection) = connection else { return Ok(false) };
        // Cheap, as nothing is in it; a file with rows would have to be written anew.
        sqlx::raw_sql("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);").execute(connection).await?;
        log.moved();
        self.shrunk = true;
        Ok(self.has_room(0))
    }

    pub(super) fn committed(&mut self, batch: &Batch) {
        self.shrunk &= batch.rows.is_empty();
    }
}
