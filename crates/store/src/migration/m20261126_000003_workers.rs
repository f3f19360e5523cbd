//! Workers on other machines: who they are, how they prove it, when they were last heard.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer_null, boolean, integer, string, string_null, timestamp_with_time_zone,
    timestamp_with_time_zone_null,
};

use super::table;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = vec![
            string("name"),
            timestamp_with_time_zone("invited_at"),
            string_null("enrolment_hash"),
            timestamp_with_time_zone_null("enrolment_expires_at"),
            boolean("enrolment_used"),
            timestamp_with_time_zone_null("enrolled_at"),
            string_null("credential_hash"),
            timestamp_with_time_zone_null("credential_expires_at"),
            string_null("previous_hash"),
            timestamp_with_time_zone_null("previous_expires_at"),
            timestamp_with_time_zone_null("revoked_at"),
            boolean("draining"),
            timestamp_with_time_zone_null("last_seen_at"),
            integer("slots"),
            string("software"),
            big_integer_null("skew_ms"),
        ];
        manager.create_table(table("workers", columns, &["name"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Alias::new("workers")).to_owned()).await
    }
}
