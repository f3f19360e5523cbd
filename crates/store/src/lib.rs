//! The only home of SQL for deliveries, decisions, runs and intents.
//!
//! Entities never leave this crate: every function takes and returns the vocabulary of `schemas`
//! and is named after the question it answers. Reads go through [`Store`], writes through a [`Tx`]:
//! a transaction is what makes several rows one truth, and on SQLite as on PostgreSQL those that read
//! before they write come one after the other. Databases differ in `database/` alone.

mod automation_ids;
mod database;
mod decisions;
mod deliveries;
mod entity;
mod error;
mod facts;
mod history;
mod instance;
mod intents;
mod items;
mod kept_results;
mod links;
mod logs;
mod migration;
mod own;
mod page;
mod retention;
mod rule_sets;
mod runs;
mod schedules;
mod threads;
mod workers;

use sea_orm::{DatabaseConnection, DatabaseTransaction};

use database::Cleaned;

pub use database::{
    Address, BackupError, ConnectError, Migration, Migrations, OLDEST_POSTGRES, PostgresAddress, Server, Tls,
};
pub use deliveries::{DeliveryDetail, DeliveryStatus, DeliverySummary, EventSummary, NewDelivery};
pub use error::{Fault, StoreError, chain};
pub use history::Past;
pub use kept_results::KeptBundle;
pub use links::{Link, LinkKind};
pub use own::Recent;
pub use page::Page;
pub use retention::Kept;
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
