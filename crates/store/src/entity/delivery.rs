//! Table `deliveries`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "deliveries")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub webhook: String,
    pub received_at: DateTimeUtc,
    pub status: String,
    pub duplicate_of: Option<Uuid>,
    pub error: Option<String>,
    pub rule_set: Option<String>,
    pub replay_of: Option<Uuid>,
    pub trace: String,
    pub headers: String,
    pub body: Vec<u8>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
