//! What trusted automations need: groups, budgets, approvals, links, schedules, facts.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, integer, string, string_null, text, text_null, timestamp_with_time_zone,
    timestamp_with_time_zone_null, uuid,
};

use super::{index, table};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (_, column) in run_columns() {
            manager
                .alter_table(Table::alter().table(Alias::new("runs")).add_column(column).to_owned())
                .await?;
        }
        let source = string("source").default("").to_owned();
        manager
            .alter_table(Table::alter().table(Alias::new("rule_sets")).add_column(source).to_owned())
            .await?;
        let own = Query::update()
            .table(Alias::new("runs"))
            .value(Alias::new("root"), Expr::col(Alias::new("work_item")))
            .to_owned();
        manager.execute(own).await?;
        for new in tables() {
            manager.create_table(new).await?;
        }
        for new in indexes() {
            manager.create_index(new).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in [
            "runs_root_state",
            "runs_group_key_state",
            "runs_state_due_at",
            "runs_admitted_at",
            "runs_automation_created_at",
            "runs_head",
        ] {
            manager.drop_index(Index::drop().name(name).table(Alias::new("runs")).to_owned()).await?;
        }
        let drop = Index::drop().name("events_work_item").table(Alias::new("events")).to_owned();
        manager.drop_index(drop).await?;
        for (name, _) in run_columns() {
            let drop = Table::alter().table(Alias::new("runs")).drop_column(Alias::new(name)).to_owned();
            manager.alter_table(drop).await?;
        }
        let source =
            Table::alter().table(Alias::new("rule_sets")).drop_column(Alias::new("source")).to_owned();
        manager.alter_table(source).await?;
        for name in ["instance", "facts", "links", "run_events", "ticks", "timetables", "automation_ids"] {
            manager.drop_table(Table::drop().table(Alias::new(name)).to_owned()).await?;
        }
        Ok(())
    }
}

fn run_columns() -> Vec<(&'static str, ColumnDef)> {
    vec![
        ("root", string("root").default("").to_owned()),
        ("group_key", string("group_key").default("").to_owned()),
        ("group_limit", integer("group_limit").default(1).to_owned()),
        ("depth", integer("depth").default(1).to_owned()),
        ("actor", string_null("actor")),
        ("reserved", big_integer("reserved").default(0).to_owned()),
        ("spent", big_integer("spent").default(0).to_owned()),
        ("spent_now", big_integer("spent_now").default(0).to_owned()),
        ("budget", text_null("budget")),
        ("admitted_at", timestamp_with_time_zone_null("admitted_at")),
        ("approval", text_null("approval")),
        ("cancel_reason", text_null("cancel_reason")),
        ("branch_head", string_null("branch_head")),
    ]
}

fn tables() -> Vec<TableCreateStatement> {
    vec![
        // An automation's id outlives its name (`was:`).
        table(
            "automation_ids",
            vec![string("name"), uuid("id"), timestamp_with_time_zone("since")],
            &["name"],
        ),
        // Since when a timetable is in force; no earlier tick of it fires.
        table(
            "timetables",
            vec![uuid("automation_id"), string("timetable"), timestamp_with_time_zone("activated_at")],
            &["automation_id", "timetable"],
        ),
        // The key is what makes a tick fire once, whoever tries.
        table(
            "ticks",
            vec![
                uuid("automation_id"),
                timestamp_with_time_zone("tick"),
                string("state"),
                timestamp_with_time_zone("at"),
                text("deliveries"),
            ],
            &["automation_id", "tick"],
        ),
        // The events that a run stands for, besides the one it was started by.
        table(
            "run_events",
            vec![uuid("run_id"), uuid("delivery_id"), timestamp_with_time_zone("at")],
            &["run_id", "delivery_id"],
        ),
        table(
            "links",
            vec![string("work_item"), string("root"), string("kind"), timestamp_with_time_zone("created_at")],
            &["work_item"],
        ),
        // What forges answered while a delivery was decided.
        table("facts", vec![uuid("delivery_id"), text("body")], &["delivery_id"]),
        table("instance", vec![integer("row"), string("id")], &["row"]),
    ]
}

fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        index("runs", &["root", "state"], false),
        index("runs", &["group_key", "state"], false),
        index("runs", &["state", "due_at"], false),
        index("runs", &["admitted_at"], false),
        index("runs", &["automation", "created_at"], false),
        index("runs", &["head"], false),
        index("links", &["root"], false),
        index("events", &["work_item"], false),
        index("run_events", &["delivery_id"], false),
        index("automation_ids", &["id"], true),
    ]
}
