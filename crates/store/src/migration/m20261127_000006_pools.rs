//! Pools: which workers get which runs.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::string;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["runs", "workers"] {
            // The version before writes none.
            let mut pool = string("pool");
            pool.default("default");
            let add = Table::alter().table(Alias::new(table)).add_column(pool).to_owned();
            manager.alter_table(add).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["runs", "workers"] {
            let drop = Table::alter().table(Alias::new(table)).drop_column(Alias::new("pool")).to_owned();
            manager.alter_table(drop).await?;
        }
        Ok(())
    }
}
