//! The first tables: deliveries and their events, decisions, runs, intents, logs.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, binary, boolean, integer, string, string_null, text, text_null, timestamp_with_time_zone,
    timestamp_with_time_zone_null, uuid, uuid_null,
};

use super::{index, table};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in tables() {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            "threads",
            "run_logs",
            "intents",
            "runs",
            "rule_sets",
            "decisions",
            "events",
            "delivery_keys",
            "deliveries",
        ] {
            manager.drop_table(Table::drop().table(Alias::new(table)).to_owned()).await?;
        }
        Ok(())
    }
}

fn tables() -> Vec<TableCreateStatement> {
    vec![
        table(
            "deliveries",
            vec![
                uuid("id"),
                string("webhook"),
                timestamp_with_time_zone("received_at"),
                string("status"),
                uuid_null("duplicate_of"),
                text_null("error"),
                string_null("rule_set"),
                uuid_null("replay_of"),
                string("trace"),
                text("headers"),
                binary("body"),
            ],
            &["id"],
        ),
        table(
            "delivery_keys",
            vec![string("key"), uuid("delivery_id"), timestamp_with_time_zone("created_at")],
            &["key"],
        ),
        table(
            "events",
            vec![
                uuid("delivery_id"),
                string("type"),
                string_null("work_item"),
                string_null("repository"),
                string_null("actor"),
                text("body"),
            ],
            &["delivery_id"],
        ),
        table(
            "decisions",
            vec![uuid("delivery_id"), string("automation"), string("verdict"), text("detail")],
            &["delivery_id", "automation"],
        ),
        table(
            "rule_sets",
            vec![string("hash"), text("files"), boolean("active"), timestamp_with_time_zone("activated_at")],
            &["hash"],
        ),
        runs(),
        table(
            "intents",
            vec![
                uuid("id"),
                uuid_null("run_id"),
                big_integer("epoch"),
                string("key"),
                string("work_item"),
                string("repository"),
                string("kind"),
                text("write"),
                string("state"),
                integer("attempts"),
                integer("looks"),
                timestamp_with_time_zone("not_before"),
                timestamp_with_time_zone("created_at"),
                timestamp_with_time_zone_null("finished_at"),
                text_null("result"),
            ],
            &["id"],
        ),
        table(
            "run_logs",
            vec![uuid("run_id"), big_integer("seq"), string("part"), big_integer("bytes"), text("lines")],
            &["run_id", "seq"],
        ),
        table(
            "threads",
            vec![
                string("work_item"),
                string("automation"),
                big_integer("comment_id"),
                string("comment_url"),
                boolean("deleted"),
            ],
            &["work_item", "automation"],
        ),
    ]
}

fn runs() -> TableCreateStatement {
    table(
        "runs",
        vec![
            uuid("id"),
            string("automation"),
            uuid("delivery_id"),
            string("work_item"),
            string("repository"),
            string("mode"),
            string("branch"),
            text("input"),
            string("state"),
            string_null("gate"),
            timestamp_with_time_zone_null("due_at"),
            timestamp_with_time_zone_null("wake_at"),
            string_null("step"),
            big_integer("epoch"),
            big_integer("beat"),
            string_null("nonce"),
            string_null("worker"),
            string_null("outcome"),
            text_null("reason"),
            boolean("cancel_requested"),
            integer("workers_lost"),
            timestamp_with_time_zone("created_at"),
            timestamp_with_time_zone_null("started_at"),
            timestamp_with_time_zone_null("finished_at"),
            string("trace"),
            string_null("base_branch"),
            string_null("base"),
            string_null("head"),
            text_null("change"),
            text_null("report"),
            text_null("pull_request"),
        ],
        &["id"],
    )
}

fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        index("runs", &["state", "wake_at"], false),
        index("runs", &["work_item", "state"], false),
        index("runs", &["delivery_id"], false),
        index("runs", &["nonce"], false),
        index("intents", &["key"], true),
        index("intents", &["state", "not_before"], false),
        index("intents", &["run_id"], false),
        index("delivery_keys", &["created_at"], false),
    ]
}
