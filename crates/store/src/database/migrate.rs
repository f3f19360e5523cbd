//! Which changes of the tables there are, and which were made.

use std::collections::BTreeSet;

use sea_orm::sea_query::{Alias, Query};
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, TransactionTrait};
use sea_orm_migration::{IntoSchemaManagerConnection, MigratorTrait, SchemaManager};

use super::{Address, postgres, sqlite};
use crate::StoreError;
use crate::migration::Migrator;

/// The migrations of this version and of the database, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Migrations {
    /// All of them.
    pub all: Vec<Migration>,
}

/// One change of the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// Its name, which begins with its day.
    pub name: String,
    /// Whether it was made in this database.
    pub applied: bool,
    /// Whether this version knows it; if not, a newer one has been here.
    pub known: bool,
}

impl Migrations {
    /// Those that are to be made.
    pub fn pending(&self) -> impl Iterator<Item = &Migration> {
        self.all.iter().filter(|migration| !migration.applied)
    }

    /// Those that were made.
    pub fn made(&self) -> impl Iterator<Item = &Migration> {
        self.all.iter().filter(|migration| migration.applied)
    }

    /// Those that a newer version made.
    pub fn newer(&self) -> impl Iterator<Item = &Migration> {
        self.all.iter().filter(|migration| !migration.known)
    }
}

impl Address {
    /// Looks which migrations were made; changes nothing. A file that is not there has none.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn migrations(&self) -> Result<Migrations, StoreError> {
        if matches!(self, Self::Sqlite(path) if !path.exists()) {
            return Ok(compare(&BTreeSet::new()));
        }
        let connection = self.connect().await?;
        let found = look(&connection).await;
        connection.close().await?;
        found
    }

    /// Makes the pending migrations, all or none; which ones.
    ///
    /// # Errors
    /// When the database cannot be reached, a newer version has been here, or one fails.
    pub async fn migrate(&self) -> Result<Vec<Migration>, StoreError> {
        self.alone(async |transaction| changed(transaction, None).await).await
    }

    /// Makes or undoes migrations until `newest` is the newest that was made, all or none; which ones.
    /// What is undone goes with what its tables and columns hold. Nobody else may use the database:
    /// for SQLite the caller sees to that.
    ///
    /// # Errors
    /// When there is no such migration, somebody uses the database, it cannot be reached, a newer
    /// version has been here, or one fails.
    pub async fn migrate_to(&self, newest: &str) -> Result<Vec<Migration>, StoreError> {
        if let Self::Postgres(address) = self {
            address.refuse_others().await?;
        }
        self.alone(async |transaction| changed(transaction, Some(newest)).await).await
    }

    /// Undoes the newest `steps` migrations, all or none, with what their tables hold.
    ///
    /// # Errors
    /// When the database cannot be reached, a newer version has been here, or one fails.
    pub async fn revert(&self, steps: u32) -> Result<(), StoreError> {
        self.alone(async |transaction| {
            refuse_newer(&look(transaction).await?)?;
            Ok(Migrator::down(transaction, Some(steps)).await?)
        })
        .await
    }

    async fn connect(&self) -> Result<DatabaseConnection, StoreError> {
        match self {
            Self::Sqlite(path) => sqlite::connect(path, 1).await,
            Self::Postgres(address) => {
                // A pool would keep what went wrong to itself.
                address.greet().await?;
                postgres::migrating(address).await
            }
        }
    }

    /// Does `work` in a transaction of its own while no other process migrates. One that is killed
    /// here leaves the database as it was.
    pub(super) async fn alone<T>(
        &self,
        work: impl AsyncFnOnce(&DatabaseTransaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let connection = self.connect().await?;
        let transaction = connection.begin_with_options(sqlite::immediate()).await?;
        if matches!(self, Self::Postgres(_)) {
            postgres::take_migrations(&transaction).await?;
        }
        let done = work(&transaction).await?;
        transaction.commit().await?;
        connection.close().await?;
        Ok(done)
    }
}

/// Makes all migrations or, with `newest`, makes or undoes them up to that one; those that changed, as
/// they are now.
async fn changed(
    transaction: &DatabaseTransaction,
    newest: Option<&str>,
) -> Result<Vec<Migration>, StoreError> {
    let before = look(transaction).await?;
    refuse_newer(&before)?;
    match newest {
        None => Migrator::up(transaction, None).await?,
        Some(newest) => to(newest, &before, transaction).await?,
    }
    let after = look(transaction).await?;
    Ok(after.all.into_iter().filter(|migration| !before.all.contains(migration)).collect())
}

async fn to(newest: &str, before: &Migrations, transaction: &DatabaseTransaction) -> Result<(), StoreError> {
    let position = before.all.iter().position(|migration| migration.name == newest);
    let position = position.ok_or_else(|| StoreError::NoMigration(newest.to_owned()))?;
    let (kept, later) = before.all.split_at(position + 1);
    let number = |which: &[Migration], applied: bool| {
        let found = which.iter().filter(|migration| migration.applied == applied).count();
        u32::try_from(found).unwrap_or(u32::MAX)
    };
    Migrator::up(transaction, Some(number(kept, false))).await?;
    Migrator::down(transaction, Some(number(later, true))).await?;
    Ok(())
}

fn refuse_newer(found: &Migrations) -> Result<(), StoreError> {
    let newer = found.newer().last();
    newer.map_or(Ok(()), |newer| Err(StoreError::Newer { migration: newer.name.clone() }))
}

async fn look<'c>(connection: impl IntoSchemaManagerConnection<'c>) -> Result<Migrations, StoreError> {
    const TABLE: &str = "seaql_migrations";
    let manager = SchemaManager::new(connection);
    let mut made = BTreeSet::new();
    if manager.has_table(TABLE).await? {
        let names = Query::select().column(Alias::new("version")).from(Alias::new(TABLE)).to_owned();
        for row in manager.get_connection().query_all(&names).await? {
            made.insert(row.try_get("", "version")?);
        }
    }
    Ok(compare(&made))
}

fn compare(made: &BTreeSet<String>) -> Migrations {
    let known: BTreeSet<String> =
        Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect();
    let all = made.union(&known).map(|name| Migration {
        name: name.clone(),
        applied: made.contains(name),
        known: known.contains(name),
    });
    Migrations { all: all.collect() }
}
