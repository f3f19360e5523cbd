//! Several dispatchers: one of them at a time is at a planned write.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{string_null, timestamp_with_time_zone_null};

use super::index;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [string_null("holder"), timestamp_with_time_zone_null("held_until")] {
            let add = Table::alter().table(Alias::new("intents")).add_column(column).to_owned();
            manager.alter_table(add).await?;
        }
        manager.create_index(index("intents", &["work_item", "state"], false)).await?;
        manager.create_index(index("intents", &["held_until"], false)).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in ["intents_work_item_state", "intents_held_until"] {
            manager.drop_index(Index::drop().name(name).table(Alias::new("intents")).to_owned()).await?;
        }
        for name in ["holder", "held_until"] {
            let drop = Table::alter().table(Alias::new("intents")).drop_column(Alias::new(name)).to_owned();
            manager.alter_table(drop).await?;
        }
        Ok(())
    }
}
