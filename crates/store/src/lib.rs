//! The only home of SQL for deliveries, decisions, runs and intents.
//!
//! Entities never leave this crate: every function takes and returns the vocabulary of `schemas`
//! and is named after the question it answers. Reads go through [`Store`], writes through a [`Tx`]:
//! a transaction is what makes several rows one truth, and on SQLite as on PostgreSQL those that read
//! before they write come one after the other. Databases differ in `database/` alone.

mod database;
mod decisions;
mod deliveries;
mod entity;
mod error;
mod facts;
mod instance;
mod intents;
mod logs;
mod migration;
mod own;
mod page;
mod rule_sets;
mod runs;
mod threads;

use sea_orm::{DatabaseConnection, DatabaseTransaction};

use database::Cleaned;

pub use database::{
    Address, ConnectError, Migration, Migrations, OLDEST_POSTGRES, PostgresAddress, Server, Tls,
};
pub use deliveries::{DeliveryDetail, DeliveryStatus, DeliverySummary, EventSummary, NewDelivery};
pub use error::{Fault, StoreError};
pub use page::Page;
pub use runs::{LeaseView, PullRequestRef, RunRecord};
pub use threads::Thread;

/// The database.
#[derive(Debug, Clone)]
pub struct Store {
    write: DatabaseConnection,
    read: Cleaned<DatabaseConnection>,
}

/// A write transaction. Dropped without [`Tx::commit`] it leaves no trace.
#[derive(Debug)]
pub struct Tx {
    inner: Cleaned<DatabaseTransaction>,
}

impl Tx {
    /// Makes it true.
    ///
    /// # Errors
    /// When the database does not answer; then nothing of it is.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.inner.0.commit().await?;
        Ok(())
    }
}
