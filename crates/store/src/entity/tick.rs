//! Table `ticks`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ticks")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub automation_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub tick: DateTimeUtc,
    pub state: String,
    pub at: DateTimeUtc,
    /// JSON: the ids of what it made happen.
    pub deliveries: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
