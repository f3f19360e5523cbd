//! Migrations, oldest first. One change a file; identifiers are frozen text, never a live entity.

use sea_orm_migration::prelude::*;

mod m20261121_000001_initial;

/// The list of all migrations.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(m20261121_000001_initial::Migration)]
    }
}
