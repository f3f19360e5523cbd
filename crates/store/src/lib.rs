//! The only home of SQL for deliveries, decisions, runs and intents.
//!
//! Entities never leave this crate: every function takes and returns the vocabulary of `schemas`
//! and is named after the question it answers. Reads go through [`Store`], writes through a [`Tx`]:
//! SQLite has one writer, and a transaction is what makes several rows one truth.

mod automation_ids;
mod decisions;
mod deliveries;
mod entity;
mod error;
mod facts;
mod history;
mod instance;
mod intents;
mod items;
mod links;
mod logs;
mod migration;
mod own;
mod page;
mod rule_sets;
mod runs;
mod schedules;
mod threads;
mod workers;

use std::path::Path;
use std::time::Duration;

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use sea_orm_migration::MigratorTrait;

pub use deliveries::{DeliveryDetail, DeliveryStatus, DeliverySummary, EventSummary, NewDelivery};
pub use error::StoreError;
pub use history::Past;
pub use links::{Link, LinkKind};
pub use own::Recent;
pub use page::Page;
pub use rule_sets::ActiveRuleSet;
pub use runs::{
    Account, Candidate, DaySum, LeaseView, Near, Payer, PullRequestRef, Pulse, RunRecord, Standing,
};
pub use schedules::{TickRow, TickState};
pub use threads::Thread;
pub use workers::{HashedSecret, Hold, WorkerRecord};

/// The database.
#[derive(Debug, Clone)]
pub struct Store {
    write: DatabaseConnection,
    read: DatabaseConnection,
}

/// A write transaction. Dropped without [`Tx::commit`] it leaves no trace.
#[derive(Debug)]
pub struct Tx {
    inner: DatabaseTransaction,
}

impl Store {
    /// Opens the SQLite database at `path`, creating and migrating it as needed.
    ///
    /// # Errors
    /// When the file cannot be opened or a migration fails.
    pub async fn open_sqlite(path: &Path) -> Result<Self, StoreError> {
        let url = format!("sqlite://{}?mode=rwc", path.display());
        let write = Database::connect(sqlite(&url, 1)).await?;
        // One transaction: a process that is killed here leaves the database as it was.
        let migrating = write.begin_with_options(immediate()).await?;
        migration::Migrator::up(&migrating, None).await?;
        migrating.commit().await?;
        let read = Database::connect(sqlite(&url, 4)).await?;
        Ok(Self { write, read })
    }

    /// Begins a write transaction; at most one at a time on SQLite.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(Tx { inner: self.write.begin_with_options(immediate()).await? })
    }

    /// Asks the database for anything at all, for `/readyz`.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.read.execute_unprepared("SELECT 1").await?;
        Ok(())
    }

    /// Closes every connection after its last statement.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn close(self) -> Result<(), StoreError> {
        self.read.close().await?;
        self.write.close().await?;
        Ok(())
    }
}

impl Tx {
    /// Makes it true.
    ///
    /// # Errors
    /// When the database does not answer; then nothing of it is.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.inner.commit().await?;
        Ok(())
    }
}

/// Takes the write lock at once: a transaction that reads first could not get it later.
fn immediate() -> TransactionOptions {
    TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..Default::default()
    }
}

fn sqlite(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
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
                .busy_timeout(Duration::from_secs(5))
                .foreign_keys(true)
        });
    options
}
