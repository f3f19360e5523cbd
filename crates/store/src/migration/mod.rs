//! Migrations, oldest first. One change a file; identifiers are frozen text, never a live entity.

use sea_orm_migration::prelude::*;

mod m20261121_000001_initial;
mod m20261126_000002_automations;
mod m20261126_000003_workers;
mod m20261126_000004_intent_holders;
mod m20261127_000005_kept_results;
mod m20261127_000006_pools;

/// The list of all migrations.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261121_000001_initial::Migration),
            Box::new(m20261126_000002_automations::Migration),
            Box::new(m20261126_000003_workers::Migration),
            Box::new(m20261126_000004_intent_holders::Migration),
            Box::new(m20261127_000005_kept_results::Migration),
            Box::new(m20261127_000006_pools::Migration),
        ]
    }
}

fn table(name: &str, columns: Vec<ColumnDef>, key: &[&str]) -> TableCreateStatement {
    let mut table = Table::create();
    table.table(Alias::new(name));
    for mut column in columns {
        table.col(&mut column);
    }
    let mut primary = Index::create();
    for column in key {
        primary.col(Alias::new(*column));
    }
    table.primary_key(&mut primary);
    table.to_owned()
}

fn index(table: &str, columns: &[&str], unique: bool) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(format!("{table}_{}", columns.join("_"))).table(Alias::new(table));
    for column in columns {
        index.col(Alias::new(*column));
    }
    if unique {
        index.unique();
    }
    index.to_owned()
}
