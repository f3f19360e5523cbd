//! SQLite: one file, one writer.

use std::path::Path;
use std::time::Duration;

use sea_orm::{ConnectOptions, Database, DatabaseConnection, SqliteTransactionMode, TransactionOptions};

use super::Pools;
use crate::StoreError;

/// Pages in the log before they go to their places, 32 MB. A batch's keys lie all over their index: among
/// a million, the thousand pages of SQLite's own choice are filled by two batches, and every second
/// commit would wait for the disk twice.
const LOG_PAGES: &str = "8000";

pub(super) async fn open(path: &Path) -> Result<Pools, StoreError> {
    Ok(Pools { write: connect(path, 1).await?, read: connect(path, 4).await? })
}

pub(super) async fn connect(path: &Path, connections: u32) -> Result<DatabaseConnection, StoreError> {
    let mut options = ConnectOptions::new(format!("sqlite://{}?mode=rwc", path.display()));
    options
        .max_connections(connections)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .sqlx_logging(false)
        .test_before_acquire(false)
        .map_sqlx_sqlite_opts(|sqlite| {
            // FULL: after a power cut a committed run must still be there.
            sqlite
                .pragma("journal_mode", "WAL")
                .pragma("synchronous", "FULL")
                .pragma("temp_store", "MEMORY")
                .pragma("wal_autocheckpoint", LOG_PAGES)
                .busy_timeout(Duration::from_secs(5))
                .foreign_keys(true)
        });
    Ok(Database::connect(options).await?)
}

/// Takes the write lock at once: a transaction that reads first could not get it later.
/// PostgreSQL overlooks it.
pub(super) fn immediate() -> TransactionOptions {
    TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..Default::default()
    }
}
