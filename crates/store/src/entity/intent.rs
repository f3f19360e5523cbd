//! Table `intents`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "intents")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub run_id: Option<Uuid>,
    pub epoch: i64,
    pub key: String,
    pub work_item: String,
    pub repository: String,
    pub kind: String,
    pub write: String,
    pub state: String,
    pub attempts: i32,
    pub looks: i32,
    pub not_before: DateTimeUtc,
    pub created_at: DateTimeUtc,
    pub finished_at: Option<DateTimeUtc>,
    pub result: Option<String>,
    /// Which dispatcher is at it, and until when nobody else may be.
    pub holder: Option<String>,
    pub held_until: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
