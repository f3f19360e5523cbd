//! What a run's worker made and may not live to publish: where its result bundle is.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, string, uuid};

use super::table;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns =
            vec![uuid("run_id"), string("object"), string("head"), big_integer("bytes"), string("sha256")];
        manager.create_table(table("kept_results", columns, &["run_id"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Alias::new("kept_results")).to_owned()).await
    }
}
