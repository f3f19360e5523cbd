//! Connections: where the database is, how it is reached, and what differs between the two kinds.

mod address;
mod backup;
mod migrate;
mod postgres;
mod sqlite;
mod statement;

pub use address::{Address, PostgresAddress, Tls};
pub use backup::BackupError;
pub use migrate::{Migration, Migrations};
pub use postgres::{ConnectError, OLDEST_POSTGRES, Server};
pub(crate) use statement::Cleaned;

use std::path::Path;

use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, TransactionTrait};

use crate::{Store, StoreError, Tx};

/// The connections that writes use and those that reads use: a transaction that waits for a reader's
/// connection, while all are held by transactions, would wait for ever.
pub(crate) struct Pools {
    pub(crate) write: DatabaseConnection,
    pub(crate) read: DatabaseConnection,
}

impl Store {
    /// Opens the database at `address` and brings its tables up to date.
    ///
    /// # Errors
    /// When it cannot be reached, a migration fails, or a newer version has been here.
    pub async fn open(address: &Address) -> Result<Self, StoreError> {
        address.migrate().await?;
        let Pools { write, read } = match address {
            Address::Sqlite(path) => sqlite::open(path).await?,
            Address::Postgres(address) => postgres::open(address).await?,
        };
        Ok(Self { write, read: Cleaned(read) })
    }

    /// Opens the SQLite database at `path`, making and migrating it as needed.
    ///
    /// # Errors
    /// When the file cannot be opened or a migration fails.
    pub async fn open_sqlite(path: &Path) -> Result<Self, StoreError> {
        Self::open(&Address::Sqlite(path.to_owned())).await
    }

    /// Begins a write transaction that has the database to itself: what it reads stays true until it
    /// ends, as far as others begin theirs here, too. Keep it short.
    ///
    /// # Errors
    /// When the database does not answer, or another transaction does not end.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        let tx = self.begin_beside().await?;
        if tx.inner.get_database_backend() == DbBackend::Postgres {
            postgres::take_turn(&tx.inner).await?;
        }
        Ok(tx)
    }

    /// Begins a write transaction beside others: for what touches one row alone, or locks it. On
    /// SQLite it is no other than [`Store::begin`].
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn begin_beside(&self) -> Result<Tx, StoreError> {
        let write = self.write.clone();
        // Of its own, so that it comes to its end: who went away in the middle of it left a connection with
        // a transaction that nobody knows of, and the next statement's work in it.
        let begun = tokio::spawn(async move { write.begin_with_options(sqlite::immediate()).await });
        let inner: DatabaseTransaction = begun.await.map_err(|error| DbErr::Custom(error.to_string()))??;
        Ok(Tx { inner: Cleaned(inner) })
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
        self.read.0.close().await?;
        self.write.close().await?;
        Ok(())
    }
}
